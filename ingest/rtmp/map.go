package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	wire "weir/media/rtmp"
	"weir/media/timing"
)

// mapper turns the messages of one publisher into packets for its session. One
// goroutine uses it.
type mapper struct {
	out       *ingest.Collector
	introduce func(encoder string)
	leaveOut  func(video, audio int)
	now       func() time.Time
	clock     timing.Unwrapper // one for all tracks: they share a clock
	video     lane
	sounds    []*lane  // that of track 0 is the first
	others    [2]idSet // tracks that are not taken: video, audio
	meta      metadata
	tags      []wire.Tag // reused
	tolerance ingest.Tolerance
}

// idSet are ids of tracks.
type idSet [256 / 64]uint64

func (s *idSet) add(id uint8)      { s[id/64] |= 1 << (id % 64) }
func (s *idSet) has(id uint8) bool { return s[id/64]>>(id%64)&1 == 1 }
func (s *idSet) len() (n int) {
	for _, x := range s {
		n += bits.OnesCount64(x)
	}
	return n
}

// lane is what is known of one track of a publisher.
type lane struct {
	kind       media.Kind
	id         uint8 // of the track
	sound      int   // its number among the sounds
	fourCC     wire.FourCC
	raw        []byte // configuration as the publisher sent it
	track      *media.Track
	lengthSize int  // bytes before each NAL unit; 0 where there are none
	seen       bool // AV1, VP9: a key frame has told what the track is
}

func newMapper(s ingest.Hold, now func() time.Time) *mapper {
	return &mapper{
		out:       ingest.NewCollector(s),
		introduce: s.Introduce,
		leaveOut:  s.LeaveOut,
		now:       now,
		clock:     timing.Unwrapper{Bits: 32},
		video:     lane{kind: media.Video},
		sounds:    []*lane{{kind: media.Audio}},
	}
}

// message takes one message. What is broken in it is counted and passed over.
// An error ends the stream: a *ingest.StreamError, or the session's own.
func (m *mapper) message(msg wire.Message) error {
	kind, parse := media.Video, wire.AppendVideoTags
	switch msg.Type {
	case wire.TypeVideo:
	case wire.TypeAudio:
		kind, parse = media.Audio, wire.AppendAudioTags
	case wire.TypeData:
		m.metadata(msg.Body)
		return nil
	default:
		return nil
	}
	var err error
	if m.tags, err = parse(m.tags[:0], msg.Body); err != nil {
		err = m.tolerance.Forgive(&ingest.BadMedia{Err: err})
	} else {
		err = m.each(kind, msg.Timestamp)
	}
	clear(m.tags)
	return err
}

// each maps the tags of one message.
func (m *mapper) each(kind media.Kind, timestamp uint32) error {
	ms := m.clock.Unwrap(uint64(timestamp))
	for _, t := range m.tags {
		if err := m.tolerance.Forgive(m.tag(kind, t, ms)); err != nil {
			return err
		}
	}
	return nil
}

// tag maps one. The picture with id 0 is taken, and the first few sounds of which that
// with id 0 is one; the session hears of the others.
func (m *mapper) tag(kind media.Kind, t wire.Tag, ms int64) error {
	c, ok := codecOf(t.FourCC)
	ok = ok && c.Kind() == kind
	if !ok && t.Track == 0 {
		return unsupported(kind, t)
	}
	l := m.laneOf(kind, t.Track, ok)
	switch {
	case l == nil:
		m.passOver(kind, t.Track)
		return nil
	case !ok:
		return &ingest.BadMedia{Err: unsupported(kind, t)}
	case t.Packet == wire.SequenceStart:
		return m.configure(l, c, t)
	case t.Packet == wire.CodedFrames:
		return m.frame(l, c, t, ms)
	}
	return nil
}

// laneOf is the lane of a track, nil where it is not taken; with open it is, if there is
// room for it.
func (m *mapper) laneOf(kind media.Kind, id uint8, open bool) *lane {
	if kind == media.Video {
		if id == 0 {
			return &m.video
		}
		return nil
	}
	for _, l := range m.sounds {
		if l.id == id {
			return l
		}
	}
	if !open || len(m.sounds) == media.MaxSounds {
		return nil
	}
	l := &lane{kind: kind, id: id, sound: len(m.sounds)}
	m.sounds = append(m.sounds, l)
	return l
}

// passOver tells the session of a track that is not taken.
func (m *mapper) passOver(kind media.Kind, id uint8) {
	if other := &m.others[kind-media.Video]; !other.has(id) {
		other.add(id)
		m.leaveOut(m.others[0].len(), m.others[1].len())
	}
}

// hasBoth tells whether the publisher sends a picture and sound.
func (m *mapper) hasBoth() bool {
	return m.video.track != nil && slices.ContainsFunc(m.sounds, func(l *lane) bool { return l.track != nil })
}

