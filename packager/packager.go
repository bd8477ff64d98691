package packager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/packager/window"
)

// Sink stores finished segments. Put is called from one goroutine, in order for
// each rendition.
type Sink interface {
	// Put stores a whole segment and returns the path of the file that holds it.
	// It may keep f, but not the slice of its parts.
	Put(f *window.Finished) (path string, err error)
	// Remove deletes what Put stored.
	Remove(path string) error
	// Close deletes what is left; nothing is read or stored afterwards.
	Close() error
}

// Keeper is a Sink that keeps segments for longer than their files.
type Keeper interface {
	// Keeps says whether a segment that was Put can be had without its file. It must not
	// block.
	Keeps(rendition string, msn uint64) bool
}

// Config describes one stream to package.
type Config struct {
	Name  string
	Epoch time.Time // wall clock of media time 0
	Log   *slog.Logger
	Sink  Sink

	// Source is the publisher's stream: its marks are the cuts.
	Source *hub.Stream
	// Pictures are the renditions with a picture, best first. The one whose Stream is
	// Source shows the publisher's own packets.
	Pictures []Input
	// Sounds are the renditions that viewers choose one of to hear, the first one by
	// themselves; none where there is no sound, media.MaxSounds at most. Nothing waits for the
	// further ones: where one has nothing it has gaps. The first may be of Source.
	Sounds []Input
	// Originals are sounds once more, as their publisher coded them, where Sounds have what
	// was made of that: named by media.OriginalSound. Nothing waits for them either, and
	// they have gaps, and are not offered, while a publisher sends something else than Opus.
	Originals []Input
	// Replace, when its Stream is set, takes over Pictures[0] from the first
	// forced cut on: the publisher's key frames are too far apart to pass through. Else
	// a rendition of the publisher's own packets is not offered from there on, where
	// others are.
	Replace Input

	Target     int        // EXT-X-TARGETDURATION, in seconds
	Segment    media.Time // distance of cuts that the source is expected to keep
	PartTarget media.Time // longest part
	Frame      media.Time // duration of a frame whose own cannot be known
	Rewind     media.Time // length of the playlists
	// Local is how much of Rewind stays in files at least where the Sink is a Keeper; 0: all.
	Local media.Time

	// From, when set, is where another process left this stream: it goes on there, and
	// its first packet is a discontinuity.
	From *State
	// Past are segments from before From that can be had out of a store yet, by rendition and
	// in order; each has one part, which is all of it.
	Past map[string][]window.Segment

	// Published, when set, is told of every part: the rendition and how long
	// after the arrival of its last packet it could be had.
	Published func(rendition string, latency time.Duration)
}

// Input is where a rendition comes from.
type Input struct {
	Name   string // of the rendition
	Stream *hub.Stream
}

// Packager packages one stream.
type Packager struct {
	cfg  Config
	win  *window.Window
	taps []tap

	mu       sync.Mutex
	cuts     cuts
	pictures []*rendition
	own      *rendition   // of the publisher's own pictures; nil when there is none
	sounds   []*rendition // as in Config, then the originals
	replaced bool         // own has ended
	replace  media.Time   // from here on the replacement is taken
	numbers  numbers
	stores   chan stored
	gone     []string // files to remove with the next store
	leaves   bool     // it goes on elsewhere
	full     bool     // the queue of stores overflowed; said once
}

// tap is the packager's hold on one stream.
type tap struct {
	stream *hub.Stream
	off    func()
}

type stored struct {
	r    *rendition
	s    *window.Segment
	gone []string // files that nobody may ask for any more
}

// storeQueue bounds the segments that wait to be stored: a slow disk costs rewind.
const storeQueue = 64

// firstMSN is the number of a stream's first segment. hls.js 1.7 forgets what it has of
// segment 0 as soon as a part of it is in the buffer, and loads it again and again.
const firstMSN = 1

