package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
)

// viewing is what a viewer of LL-HLS has of a stream: every playlist, read by a
// parser that is not ours.
type viewing struct {
	station  *station
	master   *playlist.Multivariant
	pictures []string // URLs of media playlists, the best first
	sound    string   // "" without, or where the sound is the only rendition
	sounds   []string // all of them, the first one first
	sent     []string // them as their publisher coded them, where one is there like that
	tone     int      // Hz, of the sound; 0: all of it is listened to
	moves    bool     // its sound, once, to where reports of RTP say later that it belongs
}

// view waits for a stream to be live and reads its multivariant playlist.
func (s *station) view(ctx context.Context, name string) (*viewing, error) {
	base := s.web + "/live/" + name + "/index.m3u8"
	text, err := s.must(ctx, base)
	if err != nil {
		return nil, err
	}
	v := &viewing{station: s, master: new(playlist.Multivariant)}
	if err := v.master.Unmarshal([]byte(text)); err != nil {
		return nil, fmt.Errorf("%w in\n%s", err, text)
	}
	for _, x := range v.master.Variants {
		if u := resolve(base, x.URI); !slices.Contains(v.pictures, u) { // the best is there once more, with another sound
			v.pictures = append(v.pictures, u)
		}
	}
	for _, x := range v.master.Renditions {
		switch {
		case x.URI == nil:
		case x.GroupID == media.OriginalName:
			v.sent = append(v.sent, resolve(base, *x.URI))
		default:
			v.sounds = append(v.sounds, resolve(base, *x.URI))
		}
	}
	if len(v.sounds) > 0 {
		v.sound = v.sounds[0]
	}
	return v, nil
}

func (v *viewing) all() []string {
	if v.sound == "" || v.sound == v.pictures[0] {
		return v.pictures
	}
	return append(v.pictures[:len(v.pictures):len(v.pictures)], v.sound)
}

// media reads a media playlist, with delivery directives or none.
func (v *viewing) media(ctx context.Context, u string, directives url.Values) (*playlist.Media, string, error) {
	if len(directives) > 0 {
		u += "?" + directives.Encode()
	}
	text, err := v.station.must(ctx, u)
	if err != nil {
		return nil, "", err
	}
	m := new(playlist.Media)
	if err := m.Unmarshal([]byte(text)); err != nil {
		return nil, "", fmt.Errorf("%s: %w in\n%s", u, err, text)
	}
	return m, text, nil
}

// until follows a media playlist by blocking requests until it satisfies.
func (v *viewing) until(ctx context.Context, u string, satisfied func(*playlist.Media) bool) (*playlist.Media, error) {
	m, text, err := v.media(ctx, u, nil)
	for err == nil && !satisfied(m) {
		if m.Endlist {
			return m, fmt.Errorf("the stream ended first:\n%s", text)
		}
		next := url.Values{"_HLS_msn": {strconv.Itoa(m.MediaSequence + len(m.Segments))}, "_HLS_part": {strconv.Itoa(len(m.Parts))}}
		m, text, err = v.media(ctx, u, next)
	}
	return m, err
}

// length is what the finished segments of a playlist last.
func length(m *playlist.Media) (d time.Duration) {
	for _, s := range m.Segments {
		d += s.Duration
	}
	return d
}

func discontinuities(m *playlist.Media) (n int) {
	for _, s := range m.Segments {
		if s.Discontinuity {
			n++
		}
	}
	return n
}

// rounded is by how much dates and durations may miss each other, as written.
const rounded = 3 * time.Millisecond

