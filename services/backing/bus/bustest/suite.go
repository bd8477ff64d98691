package bustest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/event"
)

var errBoom = errors.New("boom")

// Suite runs every case on every database there is.
func Suite(t *testing.T, open Maker) {
	cases := []struct {
		name string
		run  func(*testing.T, *db.DB, Maker)
	}{
		{"every group gets what it subscribed to", groups},
		{"what was rolled back is never delivered", rolledBack},
		{"an effect of a failed attempt is undone", undone},
		{"a failing event holds back its subject only", holdsBack},
		{"a poisoned event dies and can be retried", retried},
		{"a dead event can be dropped", droppedOnce},
		{"data that does not fit is dead at once", hopeless},
		{"a panic is a failure", panics},
		{"the same event twice takes effect once", twice},
		{"the trace goes on", traced},
		{"what was emitted while stopped is delivered later", stopped},
		{"what is being handled at the stop is handled again", interrupted},
		{"a group that only another process handles misses nothing", elsewhere},
		{"ready says so", readiness},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				Prepare(t, d)
				c.run(t, d, open)
			})
		})
	}
}

// on is a subscription that has effects, unless first has an error or panics.
func on(group string, first func(ctx context.Context, e event.Event) error, types ...string) bus.Subscription {
	return bus.Subscription{Group: group, Types: types, Handle: func(ctx context.Context, q db.Q, e event.Event) error {
		if err := Effect(ctx, q, group, e); err != nil {
			return err
		}
		if first == nil {
			return nil
		}
		return first(ctx, e)
	}}
}

func groups(t *testing.T, d *db.DB, open Maker) {
	ready(t, open(t, quick(d, on("exact", nil, "user.followed.v1"), on("family", nil, "user.*", "chat.said.v1"), on("all", nil, "*"))))
	for i, kind := range []string{"user.followed.v1", "user.deleted.v1", "users.counted.v1", "chat.said.v1", "user.followed.v2"} {
		Emit(t, d, Note{kind, "s", i})
	}
	want := map[string]int{"exact": 1, "family": 4, "all": 5}
	for group, n := range want {
		Until(t, fmt.Sprintf("%s has %d effects", group, n), func() bool { return effects(t, d, group) >= n })
	}
	for group, n := range want {
		if got := effects(t, d, group); got != n {
			t.Errorf("%s: %d effects, want %d", group, got, n)
		}
	}
	Until(t, "the outbox is empty", func() bool {
		n, err := outbox.Count(t.Context(), d, 10)
		return err == nil && n == 0
	})
}

func rolledBack(t *testing.T, d *db.DB, open Maker) {
	var seen diary
	ready(t, open(t, quick(d, on("g", func(_ context.Context, e event.Event) error { seen.add(e); return nil }, "*"))))
	e, err := event.New(t.Context(), "/test", Note{"a.b.v1", "s", 1})
	if err != nil {
		t.Fatal(err)
	}
	err = d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
		if err := outbox.Emit(ctx, q, e); err != nil {
			return err
		}
		return errBoom
	})
	if !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	Emit(t, d, Note{"a.b.v1", "s", 2})
	Until(t, "the second is handled", func() bool { return effects(t, d, "g") == 1 })
	if got := seen.all(); !reflect.DeepEqual(got, []string{"s2"}) {
		t.Errorf("delivered: %v", got)
	}
}

func undone(t *testing.T, d *db.DB, open Maker) {
	var seen diary
	ready(t, open(t, quick(d, on("g", func(_ context.Context, e event.Event) error {
		if seen.add(e) < 3 {
			return errBoom
		}
		return nil
	}, "*"))))
	Emit(t, d, Note{"a.b.v1", "s", 1}, Note{"a.b.v1", "s", 2})
	Until(t, "both are handled", func() bool { return effects(t, d, "g") >= 2 })
	if got := seen.all(); !reflect.DeepEqual(got, []string{"s1", "s1", "s1", "s2"}) {
		t.Errorf("calls: %v", got)
	}
	if n := effects(t, d, "g"); n != 2 {
		t.Errorf("%d effects of 2 events", n)
	}
}

