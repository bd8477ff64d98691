package origin

import (
	"strconv"
	"time"

	"weir/media"
	"weir/media/codec"
	"weir/packager/dash"
	"weir/packager/hls"
	"weir/packager/window"
)

// mpd renders the DASH manifest over the given renditions.
func (s *Stream) mpd(tracks []*window.Track, timeURL string) ([]byte, error) {
	now := time.Now()
	p := dash.Presentation{
		Start: s.Window.Epoch, Published: now.UTC().Truncate(time.Second), Update: time.Duration(s.Target) * time.Second,
		Late: late(tracks, now.Sub(s.Window.Epoch)), Rewind: depth(s.Rewind.Duration(), s.Window.Epoch, now), UTCTiming: timeURL,
		MaxSegment: (time.Duration(s.Target)*time.Second + time.Second/2),
	}
	marks := s.Window.Marks()
	if period, ok := s.past(tracks, marks); ok {
		p.Periods = append(p.Periods, period)
	}
	for i := 0; i < len(marks); {
		n := i + 1
		for n < len(marks) && marks[n].Period == marks[i].Period {
			n++
		}
		if n == len(marks) && len(p.Periods) > 0 && !begun(tracks, marks[i:]) {
			break
		}
		period := s.period(tracks, marks[i:n], n == len(marks))
		if n < len(marks) && marks[n].Period.Ended < marks[n].Period.Start {
			// a hole: players that begin in it look in the Period that it belongs to
			period.Duration = marks[n].Period.Ended - period.Start
		}
		if len(period.Sets) > 0 {
			p.Periods = append(p.Periods, period)
		}
		i = n
	}
	return p.Render()
}

// begun tells whether all renditions have something of the newest Period, which is not told of
// before that, for as long as the start would wait: dash.js goes on in a new Period with what it
// finds there first, be it Opus as it was sent, because the AAC that is made of it is not there yet.
func begun(tracks []*window.Track, marks []window.Mark) bool {
	var waiting waiting
	for _, t := range tracks {
		t.View(func(v *window.View) {
			for _, m := range marks {
				if seg := v.Find(m.MSN); seg != nil && (seg.Gap || len(seg.Parts) > 0) {
					waiting.has(v.Segments[len(v.Segments)-1].End() - marks[0].Start)
					return
				}
			}
			waiting.lacks(t)
		})
	}
	return waiting.over()
}

// What late makes of the media's distance from the wall clock.
const (
	usualLate = 750 * time.Millisecond // a part, the way here, and encoding: players allow for it
	lateStep  = 500 * time.Millisecond
	mostLate  = 15 * time.Second // whose publisher is away for longer is not waited for
)

// late is how far the newest media of the slowest rendition is behind the wall clock, beyond
// what is usual. Players of DASH begin by the clock: without this they would begin where
// nothing has come yet, and where nothing will come if the time line is corrected meanwhile.
// dash.js and Shaka do not leave such a place by themselves.
func late(tracks []*window.Track, now time.Duration) (most time.Duration) {
	for _, t := range tracks {
		t.View(func(v *window.View) {
			if n := len(v.Segments); n > 0 && !t.Further {
				most = max(most, now-v.Segments[n-1].End().Duration())
			}
		})
	}
	if most -= usualLate; most <= 0 {
		return 0
	}
	return min(most, mostLate).Truncate(lateStep) + lateStep
}

// pastFor is how long the Period of the process before is told of.
const pastFor = 30 * media.Second

// past is the Period in which another process had the stream, up to the one that begins
// here: dash.js does not come back from one that is gone. Where there is no media it jumps.
func (s *Stream) past(tracks []*window.Track, marks []window.Mark) (p dash.Period, ok bool) {
	past := s.Window.Past()
	if past.Next == 0 || len(marks) == 0 || marks[0].Number != past.Next || marks[0].Start <= past.Start || marks[len(marks)-1].Start-marks[0].Start > pastFor {
		return p, false
	}
	n := 1
	for n < len(marks) && marks[n].Period == marks[0].Period {
		n++
	}
	p = s.period(tracks, marks[:n], false)
	p.Start = past.Start
	last := past.First + uint64((marks[0].Start-past.Start-1)/s.Segment) //nolint:gosec // not negative
	for i := range p.Sets {
		p.Sets[i].Timing = dash.Timing{First: past.First, Last: last, Segment: s.Segment, Early: (s.Segment - s.PartTarget).Duration()}
	}
	return p, len(p.Sets) > 0
}

