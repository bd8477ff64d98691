package membus_test

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"weir/services/backing/bus"
	"weir/services/backing/bus/bustest"
	"weir/services/backing/bus/membus"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, c bus.Config) bus.Bus {
	t.Helper()
	b, err := membus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSuite(t *testing.T) { bustest.Suite(t, open) }

// The bus is stopped and started again, over and over, while events are emitted.
func TestRestartsLoseNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := bustest.NewFlood(t, d, bustest.Many())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Emit(t)
		}()
		for i := range 8 {
			stop := bustest.Start(t, open(t, f.Config()))
			aim := f.Handled() + bustest.Many()/20
			bustest.Until(t, "some more are handled", func() bool { return f.Handled() >= aim })
			if i < 7 {
				stop()
			}
		}
		<-done
		f.Check(t)
	})
}

// Two processes on one database, by mistake: still each effect once, and in order.
func TestTwoBusesDoNoHarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := bustest.NewFlood(t, d, 400)
		bustest.Start(t, open(t, f.Config()))
		bustest.Start(t, open(t, f.Config()))
		f.Emit(t)
		f.Check(t)
	})
}

// An event that ends the process each time it is handled must not do so for ever.
func TestKillersDie(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		e, err := event.New(t.Context(), "/test", bustest.Note{Kind: "a.b.v1", Of: "s", N: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := outbox.Deliver(t.Context(), d, "g", e, e.Time); err != nil {
			t.Fatal(err)
		}
		for range 3 { // three processes took it up, and were never heard of again
			if _, err := outbox.Deliveries(t.Context(), d, "g", 10, func(int64) bool { return false }); err != nil {
				t.Fatal(err)
			}
		}
		bustest.Start(t, open(t, bus.Config{DB: d, DeliveryLimit: 3, Subscriptions: []bus.Subscription{{
			Group: "g", Types: []string{"*"}, Handle: func(context.Context, db.Q, event.Event) error {
				t.Error("handled once more")
				return nil
			},
		}}}))
		bustest.Until(t, "it is dead", func() bool {
			list, err := outbox.ListDead(t.Context(), d, 10)
			return err == nil && len(list) == 1 && strings.Contains(list[0].Error, "taken up 3 times")
		})
	})
}

func TestNewRefuses(t *testing.T) {
	d := dbtest.Open(t, db.Config{Path: t.TempDir() + "/weir.db"})
	handle := func(context.Context, db.Q, event.Event) error { return nil }
	tests := map[string]struct {
		conf bus.Config
		want string
	}{
		"no database": {bus.Config{}, "no database"},
		"group name":  {bus.Config{DB: d, Subscriptions: []bus.Subscription{{Group: "A/b", Types: []string{"*"}, Handle: handle}}}, `group "A/b"`},
		"twice": {bus.Config{DB: d, Subscriptions: []bus.Subscription{
			{Group: "a", Types: []string{"*"}, Handle: handle}, {Group: "a", Types: []string{"*"}, Handle: handle},
		}}, "twice"},
		"no handler": {bus.Config{DB: d, Subscriptions: []bus.Subscription{{Group: "a", Types: []string{"*"}}}}, "handles nothing"},
		"no types":   {bus.Config{DB: d, Subscriptions: []bus.Subscription{{Group: "a", Handle: handle}}}, "no type"},
		"odd type":   {bus.Config{DB: d, Subscriptions: []bus.Subscription{{Group: "a", Types: []string{"user.#"}, Handle: handle}}}, `"user.#"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := membus.New(tc.conf); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q in it", err, tc.want)
			}
		})
	}
}

// From the outbox to the effects of two groups, with transactions.
func BenchmarkHowManyEventsASecond(b *testing.B) {
	dbtest.Bench(b, func(b *testing.B, d *db.DB) {
		f := bustest.NewFlood(b, d, max(b.N, 100))
		took := f.Rate(b, open)
		b.ReportMetric(float64(max(b.N, 100))/took.Seconds(), "events/s")
	})
}
