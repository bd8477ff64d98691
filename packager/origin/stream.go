package origin

import (
	"context"
	"sync"
	"time"

	"weir/media"
	"weir/packager/door"
	"weir/packager/hls"
	"weir/packager/window"
)

// Stream is one session as viewers see it.
type Stream struct {
	Name       string
	Epoch      string // names the session in URLs
	Window     *window.Window
	Target     int        // EXT-X-TARGETDURATION in seconds
	Segment    media.Time // wished length of segments
	PartTarget media.Time
	Rewind     media.Time // length of the playlists
	Audience   Audience   // who watches
	Door       door.Door  // who may; nil: everybody
	Store      Store      // has what is Away; nil: nothing is

	once      sync.Once
	playlists map[*window.Track]*playlist
	packer    packer
	entries   [2]entry // multivariant playlist, MPD
}

// entry keeps the newest rendering of an address that players begin with: it is
// made anew at most once a part, however many ask.
type entry struct {
	mu     sync.Mutex
	at     time.Time
	tracks int
	text   []byte
}

// get renders unless that was done a moment ago over as many renditions.
func (e *entry) get(every time.Duration, tracks []*window.Track, render func([]*window.Track) ([]byte, error)) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); e.text == nil || e.tracks != len(tracks) || now.Sub(e.at) >= every {
		text, err := render(tracks)
		if err != nil {
			return nil, err
		}
		e.at, e.tracks, e.text = now, len(tracks), text
	}
	return e.text, nil
}

func (s *Stream) open() {
	s.once.Do(func() {
		s.playlists = make(map[*window.Track]*playlist)
		for _, t := range s.Window.Tracks() {
			s.playlists[t] = &playlist{track: t, packer: &s.packer, render: hls.Media{TargetDuration: s.Target, PartTarget: s.PartTarget, Epoch: s.Window.Epoch}}
		}
	})
}

// How long a rendition may keep the others waiting, at the start and of a new Period.
const (
	lateAfter    = 3 * media.Second
	furtherAfter = media.Second // a sound beside the first, which may never come
)

// waiting is what the renditions that are there know of those that are not.
type waiting struct {
	first, further bool       // such a rendition is not there
	longest        media.Time // of those that are
}

func (w *waiting) has(media media.Time) { w.longest = max(w.longest, media) }

func (w *waiting) lacks(t *window.Track) {
	w.first, w.further = w.first || !t.Further, w.further || t.Further
}

// over tells that nothing is waited for any longer.
func (w *waiting) over() bool {
	return (!w.first || w.longest >= lateAfter) && (!w.further || w.longest >= furtherAfter)
}

// ready returns the renditions that can be offered, nil while players should not
// start yet: each needs at least that many complete segments, or parts.
func (s *Stream) ready(segments int) []*window.Track {
	var ready []*window.Track
	var waiting waiting
	for _, t := range s.Window.Tracks() {
		t.View(func(v *window.View) {
			if v.Shed {
				return
			}
			n := v.Closed() - v.Foreign()
			if segments == 0 {
				if _, _, ok := v.Last(); ok {
					n = 1
				}
			}
			if v.Newest() == nil || n < max(segments, 1) {
				waiting.lacks(t)
				return
			}
			waiting.has(v.Segments[len(v.Segments)-1].End() - v.Segments[v.Foreign()].Start)
			ready = append(ready, t)
		})
	}
	if !waiting.over() {
		return nil
	}
	return ready
}

// Playable blocks until players can start, and reports whether they can: false when the
// stream or ctx ends, or closing (which may be nil) is closed, before that.
func (s *Stream) Playable(ctx context.Context, closing <-chan struct{}) bool {
	ready := false
	err := s.Window.Wait(ctx, closing, func() bool {
		ready = s.ready(2) != nil
		return ready || s.Window.Ended()
	})
	return err == nil && ready
}
