package srt

import (
	"errors"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/mpegts"
)

// mapper hands what is found in a transport stream to a session. One goroutine uses it.
type mapper struct {
	in       *mpegts.Demuxer
	out      *ingest.Collector
	now      func() time.Time
	leaveOut func(video, audio int)

	packets uint64 // handed on, or held back until the tracks are known
	dropped uint64 // of no use
}

var _ mpegts.Handler = (*mapper)(nil)

func newMapper(s ingest.Hold, now func() time.Time) *mapper {
	m := &mapper{out: ingest.NewCollector(s), now: now, leaveOut: s.LeaveOut}
	m.in = mpegts.New(0, m)
	return m
}

// Streams is mpegts.Handler.
func (m *mapper) Streams(video bool, sounds int) error {
	m.out.Expect(video, sounds)
	m.leaveOut(m.in.Spare())
	return nil
}

// Track is mpegts.Handler.
func (m *mapper) Track(sound int, t *media.Track) error {
	m.out.Know(sound, t)
	return nil
}

// Packet is mpegts.Handler.
func (m *mapper) Packet(p *media.Packet) error {
	p.Wall = m.now()
	err := m.out.Write(p)
	if bad := (*ingest.BadMedia)(nil); errors.As(err, &bad) {
		m.dropped++
		return nil
	}
	m.packets++
	return err
}

// words makes an error of the demuxer one that is meant for the publisher.
func (m *mapper) words(err error) error {
	var foreign *mpegts.UnsupportedError
	if errors.As(err, &foreign) {
		return &ingest.StreamError{Words: foreign.What}
	}
	return err
}
