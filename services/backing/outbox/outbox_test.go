package outbox_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/services/backing/bus/bustest"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(seconds int) time.Time {
	return time.Unix(1795461608, 0).UTC().Add(time.Duration(seconds) * time.Second)
}

func note(n int) bustest.Note { return bustest.Note{Kind: "a.b.v1", Of: "s", N: n} }

func TestMigrationsGoUpAndDown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		set, err := outbox.Set()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := d.Migrate(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			if err := d.Down(t.Context(), set); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := outbox.Count(t.Context(), d, 1); err == nil {
			t.Error("the outbox is still there")
		}
	})
}

func TestEmitKeepsOrderAndContent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		var want []event.Event
		for i := range 5 {
			want = append(want, bustest.Emit(t, d, note(i), note(i))...)
		}
		list, err := outbox.Pending(t.Context(), d, 100)
		if err != nil || len(list) != 10 {
			t.Fatalf("%d, %v", len(list), err)
		}
		for limit, want := range map[int]int{3: 3, 100: 10} {
			if n, err := outbox.Count(t.Context(), d, limit); n != want || err != nil {
				t.Errorf("count to %d: %d, %v", limit, n, err)
			}
		}
		for i, entry := range list {
			if !reflect.DeepEqual(entry.Event, want[i]) || entry.Group != "" {
				t.Errorf("%d: %+v, want %+v", i, entry, want[i])
			}
		}
		if n, err := outbox.Remove(t.Context(), d, list[0].Seq, list[9].Seq, list[9].Seq+1); n != 2 || err != nil {
			t.Errorf("removed %d, %v", n, err)
		}
		if list, err = outbox.Pending(t.Context(), d, 3); err != nil || len(list) != 3 || list[0].Event.ID != want[1].ID {
			t.Errorf("%v, %v", list, err)
		}
		if n, err := outbox.Remove(t.Context(), d); n != 0 || err != nil {
			t.Errorf("removed %d of nothing, %v", n, err)
		}
	})
}

func TestEmitRefuses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		good := bustest.Emit(t, d, note(1))[0]
		for name, spoil := range map[string]func(*event.Event){
			"zero":     func(e *event.Event) { *e = event.Event{} },
			"no JSON":  func(e *event.Event) { e.Data = []byte("{") },
			"too long": func(e *event.Event) { e.Data = []byte(`"` + strings.Repeat("a", event.MaxSize) + `"`) },
			"type":     func(e *event.Event) { e.Type = "a.#" },
		} {
			e := good
			spoil(&e)
			if err := outbox.Emit(t.Context(), d, e); !errors.Is(err, event.ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestUnreadableRowsDoNotStopTheRest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		if _, err := d.Exec(t.Context(), `INSERT INTO outbox (grp, event_id, type, event) VALUES ('', '', '', 'x')`); err != nil {
			t.Fatal(err)
		}
		bustest.Emit(t, d, note(1))
		list, err := outbox.Pending(t.Context(), d, 10)
		if len(list) != 1 || !errors.Is(err, event.ErrMalformed) || !strings.Contains(err.Error(), "row 1") {
			t.Errorf("%v, %v", list, err)
		}
	})
}

func TestLease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		steps := []struct {
			holder string
			now    int
			want   bool
		}{{"a", 0, true}, {"b", 1, false}, {"a", 5, true}, {"b", 14, false}, {"b", 16, true}, {"a", 17, false}}
		for i, s := range steps {
			got, err := outbox.Hold(t.Context(), d, "relay", s.holder, at(s.now), 10*time.Second)
			if err != nil || got != s.want {
				t.Errorf("step %d: %v, %v", i, got, err)
			}
		}
		for _, holder := range []string{"a", "b"} { // a has nothing to give
			if err := outbox.Release(t.Context(), d, "relay", holder); err != nil {
				t.Error(err)
			}
		}
		if ok, err := outbox.Hold(t.Context(), d, "relay", "c", at(18), time.Second); !ok || err != nil {
			t.Errorf("after the release: %v, %v", ok, err)
		}
	})
}

// The states of an inbox row, step by step.
func TestInbox(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		e := bustest.Emit(t, d, note(1))[0]
		mark := func() bool {
			fresh, err := outbox.Mark(t.Context(), d, "g", e.ID, at(0))
			if err != nil {
				t.Fatal(err)
			}
			return fresh
		}
		bury := func(f func(context.Context, db.Q, outbox.Dead) (bool, error)) bool {
			did, err := f(t.Context(), d, outbox.Dead{Group: "g", Event: e, Attempts: 5, Error: strings.Repeat("é", 600) + "\x00", Time: at(1)})
			if err != nil {
				t.Fatal(err)
			}
			return did
		}
		retry := func() error { return outbox.Retry(t.Context(), d, "g/"+e.ID, at(2)) }
		check := func(step string, ok bool) {
			t.Helper()
			if !ok {
				t.Error(step)
			}
		}
		check("bury what is new", bury(outbox.Bury))
		check("bury the dead", !bury(outbox.Bury) && !bury(outbox.BuryUnknown))
		check("mark the dead", !mark())
		check("retry", retry() == nil)
		check("retry while retrying", retry() == nil)
		check("old news while retrying", !bury(outbox.BuryUnknown))
		check("dead again", bury(outbox.Bury))
		check("retry again", retry() == nil)
		list, err := outbox.ListDead(t.Context(), d, 10)
		check("listed", err == nil && len(list) == 1 && list[0].Retrying && list[0].Attempts == 5 && len(list[0].Error) < 1010)
		check("mark", mark())
		check("mark twice", !mark())
		check("bury what is handled", !bury(outbox.Bury) && !bury(outbox.BuryUnknown))
		check("retry what is handled", errors.Is(retry(), outbox.ErrNoDead))
		entries, err := outbox.Pending(t.Context(), d, 10)
		check("outbox", err == nil && len(entries) == 4 && entries[1].Group == "g" && entries[1].Event.ID == e.ID)
	})
}

func TestRetryAndDropRefuse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		for _, id := range []string{"", "g", "g/", "/", "g/01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11", "'; DROP TABLE inbox; --/x"} {
			for name, f := range map[string]func(context.Context, *db.DB, string, time.Time) error{"retry": outbox.Retry, "drop": outbox.Drop} {
				if err := f(t.Context(), d, id, at(0)); !errors.Is(err, outbox.ErrNoDead) {
					t.Errorf("%s %q: %v", name, id, err)
				}
			}
		}
	})
}

func TestForgetKeepsTheDead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		events := bustest.Emit(t, d, note(1), note(2), note(3), note(4))
		for i, e := range events[:3] {
			if _, err := outbox.Mark(t.Context(), d, "g", e.ID, at(i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := outbox.Bury(t.Context(), d, outbox.Dead{Group: "g", Event: events[3], Time: at(0)}); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int64{1, 1, 0} { // at most one at a time; the third is younger
			if n, err := outbox.Forget(t.Context(), d, at(2), 1); n != want || err != nil {
				t.Errorf("%d: forgot %d, %v", i, n, err)
			}
		}
		if list, err := outbox.ListDead(t.Context(), d, 10); len(list) != 1 || err != nil {
			t.Errorf("dead: %v, %v", list, err)
		}
	})
}

func BenchmarkWhatDoesEmitCost(b *testing.B) {
	dbtest.Bench(b, func(b *testing.B, d *db.DB) {
		bustest.Prepare(b, d)
		for b.Loop() {
			bustest.Emit(b, d, note(1))
		}
	})
}
