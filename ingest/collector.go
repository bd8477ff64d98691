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
	Start(tracks []*media.Track) error // video first, before Write; again with a kind that came late
	Write(p *media.Packet) error
}

// Collector starts a publisher's session when its tracks are known and hands packets
// on, first those that came before. One goroutine uses it.
type Collector struct {
	out          Writer
	video, audio *media.Track // newest
	said         [2]bool      // what will come is told, see Expect: video, audio
	begun        bool
	late         media.Kind // that has come after the start; 0: none, or it was taken in
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
	slot := c.slot(t.Kind)
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

// Write hands p on or holds it back. The error is a *BadMedia for what is left out, else
// as of Know.
func (c *Collector) Write(p *media.Packet) error {
	if c.begun {
		return c.pass(p)
	}
	c.held = append(c.held, p)
	c.heldBytes += len(p.Data)
	span := p.DTS - c.held[0].DTS
	return c.startIf(c.complete() || span >= collectTime || -span >= collectTime ||
		len(c.held) >= collectPackets || c.heldBytes >= collectBytes)
}

// pass hands p on after the start. A kind that comes late begins the stream anew, at a
// key frame of the picture, where viewers can begin; what of it comes before that is left
// out. It can be late once.
func (c *Collector) pass(p *media.Packet) error {
	slot := c.slot(p.Kind())
	if *slot == nil {
		c.late = p.Kind()
	}
	*slot = p.Track
	if c.late != 0 && p.Kind() == media.Video && p.Key {
		c.late = 0
		if err := c.start(); err != nil {
			return err
		}
	}
	if p.Kind() == c.late {
		return &BadMedia{errors.New(p.Kind().String() + " came after the stream had begun: it waits for a key frame of the picture")}
	}
	return c.out.Write(p)
}

func (c *Collector) slot(k media.Kind) **media.Track {
	if k == media.Audio {
		return &c.audio
	}
	return &c.video
}

// startIf starts the session when due.
func (c *Collector) startIf(due bool) error {
	if !due || c.begun {
		return nil
	}
	c.begun = true
	if err := c.start(); err != nil {
		return err
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

// start tells of the tracks that are known.
func (c *Collector) start() error {
	var tracks []*media.Track
	for _, t := range [...]*media.Track{c.video, c.audio} {
		if t != nil {
			tracks = append(tracks, t)
		}
	}
	if err := c.out.Start(tracks); err != nil {
		return &StreamError{"this stream cannot be taken", err}
	}
	return nil
}

// Learn puts t in the place of the newest track of its kind, which it completes. It
// reports false when that is too late: somebody has seen the track.
func (c *Collector) Learn(t *media.Track) bool {
	if c.begun || c.holds(t.Kind) {
		return false
	}
	*c.slot(t.Kind) = t
	return true
}

// Finish starts the session with what there is, when the publisher goes before
// its tracks were known.
func (c *Collector) Finish() error { return c.startIf(len(c.held) > 0) }
