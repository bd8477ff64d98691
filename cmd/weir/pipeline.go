package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
	"weir/media/ladder"
	"weir/media/transcode"
	"weir/packager"
	"weir/packager/archive"
	"weir/packager/origin"
	"weir/packager/window"
	"weir/services/live"
)

// pipelines builds, for every stream that goes live, what stands between the hub
// and the viewers: the ladder's job, the packager and its place in the origin.
type pipelines struct {
	cfg     Config
	log     *slog.Logger
	hub     *hub.Hub
	origin  *origin.Handler
	metrics *mediaMetrics

	control    *control
	recordings *archive.Recordings
	store      string // what has the recordings, as the database calls it

	ctx  context.Context // ends the lingering of what is over
	wait sync.WaitGroup

	mu    sync.Mutex
	all   map[string]*pipeline              // by name
	late  map[*pipeline]bool                // that have ended, and can be had a while longer
	calls map[media.StreamID]*transcode.Job // what WebRTC alone needs
	gops  gops

	capacity *capacity
}

// pipeline is one session's.
type pipeline struct {
	source *hub.Stream
	job    *transcode.Job // nil when nothing is encoded
	jobs   sync.WaitGroup // it, and those of resound
	own    []bool         // sounds that pass through
	pack   *packager.Packager
	stream *origin.Stream
	files  *archive.Files
	rec    *archive.Recorder // nil when it is not recorded
	store  string            // that it is recorded to

	plan    ingest.Plan
	from    *checkpoint  // what another process left of it; nil: it began here
	fate    atomic.Int32 // stays, handed or taken
	gauge   *gauge
	health  atomic.Pointer[live.Health] // newest; nil before the first look
	session session                     // what the live-service knows of it
	lag     atomic.Int64                // most that the ladder was behind, as a time.Duration
	pace    pace                        // of the publisher; of report
	done    chan struct{}               // closed when nothing of it is in the hub any more
}

// linger is how long viewers can still get the end of a stream.
const linger = 30 * time.Second

// plan says how a source is cut: with target durations of one wished segment, or
// of up to two where its key frames are known to be that far apart; where they are
// still further apart, or the picture cannot go to viewers, all is encoded here.
func (p *pipelines) plan(name string, tracks []*media.Track) ingest.Plan {
	segment := media.FromDuration(p.cfg.Live.Segment)
	target := targetOf(segment)
	gop := p.gops.of(name)
	plan := ingest.Plan{Segment: segment, OwnKeys: p.encodes(tracks)}
	switch {
	case gop <= longest(target):
	case gop <= 2*segment:
		plan.Segment, target = gop, targetOf(gop)
	default:
		plan.Forced = true
	}
	if v := video(tracks); plan.OwnKeys && transcode.NeedsVideo(v) && !p.cfg.passes(v) {
		plan.Forced = true
	}
	plan.Longest = longest(target)
	if v := video(tracks); v != nil {
		_, _, plan.Segment = frames(v.FrameRate, 0, plan.Segment)
	}
	if x := p.control.checkpoints.of(name, tracks); x != nil { // what players were told stays true
		plan.Segment, plan.Longest, plan.Forced = x.Segment, x.Longest, x.Forced && plan.OwnKeys
		plan.Epoch, plan.Ended = x.Epoch, x.State.End
	}
	return plan
}

// targetOf is EXT-X-TARGETDURATION for segments of a wished length.
func targetOf(segment media.Time) int { return int((segment + media.Second - 1) / media.Second) }

// longest is the most that rounds to a target duration.
func longest(target int) media.Time {
	return media.Time(target)*media.Second + 499*media.Millisecond
}

// passes tells whether what has to be encoded for most players is offered to others as it
// came.
func (c *Config) passes(t *media.Track) bool { return c.Live.Original && transcode.Passes(t) }

// encodes tells whether a picture of these tracks can be encoded here.
func (p *pipelines) encodes(tracks []*media.Track) bool {
	v := video(tracks)
	return v != nil && (!p.cfg.Live.Ladder.Setting().Off() || transcode.NeedsVideo(v))
}

func video(tracks []*media.Track) *media.Track {
	for _, t := range tracks {
		if t.Kind == media.Video {
			return t
		}
	}
	return nil
}

// start is called by the hub for every new stream, before its first packet.
func (p *pipelines) start(s *hub.Stream) error {
	if string(s.ID()) != s.ID().Name() {
		return nil // a rendition
	}
	if old := p.get(s.ID().Name()); old != nil {
		<-old.done // its encoders are finishing the last frames
	}
	pl, err := p.build(s)
	if err != nil {
		p.capacity.leave(s.ID().Name())
		return fmt.Errorf("cannot serve this stream: %w", err)
	}
	p.mu.Lock()
	p.all[pl.stream.Name] = pl
	p.mu.Unlock()
	p.origin.Add(pl.stream)
	p.wait.Go(func() { p.run(pl) })
	return nil
}

