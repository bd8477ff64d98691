package ingest

import (
	"iter"
	"time"

	"weir/media"
	"weir/media/codec"
	"weir/media/cut"
	"weir/media/timing"
)

// Bounds of what still counts as one uninterrupted time line.
const (
	maxGap   = media.Second            // a longer hole in the leading track is an interruption
	maxBack  = 5 * media.Millisecond   // a greater step back, too
	maxApart = 3 * media.Second        // of another track from the leading one
	strayFor = 2 * time.Second         // how long a track may be off before its own clock is believed
	maxAhead = 5 * media.Second        // of the wall clock, before a publisher is held back
	fillHole = 500 * media.Millisecond // missing frames that the next one may cover

	// anchorEvery is the least time between two interruptions: a source that has
	// more of them loses media, or manifests would grow without bound.
	anchorEvery = media.Second
)

// line is a session's time line: it moves packets from the publisher's clock to
// the stream's own, whose zero is the epoch, keeps them monotonic and near the
// wall clock, and marks where segments begin. Video leads where there is any, else the
// first sound.
type line struct {
	plan   Plan
	tracks []*media.Track
	lanes  [1 + media.MaxSounds]lane // video, sounds
	cutter cut.Cutter
	drift  timing.Drift

	epoch    time.Time
	running  bool // between a key frame and an interruption
	anchored bool // the epoch is set
	recut    bool // media time left the wall clock: re-anchor at the next key frame
	start    media.Time
	anchorAt media.Time // wall time of the newest anchor
	recoded  bool       // the leading track's codec is another one than before
	held     bool       // the publisher was held back in this window of drift
	behind   media.Time // how far it was behind when that was last too much; the session takes it
	jumps    uint64     // of the publisher's stamps
}

// lane is what the line knows of one track.
type lane struct {
	present bool
	track   *media.Track
	cadence timing.Cadence
	offset  media.Time // from the publisher's clock to ours
	shift   media.Time // PTS minus DTS of the publisher's key frames
	raw     media.Time // newest stamp of the publisher
	seen    bool       // raw is valid
	dts     media.Time // newest stamp of ours
	end     media.Time // where the newest packet ends, as far as is known
	stray   time.Time  // since when packets are too far from the leading track
}

func newLine(plan Plan, tracks []*media.Track) line {
	l := line{plan: plan, tracks: tracks}
	l.cutter = cut.Cutter{Segment: plan.Segment, Longest: plan.Longest, Forced: plan.Forced, OwnKeys: plan.OwnKeys}
	for ln, t := range l.each(tracks) {
		ln.present = true
		ln.adopt(t)
	}
	if !plan.Epoch.IsZero() { // the first anchor is a discontinuity
		l.epoch, l.anchored, l.anchorAt = plan.Epoch, true, -anchorEvery
		for i := range l.lanes {
			l.lanes[i].end = plan.Ended
		}
	}
	return l
}

func (l *line) lane(k media.Kind, sound int) *lane {
	if k == media.Video {
		return &l.lanes[0]
	}
	return &l.lanes[1+sound]
}

// each gives tracks with their lanes: sounds are in order.
func (l *line) each(tracks []*media.Track) iter.Seq2[*lane, *media.Track] {
	return func(yield func(*lane, *media.Track) bool) {
		sound := 0
		for _, t := range tracks {
			ln := l.lane(t.Kind, sound)
			if t.Kind == media.Audio {
				sound++
			}
			if !yield(ln, t) {
				return
			}
		}
	}
}

// lead is the lane that decides about cuts.
func (l *line) lead() *lane {
	if l.lanes[0].present {
		return &l.lanes[0]
	}
	return &l.lanes[1]
}

// adopt begins with a track's parameters.
func (ln *lane) adopt(t *media.Track) {
	ln.track = t
	ln.cadence = timing.Cadence{}
	if t.Kind == media.Video {
		ln.cadence.Interval = t.FrameRate.Interval()
		if !t.Reorder {
			ln.cadence.Fill = fillHole
		}
		return
	}
	ln.cadence.Tolerance = 30 * media.Millisecond
	if t.Codec == media.AAC && t.SampleRate > 0 {
		ln.cadence.Interval = media.FromScale(1024, int64(t.SampleRate))
	}
}

// interrupt makes the line wait for a key frame and begin anew there.
func (l *line) interrupt() { l.running = false }

// rejoin is interrupt for a publisher that came back, perhaps with other parameters.
func (l *line) rejoin(tracks []*media.Track) {
	l.interrupt()
	for ln, t := range l.each(tracks) {
		ln.adopt(t)
	}
}

// ends is where the media of all tracks has ended.
func (l *line) ends() media.Time {
	end := l.lanes[0].end
	for _, ln := range l.lanes[1:] {
		end = max(end, ln.end)
	}
	return end
}

// ripe tells whether the line may be interrupted again with a packet that comes now.
func (l *line) ripe(wall time.Time) bool {
	return media.FromDuration(wall.Sub(l.epoch))-l.anchorAt >= anchorEvery
}

// wall is the time of p's arrival on the stream's clock.
func (l *line) wall(p *media.Packet) media.Time { return media.FromDuration(p.Wall.Sub(l.epoch)) }

