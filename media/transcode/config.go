//go:build cgo

package transcode

import (
	"errors"
	"log/slog"
	"time"

	"weir/media/hub"
	"weir/media/ladder"
	"weir/media/ring"
)

// SourceMode says what becomes of the source's own picture.
type SourceMode uint8

const (
	// SourceNever leaves it alone: viewers get the publisher's packets.
	SourceNever SourceMode = iota
	// SourceOnForced makes "NAME/source" from the first forced boundary to the
	// end of the session: the publisher's key frames are too far apart. Its stream
	// is live from the start and empty until then.
	SourceOnForced
	// SourceAlways makes it from the first frame: the source is not fit for
	// viewers (NeedsVideo), or its key frames are known to be too far apart.
	SourceAlways
)

// ErrNothing is returned by Open when there is nothing to make of a stream.
var ErrNothing = errors.New("nothing to transcode")

// Config says what to make of a stream. Hub and Stream are needed.
type Config struct {
	Hub    *hub.Hub    // where the renditions go
	Stream *hub.Stream // the source
	// Sounds are the further sounds of the source, in order.
	Sounds []*hub.Stream
	Ladder ladder.Setting
	Source SourceMode

	// SourceBitrate is what "source" aims at when it is made from the first frame,
	// bit/s; 0 means what is usual for its size. It is kept within bounds.
	SourceBitrate int

	// Queue bounds the packets that wait for the decoder; the zero value means
	// the ring's defaults.
	Queue ring.Limits

	Log *slog.Logger     // nil means slog.Default
	Now func() time.Time // the wall clock that Packet.Wall is of; nil means time.Now

	// OnShed, when set, is told that a rendition stops for a while, for lack of
	// time or because the source has become too small for it, or goes on again.
	// Its stream stays open all the while. It is called from the goroutines of the
	// Job, one call at a time for each rendition, and must not block.
	OnShed func(rendition string, shed bool)

	alone bool // OpenPicture: nothing but its one rendition
}

func (c *Config) defaults() {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnShed == nil {
		c.OnShed = func(string, bool) {}
	}
	c.Log = c.Log.With("stream", c.Stream.ID().Name())
}
