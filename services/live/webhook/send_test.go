package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/event"
	"weir/services/seal"
)

// The example of the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	got, err := signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), `{"test": 2432232314}`, []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s %v", got, err)
	}
}

// signed is what a receiver checks.
func signed(t *testing.T, got asked, secrets ...string) {
	t.Helper()
	at, err := strconv.ParseInt(got.at, 10, 64)
	ok(t, err)
	wanted, err := signatures(got.id, time.Unix(at, 0), got.body, secrets)
	ok(t, err)
	if got.signature != wanted {
		t.Errorf("signature %s, want %s", got.signature, wanted)
	}
}

func TestWhoIsTold(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		all, starts := r.hook(t), r.hook(t, "stream.started.v1", "key.*")
		global, err := r.Create(t.Context(), r.admin, [16]byte{}, EndpointChanges{URL: ptr(r.to.URL)})
		ok(t, err)
		off, err := r.Create(t.Context(), r.anna, r.channel, EndpointChanges{URL: ptr(r.to.URL), Enabled: ptr(false)})
		ok(t, err)
		start := r.tell(t, r.started())
		r.tell(t, event.KeyRotated{ChannelID: r.channel})
		r.tell(t, event.StreamEnded{ChannelID: r.channel})
		r.tell(t, event.StreamEnded{ChannelID: r.other})
		r.tell(t, event.UserFollowed{UserID: r.anna.User, ChannelID: r.channel})
		r.tell(t, event.UserPasswordResetRequested{UserID: r.anna.User, Email: "anna@example.org", Link: "https://tv.example.org/reset?token=secret"})
		r.send(t)
		for name, c := range map[string]struct {
			e     NewEndpoint
			types string
		}{
			"all": {all, "stream.ended.v1 key.rotated.v1 stream.started.v1"}, "two": {starts, "key.rotated.v1 stream.started.v1"},
			"global": {global, "user.followed.v1 stream.ended.v1 stream.ended.v1 key.rotated.v1 stream.started.v1"},
		} {
			var types []string
			for _, d := range r.deliveries(t, c.e) {
				types = append(types, d.Type)
				if d.State != Delivered || d.Status != http.StatusNoContent || d.Attempts != 1 || d.Next != nil || d.Ended == nil || d.Error != "" {
					t.Errorf("%s: %+v", name, d)
				}
			}
			if strings.Join(types, " ") != c.types {
				t.Errorf("%s: %v", name, types)
			}
		}
		if n := len(r.deliveries(t, off)); n != 0 {
			t.Errorf("%d deliveries to what is off", n)
		}
		seen := 0
		for _, got := range r.to.all() {
			if strings.Contains(got.body, "token=secret") || got.kind != event.ContentType {
				t.Errorf("%+v", got)
			}
			if got.id == start.ID {
				seen++
				back, err := event.Parse([]byte(got.body))
				if err != nil || back.Type != start.Type || string(back.Data) != string(start.Data) || back.TraceParent != "" {
					t.Errorf("%s %v", got.body, err)
				}
			}
		}
		if seen != 3 || len(r.to.all()) != 10 {
			t.Errorf("%d requests, %d of the start", len(r.to.all()), seen)
		}
	})
}

func TestRotation(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		e := r.hook(t)
		next, err := r.Rotate(t.Context(), r.anna, r.channel, e.ID)
		ok(t, err)
		if next.Secret == e.Secret || !strings.HasPrefix(next.Secret, "whsec_") {
			t.Fatal("no new secret")
		}
		r.tell(t, r.started())
		r.send(t)
		r.clock.Pass(overlap)
		r.tell(t, r.started())
		r.send(t)
		got := r.to.all()
		signed(t, got[0], next.Secret, e.Secret)
		signed(t, got[1], next.Secret)
		r.clock.Pass(time.Second)
		ok(t, r.tidy(t.Context()))
		if x, err := (store{r.db}).endpoint(t.Context(), r.channel, e.ID, false); err != nil || x.old != "" || strings.Contains(x.secret, strings.TrimPrefix(next.Secret, "whsec_")) {
			t.Errorf("%+v %v", x, err)
		}
		key := seal.NewKey()
		r.box, err = seal.New(seal.NewKey())
		ok(t, err)
		ok(t, r.open(t, r.db).reseal(t.Context())) // with a key that opens nothing: stays
		r.Service.box, err = seal.New(key, r.key)
		ok(t, err)
		ok(t, r.reseal(t.Context()))
		r.Service.box, err = seal.New(key)
		ok(t, err)
		r.tell(t, r.started())
		r.send(t)
		signed(t, r.to.all()[2], next.Secret)
	})
}

