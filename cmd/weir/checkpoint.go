package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/media"
	"weir/packager"
	"weir/packager/window"
	"weir/services/live"
)

// checkpoint is what a stream leaves to the process that goes on with it when this one is
// gone: another node, or the next run of this one. Players then see a discontinuity and
// no other stream; what only this process had of the media is gone.
type checkpoint struct {
	Name    string         `json:"name"`
	At      time.Time      `json:"at"` // when it was true
	Epoch   time.Time      `json:"epoch"`
	Segment media.Time     `json:"segment"` // as of ingest.Plan ...
	Longest media.Time     `json:"longest"`
	Forced  bool           `json:"forced"`
	Part    media.Time     `json:"part"`
	Young   bool           `json:"young"`  // segments are parts yet
	Tracks  []string       `json:"tracks"` // kind and codec of each
	State   packager.State `json:"state"`
	Session *live.Carry    `json:"session"` // nil: nothing is kept of it
	Listed  bool           `json:"listed"`  // everybody may see it
	// Recorded is the recording that goes on with the stream; nil: there is none.
	Recorded *recordedAs `json:"recorded,omitempty"`
	// Final: it was handed over in order, nothing came after this.
	Final bool `json:"final"`
}

const (
	checkpointEvery = time.Second     // between two looks at what has changed
	checkpointFresh = 5 * time.Second // what has not changed is said again after
	// checkpointWithin bounds a look at where checkpoints are kept.
	checkpointWithin = 2 * time.Second
	// checkpointSlack is how much longer than a session waits for its publisher a checkpoint is
	// good: it is a little older than the end of its process.
	checkpointSlack = checkpointFresh + checkpointEvery
	// checkpointRoom is how many segments may have begun since a checkpoint was written, beside
	// those that time tells of.
	checkpointRoom = 8
)

// tracksOf are the kinds and codecs of tracks: those of a stream that goes on must stay.
func tracksOf(tracks []*media.Track) []string {
	out := make([]string, len(tracks))
	for i, t := range tracks {
		out[i] = fmt.Sprintf("%v %v", t.Kind, t.Codec)
	}
	return out
}

// next is the state with which a stream begins that goes on with c at a time.
func (c *checkpoint) next(now time.Time) *packager.State {
	s := c.State
	if !c.Final {
		least := c.Segment / 2
		if c.Young {
			least = min(least, c.Part)
		}
		s = s.Skip(checkpointRoom + uint64(max(0, media.FromDuration(now.Sub(c.At))/least))) //nolint:gosec // not negative
	}
	return &s
}

// sane says whether what was read can be believed.
func (c *checkpoint) sane(now time.Time) bool {
	age := now.Sub(c.Epoch)
	return c.State.Sane() && c.Segment > media.Millisecond && c.Segment <= c.Longest && c.Longest < media.Time(1000)*media.Second &&
		c.Part > media.Millisecond && c.Part <= c.Segment && age > 0 && c.State.End < media.FromDuration(age)+media.Time(3600)*media.Second
}

// checkpointStore is where checkpoints are kept. What it has of a name that was put later than a
// certain time ago may be gone.
type checkpointStore interface {
	put(ctx context.Context, texts map[string][]byte, life time.Duration) error
	get(ctx context.Context, name string) ([]byte, error) // nil: there is none
	drop(ctx context.Context, names []string) error
	list(ctx context.Context) ([]string, error) // names
}

// checkpoints writes those of this process's streams, and finds those of others.
type checkpoints struct {
	store checkpointStore
	life  time.Duration // 0: sessions do not wait, and leave nothing
	live  *live.Service
	log   *slog.Logger

	mu    sync.Mutex
	over  map[string]bool        // names that leave nothing, which the store does not know yet
	found map[string]*checkpoint // of publishers that were let in
	wrote map[string]*checkpoint // as the store has them
}

func newCheckpoints(store checkpointStore, reconnect time.Duration, channels *live.Service, log *slog.Logger) *checkpoints {
	c := &checkpoints{store: store, live: channels, log: log, over: map[string]bool{}, found: map[string]*checkpoint{}, wrote: map[string]*checkpoint{}}
	if reconnect > 0 {
		c.life = reconnect + checkpointSlack
	}
	return c
}

// read is what a name left, if that is good yet.
func (c *checkpoints) read(ctx context.Context, name string) (*checkpoint, error) {
	text, err := c.store.get(ctx, name)
	if err != nil || text == nil {
		return nil, err
	}
	x, now := &checkpoint{}, time.Now()
	if err := json.Unmarshal(text, x); err != nil {
		return nil, fmt.Errorf("what %s left: %w", name, err)
	}
	if x.Name != name || !x.sane(now) || now.Sub(x.At).Abs() > c.life {
		return nil, nil
	}
	return x, nil
}

