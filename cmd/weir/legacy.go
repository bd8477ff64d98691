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

// legacy is what a stream leaves to the process that goes on with it when this one is
// gone: another node, or the next run of this one. Players then see a discontinuity and
// no other stream; what only this process had of the media is gone.
type legacy struct {
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
	legacyEvery = time.Second     // between two looks at what has changed
	legacyFresh = 5 * time.Second // what has not changed is said again after
	// legacyWithin bounds a look at where legacies are kept.
	legacyWithin = 2 * time.Second
	// legacySlack is how much longer than a session waits for its publisher a legacy is
	// good: it is a little older than the end of its process.
	legacySlack = legacyFresh + legacyEvery
	// legacyRoom is how many segments may have begun since a legacy was written, beside
	// those that time tells of.
	legacyRoom = 8
)

// tracksOf are the kinds and codecs of tracks: those of a stream that goes on must stay.
func tracksOf(tracks []*media.Track) []string {
	out := make([]string, len(tracks))
	for i, t := range tracks {
		out[i] = fmt.Sprintf("%v %v", t.Kind, t.Codec)
	}
	return out
}

// next is the state with which a stream begins that goes on with l at a time.
func (l *legacy) next(now time.Time) *packager.State {
	s := l.State
	if !l.Final {
		least := l.Segment / 2
		if l.Young {
			least = min(least, l.Part)
		}
		s = s.Skip(legacyRoom + uint64(max(0, media.FromDuration(now.Sub(l.At))/least))) //nolint:gosec // not negative
	}
	return &s
}

// sane says whether what was read can be believed.
func (l *legacy) sane(now time.Time) bool {
	age := now.Sub(l.Epoch)
	return l.State.Sane() && l.Segment > media.Millisecond && l.Segment <= l.Longest && l.Longest < media.Time(1000)*media.Second &&
		l.Part > media.Millisecond && l.Part <= l.Segment && age > 0 && l.State.End < media.FromDuration(age)+media.Time(3600)*media.Second
}

// legacyStore is where legacies are kept. What it has of a name that was put later than a
// certain time ago may be gone.
type legacyStore interface {
	put(ctx context.Context, texts map[string][]byte, life time.Duration) error
	get(ctx context.Context, name string) ([]byte, error) // nil: there is none
	drop(ctx context.Context, names []string) error
	list(ctx context.Context) ([]string, error) // names
}

// legacies writes those of this process's streams, and finds those of others.
type legacies struct {
	store legacyStore
	life  time.Duration // 0: sessions do not wait, and leave nothing
	live  *live.Service
	log   *slog.Logger

	mu    sync.Mutex
	over  map[string]bool    // names that leave nothing, which the store does not know yet
	found map[string]*legacy // of publishers that were let in
	wrote map[string]*legacy // as the store has them
}

func newLegacies(store legacyStore, reconnect time.Duration, channels *live.Service, log *slog.Logger) *legacies {
	l := &legacies{store: store, live: channels, log: log, over: map[string]bool{}, found: map[string]*legacy{}, wrote: map[string]*legacy{}}
	if reconnect > 0 {
		l.life = reconnect + legacySlack
	}
	return l
}

// read is what a name left, if that is good yet.
func (l *legacies) read(ctx context.Context, name string) (*legacy, error) {
	text, err := l.store.get(ctx, name)
	if err != nil || text == nil {
		return nil, err
	}
	x, now := &legacy{}, time.Now()
	if err := json.Unmarshal(text, x); err != nil {
		return nil, fmt.Errorf("what %s left: %w", name, err)
	}
	if x.Name != name || !x.sane(now) || now.Sub(x.At).Abs() > l.life {
		return nil, nil
	}
	return x, nil
}

// find looks for what a publisher that was let in may go on with. It blocks on the store
// and the database; where they do not answer a new session begins.
func (l *legacies) find(ctx context.Context, g live.Grant) {
	l.mu.Lock()
	delete(l.found, g.Name)
	skip := l.life == 0 || l.over[g.Name]
	l.mu.Unlock()
	if skip {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, legacyWithin)
	defer cancel()
	x, err := l.read(ctx, g.Name)
	if err == nil && x != nil && x.Session != nil {
		var good bool
		if good, err = l.live.Continues(ctx, x.Session); !good || x.Session.Channel != g.Channel {
			x = nil
		}
	}
	if err != nil {
		l.log.Warn("it is not known whether this stream was on the air a moment ago: a new one begins", "stream", g.Name, "err", err)
		return
	}
	if x != nil {
		l.mu.Lock()
		l.found[g.Name] = x
		l.mu.Unlock()
	}
}

