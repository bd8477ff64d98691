package rabbitbus_test

import (
	"context"
	mrand "math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"weir/services/backing/bus"
	"weir/services/backing/bus/bustest"
	"weir/services/backing/bus/rabbitbus"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// Variable is the environment variable with the address of a RabbitMQ for tests.
const Variable = bustest.Variable

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// namespace gives a test names of its own at the broker, and removes them after it.
func namespace(t testing.TB, address string) string {
	return bustest.Namespace(t, address, "g", "other", "exact", "family", "all", "first", "second")
}

// opener makes buses that share their names at the broker.
func opener(address, prefix string) bustest.Maker {
	return func(t testing.TB, c bus.Config) bus.Bus {
		t.Helper()
		b, err := rabbitbus.New(rabbitbus.Config{
			Config: c, URL: address, Prefix: prefix, ConfirmTimeout: 3 * time.Second,
			Reconnect: bus.Backoff{First: 10 * time.Millisecond, Max: 200 * time.Millisecond, Factor: 2},
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// each runs on every database, with the broker that the environment names.
func each(t *testing.T, run func(t *testing.T, d *db.DB, address string)) {
	t.Helper()
	address := os.Getenv(Variable)
	if address == "" {
		t.Logf("%s is not set: nothing was run on a RabbitMQ", Variable)
		return
	}
	t.Run("rabbitmq", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) { run(t, d, address) })
	})
}

func TestSuite(t *testing.T) {
	address := os.Getenv(Variable)
	if address == "" {
		t.Logf("%s is not set: nothing was run on a RabbitMQ", Variable)
		return
	}
	t.Run("rabbitmq", func(t *testing.T) {
		prefixes := map[testing.TB]string{} // tests run one after the other
		bustest.Suite(t, func(t testing.TB, c bus.Config) bus.Bus {
			if prefixes[t] == "" {
				prefixes[t] = namespace(t, address)
			}
			return opener(address, prefixes[t])(t, c)
		})
	})
}

// The connections are cut at random, with whatever is on its way.
func TestCutConnectionsLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, address string) {
		w, through := newWire(t, address)
		f := bustest.NewFlood(t, d, bustest.Many())
		b := opener(through, namespace(t, address))(t, f.Config())
		bustest.Start(t, b)
		bustest.Until(t, "the bus is ready", func() bool { return b.Ready(t.Context()) == nil })
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Emit(t)
		}()
		for aim := 0; aim < bustest.Many()*9/10; aim += bustest.Many() / 20 {
			aim += mrand.IntN(bustest.Many() / 20)
			bustest.Until(t, "some more are handled", func() bool { return f.Handled() >= aim })
			w.cut()
		}
		<-done
		f.Check(t)
		t.Logf("%d events, all connections cut %d times", bustest.Many(), w.cuts)
	})
}

// The broker is killed by SIGKILL in the middle, and started again; the connections
// are cut on top of it.
func TestKilledBrokerLosesNothing(t *testing.T) {
	if os.Getenv(Devstack) == "" {
		t.Logf("%s is not set: no broker was killed", Devstack)
		return
	}
	t.Run("rabbitmq", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			server := newBroker(t)
			w, through := newWire(t, server.address)
			f := bustest.NewFlood(t, d, bustest.Many())
			b := opener(through, namespace(t, server.address))(t, f.Config())
			bustest.Start(t, b)
			bustest.Until(t, "the bus is ready", func() bool { return b.Ready(t.Context()) == nil })
			done := make(chan struct{})
			go func() {
				defer close(done)
				f.Emit(t)
			}()
			kills := 0
			for _, part := range []int{15, 30, 50, 65, 80} { // percent
				bustest.Until(t, "some more are handled", func() bool { return f.Handled() >= bustest.Many()*part/100 })
				if part == 50 || part == 80 && bustest.Many() > 1000 {
					kills++
					server.do("kill rabbitmq")
					server.do("restart rabbitmq")
				} else {
					w.cut()
				}
			}
			<-done
			f.Check(t)
			t.Logf("%d events, broker killed %d times, connections cut %d times", bustest.Many(), kills, w.cuts)
		})
	})
}

// Two processes of the same group: one consumes, both relay, nobody minds.
func TestTwoProcessesKeepOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, address string) {
		f := bustest.NewFlood(t, d, 400)
		prefix := namespace(t, address)
		for range 2 {
			b := opener(address, prefix)(t, f.Config())
			bustest.Start(t, b)
			bustest.Until(t, "the bus is ready", func() bool { return b.Ready(t.Context()) == nil })
		}
		f.Emit(t)
		f.Check(t)
	})
}