// place dates p. It reports false when p is to be dropped.
func (l *line) place(p *media.Packet) bool {
	ln := l.lane(p.Kind(), p.Sound)
	if !ln.present {
		return false
	}
	if ln == l.lead() {
		return l.placeLead(ln, p)
	}
	return l.running && l.placeOther(ln, p)
}

func (l *line) placeLead(ln *lane, p *media.Packet) bool {
	if step := p.DTS - ln.raw; l.running && ln.seen && (step > maxGap || step < -maxBack) {
		l.jumps++
		l.interrupt()
	}
	ln.raw, ln.seen = p.DTS, true
	if p.Track != ln.track && p.Key {
		l.recoded = l.recoded || p.Track.Codec != ln.track.Codec
		ln.adopt(p.Track)
		l.interrupt()
	}
	if p.Key && l.running && l.recut {
		l.interrupt()
	}
	if !l.running && !l.anchor(ln, p) {
		return false
	}
	if p.Key && p.PTS-p.DTS != ln.shift && p.Track.Kind == media.Video {
		ln.shift = p.PTS - p.DTS
		ln.cadence.Reset()
	}
	ln.date(p)
	p.Boundary = l.cutter.Mark(p.DTS, p.Key, p.Discontinuity)
	if l.recoded && l.plan.OwnKeys {
		// What viewers were told of passes no more: they go on with what is encoded.
		l.cutter.Forced, p.Boundary = true, media.ForcedBoundary
	}
	l.recoded = false
	l.observe(p)
	return true
}

// anchor begins the time line, or goes on with it after an interruption, at a
// key frame.
func (l *line) anchor(ln *lane, p *media.Packet) bool {
	if !p.Key {
		return false
	}
	var at media.Time
	if l.anchored {
		at = l.wall(p)
		if at-l.anchorAt < anchorEvery {
			return false
		}
		if at < l.ends() {
			if l.recut {
				return false // ahead of the wall clock: what is too much is left out
			}
			at = l.ends()
		}
		p.Discontinuity = true
	} else {
		// to the millisecond, so that playlists can date segments exactly
		l.epoch, l.anchored = p.Wall.Truncate(time.Millisecond), true
	}
	l.running, l.recut = true, false
	l.start, l.anchorAt = at, l.wall(p)
	for i := range l.lanes {
		x := &l.lanes[i]
		x.offset = at - p.PTS
		x.dts, x.end, x.shift = at-1, at, 0
		x.cadence.Reset()
		x.stray = time.Time{}
	}
	ln.shift = p.PTS - p.DTS
	l.drift.Reset()
	return true
}

// placeOther dates a packet of a track that follows.
func (l *line) placeOther(ln *lane, p *media.Packet) bool {
	at := p.DTS + ln.offset
	if d := at - l.lead().end; d > maxApart || d < -maxApart {
		if ln.stray.IsZero() {
			ln.stray = p.Wall
		}
		if p.Wall.Sub(ln.stray) < strayFor {
			return false
		}
		ln.offset += l.lead().end - at
		ln.cadence.Reset()
		at = p.DTS + ln.offset
	}
	ln.stray = time.Time{}
	if p.Track != ln.track {
		ln.adopt(p.Track)
		l.recut = true // viewers get the new parameters at a discontinuity
	}
	if at < l.start {
		return false
	}
	ln.date(p)
	return true
}

// date moves p to the stream's clock.
func (ln *lane) date(p *media.Packet) {
	ahead := p.PTS - p.DTS - ln.shift // negative or positive: composition offset
	if p.Track.Codec == media.Opus {  // each packet tells how long it is
		if n := codec.OpusSamples(p.Data); n > 0 {
			ln.cadence.Interval = media.FromScale(int64(n), 48000)
		}
	}
	at, dur := ln.cadence.Next(p.DTS + ln.offset + ln.shift)
	if at < ln.end-ln.cadence.Tolerance {
		at = ln.end
	}
	at = max(at, ln.dts+1)
	if iv := ln.cadence.Interval; iv > 0 && dur > 0 {
		if n := (ahead + sign(ahead)*iv/2) / iv * iv; n-ahead < ln.cadence.Tolerance && ahead-n < ln.cadence.Tolerance {
			ahead = n
		}
	}
	p.DTS, p.PTS, p.Duration = at, at+ahead, dur
	ln.dts, ln.end = at, at+max(dur, 1)
}

func sign(t media.Time) media.Time {
	if t < 0 {
		return -1
	}
	return 1
}

// observe compares media time with the wall clock. Media that is too early for a
// whole window comes from a publisher that was late when the line was anchored
// and has caught up, or whose clock is fast: then something is left out. One that
// had to be held back sends a file; it keeps its lead.
func (l *line) observe(p *media.Packet) {
	most, least, ok := l.drift.Observe(p.DTS, l.wall(p))
	if !ok {
		return
	}
	if half := l.plan.Segment / 2; most < -half || least > half && !l.held {
		l.recut = true
		l.behind = max(0, -most)
	}
	l.held = false
}

// ahead is how long the publisher is to be held back because it sends faster
// than real time.
func (l *line) ahead(p *media.Packet) media.Time {
	over := max(0, p.DTS-l.wall(p)-maxAhead)
	l.held = l.held || over > 0
	return over
}
