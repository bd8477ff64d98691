package rtmp

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

// badMessage is something in a message that is of no use; the stream goes on.
type badMessage struct{ err error }

func (b *badMessage) Error() string { return b.err.Error() }
func (b *badMessage) Unwrap() error { return b.err }

// collector starts the session when the tracks are known and hands packets on,
// first those that came before.
type collector struct {
	session      Session
	video, audio *media.Track // newest; after the start: those that it was told of
	begun        bool
	held         []*media.Packet
	heldBytes    int
}

// know tells of a track that was configured.
func (c *collector) know(t *media.Track, meta metadata) error {
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
	return c.startIf(c.complete(meta))
}

// holds tells whether packets of a kind are held back; the start has to be told
// of their track then, and not of one that followed it.
func (c *collector) holds(k media.Kind) bool {
	for _, p := range c.held {
		if p.Kind() == k {
			return true
		}
	}
	return false
}

// complete tells whether no more kinds are to be expected.
func (c *collector) complete(meta metadata) bool {
	switch {
	case c.video != nil && c.audio != nil:
		return true
	case c.video != nil:
		return meta.says(media.Video) && !meta.says(media.Audio)
	case c.audio != nil:
		return meta.says(media.Audio) && !meta.says(media.Video)
	}
	return false
}

// write hands p on or holds it back. A kind that first comes after the start is
// not taken: p is counted as of no use.
func (c *collector) write(p *media.Packet, meta metadata) error {
	if c.begun {
		if p.Kind() == media.Video && c.video == nil || p.Kind() == media.Audio && c.audio == nil {
			return &badMessage{errors.New(p.Kind().String() + " came after the stream had begun without it")}
		}
		return c.session.Write(p)
	}
	c.held = append(c.held, p)
	c.heldBytes += len(p.Data)
	span := p.DTS - c.held[0].DTS
	return c.startIf(c.complete(meta) || span >= collectTime || -span >= collectTime ||
		len(c.held) >= collectPackets || c.heldBytes >= collectBytes)
}

// startIf starts the session when due.
func (c *collector) startIf(due bool) error {
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
	if err := c.session.Start(tracks); err != nil {
		return &streamError{"this stream cannot be taken", err}
	}
	held := c.held
	c.held, c.heldBytes = nil, 0
	for _, p := range held {
		if err := c.session.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// finish starts the session with what there is, when the publisher goes before
// its tracks were known.
func (c *collector) finish() error { return c.startIf(len(c.held) > 0) }