func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			status      int
			header      string
			body        string
			state       State
			err, answer string
		}{
			"accepted":  {status: 202, body: "thanks", state: Delivered, answer: "thanks"},
			"redirect":  {status: 302, state: Waiting, err: "it answered 302: redirects are not followed"},
			"broken":    {status: 503, body: "a\x00b\xff", state: Waiting, err: "it answered 503", answer: "a\uFFFDb\uFFFD"},
			"not found": {status: 404, state: Waiting, err: "it answered 404"},
			"gone":      {status: 410, state: Failed, err: "it answered 410"},
			"huge":      {status: 200, body: strings.Repeat("x", 1<<20), state: Delivered, answer: strings.Repeat("x", answerMax)},
		} {
			r.to.answers(func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Location", "http://169.254.169.254/")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			e := r.hook(t)
			r.tell(t, r.started())
			r.send(t)
			d := r.deliveries(t, e)[0]
			if d.State != c.state || d.Error != c.err || d.Answer != c.answer || d.Status != int64(c.status) {
				t.Errorf("%s: %.300v", name, d)
			}
			if x := r.endpoint(t, e); (c.status == 410) == x.Enabled || (c.state == Delivered) == (x.Failing != nil) {
				t.Errorf("%s: %+v", name, x)
			}
			ok(t, r.Delete(t.Context(), r.anna, r.channel, e.ID))
		}
	})
}

// Who cannot be reached is told of in words that show nothing of what is behind a name.
func TestUnreachable(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		closed := newReceiver(t)
		closed.Close()
		strict, err := Open(Config{DB: r.db, Box: r.box, Channels: r.who, Now: r.clock.Now})
		ok(t, err)
		for url, c := range map[string]struct {
			s     *Service
			words string
		}{
			closed.URL:                 {r.Service, "the connection was refused"},
			"http://nobody.invalid/":   {r.Service, "the name of the host cannot be resolved"},
			"https://127.0.0.1:1/":     {strict, "the address is not a public one; the operator of this server can allow it"},
			"https://[::1]:1/":         {r.Service, "the address is not a public one; the operator of this server can allow it"},
			"http://localhost:1/x?y=z": {strict, "the address is not a public one; the operator of this server can allow it"},
		} {
			e := r.hook(t)
			stored := r.endpoint(t, e)
			stored.URL = url
			stored.secret = r.sealed(e.ID, e.Secret)
			ok(t, store{r.db}.update(t.Context(), stored, r.clock.Now())) // as a name that changes what it stands for
			r.tell(t, r.started())
			ok(t, c.s.look(t.Context()))
			c.s.desk.wait.Wait()
			if d := r.deliveries(t, e)[0]; d.Error != c.words || d.State != Waiting || d.Status != 0 {
				t.Errorf("%s: %+v", url, d)
			}
			ok(t, r.Delete(t.Context(), r.anna, r.channel, e.ID))
		}
		if strings.Contains(r.log.String(), "127.0.0.1") || strings.Contains(r.log.String(), "hunter2") {
			t.Error(r.log.String())
		}
	})
}

// A receiver that never answers holds no more than its share, and its deliveries end.
func TestTarpit(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		hold := make(chan struct{})
		pit := newReceiver(t)
		pit.answers(func(_ http.ResponseWriter, req *http.Request, _ int) {
			select {
			case <-hold:
			case <-req.Context().Done():
			}
		})
		slow, err := r.Create(t.Context(), r.anna, r.channel, EndpointChanges{URL: ptr(pit.URL)})
		ok(t, err)
		fast := r.hook(t)
		for range 20 {
			r.tell(t, r.started())
		}
		ctx, cancel := context.WithCancel(t.Context())
		for len(r.to.all()) < 20 { // a place may be free a moment after its answer was seen
			ok(t, r.look(ctx))
			<-r.desk.freed
		}
		for len(pit.all()) == 0 {
			<-time.After(time.Millisecond)
		}
		if got := len(r.deliveries(t, fast)); got != 20 || len(r.to.all()) != 20 {
			t.Errorf("%d of %d came", len(r.to.all()), got)
		}
		if n := len(pit.all()); n > atOnceEach {
			t.Errorf("%d at once", n)
		}
		cancel()
		r.desk.wait.Wait()
		close(hold)
		for _, d := range r.deliveries(t, slow) {
			if d.State != Waiting || d.Attempts > 1 {
				t.Errorf("%+v", d)
			}
		}
	})
}

