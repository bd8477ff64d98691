package whep

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
	"weir/media/hub"
)

// frame is one picture, or one packet of sound, as RTP payloads. It is shared by all
// viewers of its feed and not changed.
type frame struct {
	feed     *feed
	payloads [][]byte
	size     int
	pts      media.Time
	key      bool
	came     time.Time // from the stream's writer
}

// keyEvery is the least time between two key frames that viewers ask an encoder for.
const keyEvery = 500 * time.Millisecond

// feed is one stream of the hub while somebody watches it.
type feed struct {
	stream *hub.Stream
	kind   media.Kind
	askKey func() // of the encoder; nil where a publisher decides

	coming sync.Mutex // one comes or goes at a time
	off    func()     // ends the tap; nil while nobody watches

	foreign atomic.Bool // its sound is not Opus any more

	mu      sync.Mutex // the writer waits for it
	viewers []*viewer  // replaced, never changed
	asked   time.Time
	wanted  bool // a key frame, as soon as one may be asked for again
	sets    sets // the writer's
}

// join has v get the feed's frames from now on. It must not be called by the writer.
func (f *feed) join(v *viewer) {
	f.coming.Lock()
	defer f.coming.Unlock()
	f.mu.Lock()
	f.viewers = append(slices.Clone(f.viewers), v)
	f.mu.Unlock()
	if f.off == nil {
		f.off = f.stream.Tap(f.take)
	}
}

// leave is the opposite of join. A frame may still come meanwhile.
func (f *feed) leave(v *viewer) {
	f.coming.Lock()
	defer f.coming.Unlock()
	f.mu.Lock()
	f.viewers = slices.DeleteFunc(slices.Clone(f.viewers), func(o *viewer) bool { return o == v })
	empty := len(f.viewers) == 0
	f.mu.Unlock()
	if empty && f.off != nil {
		f.off()
		f.off = nil
	}
}

// wantKey asks the encoder for a key frame, if there is one: now, or when it was not
// asked for half a second.
func (f *feed) wantKey() {
	if f.askKey == nil {
		return
	}
	f.mu.Lock()
	f.wanted = true
	due := f.due()
	f.mu.Unlock()
	if due {
		f.askKey()
	}
}

// due tells whether the encoder is to be asked now. The caller holds the lock, and asks.
func (f *feed) due() bool {
	if !f.wanted {
		return false
	}
	now := time.Now()
	if now.Sub(f.asked) < keyEvery {
		return false
	}
	f.asked, f.wanted = now, false
	return true
}

// take is called by the stream's writer with every packet.
func (f *feed) take(p *media.Packet) {
	if p.Track.Kind != f.kind {
		return
	}
	if f.kind == media.Audio && p.Track.Codec != media.Opus {
		f.foreign.Store(true)
		return
	}
	f.mu.Lock()
	viewers := f.viewers
	f.wanted = f.wanted && !p.Key
	due := f.due()
	f.mu.Unlock()
	if due {
		f.askKey()
	}
	if len(viewers) == 0 {
		return
	}
	fr := &frame{feed: f, pts: p.PTS, key: p.Key, size: len(p.Data), came: time.Now()}
	if f.kind == media.Video {
		fr.payloads = f.sets.picture(p)
	} else {
		fr.payloads = [][]byte{p.Data}
	}
	for _, v := range viewers {
		v.push(fr)
	}
}
