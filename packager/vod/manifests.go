package vod

import (
	"slices"
	"strconv"
	"time"

	"weir/media"
	"weir/packager/archive"
	"weir/packager/dash"
	"weir/packager/hls"
)

// rate is what a rendition needs, in bit/s.
func rate(r *archive.Rendition, runs []archive.Run) (peak, mean int) {
	var bytes, rest int64
	var length media.Time
	for _, run := range runs {
		size := int64(0)
		for _, s := range r.Run(run) {
			size += s.Size
		}
		if size == 0 || run.Duration <= 0 {
			continue
		}
		bytes, length = bytes+size, length+run.Duration
		if run.Duration >= media.Second || rest == 0 { // a short one is mostly its key frame
			peak = max(peak, int(float64(size)*8/run.Duration.Seconds()))
			rest++
		}
	}
	if length > 0 {
		mean = int(float64(bytes) * 8 / length.Seconds())
	}
	return max(peak, mean, 1), max(mean, 1)
}

// latest describes a rendition by the newest of its tracks that is used.
func latest(r *archive.Rendition) archive.Init {
	return r.Inits[r.Segments[len(r.Segments)-1].Init]
}

// multivariant renders the entry playlist, the best rendition first but for the one
// that players are to begin with.
func multivariant(e *entry) []byte {
	m := hls.Multivariant{Independent: independent(e.runs)}
	var sounds []hls.Sound
	for i := range e.index.Renditions {
		r := &e.index.Renditions[i]
		if len(r.Segments) == 0 {
			continue
		}
		d := latest(r)
		peak, mean := rate(r, e.runs)
		if r.Kind == media.Audio {
			sounds = append(sounds, hls.Sound{Rendition: r.Name, URI: r.Name + "/index.m3u8", Codecs: d.Codecs, Bandwidth: peak, Average: mean, Label: d.Label, Language: d.Language})
			continue
		}
		m.Variants = append(m.Variants, hls.Variant{
			URI: r.Name + "/index.m3u8", Bandwidth: peak, Average: mean, Codecs: d.Codecs, Width: d.Width, Height: d.Height,
			FrameRate: media.Rational{Num: d.FrameNum, Den: d.FrameDen}.Float(),
		})
	}
	m.Hear(sounds)
	slices.SortStableFunc(m.Variants, func(a, b hls.Variant) int { return b.Height - a.Height })
	m.BeginLow()
	return m.Render()
}

func independent(runs []archive.Run) bool {
	return !slices.ContainsFunc(runs, func(r archive.Run) bool { return !r.Independent })
}

// playlist renders the media playlist of a rendition.
func playlist(e *entry, r *archive.Rendition) ([]byte, error) {
	p := hls.Recording{Target: e.index.Target, Growing: !e.index.Complete, Epoch: e.index.Epoch, Entries: make([]hls.Entry, 0, len(e.runs))}
	init := -1
	for i, run := range e.runs {
		x := hls.Entry{URI: strconv.Itoa(i) + ".m4s", Start: run.Start, Duration: run.Duration, Discontinuity: run.Discontinuity}
		if list := r.Run(run); list == nil {
			x.Gap = true
		} else {
			x.Start, x.Duration = list[0].Start, list[len(list)-1].End()-list[0].Start
			// a change of coding is a discontinuity, whoever forgot to say so
			x.Discontinuity = x.Discontinuity || init >= 0 && list[0].Init != init
			init = list[0].Init
			x.Init = "init" + strconv.Itoa(init) + ".mp4"
		}
		p.Entries = append(p.Entries, x)
	}
	return p.Render()
}

// manifest renders the MPD. It has a Period for each stretch in which the same
// renditions have all segments, coded in the same way: DASH knows no gaps.
func manifest(e *entry) ([]byte, error) {
	first, last := e.runs[0], e.runs[len(e.runs)-1]
	p := dash.Presentation{
		Static: true, Zero: first.Start, Duration: last.End() - first.Start,
		MaxSegment: time.Duration(e.index.Target)*time.Second + time.Second/2,
	}
	for from := 0; from < len(e.runs); {
		to := from + 1
		for to < len(e.runs) && !e.runs[to].Discontinuity && alike(e.index, e.runs[from], e.runs[to]) {
			to++
		}
		period := period(e, from, to)
		if to < len(e.runs) && e.runs[to].Start-e.runs[to-1].End() > media.Millisecond {
			period.Duration = e.runs[to-1].End() - period.Start // a hole follows
		}
		if len(period.Sets) > 0 {
			p.Periods = append(p.Periods, period)
		}
		from = to
	}
	return p.Render()
}

// alike tells whether two runs are there in the same renditions, coded in the same way.
func alike(x *archive.Index, a, b archive.Run) bool {
	for i := range x.Renditions {
		r := &x.Renditions[i]
		one, other := r.Run(a), r.Run(b)
		if (one == nil) != (other == nil) || one != nil && one[0].Init != other[0].Init {
			return false
		}
	}
	return true
}

// period describes the runs [from, to).
func period(e *entry, from, to int) dash.Period {
	runs := e.runs[from:to]
	p := dash.Period{Start: runs[0].Start}
	pictures := dash.Set{ID: dash.PictureID, Kind: media.Video}
	var sounds []dash.Set
	names := soundNames(e.index)
	for i := range e.index.Renditions {
		r := &e.index.Renditions[i]
		set := &pictures
		if r.Kind == media.Audio {
			one := dash.Sound(r.Name, names)
			set = &one
		}
		list := r.Run(runs[0])
		if list == nil {
			continue
		}
		p.Start = min(p.Start, list[0].Start)
		set.Media, set.Loose, set.Timing.First = "$RepresentationID$/$Number$.m4s", !independent(runs), uint64(from)
		if set.Timing.Timeline == nil {
			set.Timing.Timeline = timeline(r, runs)
		}
		d := r.Inits[list[0].Init]
		set.Language = d.Language
		peak, _ := rate(r, e.runs)
		set.Representations = append(set.Representations, dash.Representation{
			ID: r.Name, Bandwidth: peak, Codecs: d.Codecs, Width: d.Width, Height: d.Height,
			FrameRate: media.Rational{Num: d.FrameNum, Den: d.FrameDen}, SampleRate: d.SampleRate, Channels: d.Channels,
			Init: archive.InitFile(r.Name, list[0].Init),
		})
		if r.Kind == media.Audio {
			sounds = append(sounds, *set)
		}
	}
	p.Sets = append(pictures.ByCoding(dash.CodingID), dash.Prefer(sounds)...)
	return p
}

// soundNames are what the sounds of a recording are called, by number.
func soundNames(x *archive.Index) map[int]string {
	var sounds []hls.Sound
	for i := range x.Renditions {
		if r := &x.Renditions[i]; r.Kind == media.Audio && len(r.Segments) > 0 {
			d := latest(r)
			sounds = append(sounds, hls.Sound{Rendition: r.Name, Label: d.Label, Language: d.Language})
		}
	}
	return hls.Names(sounds)
}

// timeline lists the runs of a rendition that has all of them.
func timeline(r *archive.Rendition, runs []archive.Run) (list []dash.Entry) {
	for _, run := range runs {
		s := r.Run(run)
		list = append(list, dash.Entry{Start: s[0].Start, Duration: s[len(s)-1].End() - s[0].Start})
	}
	return list
}