// Places are shared: a channel has so many, however many endpoints it has, and the slow
// have half of all.
func TestPlaces(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		mine := newID()
		take := func(channel *uuid.UUID, slow bool) (taken int, free func()) {
			var done []func()
			for range atOnce {
				e := Endpoint{ID: newID(), Channel: channel}
				if slow {
					r.desk.took(e.ID, slowAfter+time.Millisecond)
				}
				if f, ok := r.desk.take(e); ok {
					done = append(done, f)
				}
			}
			return len(done), func() {
				for _, f := range done {
					f()
				}
			}
		}
		n, free := take(&mine, false)
		if n != atOnceOf {
			t.Errorf("a channel has %d places", n)
		}
		free()
		n, free = take(nil, true)
		if n != atOnceIll {
			t.Errorf("the slow have %d places", n)
		}
		others, freeOthers := take(nil, false)
		if others != atOnce-atOnceIll {
			t.Errorf("the others have %d places beside them", others)
		}
		free()
		freeOthers()
		if len(r.desk.busy) != 0 || r.desk.all != 0 || r.desk.ill != 0 {
			t.Errorf("%v, %d, %d are left", r.desk.busy, r.desk.all, r.desk.ill)
		}
		// what makes an endpoint slow is its answer, and another one makes it well
		e := r.hook(t)
		for _, slow := range []bool{true, false} {
			r.to.answers(func(w http.ResponseWriter, _ *http.Request, _ int) {
				if slow {
					r.clock.Pass(slowAfter + time.Second)
				}
				w.WriteHeader(http.StatusNoContent)
			})
			r.tell(t, r.started())
			r.send(t)
			if r.desk.slow[e.ID] != slow {
				t.Errorf("slow: %v, want %v", !slow, slow)
			}
		}
	})
}

// Pauses grow; after a day a delivery is given up, and after days the endpoint is off.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.to.answers(func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusInternalServerError) })
		e := r.hook(t)
		r.tell(t, r.started())
		began, last := r.clock.Now(), time.Duration(0)
		for {
			r.send(t)
			d := r.deliveries(t, e)[0]
			if d.State == Failed {
				break
			}
			wait := d.Next.Sub(r.clock.Now())
			if wait <= 0 || wait > pauseMax*6/5 || wait < last*6/5 && wait < pauseMax*4/5 {
				t.Fatalf("attempt %d: %s after %s", d.Attempts, wait, last)
			}
			last = wait
			r.clock.Pass(wait)
		}
		if n, took := len(r.to.all()), r.clock.Now().Sub(began); n < 10 || n > 40 || took < giveUp-pauseMax*6/5 || took > giveUp {
			t.Errorf("%d attempts in %s", n, took)
		}
		if x := r.endpoint(t, e); !x.Enabled || x.Failing == nil {
			t.Errorf("%+v", x)
		}
		r.clock.Pass(offAfter)
		r.tell(t, r.started())
		for r.endpoint(t, e).Enabled {
			r.send(t)
			if d := r.deliveries(t, e)[0]; d.Next != nil {
				r.clock.Pass(d.Next.Sub(r.clock.Now()))
			}
		}
		n := len(r.to.all())
		r.tell(t, r.started())
		r.clock.Pass(time.Hour)
		r.send(t)
		if x := r.endpoint(t, e); len(r.to.all()) != n || !strings.Contains(x.Off, "for days") {
			t.Errorf("%d requests, %+v", len(r.to.all()), x)
		}
		_, err := r.Update(t.Context(), r.anna, r.channel, e.ID, 0, EndpointChanges{Enabled: ptr(true)})
		ok(t, err)
		r.to.answers(nil)
		r.tell(t, r.started())
		r.send(t)
		if x := r.endpoint(t, e); len(r.to.all()) != n+1 || x.Off != "" || x.Failing != nil {
			t.Errorf("%d requests, %+v", len(r.to.all()), x)
		}
	})
}

// Two processes at once send everything once; what a killed one had is sent by the other.
func TestTwoProcesses(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for i := range 10 {
			_, err := r.Create(t.Context(), r.anna, r.channel, EndpointChanges{URL: ptr(fmt.Sprint(r.to.URL, "/", i))})
			ok(t, err)
		}
		r.tell(t, r.started())
		lost := r.tell(t, r.started())
		killed, err := scanDelivery(r.db.QueryRow(t.Context(), `SELECT `+deliveryColumns+` FROM live_webhook_deliveries WHERE event_id=$1 ORDER BY id LIMIT 1`, lost.ID))
		ok(t, err)
		if mine, err := (store{r.db}).claim(t.Context(), killed, r.clock.Now()); !mine || err != nil {
			t.Fatal(mine, err)
		}
		two := r.open(t, r.db)
		var wait sync.WaitGroup
		for _, s := range []*Service{r.Service, two} {
			wait.Go(func() {
				for range 3 {
					if err := s.look(t.Context()); err != nil {
						t.Error(err)
					}
					s.desk.wait.Wait()
				}
			})
		}
		wait.Wait()
		r.send(t)
		if n := len(r.to.all()); n != 19 {
			t.Errorf("%d requests, want 19", n)
		}
		r.clock.Pass(lease)
		r.send(t)
		if n := len(r.to.all()); n != 20 {
			t.Errorf("%d requests, want 20", n)
		}
	})
}

// Run sends by itself, and ends.
func TestRun(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		got := make(chan struct{}, 1)
		r.to.answers(func(w http.ResponseWriter, _ *http.Request, _ int) { got <- struct{}{} })
		r.hook(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		r.tell(t, r.started())
		<-got
		cancel()
		ok(t, <-done)
	})
}
