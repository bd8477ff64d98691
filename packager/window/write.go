package window

import (
	"slices"

	"weir/media"
)

// The methods of this file belong to the one writer.

// AddInit adds an initialisation segment and returns its index.
func (t *Track) AddInit(in Init) int {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.inits = append(t.inits, in)
	return len(t.inits) - 1
}

// Begin is called before all else: first is the MSN with which the track begins, discs and
// inits are how many discontinuities and initialisation segments there were, where it goes on
// that another process had.
func (t *Track) Begin(first, discs uint64, inits int) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.first, t.discs, t.inits = first, discs, make([]Init, inits)
}

// Miss lists what another process had, oldest first, before the first segment is opened,
// which has the MSN after. What is not Away nobody can have. The discontinuities are among
// those that Begin was told of.
func (t *Track) Miss(list []Segment) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	for _, s := range list {
		if s.Discontinuity {
			t.discs--
		}
		s.Foreign, s.Gap, s.Closed, s.Merged = true, !s.Away, true, s.Away
		t.add(s)
	}
}

// Open begins segment s; the one before must be closed and have the MSN before.
func (t *Track) Open(s Segment) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.add(s)
}

func (t *Track) add(s Segment) {
	if n := len(t.segments); n > 0 {
		last := t.segments[n-1]
		s.before = last.before + last.Duration
	}
	t.segments = append(t.segments, &s)
}

// AddPart appends a part to the open segment and wakes those who wait.
func (t *Track) AddPart(p Part) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	s := t.segments[len(t.segments)-1]
	p.Offset, p.Size = s.Size(), len(p.Data)
	s.Parts = append(s.Parts, p)
	s.Duration += p.Duration
	t.touch()
}

// Close completes the open segment, which is to last at least so long: without
// parts it is a gap, and one that was cut short says so by its duration.
func (t *Track) Close(least media.Time) *Segment {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	s := t.segments[len(t.segments)-1]
	s.Gap = len(s.Parts) == 0
	s.Duration = max(s.Duration, least)
	s.Closed = true
	t.touch()
	return s
}

// AddPartAndClose does both in one change, so that nobody sees the one without
// the other: mini segments are complete with their only part.
func (t *Track) AddPartAndClose(p Part) *Segment {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	s := t.segments[len(t.segments)-1]
	p.Offset, p.Size = s.Size(), len(p.Data)
	s.Parts = append(s.Parts, p)
	s.Duration += p.Duration
	s.Closed = true
	t.touch()
	return s
}

// SetShed says whether the track is offered to those who come.
func (t *Track) SetShed(shed bool) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if t.shed != shed {
		t.shed = shed
		t.touch()
	}
}

// Stored says where a closed segment lies now, or, with an empty path, that it
// could not be stored.
func (t *Track) Stored(s *Segment, path string) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	s.Path, s.Lost = path, path == ""
}

// Finished gives a closed segment that is not stored yet to who stores it.
func (t *Track) Finished(s *Segment) *Finished {
	t.w.mu.RLock()
	defer t.w.mu.RUnlock()
	f := &Finished{Rendition: t.Name, Kind: t.Kind, Segment: *s, Init: t.inits[s.Init], Data: make([][]byte, len(s.Parts))}
	for i := range s.Parts {
		f.Data[i] = s.Parts[i].Data
	}
	f.Segment.Parts = nil
	return f
}

// Leave says that no more will come here: the stream goes on elsewhere, and who waits has
// to ask there.
func (w *Window) Leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = true
	for _, t := range w.tracks {
		t.touch()
	}
}

// End says that no more will come.
func (w *Window) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, t := range w.tracks {
		t.touch()
	}
}

// Ended tells whether the stream is over.
func (w *Window) Ended() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.ended
}

// Keep bounds the window, counted back from the live edge. But for Playlist that is in
// media, as playlists count (RFC 8216bis 4.4.3.8): where a publisher was away or slow there
// is less of it than time has passed, and what playlists list must not go because of that.
type Keep struct {
	Playlist media.Time // what playlists list, in time, but no less media than Memory
	Memory   media.Time // what is held in memory
	Parts    media.Time // what parts can be asked for of, at least Memory; 0: all
	// Minis drops the mini segments of the start from playlists as soon as more
	// than this is listed after them.
	Minis media.Time
}