// New attaches a packager to its streams: from now on their writers do its work, one
// at a time. Nothing that is written afterwards is missed; Run must be called.
func New(cfg Config) (*Packager, error) {
	if len(cfg.Pictures) == 0 && len(cfg.Sounds) == 0 {
		return nil, errors.New("packager: nothing to package")
	}
	if len(cfg.Sounds) > media.MaxSounds {
		return nil, fmt.Errorf("packager: %d sounds, at most %d", len(cfg.Sounds), media.MaxSounds)
	}
	p := &Packager{cfg: cfg, win: window.New(cfg.Epoch), stores: make(chan stored, storeQueue)}
	p.cuts.part, p.cuts.base = cfg.PartTarget, firstMSN
	p.numbers.every = cfg.Segment
	if s := cfg.From; s != nil {
		p.cuts.base, p.numbers.next = s.Next, s.Number
		p.win.Number(s.Number)
		p.win.SetPast(s.past())
	}
	for _, in := range cfg.Pictures {
		r := p.rendition(in, media.Video)
		p.pictures = append(p.pictures, r)
		if in.Stream == cfg.Source {
			p.own = r
		}
	}
	for i, in := range cfg.Sounds {
		r := p.rendition(in, media.Audio)
		r.track.Further = i > 0
		p.sounds = append(p.sounds, r)
	}
	for _, in := range cfg.Originals {
		r := p.rendition(in, media.Audio)
		r.track.Further = true
		p.sounds = append(p.sounds, r)
	}
	p.attach()
	return p, nil
}

func (p *Packager) rendition(in Input, kind media.Kind) *rendition {
	r := &rendition{p: p, track: p.win.Add(in.Name, kind), init: -1, first: p.cuts.base, passes: in.Stream == p.cfg.Source}
	var left State
	if s := p.cfg.From; s != nil {
		left = *s
	}
	r.inits = left.Inits
	r.track.Begin(r.first, left.Discontinuities, left.Inits)
	return r
}

// attach taps every stream, the source first.
func (p *Packager) attach() {
	p.tap(p.cfg.Source, p.feedSource)
	for i, in := range p.cfg.Pictures {
		if in.Stream != p.cfg.Source {
			r := p.pictures[i]
			p.tap(in.Stream, func(pkt *media.Packet) { r.take(pkt) })
		}
	}
	for i, in := range p.cfg.Sounds {
		if in.Stream != p.cfg.Source {
			p.tapSound(i, in.Stream)
		}
	}
	for i, in := range p.cfg.Originals {
		r := p.sounds[len(p.cfg.Sounds)+i]
		p.tap(in.Stream, r.takeOriginal)
	}
	if s := p.cfg.Replace.Stream; s != nil {
		p.tap(s, p.feedReplacement)
	}
}

// tapSound takes a sound from a stream until Resound names another.
func (p *Packager) tapSound(i int, from *hub.Stream) {
	p.tap(from, func(pkt *media.Packet) {
		if p.cfg.Sounds[i].Stream == from {
			p.sounds[i].take(pkt)
		}
	})
}

func (p *Packager) tap(s *hub.Stream, feed func(*media.Packet)) {
	off := s.Tap(func(pkt *media.Packet) {
		p.mu.Lock()
		defer p.mu.Unlock()
		feed(pkt)
	})
	p.mu.Lock()
	p.taps = append(p.taps, tap{s, off})
	p.mu.Unlock()
}

// Resound has one of the Sounds come from another stream from now on: its publisher's own
// packets are not fit for viewers any more, and that has what is made of them. It must be
// called while the Source is live.
func (p *Packager) Resound(sound int, made *hub.Stream) {
	p.mu.Lock()
	p.cfg.Sounds[sound].Stream = made
	p.mu.Unlock()
	p.tapSound(sound, made)
}

// Leave says that another process goes on with the stream when it ends here: its playlists
// have no end. It is called before the stream is closed.
func (p *Packager) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaves = true
}

// Window is what viewers get.
func (p *Packager) Window() *window.Window { return p.win }

// Run stores segments until the streams end or ctx is done, then completes what is
// open.
func (p *Packager) Run(ctx context.Context) {
	var store sync.WaitGroup
	store.Go(p.storeLoop)
	for i := 0; ; i++ {
		t, ok := p.tapAt(i)
		if !ok {
			break
		}
		select {
		case <-t.stream.Done():
		case <-ctx.Done():
		}
		t.off()
	}
	p.end()
	close(p.stores)
	store.Wait()
}

func (p *Packager) tapAt(i int) (t tap, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i < len(p.taps) {
		t, ok = p.taps[i], true
	}
	return t, ok
}