// build connects the parts of one session.
func (p *pipelines) build(s *hub.Stream) (*pipeline, error) {
	name, epoch := s.ID().Name(), strconv.FormatInt(s.Epoch().UnixMilli(), 36)
	plan := p.plan(name, s.Tracks())
	pl := &pipeline{source: s, plan: plan, from: p.control.checkpoints.take(name, s.Epoch()), store: p.store, gauge: newGauge(s), done: make(chan struct{})}
	pack := packager.Config{
		Name: name, Epoch: s.Epoch(), Log: p.log, Source: s,
		Target:  int(plan.Longest / media.Second),
		Segment: plan.Segment, PartTarget: media.FromDuration(p.cfg.Live.Part), Frame: media.Second / 30,
		Rewind:    media.FromDuration(p.cfg.Live.DVR),
		Published: p.metrics.published,
	}
	if v := video(s.Tracks()); v != nil {
		pack.Frame, pack.PartTarget, _ = frames(v.FrameRate, pack.PartTarget, plan.Segment)
		pack.Pictures = []packager.Input{{Name: media.SourceName, Stream: s}}
	}
	if x := pl.from; x != nil {
		pack.From, pack.PartTarget = x.next(time.Now()), x.Part
		p.log.Info("stream goes on after another process", "stream", name, "epoch", epoch, "segment", pack.From.Next)
	}
	if len(s.Tracks()) > 1 || video(s.Tracks()) == nil {
		for i, from := range append([]*hub.Stream{s}, p.hub.Sounds(s.ID())...) {
			pack.Sounds = append(pack.Sounds, packager.Input{Name: media.SoundName(i), Stream: from})
		}
	}
	rungs, err := p.afford(s)
	if err != nil {
		return nil, err
	}
	if err := p.transcode(pl, plan, rungs, &pack); err != nil {
		return nil, err
	}
	for i := range pack.Sounds {
		pl.own = append(pl.own, !pl.encodes(media.SoundName(i)))
	}
	if pl.session, err = p.control.begin(s, pl.from); err != nil {
		return nil, err
	}
	pl.files, pl.rec = p.sink(pl, epoch, pack.Target)
	pack.Sink = pl.files
	var store origin.Store
	if pl.rec != nil {
		pack.Sink, store = pl.rec, p.recordings.Reader(pl.rec.ID())
		pack.Past = p.past(pl, &pack)
		if p.cfg.Store.S3Endpoint != "" { // else the file that is recorded is the same
			pack.Local = media.FromDuration(p.cfg.Live.DVRLocal)
		}
	}
	if pl.pack, err = packager.New(pack); err != nil {
		p.control.finish(pl.session, totals(s, 0))
		if pl.rec != nil {
			p.finish(pl.rec, false)
		}
		return nil, err
	}
	pl.stream = &origin.Stream{
		Name: name, Epoch: epoch, Window: pl.pack.Window(),
		Target: pack.Target, Segment: pack.Segment, PartTarget: pack.PartTarget, Rewind: pack.Rewind,
		Door: doors{p.control.live}.live(pl.session.live), Store: store,
	}
	return pl, nil
}

// frames fits parts and segments to whole numbers of frames.
func frames(rate media.Rational, part, segment media.Time) (frame, parts, segments media.Time) {
	frame = rate.Interval()
	if frame <= 0 {
		return media.Second / 30, part, segment
	}
	whole := func(t media.Time) media.Time { return max(1, (t+frame/2)/frame) * frame }
	return frame, whole(part), whole(segment)
}

