package webhook

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/live"
	"weir/services/seal"
	"weir/services/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// managers are who manages channels.
type managers map[uuid.UUID]uuid.UUID

func (m managers) Manages(_ context.Context, _ db.Q, who auth.Identity, channel uuid.UUID, _ bool) error {
	user, known := m[channel]
	switch {
	case !known:
		return fault.New(fault.NotFound, "there is no such channel")
	case user != who.User:
		return fault.New(fault.Denied, "this is not your channel")
	}
	return nil
}

// asked is a request that the receiver got.
type asked struct {
	id, at, signature, kind, body string
}

// receiver is the other side. It answers as told, else by 204.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []asked
	answer func(w http.ResponseWriter, r *http.Request, nth int)
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.got = append(r.got, asked{req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp"), req.Header.Get("webhook-signature"), req.Header.Get("Content-Type"), string(body)})
		answer, n := r.answer, len(r.got)
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, req, n)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(do func(w http.ResponseWriter, r *http.Request, nth int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = do
}

func (r *receiver) all() []asked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]asked(nil), r.got...)
}

// rig is a Service with a clock, a channel of anna's and a receiver on this machine.
type rig struct {
	*Service
	clock   *servicetest.Clock
	log     *servicetest.Log
	box     *seal.Box
	key     []byte // of box at first
	to      *receiver
	anna    auth.Identity
	admin   auth.Identity
	channel uuid.UUID
	other   uuid.UUID // somebody else's
	who     managers
}

func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ok(t, d.Migrate(t.Context(), live.Migrations()))
		r := &rig{clock: servicetest.NewClock(time.Now().UTC()), log: &servicetest.Log{}, to: newReceiver(t), anna: servicetest.Person(auth.User), admin: servicetest.Person(auth.Admin), channel: newID(), other: newID()}
		r.who = managers{r.channel: r.anna.User, r.other: newID()}
		var err error
		r.key = seal.NewKey()
		r.box, err = seal.New(r.key)
		ok(t, err)
		r.Service = r.open(t, d)
		run(t, r)
	})
}

// open is another process on the same database.
func (r *rig) open(t testing.TB, d *db.DB) *Service {
	t.Helper()
	s, err := Open(Config{
		DB: d, Box: r.box, Channels: r.who, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: r.clock.Now,
	})
	ok(t, err)
	return s
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// hook is an endpoint of the rig's channel, at the receiver.
func (r *rig) hook(t testing.TB, types ...string) NewEndpoint {
	t.Helper()
	e, err := r.Create(t.Context(), r.anna, r.channel, EndpointChanges{URL: ptr(r.to.URL + "/hook?token=hunter2"), Types: &types})
	ok(t, err)
	return e
}

// tell hands an event to the service as the bus does.
func (r *rig) tell(t testing.TB, d event.Data) event.Event {
	t.Helper()
	e, err := event.New(t.Context(), "/weir/live", d)
	ok(t, err)
	ok(t, r.within(t.Context(), func(ctx context.Context, st store) error { return r.handle(ctx, st.q, e) }))
	return e
}

func (r *rig) started() event.StreamStarted {
	return event.StreamStarted{SessionID: newID(), ChannelID: r.channel, Name: "anna"}
}

// send sends all that is due now.
func (r *rig) send(t testing.TB) {
	t.Helper()
	for before := -1; before != len(r.to.all()); {
		before = len(r.to.all())
		ok(t, r.look(t.Context()))
		r.desk.wait.Wait()
	}
}

// log is the deliveries of an endpoint, newest first.
func (r *rig) deliveries(t testing.TB, e NewEndpoint) []Delivery {
	t.Helper()
	who, channel := r.anna, r.channel
	if e.Channel == nil {
		who, channel = r.admin, uuid.Nil
	}
	p, err := r.Deliveries(t.Context(), who, channel, e.ID, "", 0)
	ok(t, err)
	return p.Items
}

func (r *rig) endpoint(t testing.TB, e NewEndpoint) Endpoint {
	t.Helper()
	x, err := r.Endpoint(t.Context(), r.anna, r.channel, e.ID)
	ok(t, err)
	return x
}

func want(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