// feedSource takes a packet of the publisher's: its marks are the cuts, and where
// they pass through, picture and sound are its own.
func (p *Packager) feedSource(pkt *media.Packet) {
	kind := pkt.Track.Kind
	leads := kind == media.Video || len(p.pictures) == 0
	if leads {
		p.lead(pkt)
	}
	switch {
	case kind == media.Video && p.own != nil:
		if (!p.replaced || pkt.DTS < p.replace-slop) && !(pkt.Slate && p.own.shed) {
			p.own.take(pkt)
		}
	case kind == media.Audio && len(p.sounds) > 0 && p.cfg.Sounds[0].Stream == p.cfg.Source:
		p.sounds[0].take(pkt)
	}
	if leads {
		p.release()
		p.lapse()
	}
}

// lead takes the marks of a packet of the leading track.
func (p *Packager) lead(pkt *media.Packet) {
	if pkt.Discontinuity && p.own != nil && p.own != p.pictures[0] && !p.replaced {
		p.rest(p.own, pkt.Slate)
	}
	if pkt.Boundary == media.ForcedBoundary && p.own != nil && !p.replaced {
		pkt = p.giveUp(pkt)
	}
	if p.cuts.keys > 0 && pkt.DTS > p.cuts.horizon+maxHole && !pkt.Discontinuity && pkt.Key {
		pkt = marked(pkt, media.KeyBoundary) // packets were lost on the way here
	}
	if p.cuts.lead(pkt) {
		p.mark(pkt.Discontinuity)
	}
	p.skipShed()
}

// giveUp ends the publisher's own pictures with a forced cut, where there are others.
func (p *Packager) giveUp(pkt *media.Packet) *media.Packet {
	switch {
	case p.cfg.Replace.Stream != nil:
		p.own.passes = false
		pkt = marked(pkt, media.ForcedBoundary)
	case len(p.pictures) > 1 && p.own != p.pictures[0]:
		p.cfg.Log.Info("the publisher's own coding is not offered any more: its key frames are too far apart, or it changed", "stream", p.cfg.Name, "rendition", p.own.track.Name)
		p.own.shed = true
		p.own.track.SetShed(true)
	default:
		return pkt
	}
	p.replaced, p.replace = true, pkt.DTS
	return pkt
}

// rest has no publisher's own coding while a slate is shown, which is H.264.
func (p *Packager) rest(own *rendition, slate bool) {
	if own.shed != slate {
		own.shed = slate
		own.track.SetShed(slate)
	}
}

// maxHole is how much of the leading track may be missing without a cut.
const maxHole = media.Second / 2

// marked is pkt as the beginning of a segment after a discontinuity.
func marked(pkt *media.Packet, b media.Boundary) *media.Packet {
	m := *pkt
	m.Boundary, m.Discontinuity = b, true
	return &m
}

// release lets the tracks that follow go on as far as the cuts are known.
func (p *Packager) release() {
	for _, r := range p.pictures {
		r.release()
	}
	for _, r := range p.sounds {
		r.release()
	}
}

// feedReplacement takes a packet of the re-encoded first picture.
func (p *Packager) feedReplacement(pkt *media.Packet) {
	if p.replaced && pkt.DTS >= p.replace-slop {
		p.pictures[0].take(pkt)
	}
}

// Shed says whether a rendition is produced at present.
func (p *Packager) Shed(name string, shed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.pictures {
		if r.track.Name == name {
			r.shed = shed
			r.track.SetShed(shed)
		}
	}
}

// skipShed keeps the playlists of shed renditions going with gaps.
func (p *Packager) skipShed() {
	for _, r := range p.pictures {
		if r.shed {
			r.held, r.pending = nil, nil
			r.skipTo(p.cuts.next() - 1)
		}
	}
}

// end completes the open segments.
func (p *Packager) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts.horizon = 1 << 62
	for _, r := range slices.Concat(p.pictures, p.sounds) {
		r.release()
		if h := r.held; h != nil {
			r.settle(h.DTS + p.cfg.Frame)
		}
		if r.track.Further {
			r.lapse(p.cuts.horizon) // it lists as many as the others
		}
		r.flush(true)
	}
	if p.leaves {
		p.win.Leave()
		return
	}
	p.win.End()
}

// published accounts for a part and lets what is too old go.
func (p *Packager) published(r *rendition, arrived time.Time) {
	if p.cfg.Published != nil {
		p.cfg.Published(r.track.Name, time.Since(arrived))
	}
}
