package rtsp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpac3"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	"weir/media/frames"
	wire "weir/media/rtsp"
	"weir/media/timing"
)

// lane is one picture or sound of a publisher. One goroutine uses it.
type lane struct {
	codec  media.Codec
	number int // among the sounds; 0 for the picture
	told   wire.Told
	clock  timing.RTP
	track  *media.Track // nil: the first key frame, or frame, tells
	config []byte       // that track was made of
	shown  bool         // the session knows track

	// of pictures
	frames frames.Assembler
	sets   codec.Sets // newest parameter sets that came without a picture
	order  timing.Reorder
	waits  bool // something was lost: for the next key frame

	// of sound
	unpack func(*rtp.Packet) ([][]byte, error) // payload to frames
	step   int64                               // units of the clock from one frame of a packet to the next
}

// maxMedias bounds what a publisher may announce.
const maxMedias = 16

// announced are the lanes of a description, by their formats: the first picture and the
// first few sounds. body is the text of it. The error is an *ingest.StreamError.
func announced(medias []*description.Media, body []byte) (lanes map[format.Format]*lane, err error) {
	if len(medias) > maxMedias {
		return nil, &ingest.StreamError{Words: fmt.Sprintf("%d media are announced, at most %d can be", len(medias), maxMedias)}
	}
	lanes = make(map[format.Format]*lane)
	told := wire.Medias(body)
	taken := map[media.Kind]int{}
	for i, m := range medias {
		kind, want, most := media.Video, "H.264 or H.265", 1
		switch m.Type {
		case description.MediaTypeVideo:
		case description.MediaTypeAudio:
			kind, want, most = media.Audio, "AAC or Opus", media.MaxSounds
		default:
			continue // data of any kind
		}
		if taken[kind] == most || m.IsBackChannel {
			continue
		}
		f, l := first(m.Formats)
		switch fits := l != nil && l.codec.Kind() == kind; {
		case !fits && taken[kind] > 0:
			continue
		case !fits:
			return nil, &ingest.StreamError{Words: fmt.Sprintf("%v codec %s is not supported, send %s", kind, nameOf(m.Formats), want)}
		}
		l.number = taken[kind]
		if kind == media.Audio && i < len(told) {
			l.tell(told[i])
		}
		taken[kind]++
		lanes[f] = l
	}
	if len(lanes) == 0 {
		return nil, &ingest.StreamError{Words: "neither a picture nor sound is announced"}
	}
	return lanes, nil
}

// tell notes what a description says of a sound.
func (l *lane) tell(t wire.Told) {
	l.told = wire.Told{Language: media.Language(t.Language), Title: ingest.Label(t.Title)}
	if l.track != nil {
		l.track.Language, l.track.Label = l.told.Language, l.told.Title
	}
}

// spare is how many pictures and sounds a description has beside those of the lanes.
func spare(medias []*description.Media, lanes map[format.Format]*lane) (video, audio int) {
	for _, m := range medias {
		switch {
		case m.IsBackChannel:
		case m.Type == description.MediaTypeVideo:
			video++
		case m.Type == description.MediaTypeAudio:
			audio++
		}
	}
	for _, l := range lanes {
		if l.codec.Kind() == media.Video {
			video--
		} else {
			audio--
		}
	}
	return video, audio
}

// first is the first of some formats that can be taken.
func first(list []format.Format) (format.Format, *lane) {
	for _, f := range list {
		if l := newLane(f); l != nil {
			return f, l
		}
	}
	return nil, nil
}

// nameOf is what the first format calls itself, for people.
func nameOf(list []format.Format) string {
	if len(list) == 0 {
		return "of no format"
	}
	if name, _, _ := strings.Cut(list[0].RTPMap(), "/"); name != "" {
		return name
	}
	switch list[0].(type) {
	case *format.MPEG1Video:
		return "MPEG video"
	case *format.MJPEG:
		return "MJPEG"
	}
	return fmt.Sprintf("of payload type %d", list[0].PayloadType())
}