// transcode adds the renditions that are encoded here.
func (p *pipelines) transcode(pl *pipeline, plan ingest.Plan, rungs ladder.Setting, pack *packager.Config) error {
	mode := transcode.SourceNever
	needed := transcode.NeedsVideo(video(pl.source.Tracks()))
	switch {
	case plan.OwnKeys && (plan.Forced || needed):
		mode = transcode.SourceAlways
	case plan.OwnKeys:
		mode = transcode.SourceOnForced
	}
	// The packager is made after the job; what is shed before that is not offered yet.
	job, err := transcode.Open(transcode.Config{
		Hub: p.hub, Stream: pl.source, Sounds: p.hub.Sounds(pl.source.ID()), Ladder: rungs, Source: mode, Log: p.log,
		OnShed: func(rendition string, shed bool) { p.shed(pl, rendition, shed) },
	})
	if errors.Is(err, transcode.ErrNothing) {
		return nil
	}
	if err != nil && mode != transcode.SourceAlways {
		p.log.Warn("no ladder for this stream", "stream", pl.source.ID(), "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("transcode: %w", err)
	}
	pl.job = job
	name := pl.source.ID().Name()
	rendition := func(n string) packager.Input {
		return packager.Input{Name: n, Stream: p.hub.Get(media.StreamID(name + "/" + n))}
	}
	for _, r := range job.Renditions() {
		switch {
		case r.Name != media.SourceName:
			pack.Pictures = append(pack.Pictures, rendition(r.Name))
		case mode == transcode.SourceAlways:
			pack.Pictures[0] = rendition(r.Name)
		default:
			pack.Replace = rendition(r.Name)
		}
	}
	if needed && !plan.Forced { // last: players that know one coding take the first
		pack.Pictures = append(pack.Pictures, packager.Input{Name: media.OriginalName, Stream: pl.source})
	}
	for i := range pack.Sounds {
		n, from := media.SoundName(i), pack.Sounds[i].Stream
		if !pl.encodes(n) {
			continue
		}
		pack.Sounds[i] = rendition(n)
		if p.cfg.passes(from.Track(media.Audio)) {
			pack.Originals = append(pack.Originals, packager.Input{Name: media.OriginalSound(i), Stream: from})
		}
	}
	return nil
}

func (p *pipelines) shed(pl *pipeline, rendition string, shed bool) {
	pl.pack.Shed(rendition, shed)
}

// run packages until the stream ends, and lets viewers have the end of it.
func (p *pipelines) run(pl *pipeline) {
	if pl.job != nil {
		p.encode(pl, pl.job)
	}
	packed := make(chan struct{})
	pl.jobs.Go(func() { p.watchStart(pl, packed) })
	pl.jobs.Go(func() {
		if pl.stream.Playable(p.ctx, packed) {
			p.control.live.Playable(pl.session.live)
		}
	})
	pl.pack.Run(context.WithoutCancel(p.ctx))
	close(packed)
	parted := pl.fate.Load() != stays
	if pl.rec != nil {
		p.wait.Go(func() { p.finish(pl.rec, parted) })
	}
	pl.jobs.Wait()
	if parted {
		p.miss(pl) // first: from here on viewers wait, and no request falls between the two
		p.origin.Forget(pl.stream)
		p.leave(pl)
	} else {
		p.control.finish(pl.session, pl.totals())
	}
	p.capacity.leave(pl.stream.Name)
	close(pl.done)
	p.origin.End(pl.stream)
	p.mu.Lock()
	if p.all[pl.stream.Name] == pl {
		delete(p.all, pl.stream.Name)
	}
	if !parted {
		p.late[pl] = true
	}
	p.mu.Unlock()
	if !parted && !p.rest(pl) {
		return // what is stored stays; the next start clears it
	}
	p.origin.Forget(pl.stream)
	if err := pl.files.Close(); err != nil {
		p.log.Warn("cannot remove segments", "stream", pl.stream.Name, "err", err)
	}
}

// encodes tells whether a sound is encoded here.
func (p *pipeline) encodes(sound string) bool { return p.job != nil && p.job.Makes(sound) }

func (p *pipelines) encode(pl *pipeline, job *transcode.Job) {
	pl.jobs.Go(func() {
		if err := job.Run(context.WithoutCancel(p.ctx)); err != nil {
			p.log.Error("transcoding ended", "stream", pl.stream.Name, "err", err)
		}
	})
}

// rest lets viewers have the end of a stream for a while; false: the process ends first.
func (p *pipelines) rest(pl *pipeline) bool {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.late, pl)
	}()
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// startsWithin is how long the first part of a rendition may take before the log
// says that something is wrong.
const startsWithin = 5 * time.Second

// watchStart tells the log of renditions that do not begin: what the publisher sends
// cannot be decoded, or has no time that moves.
func (p *pipelines) watchStart(pl *pipeline, over <-chan struct{}) {
	t := time.NewTimer(startsWithin)
	defer t.Stop()
	select {
	case <-over:
		return
	case <-t.C:
	}
	var silent []string
	for _, t := range pl.stream.Window.Tracks() {
		t.View(func(v *window.View) {
			if _, _, some := v.Last(); !some && !v.Shed {
				silent = append(silent, t.Name)
			}
		})
	}
	if len(silent) == 0 {
		return
	}
	damaged := uint64(0)
	if pl.job != nil {
		damaged = pl.job.Corrupt()
	}
	p.log.Warn("renditions do not begin: the publisher's media cannot be used for them", "stream", pl.stream.Name, "renditions", silent, "damaged_packets", damaged)
}

func (p *pipelines) get(name string) *pipeline {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[name]
}

// list returns the pipelines by name.
func (p *pipelines) list() []*pipeline {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, 0, len(p.all))
	for n := range p.all {
		names = append(names, n)
	}
	slices.Sort(names)
	out := make([]*pipeline, len(names))
	for i, n := range names {
		out[i] = p.all[n]
	}
	return out
}
