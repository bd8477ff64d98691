package window

import "weir/media"

// Find returns the segment with a sequence number, listed or lately removed.
func (v *View) Find(msn uint64) *Segment {
	if n := len(v.Segments); n > 0 {
		if first := v.Segments[0].MSN; msn >= first && msn < first+uint64(n) {
			return v.Segments[msn-first]
		}
	}
	for _, s := range v.removed {
		if s.MSN == msn {
			return s
		}
	}
	return nil
}

// Mark is the beginning of a DASH segment: DASH has numbers of its own over the
// same chunks, because mini segments have no place in $Number$ arithmetic.
type Mark struct {
	Number uint64     // given by AddMark
	MSN    uint64     // of the first HLS segment in it
	Start  media.Time // on the stream's clock
	Period Period     // that it belongs to
}

// Period is a stretch of the stream without discontinuity (DASH 5.3.2).
type Period struct {
	Start  media.Time
	Ended  media.Time // where the media before it ended: there may be a hole
	Number uint64     // of its first segment
	// Timeline says that the segments are too irregular for $Number$ arithmetic
	// and must be listed.
	Timeline bool
}

// Past is the DASH Period in which another process had the stream before. Players that
// show it stay in it until they have learned of the next one.
type Past struct {
	Start media.Time
	First uint64 // number of its first segment
	// Players may ask for the segments from Lost up to Next, the first of this process;
	// none of them can be had.
	Lost, Next uint64
}

// SetPast is called before the first segment.
func (w *Window) SetPast(p Past) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.past = p
}

// Past is zero where no other process had the stream, or its segments were listed.
func (w *Window) Past() Past {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.past
}

// AddMark begins a new DASH segment.
func (w *Window) AddMark(m Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.Number = w.dashN
	w.dashN++
	w.marks = append(w.marks, m)
}

// Number says which number the next DASH segment gets, before the first.
func (w *Window) Number(next uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dashN = next
}

// Marks returns a copy of the DASH segments of the window, oldest first.
func (w *Window) Marks() []Mark {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return append([]Mark(nil), w.marks...)
}

// DropMarks forgets the DASH segments that end at or before HLS segment before.
func (w *Window) DropMarks(before uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n+1 < len(w.marks) && w.marks[n+1].MSN <= before {
		n++
	}
	w.marks = w.marks[n:]
}

// Span returns the HLS segments [from, to) of a DASH segment; open tells that it
// is the newest one, to which more segments may come. ok is false for a number
// that is gone or not there yet.
func (w *Window) Span(number uint64) (from, to uint64, open, ok bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for i, m := range w.marks {
		if m.Number != number {
			continue
		}
		if i+1 < len(w.marks) {
			return m.MSN, w.marks[i+1].MSN, false, true
		}
		return m.MSN, 0, !w.ended, true
	}
	return 0, 0, false, false
}

// NextNumber is the number that the next DASH segment will get.
func (w *Window) NextNumber() uint64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.dashN
}

// EachOther calls f with the live edge of every other track of the stream that
// has one; it is used under the lock that View holds.
func (v *View) EachOther(f func(name string, msn uint64, part int)) {
	for _, t := range v.w.tracks {
		if t == v.Track {
			continue
		}
		o := View{Track: t, Segments: t.segments}
		if msn, part, ok := o.Last(); ok {
			f(t.Name, msn, part)
		}
	}
}

// Bitrate is the mean over the segments listed that were here, in bit/s.
func (v *View) Bitrate() int {
	var bytes int64
	var length media.Time
	for _, s := range v.Segments[v.Foreign():] {
		bytes, length = bytes+s.Size(), length+s.Duration
	}
	if length <= 0 {
		return 0
	}
	return int(float64(bytes) * 8 / length.Seconds())
}
