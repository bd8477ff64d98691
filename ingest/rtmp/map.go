package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
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
	out          *ingest.Collector
	introduce    func(encoder string)
	leaveOut     func(video, audio int)
	now          func() time.Time
	clock        timing.Unwrapper // one for both kinds: they share a clock
	video, audio lane
	meta         metadata
	tags         []wire.Tag // reused
	tolerance    ingest.Tolerance
}

// lane is what is known of the video or the audio of a publisher.
type lane struct {
	kind       media.Kind
	fourCC     wire.FourCC
	raw        []byte // configuration as the publisher sent it
	track      *media.Track
	lengthSize int     // bytes before each NAL unit; 0 where there are none
	seen       bool    // AV1, VP9: a key frame has told what the track is
	others     []uint8 // ids of further tracks, which are not taken
}

func newMapper(s ingest.Hold, now func() time.Time) *mapper {
	return &mapper{
		out:       ingest.NewCollector(s),
		introduce: s.Introduce,
		leaveOut:  s.LeaveOut,
		now:       now,
		clock:     timing.Unwrapper{Bits: 32},
		video:     lane{kind: media.Video},
		audio:     lane{kind: media.Audio},
	}
}

// message takes one message. What is broken in it is counted and passed over.
// An error ends the stream: a *ingest.StreamError, or the session's own.
func (m *mapper) message(msg wire.Message) error {
	l, parse := &m.video, wire.AppendVideoTags
	switch msg.Type {
	case wire.TypeVideo:
	case wire.TypeAudio:
		l, parse = &m.audio, wire.AppendAudioTags
	case wire.TypeData:
		m.metadata(msg.Body)
		return nil
	default:
		return nil
	}
	var err error
	if m.tags, err = parse(m.tags[:0], msg.Body); err != nil {
		err = &ingest.BadMedia{Err: err}
	} else {
		err = m.each(l, msg.Timestamp)
	}
	clear(m.tags)
	return m.tolerance.Forgive(err)
}

// each maps the tags of one message. Of several tracks of a kind only the first,
// which has id 0, is taken; the session hears of the others.
func (m *mapper) each(l *lane, timestamp uint32) error {
	ms := m.clock.Unwrap(uint64(timestamp))
	for _, t := range m.tags {
		if t.Track != 0 {
			if !slices.Contains(l.others, t.Track) {
				l.others = append(l.others, t.Track)
				m.leaveOut(len(m.video.others), len(m.audio.others))
			}
			continue
		}
		c, ok := codecOf(t.FourCC)
		if !ok || c.Kind() != l.kind {
			return unsupported(l.kind, t)
		}
		var err error
		switch t.Packet {
		case wire.SequenceStart:
			err = m.configure(l, c, t)
		case wire.CodedFrames:
			err = m.frame(l, c, t, ms)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
	m.meta.complete(track)
	l.fourCC, l.raw, l.track, l.lengthSize, l.seen = t.FourCC, bytes.Clone(t.Body), track, lengthSize, false
	m.tolerance.Good()
	if looks(c) {
		return nil // the first key frame knows better
	}
	return m.out.Know(track)
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
