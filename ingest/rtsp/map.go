package rtsp

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	"weir/media/frames"
	"weir/media/timing"
)

// mapper brings the lanes of a publisher into its session. One goroutine uses it.
type mapper struct {
	out       *ingest.Collector
	began     time.Time // zero of the connection's clock
	picture   *lane     // may be nil
	sounds    []*lane   // in order
	heard     time.Time // when the last frame of use came
	scratch   []byte
	tolerance ingest.Tolerance
}

// newMapper begins at a time; the lanes are all of one publisher.
func newMapper(out ingest.Writer, began time.Time, lanes []*lane) *mapper {
	m := &mapper{out: ingest.NewCollector(out), began: began, heard: began}
	for _, l := range lanes {
		if l.codec.Kind() == media.Video {
			m.picture = l
		} else {
			m.sounds = append(m.sounds, l)
		}
	}
	slices.SortFunc(m.sounds, func(a, b *lane) int { return a.number - b.number })
	m.out.Expect(m.picture != nil, len(m.sounds))
	return m
}

// report takes a sender report.
func (m *mapper) report(l *lane, r *rtcp.SenderReport) { l.clock.Hear(r.NTPTime, r.RTPTime) }

// packet takes one packet of a lane, in the order in which they came. What is broken in
// it is counted and passed over. An error ends the stream: a *ingest.StreamError, or the
// session's own.
func (m *mapper) packet(l *lane, p *rtp.Packet, at time.Time) error {
	if l.codec.Kind() == media.Audio {
		return m.tolerance.Forgive(m.heardSound(l, p, at))
	}
	var err error
	l.frames.Push(p, at, func(f frames.Frame) {
		if err == nil {
			err = m.tolerance.Forgive(m.seen(l, f))
		}
	})
	return err
}

// place is the time of a stamp on the connection's clock.
func (m *mapper) place(l *lane, stamp uint32, arrived time.Time) media.Time {
	var other *timing.RTP
	switch lead := m.lead(); {
	case l != lead:
		other = &lead.clock
		l.clock.Follow(other)
	case l == m.picture && len(m.sounds) > 0:
		other = &m.sounds[0].clock
	}
	return l.clock.Place(stamp, media.FromDuration(arrived.Sub(m.began)), other)
}

// lead is the lane that the others follow.
func (m *mapper) lead() *lane {
	if m.picture != nil {
		return m.picture
	}
	return m.sounds[0]
}

// seen hands a picture on.
func (m *mapper) seen(l *lane, f frames.Frame) error {
	m.scratch = codec.AppendLengthPrefixed(m.scratch[:0], f.Data)
	data, sets := codec.Strip(l.codec, m.scratch)
	l.keep(sets)
	if len(data) == 0 {
		return nil
	}
	pts := m.place(l, f.At, f.Wall)
	key := codec.IsKey
	if l.codec == media.H265 {
		key = codec.IsKeyHEVC
	}
	p := &media.Packet{Key: key(data), PTS: pts, Wall: f.Wall, Data: data}
	l.waits = (l.waits || f.Lost) && !p.Key
	if l.waits {
		m.tolerance.Dropped++
		return nil
	}
	if p.Key {
		if err := l.configure(); err != nil {
			return err
		}
	}
	if l.track == nil {
		return nil // before the first key frame
	}
	p.Track, p.DTS = l.track, l.order.Next(pts)
	return m.write(l, p)
}

// keep remembers parameter sets: they may come in a packet of their own, or only with the
// description.
func (l *lane) keep(s codec.Sets) {
	for _, x := range []struct{ from, to *[][]byte }{{&s.VPS, &l.sets.VPS}, {&s.SPS, &l.sets.SPS}, {&s.PPS, &l.sets.PPS}} {
		if len(*x.from) == 0 {
			continue
		}
		list := make([][]byte, len(*x.from))
		for i, set := range *x.from {
			list[i] = bytes.Clone(set)
		}
		*x.to = list
	}
}

// configure makes the track of a picture of the newest parameter sets, unless it is that
// already.
func (l *lane) configure() error {
	config := l.sets.Config(l.codec)
	if config == nil || l.track != nil && bytes.Equal(config, l.config) {
		return nil
	}
	t, err := codec.NewTrack(l.codec, config)
	if errors.Is(err, codec.ErrTooLarge) {
		return &ingest.StreamError{Words: "this picture is too large for so many reference frames: lower one of them in the encoder", Err: err}
	}
	if err != nil {
		return &ingest.BadMedia{Err: err}
	}
	l.track, l.config, l.shown = t, config, false
	l.order.Interval = t.FrameRate.Interval()
	if n, known := codec.Reordered(t); known {
		l.order.Depth = n
	}
	return nil
}

// heardSound hands the frames of a packet of sound on.
func (m *mapper) heardSound(l *lane, p *rtp.Packet, arrived time.Time) error {
	list, err := l.unpack(p)
	if incomplete(err) {
		return nil
	}
	if err != nil {
		return &ingest.BadMedia{Err: err}
	}
	if len(list) == 0 {
		return nil
	}
	at := m.place(l, p.Timestamp, arrived)
	for i, data := range list {
		if err := l.learn(data); err != nil {
			return &ingest.BadMedia{Err: err}
		}
		t := at + media.FromScale(int64(i)*l.step, l.clock.Rate)
		err := m.write(l, &media.Packet{Track: l.track, Sound: l.number, DTS: t, PTS: t, Key: true, Wall: arrived, Data: data})
		if err != nil {
			return err
		}
	}
	return nil
}

// write gives a packet to the session, and its track before the first.
func (m *mapper) write(l *lane, p *media.Packet) error {
	if !l.shown {
		l.shown = true
		m.out.Know(l.number, l.track)
	}
	m.tolerance.Good()
	m.heard = p.Wall
	return m.out.Write(p)
}