// configure makes the lane's track. The same configuration once more changes
// nothing, so that the track keeps its pointer.
func (m *mapper) configure(l *lane, c media.Codec, t wire.Tag) error {
	if l.track != nil && l.fourCC == t.FourCC && bytes.Equal(l.raw, t.Body) {
		return nil
	}
	config, lengthSize, err := decoderConfig(c, t.Body)
	if err != nil {
		return &ingest.BadMedia{Err: err}
	}
	track, err := codec.NewTrack(c, config)
	if errors.Is(err, codec.ErrTooLarge) {
		return &ingest.StreamError{Words: "this picture is too large for so many reference frames: lower one of them in the encoder", Err: err}
	}
	if err != nil {
		return &ingest.BadMedia{Err: err}
	}
	m.meta.complete(l, track)
	l.fourCC, l.raw, l.track, l.lengthSize, l.seen = t.FourCC, bytes.Clone(t.Body), track, lengthSize, false
	m.tolerance.Good()
	if looks(c) {
		return nil // the first key frame knows better
	}
	m.out.Know(l.sound, track)
	return nil
}

// frame hands one access unit or audio frame on.
func (m *mapper) frame(l *lane, c media.Codec, t wire.Tag, ms int64) error {
	if len(t.Body) == 0 {
		return nil // silence, as some encoders write it
	}
	if l.track == nil && !needsConfig(c) || l.track != nil && l.track.Codec != c {
		if err := m.configure(l, c, wire.Tag{FourCC: t.FourCC}); err != nil {
			return err
		}
	}
	if l.track == nil {
		return &ingest.BadMedia{Err: fmt.Errorf("%v before its configuration", c)}
	}
	data, key, err := m.accessUnit(l, t)
	if err != nil {
		return err
	}
	if looks(c) && !l.seen {
		return &ingest.BadMedia{Err: fmt.Errorf("%v before its first key frame", c)}
	}
	dts := media.FromScale(ms, 1000) + media.FromDuration(time.Duration(t.Nanos))
	p := &media.Packet{
		Track: l.track,
		Sound: l.sound,
		DTS:   dts,
		PTS:   dts + media.Time(t.CTS)*media.Millisecond,
		Key:   key,
		Wall:  m.now(),
		Data:  data,
	}
	m.tolerance.Good()
	return m.out.Write(p)
}

// decoderConfig brings a configuration into the form that media.Track has, for
// NAL units with 4-byte lengths, and tells how long the lengths are on the wire.
func decoderConfig(c media.Codec, raw []byte) (config []byte, lengthSize int, err error) {
	config = bytes.Clone(raw)
	at := -1
	switch c {
	case media.H264:
		at = 4 // ISO/IEC 14496-15 5.3.3.1.2: lengthSizeMinusOne
	case media.H265:
		at = 21 // 8.3.3.1.2
	case media.Opus:
		config, err = opusConfig(raw)
		return config, 0, err
	}
	if at < 0 {
		return config, 0, nil
	}
	if len(config) <= at {
		return nil, 0, fmt.Errorf("%v configuration: %w", c, codec.ErrTruncated)
	}
	lengthSize = int(config[at]&3) + 1
	config[at] |= 3
	return config, lengthSize, nil
}

// opusConfig turns the ID header of Opus in Ogg (RFC 7845 5.1), which Enhanced
// RTMP sends, into the fields of a dOps box: other byte order, version 0.
func opusConfig(raw []byte) ([]byte, error) {
	h, ok := bytes.CutPrefix(raw, []byte("OpusHead"))
	if !ok || len(h) < 11 {
		return nil, fmt.Errorf("opus header: %w", codec.ErrInvalid)
	}
	b := []byte{0, h[1]}
	b = binary.BigEndian.AppendUint16(b, binary.LittleEndian.Uint16(h[2:]))
	b = binary.BigEndian.AppendUint32(b, binary.LittleEndian.Uint32(h[4:]))
	b = binary.BigEndian.AppendUint16(b, binary.LittleEndian.Uint16(h[8:]))
	return append(b, h[10:]...), nil
}

// codecOf is the codec of a FourCC.
func codecOf(f wire.FourCC) (media.Codec, bool) {
	switch f {
	case wire.FourCCAVC:
		return media.H264, true
	case wire.FourCCHEVC:
		return media.H265, true
	case wire.FourCCAV1:
		return media.AV1, true
	case wire.FourCCVP8:
		return media.VP8, true
	case wire.FourCCVP9:
		return media.VP9, true
	case wire.FourCCAAC:
		return media.AAC, true
	case wire.FourCCOpus:
		return media.Opus, true
	case wire.FourCCMP3:
		return media.MP3, true
	case wire.FourCCAC3:
		return media.AC3, true
	case wire.FourCCEAC3:
		return media.EAC3, true
	case wire.FourCCFLAC:
		return media.FLAC, true
	}
	return 0, false
}

// needsConfig tells whether frames of c mean nothing without a configuration.
func needsConfig(c media.Codec) bool {
	return c != media.MP3 && c != media.AC3 && c != media.EAC3 && c != media.VP8
}

func unsupported(k media.Kind, t wire.Tag) error {
	name := fmt.Sprintf("number %d of FLV", t.Classic)
	if t.FourCC != 0 {
		name = t.FourCC.String()
	}
	want := "H.264"
	if k == media.Audio {
		want = "AAC"
	}
	return &ingest.StreamError{Words: fmt.Sprintf("%v codec %s is not supported, send %s", k, name, want)}
}
