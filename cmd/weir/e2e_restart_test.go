//go:build servers

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/services/backing/bus"
	"weir/services/backing/bus/bustest"
	"weir/services/backing/bus/rabbitbus"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/redis/redistest"
	"weir/services/event"
	"weir/services/live"
)

// devstack is the variable with the command that restarts a server of the stack.
const devstack = "WEIR_TEST_DEVSTACK"

// witness is somebody else who listens to all events.
type witness struct {
	mu   sync.Mutex
	seen map[string][]string // subjects by type, each event once
	ids  map[string]bool
}

func (w *witness) handle(_ context.Context, _ db.Q, e event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ids[e.ID] {
		w.ids[e.ID] = true
		w.seen[e.Type] = append(w.seen[e.Type], e.Subject)
	}
	return nil
}

// of are the subjects of the events of a type.
func (w *witness) of(typ string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen[typ])
}

// startWitness listens until the test ends.
func startWitness(t *testing.T, c db.Config, address string) *witness {
	t.Helper()
	w := &witness{seen: map[string][]string{}, ids: map[string]bool{}}
	d, err := db.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := rabbitbus.New(rabbitbus.Config{URL: address, Config: bus.Config{
		DB: d, Groups: append(event.Groups(), event.Group{Name: "witness", Types: []string{"*"}}),
		Subscriptions: []bus.Subscription{{Group: "witness", Types: []string{"*"}, Handle: w.handle}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.Close()
	})
	eventually(t, "a place to listen", func() bool { return b.Ready(t.Context()) == nil })
	return w
}

// TestBackingsRestart restarts each server while twenty streams run. No stream ends, and
// a publisher that dropped while the server was away is told of all the same.
func TestBackingsRestart(t *testing.T) {
	if os.Getenv(devstack) == "" {
		t.Fatal(devstack + " is not set: there are no servers to restart")
	}
	c, address := dbtest.Postgres(t), os.Getenv(bustest.Variable)
	s := startStation(t, "WEIR_RECONNECT=2m", "WEIR_DATABASE_URL="+c.URL, "WEIR_REDIS_URL="+os.Getenv(redistest.Env), "WEIR_AMQP_URL="+address)
	f := &fleet{t: t, station: s, admin: &person{t: t, web: s.web}, told: startWitness(t, c, address)}
	f.admin.signIn("admin", s.password)
	f.launch(20)
	for i, server := range []string{"redis", "rabbitmq", "postgres"} {
		f.restart(i, server)
	}
	f.land()
	if r := s.stop(); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// fleet is many streams, each of a channel of its own.
type fleet struct {
	*station
	t        *testing.T
	admin    *person
	told     *witness
	channels []string // ids
	on       []*onAir
	drops    int
}

func (f *fleet) name(i int) string { return fmt.Sprintf("ship-%02d", i) }

func (f *fleet) launch(n int) {
	f.t.Helper()
	for i := range n {
		var c struct{ ID string }
		if status := f.admin.ask(http.MethodPost, "channels", object{"name": f.name(i)}, &c); status != http.StatusCreated {
			f.t.Fatalf("channel %d: %d", i, status)
		}
		f.channels = append(f.channels, c.ID)
		f.on = append(f.on, air(f.t, f.station, f.name(i)))
	}
	f.right(time.Now())
	eventually(f.t, "the beginnings", func() bool { return len(f.told.of(event.StreamStarted{}.EventType())) == n })
}

// right waits until all that can be seen of the streams is as it should be, and newer
// than since.
func (f *fleet) right(since time.Time) {
	f.t.Helper()
	eventually(f.t, "all of it ready", func() bool {
		status, _, err := f.get(f.t.Context(), "/readyz")
		return err == nil && status == http.StatusOK
	})
	eventually(f.t, "all streams in the list", func() bool { return len(streams(f.admin)) == len(f.on) })
	for i, channel := range f.channels {
		eventually(f.t, f.name(i)+" on the air and measured", func() bool {
			var h live.Health
			v := f.session(channel)
			return v.State == live.OnAir && f.admin.ask(http.MethodGet, "channels/"+channel+"/health", nil, &h) == http.StatusOK && h.At.After(since) && h.Session == v.ID
		})
	}
}

// session is the only one of a channel.
func (f *fleet) session(channel string) live.SessionView {
	f.t.Helper()
	var list struct{ Items []live.SessionView }
	if f.admin.ask(http.MethodGet, "channels/"+channel+"/sessions", nil, &list) != http.StatusOK || len(list.Items) == 0 {
		return live.SessionView{}
	}
	if len(list.Items) != 1 {
		f.t.Errorf("%d sessions of a channel, want one that goes on", len(list.Items))
	}
	return list.Items[0]
}

// restart restarts a server. One publisher drops just before and comes back after.
func (f *fleet) restart(i int, server string) {
	f.t.Helper()
	f.on[i].vanish()
	f.drops++
	if out, err := exec.Command("bash", "-c", os.Getenv(devstack)+" restart "+server).CombinedOutput(); err != nil {
		f.t.Fatalf("restart %s: %v\n%s", server, err, out)
	}
	up := time.Now()
	f.on[i] = air(f.t, f.station, f.name(i))
	f.right(up)
	eventually(f.t, "what was told of the drop", func() bool { return len(f.told.of(event.StreamReconnecting{}.EventType())) == f.drops })
	f.t.Logf("%s: all is right again after %v", server, time.Since(up).Round(100*time.Millisecond))
	for i, o := range f.on {
		select {
		case err := <-o.done:
			f.t.Fatalf("%s ended when %s was restarted: %v", f.name(i), server, err)
		default:
		}
	}
	f.watch(len(f.on)-1, up)
}

// watch wants pictures of a stream from after that time, and no hole before them.
func (f *fleet) watch(i int, since time.Time) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	v, err := f.view(ctx, f.name(i))
	if err != nil {
		f.t.Fatal(err)
	}
	m, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool {
		return len(m.Segments) > 0 && m.Segments[len(m.Segments)-1].DateTime.After(since)
	})
	if err != nil {
		f.t.Fatalf("%s stopped: %v", f.name(i), err)
	}
	if d := discontinuities(m); d > 0 {
		f.t.Errorf("%s has %d holes", f.name(i), d)
	}
}

// land ends all streams, and looks at what is known of them then.
func (f *fleet) land() {
	f.t.Helper()
	for i, o := range f.on {
		if err := o.leave(); err != nil {
			f.t.Errorf("%s: %v", f.name(i), err)
		}
	}
	came := int64(0)
	for i, channel := range f.channels {
		eventually(f.t, "the end of "+f.name(i), func() bool { return f.session(channel).State == live.Ended })
		came += f.session(channel).Stats.Reconnects
	}
	if came != int64(f.drops) {
		f.t.Errorf("%d returns in the history, want %d", came, f.drops)
	}
	for typ, want := range map[string]int{event.StreamStarted{}.EventType(): len(f.on), event.StreamEnded{}.EventType(): len(f.on), event.StreamReconnecting{}.EventType(): f.drops} {
		eventually(f.t, "all "+typ, func() bool { return len(f.told.of(typ)) >= want })
		list := f.told.of(typ)
		slices.Sort(list)
		if once := slices.Compact(slices.Clone(list)); len(list) != want || len(once) != want {
			f.t.Errorf("%s was told %d times, of %d streams, want %d", typ, len(list), len(once), want)
		}
	}
}
