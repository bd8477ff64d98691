package whep

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
	"weir/media/codec"
	"weir/media/hub"
)

// What is made for WebRTC alone, as long as somebody watches.
const (
	PictureName = "webrtc" // H.264 without reordering
	SoundName   = "opus"
)

const (
	enoughPictures = 15               // without reordering, before the source is believed to have none
	staleAfter     = 3 * media.Second // behind the source: a rendition that stopped
	slowStart      = media.Second     // for the ladder's first pictures
	measureEvery   = time.Second      // bit rates
)

// channel is one live stream while somebody watches it here.
type channel struct {
	handler *Handler
	name    string
	source  *hub.Stream
	viewers int    // the handler's lock
	off     func() // ends the look at the source

	pictures  atomic.Int64 // looked at
	reordered atomic.Bool  // one was shown in another order than it was decoded

	mu     sync.Mutex
	feeds  map[feedKey]*feed
	meters map[media.StreamID]*meter
	made   map[string]*made
}

type feedKey struct {
	id   media.StreamID
	kind media.Kind
}

// meter measures the bit rate of a stream.
type meter struct {
	stream *hub.Stream
	at     time.Time
	bytes  uint64
	media  media.Time
	rate   int // bit/s; 0: not known yet
}

// made is an encoding that runs while viewers hold it.
type made struct {
	holders int
	cancel  context.CancelFunc
	over    chan struct{} // closed when the newest run has ended
}

func newChannel(h *Handler, s *hub.Stream) *channel {
	c := &channel{
		handler: h, name: s.ID().Name(), source: s,
		feeds: map[feedKey]*feed{}, meters: map[media.StreamID]*meter{}, made: map[string]*made{},
	}
	c.off = s.Tap(c.look)
	return c
}

// look is called by the source's writer with every packet.
func (c *channel) look(p *media.Packet) {
	if p.Track.Kind == media.Video {
		c.pictures.Add(1)
		if p.PTS != p.DTS {
			c.reordered.Store(true)
		}
	}
}

// suits tells whether the source's own picture can be sent; decided is false while
// that is not known.
func (c *channel) suits() (yes, decided bool) {
	t := c.source.Track(media.Video)
	if t == nil || !decodable(t) || c.reordered.Load() {
		return false, true
	}
	if !t.Reorder || c.pictures.Load() >= enoughPictures {
		return true, true
	}
	return false, false
}

// decodable tells whether browsers decode the picture by WebRTC: H.264 with 4:2:0
// samples of 8 bits.
func decodable(t *media.Track) bool {
	if t.Codec != media.H264 {
		return false
	}
	info, err := codec.ParseAVCC(t.Config)
	return err == nil && info.ChromaFormat == 1 && info.BitDepth == 8 && info.ChromaDepth == 8
}

// options are the pictures that can be sent now, best first. none says that it is
// known that there is none, nor will be soon: then one has to be made.
func (c *channel) options(now time.Time) (list []option, none bool) {
	last := c.source.Stats().Last
	source, decided := c.suits()
	if source {
		list = append(list, option{id: c.source.ID(), stream: c.source, rate: c.rate(c.source, now), pixels: pixels(c.source.Track(media.Video))})
	}
	rungs := 0
	var own *hub.Stream
	for _, s := range c.handler.cfg.Hub.Streams() {
		rendition, ok := strings.CutPrefix(string(s.ID()), c.name+"/")
		t := s.Track(media.Video)
		if !ok || t == nil || !decodable(t) {
			continue
		}
		if rendition == PictureName {
			own = s
			continue
		}
		rungs++
		if st := s.Stats(); st.Packets > 0 && last-st.Last < staleAfter && !(source && rendition == media.SourceName) {
			list = append(list, option{id: s.ID(), stream: s, rate: c.rate(s, now), pixels: pixels(t)})
		}
	}
	none = len(list) == 0 && decided && (rungs == 0 || last > slowStart)
	if len(list) == 0 && own != nil {
		list = append(list, option{id: own.ID(), stream: own, rate: c.rate(own, now), pixels: pixels(own.Track(media.Video))})
	}
	slices.SortStableFunc(list, func(a, b option) int { return b.pixels - a.pixels })
	return list, none
}

func pixels(t *media.Track) int { return t.Width * t.Height }

// rate is the bit rate of a stream's newest seconds, 0 while that is not known.
func (c *channel) rate(s *hub.Stream, now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.meters[s.ID()]
	st := s.Stats()
	if m == nil || m.stream != s {
		m = &meter{stream: s, at: now, bytes: st.Bytes, media: st.Last}
		c.meters[s.ID()] = m
		if st.Last >= media.Second {
			m.rate = int(float64(st.Bytes) * 8 / st.Last.Seconds())
		}
		return m.rate
	}
	if now.Sub(m.at) < measureEvery || st.Last <= m.media {
		return m.rate
	}
	newest := float64(st.Bytes-m.bytes) * 8 / (st.Last - m.media).Seconds()
	m.rate = (3*m.rate + int(newest)) / 4
	m.at, m.bytes, m.media = now, st.Bytes, st.Last
	return m.rate
}

// feed gives the feed of a stream, which all its viewers share.
func (c *channel) feed(s *hub.Stream, k media.Kind) *feed {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := feedKey{s.ID(), k}
	f := c.feeds[key]
	if f == nil || f.stream != s {
		f = &feed{stream: s, kind: k}
		if ask := c.handler.cfg.AskKey; ask != nil && k == media.Video {
			f.askKey = func() { ask(s.ID()) }
		}
		c.feeds[key] = f
	}
	return f
}

// sound is the stream whose sound can be sent, nil while there is none; missing says
// that it has to be made.
func (c *channel) sound() (s *hub.Stream, missing bool) {
	t := c.source.Track(media.Audio)
	switch {
	case t == nil:
		return nil, false
	case t.Codec == media.Opus && t.Channels <= 2 && !c.feed(c.source, media.Audio).foreign.Load():
		return c.source, false
	}
	return c.handler.cfg.Hub.Get(media.StreamID(c.name + "/" + SoundName)), true
}

// hold has something made until release.
func (c *channel) hold(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.made[what]
	if m == nil {
		m = &made{}
		c.made[what] = m
	}
	if m.holders++; m.holders > 1 {
		return
	}
	before := m.over
	ctx, cancel := context.WithCancel(c.handler.ctx)
	over := make(chan struct{})
	m.cancel, m.over = cancel, over
	c.handler.wait.Go(func() {
		defer close(over)
		defer cancel()
		if before != nil {
			<-before // the name has to be free
		}
		if ctx.Err() != nil {
			return
		}
		if err := c.handler.cfg.Make(ctx, c.source, what); err != nil && ctx.Err() == nil {
			c.handler.cfg.Log.Warn("cannot encode for WebRTC", "stream", c.name, "rendition", what, "err", err)
		}
	})
}

// release ends a hold.
func (c *channel) release(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.made[what]
	if m.holders--; m.holders == 0 {
		m.cancel()
	}
}
