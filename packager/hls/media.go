package hls

import (
	"strconv"
	"sync"
	"time"

	"weir/media"
	"weir/packager/window"
)

// Media renders the media playlists of one rendition. Render may be called from
// several goroutines.
type Media struct {
	// TargetDuration is EXT-X-TARGETDURATION in seconds; it never changes.
	TargetDuration int
	// PartTarget is PART-TARGET; it never changes. It is written in whole
	// milliseconds, rounded up, or a hair more than that: see appendPart.
	PartTarget media.Time
	Epoch      time.Time // wall clock of media time 0

	mu  sync.Mutex
	old lines // of the segments whose parts are not listed any more
}

// Distances in target durations (rfc8216bis 4.4.3.8, 4.4.4.9).
const (
	skipUntil  = 6
	partsUntil = 3
)

// Render gives the playlist of v. With skip set it is a delta update where there is
// something to skip (6.2.5.1). What is written anew is appended to dst; beyond that and
// the kept lines of old segments it does not allocate.
func (m *Media) Render(dst []byte, v *window.View, skip bool) Playlist {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age(v)
	n, at := 0, len(dst)
	if skip && !v.Ended {
		n = m.skippable(v)
	}
	dst = m.header(dst, v)
	if n > 0 {
		dst = append(dst, "#EXT-X-SKIP:SKIPPED-SEGMENTS="...)
		dst = strconv.AppendInt(dst, int64(n), 10)
		dst = append(dst, '\n')
	} else if len(v.Segments) > 0 {
		dst = appendMap(dst, v.Segments[0].Init)
	}
	p := Playlist{}
	if n > 0 { // few lines are left; those that are skipped may be many
		dst = m.old.appendFrom(dst, n)
	} else {
		p.Old = m.old.listed()
	}
	tail := len(dst)
	for i := m.old.n; i < len(v.Segments); i++ {
		dst = m.segment(dst, v, i, true)
	}
	dst = m.tail(dst, v)
	p.Head, p.Tail = dst[at:tail:tail], dst[tail:]
	return p
}