func holdsBack(t *testing.T, d *db.DB, open Maker) {
	var seen diary
	cured := gate()
	ready(t, open(t, quick(d, on("g", func(_ context.Context, e event.Event) error {
		if e.Subject == "bad" && number(e) == 1 && !cured.is() {
			return errBoom
		}
		seen.add(e)
		return nil
	}, "*"), on("other", nil, "*"))))
	Emit(t, d, Note{"a.b.v1", "bad", 1}, Note{"a.b.v1", "bad", 2}, Note{"a.b.v1", "good", 1}, Note{"a.b.v1", "good", 2})
	Until(t, "the other group has all", func() bool { return effects(t, d, "other") == 4 })
	Until(t, "the bad one is dead and the rest handled", func() bool { return effects(t, d, "g") == 3 })
	list := deadOf(t, d, 1)
	if list[0].Attempts != 3 || number(list[0].Event) != 1 || list[0].Group != "g" {
		t.Errorf("dead: %+v", list[0])
	}
	at := map[string]int{}
	for i, s := range seen.all() {
		at[s] = i
	}
	if len(at) != 3 || at["good1"] > at["good2"] {
		t.Errorf("order %v", seen.all())
	}
}

func retried(t *testing.T, d *db.DB, open Maker) {
	cured := gate()
	b := open(t, quick(d, on("g", func(_ context.Context, e event.Event) error {
		if number(e) == 1 && !cured.is() {
			return fmt.Errorf("cannot: %w", errBoom)
		}
		return nil
	}, "*"), on("other", nil, "*")))
	ready(t, b)
	sent := Emit(t, d, Note{"a.b.v1", "s", 1}, Note{"a.b.v1", "s", 2})
	Until(t, "the second is handled", func() bool { return effects(t, d, "g") == 1 })
	list, err := b.Dead(t.Context(), 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	dead := list[0]
	if dead.ID != "g/"+sent[0].ID || dead.Error != "cannot: boom" || dead.Retrying || !reflect.DeepEqual(dead.Event, sent[0]) {
		t.Errorf("dead: %+v", dead)
	}
	if err := b.Retry(t.Context(), dead.ID); err != nil { // fails again
		t.Fatal(err)
	}
	Until(t, "it is dead again", func() bool {
		list, err := b.Dead(t.Context(), 10)
		return err == nil && len(list) == 1 && !list[0].Retrying
	})
	cured.open()
	if err := b.Retry(t.Context(), dead.ID); err != nil {
		t.Fatal(err)
	}
	Until(t, "it is handled", func() bool { return effects(t, d, "g") == 2 })
	if list, err := b.Dead(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("dead: %v, %v", list, err)
	}
	if err := b.Retry(t.Context(), dead.ID); !errors.Is(err, outbox.ErrNoDead) {
		t.Errorf("retry of what is not dead: %v", err)
	}
	if n := effects(t, d, "other"); n != 2 {
		t.Errorf("the other group had %d effects of 2 events", n)
	}
}

func droppedOnce(t *testing.T, d *db.DB, open Maker) {
	cured := gate()
	b := open(t, quick(d, on("g", func(context.Context, event.Event) error {
		if cured.is() {
			return nil
		}
		return errBoom
	}, "*")))
	ready(t, b)
	sent := Emit(t, d, Note{"a.b.v1", "s", 1})
	id := deadOf(t, d, 1)[0].ID
	if err := b.Drop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(context.Context, string) error{"drop": b.Drop, "retry": b.Retry} {
		if err := f(t.Context(), id); !errors.Is(err, outbox.ErrNoDead) {
			t.Errorf("%s of what was dropped: %v", name, err)
		}
	}
	cured.open()
	again(t, d, sent[0]) // a late copy has no effect
	Emit(t, d, Note{"a.b.v1", "s", 2})
	Until(t, "the next is handled", func() bool { return effects(t, d, "g") >= 1 })
	if n := effects(t, d, "g"); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}
}

func hopeless(t *testing.T, d *db.DB, open Maker) {
	ready(t, open(t, quick(d, on("g", func(_ context.Context, e event.Event) error {
		_, err := event.Decode[event.UserDeleted](e)
		return err
	}, "*"))))
	Emit(t, d, Note{"user.updated.v1", "s", 1})
	if dead := deadOf(t, d, 1)[0]; dead.Attempts != 1 {
		t.Errorf("%d attempts at what cannot fit", dead.Attempts)
	}
}

