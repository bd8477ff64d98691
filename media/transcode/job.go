//go:build cgo

package transcode

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"weir/media"
	"weir/media/hub"
	"weir/media/ladder"
)

// Job is the transcoding of one session. After Open, Run must be called, once;
// everything else may be called from anywhere.
type Job struct {
	config Config
	first  *plan
	now    atomic.Pointer[plan] // of the source as it is; nil without a picture
	rungs  []*rung              // largest first; they do not change after Open
	feed   *feed                // nil without a picture
	sounds []*sound             // those that are not passed through
	load   *load

	rate    rate // of the source's picture
	corrupt atomic.Uint64
}

// plan is what is made of one source track. A changed source has another plan.
type plan struct {
	track *media.Track
	wants map[string]media.Rendition
}

// Open subscribes to the stream, opens the encoders and makes the streams of the
// renditions live, so that their tracks are known before the first packet. It
// takes some tens of milliseconds. Called from the hub's OnStart it misses no
// packet of the source. It returns ErrNothing when there is nothing to do, and
// what wraps hub.ErrExists while the job of an earlier session still runs.
func Open(config Config) (*Job, error) {
	config.defaults()
	j := &Job{config: config}
	video := config.Stream.Track(media.Video)
	if video != nil {
		j.first = j.plan(video)
		j.addRungs()
	}
	j.load = newLoad(len(j.rungs))
	if len(j.rungs) > 0 {
		j.feed = newFeed(j, config.Stream.SubscribeKind(media.Video, config.Queue))
	}
	var err error
	for i, from := range append([]*hub.Stream{config.Stream}, config.Sounds...) {
		if err == nil {
			err = j.addSound(from, media.SoundName(i), video == nil && i == 0)
		}
	}
	for _, r := range j.rungs {
		if err == nil {
			err = r.open(j.first)
		}
	}
	if err == nil && len(j.rungs) == 0 && len(j.sounds) == 0 {
		err = ErrNothing
	}
	if err != nil {
		j.close()
		return nil, fmt.Errorf("transcode %s: %w", config.Stream.ID(), err)
	}
	return j, nil
}

// addSound makes the sound of a stream anew, where it needs that.
func (j *Job) addSound(from *hub.Stream, name string, leading bool) error {
	audio := from.Track(media.Audio)
	if !NeedsAudio(audio) {
		return nil
	}
	s, err := openSound(j, from, name, audio, leading)
	if err != nil {
		return err
	}
	j.sounds = append(j.sounds, s)
	return nil
}

func (j *Job) plan(t *media.Track) *plan {
	p := &plan{track: t, wants: make(map[string]media.Rendition)}
	if j.config.alone {
		r := calls(t)
		p.wants[r.Name] = r
		return p
	}
	for _, r := range ladder.Plan(t, j.config.Ladder) {
		p.wants[r.Name] = r
	}
	if j.config.Source != SourceNever {
		measured := j.rate.bitrate()
		if measured == 0 {
			measured = j.config.SourceBitrate
		}
		p.wants[media.SourceName] = ladder.Source(t, measured)
	}
	return p
}

// addRungs makes the chain of the first plan. Rungs that a later source of
// another size would have are not added: the players have their list already.
func (j *Job) addRungs() {
	var names []string
	if j.config.Source != SourceNever {
		names = append(names, media.SourceName)
	}
	for _, r := range ladder.Plan(j.first.track, j.config.Ladder) {
		names = append(names, r.Name)
	}
	for i, name := range names {
		r := &rung{job: j, number: i, name: name, in: make(chan picture, queueLength)}
		r.dormant = name == media.SourceName && j.config.Source == SourceOnForced
		if i > 0 {
			j.rungs[i-1].next = r
		}
		j.rungs = append(j.rungs, r)
	}
}

// Run transcodes until the source stream ends, or ctx. When it returns all its
// goroutines have ended, all of libav is given back and its streams are closed.
// The error is ctx's, or nil.
func (j *Job) Run(ctx context.Context) error {
	defer j.close()
	var wait sync.WaitGroup
	errs := make([]error, 1+len(j.sounds))
	if j.feed != nil {
		for _, r := range j.rungs {
			wait.Go(r.run)
		}
		wait.Go(func() { errs[0] = j.feed.run(ctx) })
	}
	for i, s := range j.sounds {
		wait.Go(func() { errs[1+i] = s.run(ctx) })
	}
	wait.Wait()
	return cmp.Or(errs...)
}

func (j *Job) close() {
	if j.feed != nil {
		j.feed.close()
	}
	for _, r := range j.rungs {
		r.close()
	}
	for _, s := range j.sounds {
		s.close()
	}
}

// Renditions are those that the job makes of the source as it began, largest
// first. "source" is among them when it may be made.
func (j *Job) Renditions() []media.Rendition {
	var out []media.Rendition
	for _, r := range j.rungs {
		out = append(out, j.first.wants[r.name])
	}
	return out
}

// Makes tells whether there is a stream "NAME/RENDITION" with a sound.
func (j *Job) Makes(rendition string) bool {
	return slices.ContainsFunc(j.sounds, func(s *sound) bool { return s.name == rendition })
}

// observe lets the load decide, and carries the decision out.
func (j *Job) observe(r *rung, m mark) {
	now := j.config.Now()
	number := -1
	if r != nil {
		number = r.number
		if m.wall.IsZero() {
			return
		}
		lag := now.Sub(m.wall)
		r.lag.Store(int64(lag))
		if c, ok := j.load.observe(number, lag, now); ok {
			j.carryOut(c)
		}
		return
	}
	if c, ok := j.load.observe(number, 0, now); ok {
		j.carryOut(c)
	}
}

func (j *Job) carryOut(c change) {
	r := j.rungs[c.rung]
	if c.shed {
		j.config.Log.Warn("encoder cannot keep up, rendition is left out", "rendition", r.name)
	} else {
		j.config.Log.Info("rendition is tried again", "rendition", r.name)
	}
	r.shed.Store(c.shed)
}
