package packager_test

import (
	"slices"
	"testing"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/window"
)

// A slate is H.264: what the publisher sends in another coding has gaps for so long, and comes
// back with it.
func TestOriginalHasGapsWhereThereIsASlate(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	r := newRig(t, src, func(r *rig, cfg *packager.Config) {
		withRung(r, cfg)
		cfg.Pictures[0].Name = media.OriginalName
		slices.Reverse(cfg.Pictures)
	})
	list := src.Packets(18 * media.Second)
	slate := mediatest.Video(1280, 720, media.Rational{Num: 30, Den: 1}, false)
	var parts [3][]*media.Packet // away from 6 s to 12 s
	for _, p := range list {
		n := min(2, int(p.DTS/(6*media.Second)))
		if p.Track.Kind == media.Video {
			p.Discontinuity = n > 0 && p.DTS == media.Time(n)*6*media.Second
			if p.Slate = n == 1; p.Slate {
				p.Track = slate
			}
		}
		parts[n] = append(parts[n], p)
	}
	track := r.pack.Window().Track(media.OriginalName)
	for n, part := range parts {
		r.write(part, true)
		track.View(func(v *window.View) {
			if v.Shed != (n == 1) {
				t.Errorf("part %d: shed %v", n, v.Shed)
			}
			for _, in := range v.Inits {
				if in.Track == slate {
					t.Error("the slate is in the publisher's own coding")
				}
			}
		})
	}
	all := r.segments()
	all["source"] = all[media.OriginalName]
	check(t, all, 2, media.Second/5)
	for i, s := range all[media.OriginalName] {
		away := s.Start >= 6*media.Second-media.Millisecond && s.Start < 12*media.Second-media.Millisecond
		if low := all["360p"][i]; s.MSN != low.MSN || low.Gap || s.Gap != away || s.Discontinuity != low.Discontinuity {
			t.Errorf("segment %d at %v: gap %v, %+v", s.MSN, s.Start.Duration(), s.Gap, low)
		}
	}
}