// checkMedia holds a media playlist against the rules that a parser does not know
// (rfc8216bis 4.4.3.1, 4.4.3.7, 4.4.4.9).
// Segments begin where the one before ends, but for step.
func checkMedia(m *playlist.Media, step time.Duration) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if m.PartInf == nil || m.ServerControl == nil || !m.ServerControl.CanBlockReload || m.Map == nil {
		return errors.New("not a low-latency playlist")
	}
	target := m.PartInf.PartTarget
	if hold := m.ServerControl.PartHoldBack; hold == nil || *hold < 2*target {
		bad("PART-HOLD-BACK %v for parts of %v", hold, target)
	}
	var next time.Time
	for i, s := range m.Segments {
		if int(math.Round(s.Duration.Seconds())) > m.TargetDuration {
			bad("segment %d lasts %v, the target is %d", i, s.Duration, m.TargetDuration)
		}
		bad2 := checkParts(s.Parts, target, s.Duration, true)
		if bad2 != nil {
			bad("segment %d: %w", i, bad2)
		}
		if s.DateTime == nil {
			bad("segment %d has no date", i)
			continue
		}
		if off := s.DateTime.Sub(next).Abs(); !next.IsZero() && !s.Discontinuity && off > step {
			bad("segment %d begins %v off the end of the one before", i, off)
		}
		next = s.DateTime.Add(s.Duration)
	}
	if err := checkParts(m.Parts, target, 0, finished(m)); err != nil {
		bad("segment under way: %w", err)
	}
	if !m.Endlist && m.PreloadHint == nil {
		bad("no hint at the next part")
	}
	return errors.Join(errs...)
}

// finished says whether the parts at the end are a whole segment, which is listed as
// one together with what follows it: then the next part is another segment's.
func finished(m *playlist.Media) bool {
	if m.PreloadHint == nil || len(m.Parts) == 0 {
		return m.Endlist
	}
	msn := func(uri string) string { n, _, _ := strings.Cut(uri, "."); return n }
	return msn(m.PreloadHint.URI) != msn(m.Parts[len(m.Parts)-1].URI)
}

// checkParts holds parts against the target and the duration of their segment; 0
// when that is not known yet. done says that no part follows in the segment.
func checkParts(parts []*playlist.MediaPart, target, whole time.Duration, done bool) error {
	var sum time.Duration
	const rounding = time.Millisecond
	for i, p := range parts {
		sum += p.Duration
		last := i == len(parts)-1 && done
		if p.Duration > target+rounding || !last && p.Duration < target*85/100-rounding {
			return fmt.Errorf("part %d of %d lasts %v, the target is %v", i, len(parts), p.Duration, target)
		}
	}
	// A segment whose rendition was shed in the middle is longer than its parts.
	if whole > 0 && sum > whole+rounding {
		return fmt.Errorf("parts of %v in a segment of %v", sum, whole)
	}
	return nil
}

// checkAgree holds that two renditions have the same segments at the same times;
// sound begins a segment with a whole frame of its own.
func checkAgree(a, b *playlist.Media, slack time.Duration) error {
	common := 0
	for i, s := range a.Segments {
		j := a.MediaSequence + i - b.MediaSequence
		if j < 0 || j >= len(b.Segments) {
			continue
		}
		common++
		o := b.Segments[j]
		if s.DateTime == nil || o.DateTime == nil || s.Discontinuity != o.Discontinuity {
			return fmt.Errorf("segment %d: %v and %v", a.MediaSequence+i, s, o)
		}
		if d := s.DateTime.Sub(*o.DateTime).Abs(); d > slack {
			return fmt.Errorf("segment %d is %v apart", a.MediaSequence+i, d)
		}
	}
	if common == 0 {
		return errors.New("no segment in common")
	}
	return nil
}

// check reads every playlist and holds all of them against the rules and each
// other.
func (v *viewing) check(ctx context.Context) error {
	first, text, err := v.media(ctx, v.all()[0], nil)
	if err != nil {
		return err
	}
	if err := checkMedia(first, rounded); err != nil {
		return fmt.Errorf("%w in\n%s", err, text)
	}
	for _, u := range v.all()[1:] {
		m, text, err := v.media(ctx, u, nil)
		if err != nil {
			return err
		}
		slack, step := 2*time.Millisecond, rounded
		switch {
		case u == v.sound && v.moves:
			slack, step = 200*time.Millisecond, 200*time.Millisecond
		case u == v.sound:
			slack = 50 * time.Millisecond
		}
		if err := errors.Join(checkMedia(m, step), checkAgree(first, m, slack)); err != nil {
			return fmt.Errorf("%w in\n%s", err, text)
		}
		if m.TargetDuration != first.TargetDuration {
			return fmt.Errorf("target durations %d and %d", first.TargetDuration, m.TargetDuration)
		}
	}
	return nil
}

// epoch is the part of a media playlist's URL that stands for its session.
func epoch(u string) string {
	parts := strings.Split(u, "/")
	return parts[len(parts)-3]
}