// newLane is nil for a format that cannot be taken.
func newLane(f format.Format) *lane {
	l := &lane{clock: timing.RTP{Rate: int64(f.ClockRate())}}
	if l.clock.Rate < 1000 || l.clock.Rate > 1_000_000 {
		return nil
	}
	ok := false
	switch f := f.(type) {
	case *format.H264:
		l.codec, l.sets = media.H264, codec.Sets{SPS: some(f.SPS), PPS: some(f.PPS)}
		l.frames.Fresh, ok = func() rtp.Depacketizer { return &codecs.H264Packet{} }, true
	case *format.H265:
		l.codec, l.sets = media.H265, codec.Sets{VPS: some(f.VPS), SPS: some(f.SPS), PPS: some(f.PPS)}
		l.frames.Fresh, ok = func() rtp.Depacketizer { return &codecs.H265Depacketizer{} }, f.MaxDONDiff == 0
	case *format.MPEG4Audio:
		ok = l.aac(f)
	case *format.MPEG4AudioLATM:
		ok = l.latm(f)
	case *format.Opus:
		l.track, ok = opusTrack(f.ChannelCount), f.ChannelCount == 1 || f.ChannelCount == 2
		l.unpack = whole
	case *format.G711:
		c := media.PCMA
		if f.MULaw {
			c = media.PCMU
		}
		l.track, ok = &media.Track{Kind: media.Audio, Codec: c, SampleRate: f.SampleRate, Channels: f.ChannelCount}, f.ChannelCount == 1 || f.ChannelCount == 2
		l.unpack = whole
	case *format.MPEG1Audio:
		d := &rtpmpeg1audio.Decoder{}
		l.codec, ok = media.MP2, d.Init() == nil
		l.unpack = d.Decode
	case *format.AC3:
		d := &rtpac3.Decoder{}
		l.track, ok = &media.Track{Kind: media.Audio, Codec: media.AC3, SampleRate: f.SampleRate, Channels: f.ChannelCount}, d.Init() == nil
		l.unpack, l.step = d.Decode, 1536
	}
	if !ok {
		return nil
	}
	if l.track != nil {
		l.codec = l.track.Codec
	}
	return l
}

// some is a list of one, or none for nothing.
func some(b []byte) [][]byte {
	if len(b) == 0 {
		return nil
	}
	return [][]byte{b}
}

// whole takes a payload for a frame.
func whole(p *rtp.Packet) ([][]byte, error) {
	if len(p.Payload) == 0 {
		return nil, nil
	}
	return [][]byte{p.Payload}, nil
}

func opusTrack(channels int) *media.Track {
	return &media.Track{
		Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: channels,
		Config: codec.BuildDOps(codec.OpusInfo{Channels: channels, PreSkip: 312, InputRate: 48000}),
	}
}

// aac makes l one of AAC (RFC 3640); false: it cannot be.
func (l *lane) aac(f *format.MPEG4Audio) bool {
	config, err := f.Config.Marshal()
	if err != nil || !l.configureAAC(config) {
		return false
	}
	d := &rtpmpeg4audio.Decoder{SizeLength: f.SizeLength, IndexLength: f.IndexLength, IndexDeltaLength: f.IndexDeltaLength}
	if d.Init() != nil {
		return false
	}
	l.unpack = d.Decode
	return true
}

// configureAAC takes the AudioSpecificConfig of a description; false: it cannot be taken.
func (l *lane) configureAAC(config []byte) bool {
	info, err := codec.ParseASC(config)
	if err != nil {
		return false
	}
	l.track, err = codec.NewTrack(media.AAC, config)
	l.step = int64(info.FrameSamples)
	return err == nil
}

// incomplete tells whether an error of unpack only says that the frame goes on.
func incomplete(err error) bool {
	return errors.Is(err, rtpmpeg4audio.ErrMorePacketsNeeded) || errors.Is(err, rtpmpeg1audio.ErrMorePacketsNeeded) ||
		errors.Is(err, rtpmpeg1audio.ErrNonStartingPacketAndNoPrevious) || errors.Is(err, rtpac3.ErrMorePacketsNeeded) ||
		errors.Is(err, rtpac3.ErrNonStartingPacketAndNoPrevious)
}

// learn makes the track of MPEG audio out of the head of a frame, unless it is that
// already.
func (l *lane) learn(data []byte) error {
	if l.codec != media.MP2 && l.codec != media.MP3 {
		return nil
	}
	var h mpeg1audio.FrameHeader
	if err := h.Unmarshal(data); err != nil {
		return err
	}
	t := media.Track{Kind: media.Audio, Codec: media.MP2, SampleRate: h.SampleRate, Channels: 2, Language: l.told.Language, Label: l.told.Title}
	if h.Layer == 3 {
		t.Codec = media.MP3
	}
	if h.ChannelMode == mpeg1audio.ChannelModeMono {
		t.Channels = 1
	}
	if old := l.track; old == nil || old.Codec != t.Codec || old.SampleRate != t.SampleRate || old.Channels != t.Channels {
		l.track, l.codec, l.shown = &t, t.Codec, false
	}
	l.step = int64(h.SampleCount()) * l.clock.Rate / int64(h.SampleRate)
	return nil
}
