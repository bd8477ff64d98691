package ingest

import (
	"errors"
	"slices"

	"weir/media"
)

// Bounds of what is held back until it is known which tracks a publisher has.
const (
	collectTime    = media.Second // of some of them: then the others will not come
	collectPackets = 512
	collectBytes   = 8 << 20
)

// Writer is what a Collector fills: the part of a Publisher that takes media.
type Writer interface {
	Start(tracks []*media.Track) error // video first, before Write; again with a kind that came late
	Write(p *media.Packet) error
}

// Collector starts a publisher's session when its tracks are known and hands packets
// on, first those that came before. Sounds are numbered as their protocol does it, which
// may leave some out; the session gets them by a number without holes. One goroutine
// uses it.
type Collector struct {
	out       Writer
	video     *media.Track                  // newest
	sounds    [media.MaxSounds]*media.Track // newest, by the protocol's number
	order     []int                         // the protocol's number of each of the session's
	said      said
	begun     bool
	late      media.Kind // that has come after the start; 0: none, or it was taken in
	held      []*media.Packet
	heldBytes int
}

// said is what Expect was told.
type said struct {
	video  bool
	sounds int
}

// NewCollector starts and fills out.
func NewCollector(out Writer) *Collector { return &Collector{out: out} }

// Expect says whether there will be a picture, and how many sounds; with neither, as
// before, that is unknown, and the first second of media tells.
func (c *Collector) Expect(video bool, sounds int) {
	c.said = said{video, min(sounds, media.MaxSounds)}
}

// Know tells of a track that was configured: of the picture, or of a sound with that
// number. All that are configured before the first packet are there from the start.
func (c *Collector) Know(sound int, t *media.Track) {
	if c.begun {
		return // its packets will show it
	}
	if slot := c.slot(t.Kind, sound); *slot == nil || !c.holds(t.Kind, sound) {
		*slot = t
	}
}

// holds tells whether packets of a track are held back; the start has to be told
// of that track then, and not of one that followed it.
func (c *Collector) holds(k media.Kind, sound int) bool {
	return slices.ContainsFunc(c.held, func(p *media.Packet) bool { return p.Kind() == k && p.Sound == sound })
}

// complete tells whether no more tracks are to be expected.
func (c *Collector) complete() bool {
	n := 0
	for _, t := range c.sounds {
		if t != nil {
			n++
		}
	}
	if n < c.said.sounds {
		return false
	}
	switch {
	case c.video != nil && n > 0:
		return true
	case c.video != nil:
		return c.said.video
	}
	return c.said.sounds > 0 && !c.said.video
}

// Write hands p on or holds it back. The error is a *BadMedia for what is left out, a
// *StreamError, or the session's own.
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
// out. It can be late once. A further sound that is late gets a number beyond those that
// the session knows of.
func (c *Collector) pass(p *media.Packet) error {
	slot := c.slot(p.Kind(), p.Sound)
	if p.Kind() == media.Video && *slot == nil || p.Kind() == media.Audio && len(c.order) == 0 {
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
	return c.write(p)
}

// write gives p to the session, under the session's number.
func (c *Collector) write(p *media.Packet) error {
	if p.Kind() == media.Audio {
		at := slices.Index(c.order, p.Sound)
		if at < 0 {
			at = len(c.order)
			c.order = append(c.order, p.Sound)
		}
		p.Sound = at
	}
	return c.out.Write(p)
}

func (c *Collector) slot(k media.Kind, sound int) **media.Track {
	if k == media.Audio {
		return &c.sounds[sound]
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
		if err := c.write(p); err != nil {
			return err
		}
	}
	return nil
}

// start tells of the tracks that are known.
func (c *Collector) start() error {
	var tracks []*media.Track
	if c.video != nil {
		tracks = append(tracks, c.video)
	}
	for i, t := range c.sounds {
		if t != nil && !slices.Contains(c.order, i) {
			c.order = append(c.order, i)
		}
	}
	for _, i := range c.order {
		tracks = append(tracks, c.sounds[i])
	}
	if err := c.out.Start(tracks); err != nil {
		return &StreamError{"this stream cannot be taken", err}
	}
	return nil
}

// Learn puts t in the place of the newest track of its kind and number, which it
// completes. It reports false when that is too late: somebody has seen the track.
func (c *Collector) Learn(sound int, t *media.Track) bool {
	if c.begun || c.holds(t.Kind, sound) {
		return false
	}
	*c.slot(t.Kind, sound) = t
	return true
}

// Finish starts the session with what there is, when the publisher goes before
// its tracks were known.
func (c *Collector) Finish() error { return c.startIf(len(c.held) > 0) }