// Trim enforces k and returns the segments that nobody may ask for any more.
func (t *Track) Trim(k Keep) (gone []*Segment) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	n := len(t.segments)
	if n == 0 {
		return nil
	}
	last := t.segments[n-1]
	edge := last.before + last.Duration
	t.drop(t.lost(edge, k))
	for len(t.segments) > 1 && t.obsolete(t.segments[0], t.segments[1], k) {
		t.drop(1)
	}
	for _, s := range t.segments {
		after := s.after(edge)
		if !s.Closed || after < k.Memory {
			break
		}
		s.forget()
		if k.Parts > 0 && after >= k.Parts {
			s.merge()
		}
	}
	// RFC 8216bis 6.2.2: a removed segment stays available for its own duration
	// plus that of the longest playlist that listed it.
	t.removed = slices.DeleteFunc(t.removed, func(s *Segment) bool {
		s.forget()
		if last.End()-s.End() < 2*k.Playlist+s.Duration && !s.Lost || s.Path == "" && !s.Lost && !s.Gap && !s.Away {
			return false // still wanted, or still on its way to storage
		}
		gone = append(gone, s)
		return true
	})
	t.dropInits()
	return gone
}

// Release lets go of the files of segments that end more than beyond before the live edge,
// where has says that another store has them, and returns their paths. beyond is at least
// Keep.Parts, has must not block.
func (t *Track) Release(beyond media.Time, has func(msn uint64) bool) (paths []string) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	n := len(t.segments)
	if n == 0 {
		return nil
	}
	edge := t.segments[n-1].before + t.segments[n-1].Duration
	each := func(list []*Segment) {
		for _, s := range list {
			if !s.Closed || s.after(edge) < beyond {
				return
			}
			if s.Path != "" && has(s.MSN) {
				s.forget()
				s.merge()
				paths = append(paths, s.Path)
				s.Path, s.Away = "", true
			}
		}
	}
	each(t.removed)
	each(t.segments)
	return paths
}

// dropInits frees the initialisation segments that nothing needs any more; the
// indices of the others stay.
func (t *Track) dropInits() {
	oldest := t.segments[0]
	if len(t.removed) > 0 {
		oldest = t.removed[0]
	}
	for i := oldest.Init - 1; i >= 0 && t.inits[i].Data != nil; i-- {
		t.inits[i] = Init{}
	}
}

// after is how much media follows s up to the edge.
func (s *Segment) after(edge media.Time) media.Time { return edge - s.before - s.Duration }

// lost counts the segments up to the last one that has left memory and could not be
// stored: the window begins after it.
func (t *Track) lost(edge media.Time, k Keep) (n int) {
	for i, s := range t.segments {
		if !s.Closed || s.after(edge) < k.Memory {
			break
		}
		if s.Lost {
			n = i + 1
		}
	}
	return n
}

// drop takes the first n segments out of the playlists.
func (t *Track) drop(n int) {
	for _, s := range t.segments[:n] {
		if s.Discontinuity {
			t.discs++
		}
	}
	t.removed = append(t.removed, t.segments[:n]...)
	clear(t.segments[:n])
	t.segments = t.segments[n:]
}

// forget frees the bytes of a segment that lies in a file.
func (s *Segment) forget() {
	if s.Path == "" {
		return
	}
	for i := range s.Parts {
		s.Parts[i].Data = nil
	}
}

// merge leaves one part of all: a long window is mostly old parts.
func (s *Segment) merge() {
	if s.Merged || s.Path == "" || len(s.Parts) == 0 {
		return
	}
	s.Parts = []Part{{Size: int(s.Size()), Duration: s.Duration, Independent: s.Parts[0].Independent}}
	s.Merged = true
}

func (t *Track) obsolete(s, next *Segment, k Keep) bool {
	if !s.Closed || !next.Closed {
		return false
	}
	last := t.segments[len(t.segments)-1]
	after := s.after(last.before + last.Duration)
	if s.Foreign && s.Gap { // as long as the first ones after it
		for _, own := range t.segments {
			if !own.Foreign {
				return last.before+last.Duration-own.before > k.Minis
			}
		}
	}
	return s.Mini && after > k.Minis || last.End()-s.End() > k.Playlist && after >= k.Memory
}