// record says whether a recording of a stream is made by a process, or may be gone on
// with: what the name left names it.
func (l *legacies) record(ctx context.Context, name, id string) (bool, error) {
	l.mu.Lock()
	over := l.life == 0 || l.over[name]
	l.mu.Unlock()
	if over {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, legacyWithin)
	defer cancel()
	x, err := l.read(ctx, name)
	return x != nil && x.Recorded != nil && x.Recorded.ID == id, err
}

// of is what was found for a name, if a publisher of such tracks can go on with it.
func (l *legacies) of(name string, tracks []*media.Track) *legacy {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.found[name]
	if x == nil || !slices.Equal(x.Tracks, tracksOf(tracks)) {
		return nil
	}
	return x
}

// take is of for the stream that begins now.
func (l *legacies) take(name string, epoch time.Time) *legacy {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.found[name]
	delete(l.found, name)
	if x == nil || !x.Epoch.Equal(epoch) {
		return nil
	}
	return x
}

// end says that a session is over and leaves nothing.
func (l *legacies) end(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.found, name)
	delete(l.wrote, name)
	l.over[name] = true
}

// lose says that what a name leaves is somebody else's from now on.
func (l *legacies) lose(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.wrote, name)
}

// run keeps the legacies of streams until ctx ends.
func (l *legacies) run(ctx context.Context, streams func() []*pipeline) {
	if l == nil || l.life == 0 { // nil: it was never all open
		return
	}
	chore{
		period: legacyEvery, log: l.log,
		fails: "what streams leave is not kept: were this process to end, they would begin anew; trying again",
		works: "what streams leave is kept again",
	}.keep(ctx, func(ctx context.Context) error { return l.flush(ctx, streams()) })
}

// flush writes what has changed.
func (l *legacies) flush(ctx context.Context, streams []*pipeline) error {
	if l == nil || l.life == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, legacyWithin)
	defer cancel()
	if err := l.dropOver(ctx); err != nil {
		return err
	}
	texts, fresh := map[string][]byte{}, map[string]*legacy{}
	for _, pl := range streams {
		x := pl.leaves(time.Now())
		if x == nil || pl.fate.Load() != stays {
			continue
		}
		l.mu.Lock()
		old := l.wrote[x.Name]
		l.mu.Unlock()
		if old != nil && old.State.Next == x.State.Next && x.At.Sub(old.At) < legacyFresh {
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
	if err := l.store.put(ctx, texts, l.life); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, x := range fresh {
		if !l.over[name] {
			l.wrote[name] = x
		}
	}
	return nil
}

func (l *legacies) dropOver(ctx context.Context) error {
	l.mu.Lock()
	var names []string
	for name := range l.over {
		names = append(names, name)
	}
	l.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	if err := l.store.drop(ctx, names); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		delete(l.over, name)
	}
	return nil
}

// hand writes the last word about a stream that another node goes on with.
func (l *legacies) hand(ctx context.Context, pl *pipeline) error {
	ctx, cancel := context.WithTimeout(ctx, legacyWithin)
	defer cancel()
	x := pl.leaves(time.Now())
	if x == nil || l.life == 0 {
		return nil
	}
	x.Final = true
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return l.store.put(ctx, map[string][]byte{x.Name: text}, l.life)
}

// leaves is what a stream would leave now; nil: nothing yet.
func (p *pipeline) leaves(now time.Time) *legacy {
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
	return &legacy{
		Name: p.stream.Name, At: now.UTC(), Epoch: p.source.Epoch(), Segment: p.plan.Segment, Longest: p.plan.Longest, Forced: p.plan.Forced,
		Part: p.stream.PartTarget, Young: young, Tracks: tracksOf(p.source.Tracks()), State: s,
		Session: p.session.live.Carry(), Listed: p.session.live.Info().Listed,
		Recorded: p.recorded(),
	}
}
