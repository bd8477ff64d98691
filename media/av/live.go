//go:build cgo

package av

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/asticode/go-astiav"
)

// What comes back from the libav side.
var (
	// ErrAgain says that more input is needed before there is more output.
	ErrAgain = errors.New("more input needed")
	// ErrCorrupt says that a packet could not be decoded. The decoder goes on;
	// its pictures are good again from the next key frame.
	ErrCorrupt = errors.New("corrupt media data")
	// ErrUnsupported says that this build has no codec for a track.
	ErrUnsupported = errors.New("codec is not supported")
)

// Counts is what libav holds for this process now.
type Counts struct {
	Contexts int64 // codecs, scalers, resamplers, queues
	Frames   int64 // references to pictures and samples, not the memory behind
	Packets  int64
}

//nolint:gochecknoglobals // libav's books are the process's, as its memory is
var liveContexts, liveFrames, livePackets atomic.Int64

// Live counts what was opened or made and not yet closed or freed. It may be
// called from anywhere.
func Live() Counts {
	return Counts{Contexts: liveContexts.Load(), Frames: liveFrames.Load(), Packets: livePackets.Load()}
}

// openCodec opens c with options and one thread, and frees it on failure.
func openCodec(c *astiav.CodecContext, codec *astiav.Codec, options map[string]string) error {
	astiav.SetLogLevel(astiav.LogLevelPanic) // errors are returned; hostile streams must not fill the log
	d := astiav.NewDictionary()
	defer d.Free()
	for k, v := range options {
		if err := d.Set(k, v, 0); err != nil {
			return err
		}
	}
	tuneMemory()
	c.SetThreadCount(1)
	return c.Open(codec, d)
}

func allocContext(codec *astiav.Codec) *astiav.CodecContext {
	liveContexts.Add(1)
	return astiav.AllocCodecContext(codec)
}

func freeContext(c *astiav.CodecContext) {
	c.Free()
	liveContexts.Add(-1)
}

func allocPacket() *astiav.Packet {
	livePackets.Add(1)
	return astiav.AllocPacket()
}

func freePacket(p *astiav.Packet) {
	p.Free()
	livePackets.Add(-1)
}

func wrap(what string, err error) error { return fmt.Errorf("av: %s: %w", what, err) }
