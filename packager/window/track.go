package window

import (
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
)

// Part is one CMAF chunk: the whole of a partial segment.
type Part struct {
	Data        []byte // nil once it is only in the segment's file
	Offset      int64  // from the start of the segment
	Size        int
	Duration    media.Time
	Independent bool // begins with a sample at which decoding can start
}

// Segment is a run of parts with one Media Sequence Number.
type Segment struct {
	MSN           uint64
	Start         media.Time // on the stream's clock
	Duration      media.Time // so far, or final once Closed
	Discontinuity bool       // an EXT-X-DISCONTINUITY goes before it
	Gap           bool       // there is no media: the rendition was shed, or lost packets
	Key           bool       // begins with a key frame (EXT-X-INDEPENDENT-SEGMENTS)
	Mini          bool       // one part long, before the second key frame of a session
	Init          int        // index of the initialisation segment that it needs
	Parts         []Part
	Merged        bool // so old that its parts are known as one, which is the whole
	Closed        bool
	Path          string // file that holds the whole segment; "" while it is in memory only
	Lost          bool   // could not be stored: it goes when it leaves memory
	Away          bool   // has no file any more: another store has it
	Foreign       bool   // another process had it: it is Away, or a gap for what that took with it

	before media.Time // of media in all segments before it
}

// Finished is a complete segment on its way to storage.
type Finished struct {
	Rendition string
	Kind      media.Kind
	Segment   Segment  // as it was when it was closed, without Parts
	Init      Init     // that it needs
	Data      [][]byte // its parts
}

// Size is the sum of the parts in bytes.
func (s *Segment) Size() int64 {
	if n := len(s.Parts); n > 0 {
		return s.Parts[n-1].Offset + int64(s.Parts[n-1].Size)
	}
	return 0
}

// End is where the segment's media ends so far.
func (s *Segment) End() media.Time { return s.Start + s.Duration }

// Init is an initialisation segment with what manifests say about it.
type Init struct {
	Track *media.Track
	Data  []byte
}

// Track is one rendition in the window.
type Track struct {
	Name string
	Kind media.Kind
	// Further tells that it is a sound beside the first, which nothing waits for. It is set
	// before the first segment.
	Further bool

	w        *Window
	segments []*Segment // oldest first; the last one may be open
	removed  []*Segment // gone from playlists, still served
	inits    []Init
	first    uint64 // MSN of the first segment of all
	discs    uint64 // discontinuities that have left the window
	shed     bool
	version  atomic.Uint64

	waits sync.Mutex     // after the window's lock, where both are held
	goals map[Goal]*goal // that somebody waits for
}

// Window is the state of one stream; all its tracks share a lock.
type Window struct {
	Epoch time.Time // wall clock of media time 0

	mu     sync.RWMutex
	tracks []*Track
	ended  bool
	left   bool
	marks  []Mark
	past   Past
	dashN  uint64
	moved  chan struct{} // closed and replaced whenever any track moves
}

// New makes an empty window.
func New(epoch time.Time) *Window {
	return &Window{Epoch: epoch, moved: make(chan struct{})}
}

// Add makes a new track; all are added before the first segment.
func (w *Window) Add(name string, kind media.Kind) *Track {
	t := &Track{Name: name, Kind: kind, w: w, goals: make(map[Goal]*goal)}
	w.mu.Lock()
	w.tracks = append(w.tracks, t)
	w.mu.Unlock()
	return t
}

// Tracks are the renditions, in the order in which they were added.
func (w *Window) Tracks() []*Track {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.tracks
}

// Track finds a rendition by name, or returns nil.
func (w *Window) Track(name string) *Track {
	for _, t := range w.Tracks() {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Version counts the changes of the track; a reader that saw the same version
// twice saw the same window.
func (t *Track) Version() uint64 { return t.version.Load() }

// View calls f with the track locked against changes. f must not block or keep v.
func (t *Track) View(f func(v *View)) {
	t.w.mu.RLock()
	defer t.w.mu.RUnlock()
	f(t.view())
}

// view is for who holds the lock.
func (t *Track) view() *View {
	return &View{Track: t, Segments: t.segments, Inits: t.inits, First: t.first, Discontinuities: t.discs, Ended: t.w.ended, Shed: t.shed, Version: t.version.Load()}
}

// View is what a reader sees of a track under its lock.
type View struct {
	*Track
	Segments        []*Segment
	Inits           []Init
	First           uint64 // MSN of the first segment that there ever was
	Discontinuities uint64 // that have left the window (EXT-X-DISCONTINUITY-SEQUENCE)
	Ended           bool
	Shed            bool
	Version         uint64
}

// Last returns the newest sequence number that has a part, and the index of its
// newest part (RFC 8216bis 4.4.5.4: LAST-MSN, LAST-PART); ok is false before the first.
func (v *View) Last() (msn uint64, part int, ok bool) {
	for i := len(v.Segments) - 1; i >= 0; i-- {
		if s := v.Segments[i]; !s.Foreign && (len(s.Parts) > 0 || s.Gap) {
			return s.MSN, max(len(s.Parts)-1, 0), true
		}
	}
	return 0, 0, false
}

// Newest is how the newest packets are decoded; nil before the first.
func (v *View) Newest() *media.Track {
	if n := len(v.Inits); n > 0 {
		return v.Inits[n-1].Track
	}
	return nil
}

// Foreign returns how many segments, the first ones, are another process's.
func (v *View) Foreign() int {
	n := 0
	for n < len(v.Segments) && v.Segments[n].Foreign {
		n++
	}
	return n
}

// Closed returns how many segments are complete.
func (v *View) Closed() int {
	n := len(v.Segments)
	if n > 0 && !v.Segments[n-1].Closed {
		n--
	}
	return n
}
