package mediatest

import (
	"encoding/binary"
	"iter"
	"time"

	"weir/media"
)

// AACFrame is the number of samples in a frame of the audio track.
const AACFrame = 1024

// Source describes a publisher. The zero value is 1280x720 at 30 frames a
// second, a key frame every second, 1 Mbit/s, no B-frames, no audio, starting at
// 0. A Source is not changed by its methods, but Tracks are made once, so that
// it must not be copied after first use or shared between goroutines.
type Source struct {
	Width, Height int
	FrameRate     media.Rational // of the frames' times
	Rate          media.Rational // in the track; 0 means FrameRate
	GOPs          []int          // frames from key to key, repeated in this order
	BFrames       int            // between two P-frames
	Bitrate       int            // bit/s, video

	SampleRate   int // Hz; 0 means no audio
	Channels     int // 0 means 2
	AudioBitrate int // bit/s; 0 means 128,000
	NoVideo      bool

	Start         media.Time // DTS of the first packets
	Epoch         time.Time  // wall clock of Time 0; zero leaves Wall zero
	Discontinuity bool       // mark the first packet of each track
	Variable      bool       // Duration stays unknown
	Unmarked      bool       // no KeyBoundary at key frames
	Delayed       bool       // PTS as encoders send it: never before DTS

	video, audio *media.Track
}

// Tracks are the tracks of the source, video first: the same pointers each time.
func (s *Source) Tracks() []*media.Track {
	if s.video == nil && !s.NoVideo {
		rate := s.Rate
		if rate.Num == 0 {
			rate = s.rate()
		}
		w, h := s.Width, s.Height
		if w == 0 {
			w, h = 1280, 720
		}
		s.video = Video(w, h, rate, s.BFrames > 0)
	}
	if s.audio == nil && s.SampleRate > 0 {
		s.audio = Audio(s.SampleRate, or(s.Channels, 2))
	}
	var tracks []*media.Track
	for _, t := range [...]*media.Track{s.video, s.audio} {
		if t != nil {
			tracks = append(tracks, t)
		}
	}
	return tracks
}

// Packets are the packets of the first d of the source, in the order of All.
func (s *Source) Packets(d media.Time) []*media.Packet {
	var list []*media.Packet
	for p := range s.All() {
		if p.DTS-s.Start >= d {
			break
		}
		list = append(list, p)
	}
	return list
}

// All yields packets for ever, ordered by DTS, video before audio. Each call
// begins anew with the same packets in new memory.
func (s *Source) All() iter.Seq[*media.Packet] {
	tracks := s.Tracks()
	return func(yield func(*media.Packet) bool) {
		if len(tracks) == 0 {
			return
		}
		v := gop{source: s}
		var video, audio *media.Packet
		sample := 0
		for {
			if video == nil && s.video != nil {
				video = v.next()
			}
			if audio == nil && s.audio != nil {
				audio = s.frame(sample)
				sample++
			}
			next := &video
			if video == nil || audio != nil && audio.DTS < video.DTS {
				next = &audio
			}
			if !yield(*next) {
				return
			}
			*next = nil
		}
	}
}

func (s *Source) rate() media.Rational {
	if s.FrameRate.Num == 0 {
		return media.Rational{Num: 30, Den: 1}
	}
	return s.FrameRate
}

// finish fills in what all packets have.
func (s *Source) finish(p *media.Packet, n int, d media.Time) *media.Packet {
	p.Discontinuity = s.Discontinuity && n == 0
	if !s.Variable {
		p.Duration = d
	}
	if !s.Epoch.IsZero() {
		p.Wall = s.Epoch.Add(p.DTS.Duration())
	}
	return p
}

// frame is audio frame n.
func (s *Source) frame(n int) *media.Packet {
	at := media.FromScale(int64(n)*AACFrame, int64(s.SampleRate))
	end := media.FromScale(int64(n+1)*AACFrame, int64(s.SampleRate))
	size := max(8, or(s.AudioBitrate, 128_000)*AACFrame/s.SampleRate/8)
	p := &media.Packet{Track: s.audio, DTS: s.Start + at, PTS: s.Start + at, Key: true, Data: make([]byte, size)}
	noise(p.Data, uint32(n)^0xa0d10)
	if s.video == nil && !s.Unmarked && (n == 0 || at/media.Second != (at-(end-at))/media.Second) {
		p.Boundary = media.KeyBoundary
	}
	return s.finish(p, n, end-at)
}

// gop walks the video frames in decode order.
type gop struct {
	source *Source
	n      int // frames so far
	index  int // in the group of pictures
	length int
	groups int
}

func (g *gop) next() *media.Packet {
	s := g.source
	if g.index == g.length {
		g.index, g.length = 0, max(1, int(s.rate().Float()+0.5))
		if len(s.GOPs) > 0 {
			g.length = max(1, s.GOPs[g.groups%len(s.GOPs)])
		}
		g.groups++
	}
	at, end := s.at(g.n), s.at(g.n+1)
	shown := g.n - g.index + g.display()
	if s.Delayed && s.BFrames > 0 {
		shown++
	}
	p := &media.Packet{Track: s.video, DTS: s.Start + at, PTS: s.Start + s.at(shown), Key: g.index == 0}
	if p.Key && !s.Unmarked {
		p.Boundary = media.KeyBoundary
	}
	size := or(s.Bitrate, 1_000_000) * s.rate().Den / s.rate().Num / 8
	p.Data = s.unit(p.Key, max(16, g.share(size)), g.n)
	g.n++
	g.index++
	return s.finish(p, g.n-1, end-at)
}

// at is the time of frame n from the start.
func (s *Source) at(n int) media.Time {
	r := s.rate()
	return media.Time(int64(n) * int64(r.Den) * media.TicksPerSecond / int64(r.Num))
}

// display is the place of the frame in its group in presentation order: every
// P-frame is decoded before the B-frames that are shown before it.
func (g *gop) display() int {
	if g.index == 0 {
		return 0
	}
	run := g.source.BFrames + 1
	first := 1 + (g.index-1)/run*run
	if g.index > first {
		return g.index - 1
	}
	return min(first+run, g.length) - 1
}

// share gives key frames four times the size of others, so that a whole group
// has the mean size.
func (g *gop) share(mean int) int {
	other := mean * g.length / (g.length + 3)
	if g.index == 0 {
		return 4 * other
	}
	return other
}

// unit is an access unit of about size bytes with 4-byte lengths; key frames
// begin with their parameter sets.
func (s *Source) unit(key bool, size, n int) []byte {
	b := make([]byte, 0, size+64)
	header := byte(0x41)
	if key {
		header = 0x65
		sps := SPS(s.video.Width, s.video.Height, s.video.FrameRate, s.video.Reorder)
		for _, nal := range [...][]byte{sps, PPS()} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(nal)))
			b = append(b, nal...)
		}
	}
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = append(b, header)
	at := len(b)
	b = append(b, make([]byte, size-1)...)
	noise(b[at:], uint32(n))
	return b
}

// noise fills b with bytes of which none is 0, so that no start code appears.
func noise(b []byte, seed uint32) {
	x := seed*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x>>24) | 0x10
	}
}

func or(v, fallback int) int {
	if v == 0 {
		return fallback
	}
	return v
}