func panics(t *testing.T, d *db.DB, open Maker) {
	var seen diary
	ready(t, open(t, quick(d, on("g", func(_ context.Context, e event.Event) error {
		if seen.add(e) == 1 {
			panic("boom")
		}
		return nil
	}, "*"))))
	Emit(t, d, Note{"a.b.v1", "s", 1})
	Until(t, "it is handled", func() bool { return effects(t, d, "g") == 1 })
	if got := len(seen.all()); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

func twice(t *testing.T, d *db.DB, open Maker) {
	ready(t, open(t, quick(d, on("g", nil, "*"))))
	sent := Emit(t, d, Note{"a.b.v1", "s", 1})
	for range 3 {
		again(t, d, sent[0])
	}
	Emit(t, d, Note{"a.b.v1", "s", 2})
	Until(t, "the last is handled", func() bool { return effects(t, d, "g") >= 2 })
	if n := effects(t, d, "g"); n != 2 {
		t.Errorf("%d effects of 2 events", n)
	}
}

func traced(t *testing.T, d *db.DB, open Maker) {
	got := traceIDs()
	ready(t, open(t, quick(d, on("g", func(ctx context.Context, _ event.Event) error {
		got <- trace.SpanContextFromContext(ctx).TraceID()
		return nil
	}, "*"))))
	want := trace.TraceID{1, 2, 3, 4}
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: want, SpanID: trace.SpanID{5}, TraceFlags: trace.FlagsSampled})
	e, err := event.New(trace.ContextWithSpanContext(t.Context(), parent), "/test", Note{"a.b.v1", "s", 1})
	if err != nil {
		t.Fatal(err)
	}
	again(t, d, e)
	if id := <-got; id != want {
		t.Errorf("trace %v, want %v", id, want)
	}
}

func traceIDs() chan trace.TraceID { return make(chan trace.TraceID, 10) }

func stopped(t *testing.T, d *db.DB, open Maker) {
	c := quick(d, on("g", nil, "*"))
	stop := ready(t, open(t, c)) // the first subscription
	Emit(t, d, Note{"a.b.v1", "s", 1})
	Until(t, "the first is handled", func() bool { return effects(t, d, "g") == 1 })
	stop()
	Emit(t, d, Note{"a.b.v1", "s", 2})
	Emit(t, d, Note{"a.b.v1", "s", 3})
	ready(t, open(t, c))
	Until(t, "all are handled", func() bool { return effects(t, d, "g") == 3 })
}

func interrupted(t *testing.T, d *db.DB, open Maker) {
	var seen diary
	entered := gate()
	c := quick(d, on("g", func(ctx context.Context, e event.Event) error {
		if seen.add(e) == 1 {
			entered.open()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}, "*"))
	c.MaxAttempts = 1 // being stopped is no attempt
	stop := ready(t, open(t, c))
	Emit(t, d, Note{"a.b.v1", "s", 1}, Note{"a.b.v1", "s", 2})
	<-entered
	stop()
	if n := effects(t, d, "g"); n != 0 {
		t.Errorf("%d effects of what was interrupted", n)
	}
	ready(t, open(t, c))
	Until(t, "both are handled", func() bool { return effects(t, d, "g") == 2 })
	if got := seen.all(); !reflect.DeepEqual(got, []string{"s1", "s1", "s2"}) {
		t.Errorf("calls %v", got)
	}
}

func readiness(t *testing.T, d *db.DB, open Maker) {
	b := open(t, quick(d))
	if b.Ready(t.Context()) == nil {
		t.Error("ready before Run")
	}
	stop := ready(t, b)
	stop()
	if b.Ready(t.Context()) == nil {
		t.Error("ready after Run")
	}
}

// elsewhere: what a process emits that handles nothing waits for one that has never
// run.
func elsewhere(t *testing.T, d *db.DB, open Maker) {
	handles := on("g", nil, "a.*")
	all := []event.Group{{Name: "g", Types: handles.Types}}
	c := quick(d)
	c.Groups = all
	stop := ready(t, open(t, c))
	Emit(t, d, Note{"a.b.v1", "s", 1}, Note{"b.b.v1", "s", 2}, Note{"a.b.v1", "s", 3})
	Until(t, "the outbox is empty", func() bool {
		n, err := outbox.Count(t.Context(), d, 10)
		return err == nil && n == 0
	})
	stop()
	c = quick(d, handles)
	c.Groups = all
	ready(t, open(t, c))
	Emit(t, d, Note{"a.b.v1", "s", 4})
	Until(t, "the group has all", func() bool { return effects(t, d, "g") >= 3 })
	if n := effects(t, d, "g"); n != 3 {
		t.Errorf("%d effects of 3 events", n)
	}
}