// young is how long a stream is not told the depth of: what came first would leave the
// window of players before they have read the manifest again.
const young = 10 * time.Second

// depth is how far back viewers can go now: never to before the stream began. FFmpeg's
// reader, and with it mpv, counts in whole seconds from there and without a sign: from
// before the beginning it would come to the same segment again and again.
func depth(rewind time.Duration, began, now time.Time) time.Duration {
	if now.Sub(began) < young {
		return rewind
	}
	return min(rewind, now.Truncate(time.Second).Sub(began.Truncate(time.Second)))
}

// period describes one stretch of the stream; newest tells that it is still open.
func (s *Stream) period(tracks []*window.Track, marks []window.Mark, newest bool) dash.Period {
	p := dash.Period{Start: marks[0].Period.Start}
	timing := dash.Timing{First: marks[0].Period.Number, Segment: s.Segment, Early: (s.Segment - s.PartTarget).Duration()}
	if marks[0].Period.Timeline {
		timing = timeline(marks, s.Segment, newest)
	} else if !newest {
		timing.Last = marks[len(marks)-1].Number
	}
	pictures := dash.Set{ID: dash.PictureID, Kind: media.Video, Timing: timing, Prft: true}
	var sounds []dash.Set
	names := soundNames(tracks)
	for _, t := range tracks {
		if t.Kind == media.Video {
			s.represent(&pictures, t, marks)
			continue
		}
		set := dash.Sound(t.Name, names)
		set.Timing, set.Prft = timing, true
		if s.represent(&set, t, marks); len(set.Representations) > 0 {
			sounds = append(sounds, set)
		}
	}
	p.Sets = append(pictures.ByCoding(dash.CodingID), dash.Prefer(sounds)...)
	return p
}

// soundNames are what the sounds among the renditions are called, by number.
func soundNames(tracks []*window.Track) map[int]string {
	var sounds []hls.Sound
	for _, t := range tracks {
		if t.Kind == media.Audio {
			t.View(func(v *window.View) {
				sounds = append(sounds, hls.Sound{Rendition: t.Name, Label: v.Newest().Label, Language: v.Newest().Language})
			})
		}
	}
	return hls.Names(sounds)
}

// timeline lists the segments that are complete; the open one is listed only
// where there is no other.
func timeline(marks []window.Mark, usual media.Time, newest bool) dash.Timing {
	t := dash.Timing{First: marks[0].Number}
	for i, m := range marks {
		d := usual
		if i+1 < len(marks) {
			d = marks[i+1].Start - m.Start
		} else if newest && i > 0 {
			break
		}
		t.Timeline = append(t.Timeline, dash.Entry{Start: m.Start, Duration: d})
	}
	return t
}

// represent adds a rendition to a set, as it was when the period began. What follows the
// same initialisation segment has addresses of its own: a player that does not know of the
// next Period yet asks for numbers of it.
func (s *Stream) represent(set *dash.Set, t *window.Track, marks []window.Mark) {
	sum := summarise(t)
	init, found := 0, false
	t.View(func(v *window.View) {
		for _, m := range marks {
			seg := v.Find(m.MSN)
			if seg == nil || seg.Gap || len(seg.Parts) == 0 {
				continue
			}
			if !found {
				init, found = seg.Init, true
			}
			set.Loose = set.Loose || !seg.Key
		}
		if found {
			sum.track = v.Inits[init].Track
			sum.codecs = codec.Codecs(sum.track)
		}
	})
	if !found {
		return
	}
	set.Language = sum.track.Language
	set.Representations = append(set.Representations, dash.Representation{
		ID: t.Name, Bandwidth: max(sum.peak, 1), Codecs: sum.codecs,
		Width: sum.track.Width, Height: sum.track.Height, FrameRate: sum.track.FrameRate,
		SampleRate: sum.track.SampleRate, Channels: sum.track.Channels,
		Init:  s.Epoch + "/" + t.Name + "/init" + strconv.Itoa(init) + ".mp4",
		Media: s.Epoch + "/$RepresentationID$/d" + strconv.Itoa(init) + "-$Number$.m4s",
	})
}