func (m *Media) header(dst []byte, v *window.View) []byte {
	target := int64(m.TargetDuration)
	part := max(ceilMillis(m.PartTarget)*(decimals/1000), above(m.PartTarget))
	dst = append(dst, "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:"...)
	dst = strconv.AppendInt(dst, target, 10)
	dst = append(dst, "\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK="...)
	dst = appendTarget(dst, 3*part)
	dst = append(dst, ",CAN-SKIP-UNTIL="...)
	dst = strconv.AppendInt(dst, skipUntil*target, 10)
	dst = append(dst, "\n#EXT-X-PART-INF:PART-TARGET="...)
	dst = appendTarget(dst, part)
	dst = append(dst, "\n#EXT-X-MEDIA-SEQUENCE:"...)
	first := v.First
	if len(v.Segments) > 0 {
		first = v.Segments[0].MSN
	}
	dst = strconv.AppendUint(dst, first, 10)
	if v.Discontinuities > 0 {
		dst = append(dst, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
		dst = strconv.AppendUint(dst, v.Discontinuities, 10)
	}
	return append(dst, '\n')
}

// segment appends the lines of v.Segments[i].
func (m *Media) segment(dst []byte, v *window.View, i int, parts bool) []byte {
	s := v.Segments[i]
	if !s.Closed && len(s.Parts) == 0 {
		return dst
	}
	if s.Discontinuity {
		dst = append(dst, "#EXT-X-DISCONTINUITY\n"...)
	}
	if i > 0 && s.Init != v.Segments[i-1].Init {
		dst = appendMap(dst, s.Init)
	}
	dst = append(dst, "#EXT-X-PROGRAM-DATE-TIME:"...)
	dst = appendDate(dst, m.Epoch.Add(s.Start.Duration()), v.Kind)
	dst = append(dst, '\n')
	if parts && !s.Merged {
		for j := range s.Parts {
			dst = appendPart(dst, s.MSN, j, &s.Parts[j], v.Kind)
		}
	}
	if !s.Closed || i >= Complete(v) {
		return dst
	}
	if s.Gap {
		dst = append(dst, "#EXT-X-GAP\n"...)
	}
	dst = append(dst, "#EXTINF:"...)
	dst = appendSeconds(dst, s.Duration)
	dst = append(dst, ",\n"...)
	dst = strconv.AppendUint(dst, s.MSN, 10)
	return append(dst, ".m4s\n"...)
}

// tail appends what follows the last segment.
func (m *Media) tail(dst []byte, v *window.View) []byte {
	if v.Ended {
		return append(dst, "#EXT-X-ENDLIST\n"...)
	}
	msn, part := NextPart(v)
	dst = append(dst, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\""...)
	dst = strconv.AppendUint(dst, msn, 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, int64(part), 10)
	dst = append(dst, ".m4s\"\n"...)
	v.EachOther(func(name string, msn uint64, part int) {
		dst = append(dst, "#EXT-X-RENDITION-REPORT:URI=\"../"...)
		dst = append(dst, name...)
		dst = append(dst, "/index.m3u8\",LAST-MSN="...)
		dst = strconv.AppendUint(dst, msn, 10)
		dst = append(dst, ",LAST-PART="...)
		dst = strconv.AppendInt(dst, int64(part), 10)
		dst = append(dst, '\n')
	})
	return dst
}

// Complete is how many segments are listed whole, with EXTINF and URI. The newest
// one is listed by its parts alone until a part follows it. A player that learns of
// the last, short part and of the end of a segment in one update, while it appends
// the part before, may take the segment for loaded and wait for ever (hls.js 1.7
// forgives 0.2 s at the ends of segments).
func Complete(v *window.View) int {
	n := v.Closed()
	if n == 0 || n < len(v.Segments) && len(v.Segments[n].Parts) > 0 || v.Ended {
		return n
	}
	if s := v.Segments[n-1]; len(s.Parts) > 1 {
		return n - 1
	}
	return n
}

// NextPart is the part that comes next (EXT-X-PRELOAD-HINT).
func NextPart(v *window.View) (msn uint64, part int) {
	if len(v.Segments) == 0 {
		return v.First, 0
	}
	s := v.Segments[len(v.Segments)-1]
	if s.Closed {
		return s.MSN + 1, 0
	}
	return s.MSN, len(s.Parts)
}

// age brings the kept lines up to date: segments that left the window go, those
// whose parts are not listed any more come.
func (m *Media) age(v *window.View) {
	if len(v.Segments) == 0 {
		return
	}
	m.old.drop(v.Segments[0].MSN)
	listed := m.within(v, len(v.Segments), partsUntil)
	for i := m.old.n; i < listed && v.Segments[i].Closed; i++ {
		b := m.old.room()
		b.text = m.segment(b.text, v, i, false)
		m.old.added(b)
	}
}

// within returns the index of the first of v.Segments[:n] that is needed to
// cover so many target durations at their end. Durations are added up, because
// media may be missing between segments.
func (m *Media) within(v *window.View, n, targets int) int {
	left := media.Time(targets*m.TargetDuration) * media.Second
	for n > 0 && left > 0 {
		n--
		left -= v.Segments[n].Duration
	}
	return n
}

// skippable counts the segments farther than the skip boundary from the end of
// the last segment that is listed whole.
func (m *Media) skippable(v *window.View) int {
	return min(m.within(v, Complete(v), skipUntil), m.old.n)
}

func appendMap(dst []byte, init int) []byte {
	dst = append(dst, "#EXT-X-MAP:URI=\"init"...)
	dst = strconv.AppendInt(dst, int64(init), 10)
	return append(dst, ".mp4\"\n"...)
}

// appendPart writes a part. The duration of one with pictures is rounded up, and by a hundred
// thousandth of a second where that changes nothing: where a part begins a hair early by the
// sum of those before it, or rounding might make it so, Shaka 5.2 moves its buffer's time stamps
// by that, and the browser then leaves out all pictures up to the next key frame (MSE 3.2).
func appendPart(dst []byte, msn uint64, i int, p *window.Part, kind media.Kind) []byte {
	dst = append(dst, "#EXT-X-PART:DURATION="...)
	if kind == media.Video {
		dst = appendFixed(dst, above(p.Duration), decimals)
	} else {
		dst = appendSeconds(dst, p.Duration)
	}
	dst = append(dst, ",URI=\""...)
	dst = strconv.AppendUint(dst, msn, 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, int64(i), 10)
	dst = append(dst, ".m4s\""...)
	if p.Independent {
		dst = append(dst, ",INDEPENDENT=YES"...)
	}
	return append(dst, '\n')
}

// appendSeconds writes t with five decimals, rounded down: no sum of durations may
// lie beyond the media, see appendDate.
func appendSeconds(dst []byte, t media.Time) []byte {
	return appendFixed(dst, int64(t/(media.Second/decimals)), decimals)
}

const decimals = 100_000

// above is the least number of hundred thousandths of a second that is more than t.
func above(t media.Time) int64 { return int64(t/(media.Second/decimals)) + 1 }

// appendDate writes t to the millisecond (rfc8216bis 4.4.4.6), sound rounded down
// and pictures up. Players place the sound by its date beside that of the picture,
// and hls.js 1.7 waits for ever when a segment of sound whose first part it did not
// load ends a hair later by the playlist than in its buffer: dates must not lead
// sound behind its own time stamps.
func appendDate(dst []byte, t time.Time, kind media.Kind) []byte {
	if kind == media.Video {
		t = t.Add(time.Millisecond - 1)
	}
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// appendTarget writes a number of hundred thousandths of a second, to the millisecond if it is
// a whole one.
func appendTarget(dst []byte, t int64) []byte {
	if t%(decimals/1000) == 0 {
		return appendFixed(dst, t/(decimals/1000), 1000)
	}
	return appendFixed(dst, t, decimals)
}

// appendFixed writes v/scale, where scale is a power of ten.
func appendFixed(dst []byte, v, scale int64) []byte {
	dst = strconv.AppendInt(dst, v/scale, 10)
	dst = append(dst, '.')
	v %= scale
	for scale /= 10; scale > 0; scale /= 10 {
		dst = append(dst, byte('0'+v/scale%10))
	}
	return dst
}

// ceilMillis is t in milliseconds, rounded up; a tick of rounding is forgiven.
func ceilMillis(t media.Time) int64 {
	return int64((t + media.Millisecond - 10) / media.Millisecond)
}