func publish(t *testing.T, address, exchange, key string, body []byte) {
	t.Helper()
	conn, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	confirm, err := ch.PublishWithDeferredConfirm(exchange, key, false, false, amqp.Publishing{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if !confirm.Wait() {
		t.Fatal("not confirmed")
	}
}

// A message that somebody else published and that is no event is listed, not lost.
func TestForeignMessagesAreDead(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, address string) {
		bustest.Prepare(t, d)
		prefix := namespace(t, address)
		b := opener(address, prefix)(t, bus.Config{DB: d, Subscriptions: []bus.Subscription{{
			Group: "g", Types: []string{"*"}, Handle: func(ctx context.Context, q db.Q, e event.Event) error {
				return bustest.Effect(ctx, q, "g", e)
			},
		}}})
		bustest.Start(t, b)
		bustest.Until(t, "the bus is ready", func() bool { return b.Ready(t.Context()) == nil })
		publish(t, address, prefix+".events", "a.b.v1", []byte("\x00no event\xff"))
		publish(t, address, prefix+".events", "a.b.v1", []byte(strings.Repeat("x", event.MaxSize+1)))
		var list []bus.Dead
		bustest.Until(t, "both are dead", func() bool {
			var err error
			list, err = b.Dead(t.Context(), 10)
			return err == nil && len(list) == 2
		})
		for _, dead := range list {
			if dead.Event.Type != "bus.malformed.v1" || !strings.Contains(dead.Error, "malformed event") || len(dead.Event.Data) > 100<<10 {
				t.Errorf("dead: %v: %s", dead.Event, dead.Error)
			}
			if err := b.Drop(t.Context(), dead.ID); err != nil {
				t.Error(err)
			}
		}
	})
}

// An event that is handed out again and again without an answer goes through the
// dead-letter exchange of the broker.
func TestBrokerGivesUp(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, address string) {
		bustest.Prepare(t, d)
		prefix := namespace(t, address)
		entered := make(chan struct{}, 100)
		w, through := newWire(t, address)
		b := opener(through, prefix)(t, bus.Config{DB: d, DeliveryLimit: 3, Subscriptions: []bus.Subscription{{
			Group: "g", Types: []string{"*"}, Handle: func(ctx context.Context, _ db.Q, _ event.Event) error {
				entered <- struct{}{}
				<-ctx.Done() // never comes to an end
				return ctx.Err()
			},
		}}})
		bustest.Start(t, b)
		bustest.Until(t, "the bus is ready", func() bool { return b.Ready(t.Context()) == nil })
		sent := bustest.Emit(t, d, bustest.Note{Kind: "a.b.v1", Of: "s", N: 1})
		for range 4 { // the first time and three more
			<-entered
			w.cut()
		}
		bustest.Until(t, "it is dead", func() bool {
			list, err := b.Dead(t.Context(), 10)
			return err == nil && len(list) == 1 && list[0].Event.ID == sent[0].ID && strings.Contains(list[0].Error, "the broker gave it up")
		})
	})
}

// Without a broker the outbox waits, Ready says why, and nothing tells the password.
func TestNoBroker(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bustest.Prepare(t, d)
		b := opener("amqp://weir:s3cret@127.0.0.1:1/", "weir")(t, bus.Config{DB: d})
		stop := bustest.Start(t, b)
		bustest.Emit(t, d, bustest.Note{Kind: "a.b.v1", Of: "s", N: 1})
		bustest.Until(t, "it says why", func() bool {
			err := b.Ready(t.Context())
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Fatal("the password is in the error")
			}
			return err != nil && strings.Contains(err.Error(), "refused")
		})
		stop()
		if n, err := outbox.Count(t.Context(), d, 10); n != 1 || err != nil {
			t.Errorf("%d in the outbox, %v", n, err)
		}
	})
}

// Asking signs in: a wrong password is not taken for a broker that works.
func TestAsk(t *testing.T) {
	if err := rabbitbus.Ask(t.Context(), "amqp://weir:s3cret@127.0.0.1:1/"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody there: %v", err)
	}
	address := os.Getenv(Variable)
	if address == "" {
		t.Logf("%s is not set: nothing was run on a RabbitMQ", Variable)
		return
	}
	if err := rabbitbus.Ask(t.Context(), address); err != nil {
		t.Error(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), "s3cret")
	if err := rabbitbus.Ask(t.Context(), u.String()); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	d := dbtest.Open(t, db.Config{Path: t.TempDir() + "/weir.db"})
	for _, address := range []string{"", "http://u:s3cret@h/", "amqp://u:s3cret@h:port/", "amqp://u:s3cret@ h/"} {
		_, err := rabbitbus.New(rabbitbus.Config{Config: bus.Config{DB: d}, URL: address})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// From the outbox over the broker to the effects of two groups, with transactions.
func BenchmarkHowManyEventsASecond(b *testing.B) {
	address := os.Getenv(Variable)
	if address == "" {
		b.Logf("%s is not set: nothing was measured on a RabbitMQ", Variable)
		return
	}
	b.Run("rabbitmq", func(b *testing.B) {
		dbtest.Bench(b, func(b *testing.B, d *db.DB) {
			f := bustest.NewFlood(b, d, max(b.N, 100))
			open := opener(address, namespace(b, address))
			first := open(b, f.Config())
			stop := bustest.Start(b, first) // the groups exist from here on
			bustest.Until(b, "the bus is ready", func() bool { return first.Ready(b.Context()) == nil })
			stop()
			took := f.Rate(b, open)
			b.ReportMetric(float64(max(b.N, 100))/took.Seconds(), "events/s")
		})
	})
}
