package archive

import "weir/media"

// Run is what players of a recording get as one segment: a stored segment, or the
// mini segments with which a session begins, up to the next key frame. Its number is
// its place in Runs, in all renditions the same.
type Run struct {
	First, Last     uint64 // MSNs
	Start, Duration media.Time
	// Discontinuity tells that time or coding begin anew, or that media is missing
	// before it.
	Discontinuity bool
	// Independent tells that it begins with a key frame in every rendition.
	Independent bool
}

// End is where its media ends.
func (r Run) End() media.Time { return r.Start + r.Duration }

// hole is how far apart neighbours may be without a discontinuity between them.
const hole = 100 * media.Millisecond

// settled is how many target durations of a recording that is still made are not
// offered yet: renditions are not stored at the same instant.
const settled = 2

// Runs are the runs of a recording, oldest first. Those of one that is not complete
// stay the same when more come.
func (x *Index) Runs() []Run {
	var runs []Run
	at := make([]int, len(x.Renditions)) // next segment of each
	wasMini := false
	for {
		s, ok := x.next(at)
		if !ok {
			break
		}
		n := len(runs)
		if n > 0 && wasMini && s.Flags&(Mini|Discontinuity) == Mini && s.MSN == runs[n-1].Last+1 {
			runs[n-1].Last = s.MSN
			runs[n-1].Duration = s.End() - runs[n-1].Start
			continue
		}
		wasMini = s.Flags&Mini != 0
		r := Run{First: s.MSN, Last: s.MSN, Start: s.Start, Duration: s.Duration, Independent: s.Flags&Independent != 0}
		r.Discontinuity = n > 0 && (s.Flags&Discontinuity != 0 || s.MSN != runs[n-1].Last+1 || s.Start-runs[n-1].End() > hole)
		runs = append(runs, r)
	}
	if n := len(runs); !x.Complete && n > 0 {
		end := runs[n-1].End() - settled*media.Time(x.Target)*media.Second
		for n--; n > 0 && runs[n-1].End() > end; n-- { // the newest may still become longer
		}
		runs = runs[:n]
	}
	return runs
}

// next merges the renditions: the segment with the least MSN at the positions, which
// move behind it, as the first rendition that has it knows it. What is special in
// one rendition is special in it.
func (x *Index) next(at []int) (s Segment, ok bool) {
	for i := range x.Renditions {
		list := x.Renditions[i].Segments
		if at[i] < len(list) && (!ok || list[at[i]].MSN < s.MSN) {
			s, ok = list[at[i]], true
		}
	}
	if !ok {
		return s, false
	}
	all := Independent
	for i := range x.Renditions {
		list := x.Renditions[i].Segments
		if at[i] < len(list) && list[at[i]].MSN == s.MSN {
			s.Flags |= list[at[i]].Flags &^ Independent
			all &= list[at[i]].Flags
			at[i]++
		}
	}
	s.Flags = s.Flags&^Independent | all
	return s, true
}

// Run gives the segments of a run in a rendition, up to the first that is missing: they
// can be decoded. nil means that the rendition has a gap.
func (r *Rendition) Run(run Run) Segments {
	from := r.Segments.Find(run.First)
	to := from
	for to < len(r.Segments) && r.Segments[to].MSN <= run.Last && r.Segments[to].MSN == run.First+uint64(to-from) {
		to++
	}
	if to == from {
		return nil
	}
	return r.Segments[from:to]
}