// find looks for what a publisher that was let in may go on with. It blocks on the store
// and the database; where they do not answer a new session begins.
func (c *checkpoints) find(ctx context.Context, g live.Grant) {
	c.mu.Lock()
	delete(c.found, g.Name)
	skip := c.life == 0 || c.over[g.Name]
	c.mu.Unlock()
	if skip {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	x, err := c.read(ctx, g.Name)
	if err == nil && x != nil && x.Session != nil {
		var good bool
		if good, err = c.live.Continues(ctx, x.Session); !good || x.Session.Channel != g.Channel {
			x = nil
		}
	}
	if err != nil {
		c.log.Warn("it is not known whether this stream was on the air a moment ago: a new one begins", "stream", g.Name, "err", err)
		return
	}
	if x != nil {
		c.mu.Lock()
		c.found[g.Name] = x
		c.mu.Unlock()
	}
}

// record says whether a recording of a stream is made by a process, or may be gone on
// with: what the name left names it.
func (c *checkpoints) record(ctx context.Context, name, id string) (bool, error) {
	c.mu.Lock()
	over := c.life == 0 || c.over[name]
	c.mu.Unlock()
	if over {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	x, err := c.read(ctx, name)
	return x != nil && x.Recorded != nil && x.Recorded.ID == id, err
}

// of is what was found for a name, if a publisher of such tracks can go on with it.
func (c *checkpoints) of(name string, tracks []*media.Track) *checkpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.found[name]
	if x == nil || !slices.Equal(x.Tracks, tracksOf(tracks)) {
		return nil
	}
	return x
}

// take is of for the stream that begins now.
func (c *checkpoints) take(name string, epoch time.Time) *checkpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.found[name]
	delete(c.found, name)
	if x == nil || !x.Epoch.Equal(epoch) {
		return nil
	}
	return x
}

// end says that a session is over and leaves nothing.
func (c *checkpoints) end(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.found, name)
	delete(c.wrote, name)
	c.over[name] = true
}

// lose says that what a name leaves is somebody else's from now on.
func (c *checkpoints) lose(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.wrote, name)
}

// run keeps the checkpoints of streams until ctx ends.
func (c *checkpoints) run(ctx context.Context, streams func() []*pipeline) {
	if c == nil || c.life == 0 { // nil: it was never all open
		return
	}
	chore{
		period: checkpointEvery, log: c.log,
		fails: "what streams leave is not kept: were this process to end, they would begin anew; trying again",
		works: "what streams leave is kept again",
	}.keep(ctx, func(ctx context.Context) error { return c.flush(ctx, streams()) })
}

// flush writes what has changed.
func (c *checkpoints) flush(ctx context.Context, streams []*pipeline) error {
	if c == nil || c.life == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	if err := c.dropOver(ctx); err != nil {
		return err
	}
	texts, fresh := map[string][]byte{}, map[string]*checkpoint{}
	for _, pl := range streams {
		x := pl.leaves(time.Now())
		if x == nil || pl.fate.Load() != stays {
			continue
		}
		c.mu.Lock()
		old := c.wrote[x.Name]
		c.mu.Unlock()
		if old != nil && old.State.Next == x.State.Next && x.At.Sub(old.At) < checkpointFresh {
			continue
		}
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		texts[x.Name], fresh[x.Name] = text, x
	}
	if len(texts) == 0 {
		return nil
	}
	if err := c.store.put(ctx, texts, c.life); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, x := range fresh {
		if !c.over[name] {
			c.wrote[name] = x
		}
	}
	return nil
}

func (c *checkpoints) dropOver(ctx context.Context) error {
	c.mu.Lock()
	var names []string
	for name := range c.over {
		names = append(names, name)
	}
	c.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	if err := c.store.drop(ctx, names); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		delete(c.over, name)
	}
	return nil
}

// hand writes the last word about a stream that another node goes on with.
func (c *checkpoints) hand(ctx context.Context, pl *pipeline) error {
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	x := pl.leaves(time.Now())
	if x == nil || c.life == 0 {
		return nil
	}
	x.Final = true
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return c.store.put(ctx, map[string][]byte{x.Name: text}, c.life)
}

// leaves is what a stream would leave now; nil: nothing yet.
func (p *pipeline) leaves(now time.Time) *checkpoint {
	s, ok := p.pack.State()
	if !ok {
		return nil
	}
	young := false
	for _, t := range p.stream.Window.Tracks() {
		t.View(func(v *window.View) {
			n := len(v.Segments)
			young = young || n > 0 && v.Segments[n-1].Mini
		})
	}
	return &checkpoint{
		Name: p.stream.Name, At: now.UTC(), Epoch: p.source.Epoch(), Segment: p.plan.Segment, Longest: p.plan.Longest, Forced: p.plan.Forced,
		Part: p.stream.PartTarget, Young: young, Tracks: tracksOf(p.source.Tracks()), State: s,
		Session: p.session.live.Carry(), Listed: p.session.live.Info().Listed,
		Recorded: p.recorded(),
	}
}
