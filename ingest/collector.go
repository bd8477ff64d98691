package ingest

import (
	"errors"

	"weir/media"
)

// Bounds of what is held back until it is known which tracks a publisher has.
const (
	collectTime    = media.Second // of one kind alone: then the other will not come
	collectPackets = 512
	collectBytes   = 8 << 20
)

// Writer is what a Collector fills: the part of a Publisher that takes media.
type Writer interface {
	Start(tracks []*media.Track) error // once, video first, before Write
	Write(p *media.Packet) error
}

// Collector starts a publisher's session when its tracks are known and hands packets
// on, first those that came before. One goroutine uses it.
type Collector struct {
	out          Writer
	video, audio *media.Track // newest; after the start: those that it was told of
	said         [2]bool      // what will come is told, see Expect: video, audio
	begun        bool
	held         []*media.Packet
	heldBytes    int
}

// NewCollector starts and fills out.
func NewCollector(out Writer) *Collector { return &Collector{out: out} }

// Expect says which kinds of track there will be; with neither, as before, that is
// unknown, and the first second of media tells.
func (c *Collector) Expect(video, audio bool) { c.said = [2]bool{video, audio} }

// Know tells of a track that was configured. The error is a *StreamError, or Write's.
func (c *Collector) Know(t *media.Track) error {
	if c.begun {
		return nil // its packets will show it
	}
	slot := &c.video
	if t.Kind == media.Audio {
		slot = &c.audio
	}
	if *slot == nil || !c.holds(t.Kind) {
		*slot = t
	}
	return c.startIf(c.complete())
}

// holds tells whether packets of a kind are held back; the start has to be told
// of their track then, and not of one that followed it.
func (c *Collector) holds(k media.Kind) bool {
	for _, p := range c.held {
		if p.Kind() == k {
			return true
		}
	}
	return false
}

// complete tells whether no more kinds are to be expected.
func (c *Collector) complete() bool {
	switch {
	case c.video != nil && c.audio != nil:
		return true
	case c.video != nil:
		return c.said[0] && !c.said[1]
	case c.audio != nil:
		return c.said[1] && !c.said[0]
	}
	return false
}

// Write hands p on or holds it back. A kind that first comes after the start is
// not taken: the error is a *BadMedia.
func (c *Collector) Write(p *media.Packet) error {
	if c.begun {
		if p.Kind() == media.Video && c.video == nil || p.Kind() == media.Audio && c.audio == nil {
			return &BadMedia{errors.New(p.Kind().String() + " came after the stream had begun without it")}
		}
		return c.out.Write(p)
	}
	c.held = append(c.held, p)
	c.heldBytes += len(p.Data)
	span := p.DTS - c.held[0].DTS
	return c.startIf(c.complete() || span >= collectTime || -span >= collectTime ||
		len(c.held) >= collectPackets || c.heldBytes >= collectBytes)
}

// startIf starts the session when due.
func (c *Collector) startIf(due bool) error {
	if !due || c.begun {
		return nil
	}
	var tracks []*media.Track
	for _, t := range [...]*media.Track{c.video, c.audio} {
		if t != nil {
			tracks = append(tracks, t)
		}
	}
	c.begun = true
	if err := c.out.Start(tracks); err != nil {
		return &StreamError{"this stream cannot be taken", err}
	}
	held := c.held
	c.held, c.heldBytes = nil, 0
	for _, p := range held {
		if err := c.out.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// Learn puts t in the place of the newest track of its kind, which it completes. It
// reports false when that is too late: somebody has seen the track.
func (c *Collector) Learn(t *media.Track) bool {
	if c.begun || c.holds(t.Kind) {
		return false
	}
	if t.Kind == media.Video {
		c.video = t
	} else {
		c.audio = t
	}
	return true
}

// Finish starts the session with what there is, when the publisher goes before
// its tracks were known.
func (c *Collector) Finish() error { return c.startIf(len(c.held) > 0) }
