package window

import (
	"context"
	"errors"
	"time"
)

// ErrClosing is returned by Wait when the server is shutting down.
var ErrClosing = errors.New("closing")

// ErrLeft is returned by Wait when the stream goes on in another process.
var ErrLeft = errors.New("the stream goes on elsewhere")

// Goal is what a reader of a track waits for. Goals are compared: those who wait for equal
// ones are woken together, and nobody is woken for what others wait for.
type Goal interface {
	// Met is asked with the track locked, once after each change for all who wait: it must
	// not block or keep v, and equal goals must give the same answer.
	Met(v *View) bool
}

// goal is one that somebody waits for.
type goal struct {
	met     chan struct{} // closed by the writer, or when it is late
	late    bool          // nobody waits for it any longer; not changed once met is closed
	timer   *time.Timer   // makes it late
	readers int
}

// Wait blocks until a goal is met, or until ctx ends, or closing (which may be nil) is
// closed. It ends (context.DeadlineExceeded) when the first of those who wait for the goal
// has waited for as long as it wanted: one timer is theirs, where thousands wait.
func (t *Track) Wait(ctx context.Context, closing <-chan struct{}, most time.Duration, g Goal) error {
	t.w.mu.RLock()
	if g.Met(t.view()) {
		t.w.mu.RUnlock()
		return nil
	}
	if t.w.left {
		t.w.mu.RUnlock()
		return ErrLeft
	}
	waited := t.join(g, most)
	t.w.mu.RUnlock()
	select {
	case <-waited.met:
		if waited.late {
			return context.DeadlineExceeded
		}
		t.w.mu.RLock()
		defer t.w.mu.RUnlock()
		if t.w.left && !g.Met(t.view()) {
			return ErrLeft
		}
		return nil
	case <-closing:
		t.leave(g, waited)
		return ErrClosing
	case <-ctx.Done():
		t.leave(g, waited)
		return ctx.Err()
	}
}

// join counts a reader in. The caller holds the window's lock, so that no change is missed.
func (t *Track) join(key Goal, most time.Duration) *goal {
	t.waits.Lock()
	defer t.waits.Unlock()
	g := t.goals[key]
	if g == nil {
		g = &goal{met: make(chan struct{})}
		g.timer = time.AfterFunc(most, func() { t.giveUp(key, g) })
		t.goals[key] = g
	}
	g.readers++
	return g
}

// giveUp ends the waiting for a goal that is not met in time.
func (t *Track) giveUp(key Goal, g *goal) {
	t.waits.Lock()
	defer t.waits.Unlock()
	if t.goals[key] == g {
		g.late = true
		t.over(key, g)
	}
}

// leave is for a reader who was not woken.
func (t *Track) leave(key Goal, g *goal) {
	t.waits.Lock()
	defer t.waits.Unlock()
	if g.readers--; g.readers == 0 && t.goals[key] == g {
		t.over(key, g)
	}
}

// wake ends the waiting for goals that are met; the caller holds the write lock.
func (t *Track) wake() {
	t.waits.Lock()
	defer t.waits.Unlock()
	if len(t.goals) == 0 {
		return
	}
	v := t.view()
	for key, g := range t.goals {
		if t.w.left || key.Met(v) {
			t.over(key, g)
		}
	}
}

// over ends the waiting for a goal; the caller holds waits.
func (t *Track) over(key Goal, g *goal) {
	g.timer.Stop()
	close(g.met)
	delete(t.goals, key)
}

// Wait blocks until ok returns true, which is called after every change of any
// track, or ctx ends, or closing is closed.
func (w *Window) Wait(ctx context.Context, closing <-chan struct{}, ok func() bool) error {
	for {
		w.mu.RLock()
		ch, left := w.moved, w.left
		w.mu.RUnlock()
		if ok() {
			return nil
		}
		if left {
			return ErrLeft
		}
		if err := await(ctx, closing, ch); err != nil {
			return err
		}
	}
}

// await blocks until changed is closed, or there is a reason not to wait for it.
func await(ctx context.Context, closing, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-closing:
		return ErrClosing
	case <-ctx.Done():
		return ctx.Err()
	}
}

// touch announces a change; the caller holds the write lock.
func (t *Track) touch() {
	t.version.Add(1)
	t.wake()
	close(t.w.moved)
	t.w.moved = make(chan struct{})
}
