package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
)

// measured tells the health of a session, and everything that comes of it.
func (r *rig) measured(t testing.TB, b *Broadcast, h Health, totals Stats) {
	t.Helper()
	r.Measure(b, h, totals)
	ok(t, r.tellHealth(t.Context()))
}

func TestHealth(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := r.owned(t, "anna"), r.owned(t, "bert")
		read := func(who auth.Identity) (Health, error) { return r.Health(t.Context(), who, anna.ID) }
		_, err := read(anna.owner)
		want(t, err, fault.NotFound)
		b := r.begin(t, r.admit(t, anna.key.Secret))
		h := good()
		h.KeyInterval, h.Encoder, h.State = 8, "OBS\n30", Ended // the state is ours to say
		r.measured(t, b, h, Stats{})
		got, err := read(anna.owner)
		ok(t, err)
		if got.Session != b.ID || got.State != Starting || got.Encoder != "OBS30" || !got.At.Equal(r.clock.Now()) || got.KeyInterval != 8 || got.Source != h.Source ||
			len(got.Warnings) != 1 || got.Warnings[0].Code != "key_frames_far" || *got.Sound != *h.Sound || got.Shed == nil {
			t.Errorf("%+v", got)
		}
		moderator := servicetest.Person(auth.User)
		ok(t, r.SetMember(t.Context(), anna.owner, anna.ID, moderator.User, Moderator))
		for who, code := range map[*auth.Identity]fault.Code{&moderator: "", ptr(servicetest.Person(auth.Admin)): "", &bert.owner: fault.Denied, ptr(servicetest.Person(auth.User)): fault.Denied} {
			_, err := read(*who)
			if code == "" {
				ok(t, err)
				continue
			}
			want(t, err, code)
		}
		// What no JSON has is left out, and what is measured after is told again.
		h.Drift = math.NaN()
		r.measured(t, b, h, Stats{})
		h.Drift = 2
		r.measured(t, b, h, Stats{})
		if got, err = read(anna.owner); err != nil || got.Drift != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		if ttl, err := r.redis.PTTL(t.Context(), healthKey(anna.ID)).Result(); err != nil || ttl <= 0 || ttl > healthFor {
			t.Errorf("it is kept for %v, %v", ttl, err)
		}
		r.Finish(b, "", Stats{})
		ok(t, r.flush(t.Context()))
		r.measured(t, b, h, Stats{}) // too late
		ok(t, r.forgetLive(t.Context()))
		_, err = read(anna.owner)
		want(t, err, fault.NotFound)
		r.Measure(nil, h, Stats{}) // a session without a channel
	})
}

// The figures of a session whose process was killed are those of its last quarter of a
// minute.
func TestTotalsSurvive(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, anna.key.Secret))
		r.measured(t, b, Health{Encoder: "early"}, Stats{})
		ok(t, r.keepTotals(t.Context())) // before there is a row
		r.Playable(b)
		ok(t, r.flush(t.Context()))
		r.Returned(b, r.admit(t, anna.key.Secret))
		ok(t, r.Seen(t.Context(), b, []uint64{1, 2, 3}))
		ok(t, r.countAll(t.Context()))
		h := good()
		h.Encoder = "OBS 30"
		r.measured(t, b, h, Stats{Bytes: 1000, Frames: 300, Bitrate: 800, FPS: 29.9, Dropped: 2, Lag: 1.5, Reconnects: 99, Peak: 99})
		ok(t, r.keepTotals(t.Context()))
		r.measured(t, b, h, Stats{Bytes: 2000}) // which nobody keeps
		ok(t, r.open(t, Config{Node: "node-2", Alone: true}).reap(t.Context(), map[string]time.Time{}))
		v := r.session(t, anna, b)
		same(t, "stats", v.Stats, Stats{Bytes: 1000, Frames: 300, Bitrate: 800, FPS: 29.9, Dropped: 2, Lag: 1.5, Reconnects: 1, Peak: 3, Average: 3, Unique: 3})
		same(t, "source", v.Source, h.Source)
		if v.State != Ended || v.Encoder != "OBS 30" {
			t.Errorf("%+v", v)
		}
		if e := events[event.StreamEnded](t, r); len(e) != 1 || e[0].Peak != 3 || e[0].Unique != 3 {
			t.Errorf("told: %+v", e)
		}
		ok(t, r.keepTotals(t.Context())) // its row has ended: nothing is changed
		if got := r.session(t, anna, b); got.Stats.Bytes != 1000 {
			t.Errorf("%+v", got.Stats)
		}
	})
}

// page is a stream of events that a test reads, with a bad end when it likes.
type page struct {
	sent   chan string // "event data", or "beat"
	denied atomic.Pointer[fault.Error]
	broken atomic.Bool
}

var errBroken = errors.New("the client is gone")

func (p *page) Send(_, event, data string) error { return p.put(event + " " + data) }
func (p *page) Beat() error                      { return p.put("beat") }

func (p *page) Allowed(context.Context) error {
	if e := p.denied.Load(); e != nil {
		return e
	}
	return nil
}

func (p *page) put(s string) error {
	if p.broken.Load() {
		return errBroken
	}
	p.sent <- s
	return nil
}

// listening is one listener whose looks the test makes.
type listening struct {
	*page
	looks chan time.Time
	over  chan struct{} // closed before done has the error
	done  chan error
}

func (r *rig) listening(t *testing.T, who auth.Identity, channel uuid.UUID) *listening {
	t.Helper()
	l, err := r.board.join(who.User, channel)
	ok(t, err)
	x := &listening{&page{sent: make(chan string, 100)}, make(chan time.Time), make(chan struct{}), make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		err := r.listen(ctx, who, channel, l, x.looks, x.page)
		r.board.leave(l, who.User, channel)
		close(x.over)
		x.done <- err
	}()
	return x
}

func (x *listening) look(n int) {
	for range n {
		select {
		case x.looks <- time.Time{}:
		case <-x.over:
		}
	}
}

func (x *listening) next(t *testing.T, want string) string {
	t.Helper()
	select {
	case got := <-x.sent:
		if !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		return got
	case <-time.After(10 * time.Second):
		t.Fatalf("%s never came", want)
		return ""
	}
}

func TestListen(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.owned(t, "anna")
		ctx, cancel := context.WithCancel(t.Context())
		heard, stands := make(chan error, 1), make(chan struct{}, 8)
		go func() { heard <- r.hearOnce(ctx, func() { stands <- struct{}{} }) }()
		defer func() {
			cancel()
			if err := <-heard; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}()
		<-stands
		x := r.listening(t, anna.owner, anna.ID)
		x.next(t, "offline {}")
		b := r.begin(t, r.admit(t, anna.key.Secret))
		for i := range 3 {
			h := good()
			h.Jumps = int64(i)
			r.measured(t, b, h, Stats{})
			var got Health
			ok(t, json.Unmarshal([]byte(strings.TrimPrefix(x.next(t, "health {"), "health ")), &got))
			if got.Jumps != int64(i) || got.Session != b.ID {
				t.Errorf("event %d: %+v", i, got)
			}
		}
		late := r.listening(t, anna.owner, anna.ID) // begins with what is known
		late.next(t, "health {")
		// A message that was lost is made good by reading.
		h := good()
		h.Jumps = 77
		r.Measure(b, h, Stats{})
		ok(t, r.redis.Set(t.Context(), healthKey(anna.ID), string(b.measured()), healthFor).Err())
		x.look(readLooks)
		if got := x.next(t, "health {"); !strings.Contains(got, `"jumps":77`) {
			t.Error(got)
		}
		x.look(beatLooks)
		x.next(t, "beat")
		r.Finish(b, "", Stats{})
		ok(t, r.flush(t.Context()))
		ok(t, r.forgetLive(t.Context()))
		x.next(t, "offline {}")
		late.next(t, "offline {}")

		// Whoever may not listen any more is sent away, and so is who has left.
		x.denied.Store(fault.New(fault.Unauthenticated, "revoked"))
		x.look(1)
		if err := <-x.done; !errors.Is(err, errLeave) {
			t.Errorf("a revoked token: %v", err)
		}
		late.broken.Store(true)
		late.look(beatLooks)
		if err := <-late.done; !errors.Is(err, errBroken) {
			t.Errorf("a client that left: %v", err)
		}
	})
}

// Whoever is no member any more hears no more; a token that cannot be checked now, or a
// database that is away, ends nothing.
func TestListenerIsNoMemberAnyMore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, helper := r.owned(t, "anna"), servicetest.Person(auth.User)
		ok(t, r.SetMember(t.Context(), anna.owner, anna.ID, helper.User, Moderator))
		x := r.listening(t, helper, anna.ID)
		x.next(t, "offline {}")
		x.denied.Store(fault.New(fault.Unavailable, "not now"))
		x.look(askLooks + 1)
		ok(t, r.RemoveMember(t.Context(), anna.owner, anna.ID, helper.User))
		x.look(askLooks)
		if err := <-x.done; !errors.Is(err, errLeave) {
			t.Errorf("%v", err)
		}
	})
}

// The board is bounded, and a listener that takes nothing gets the newest when it does.
func TestBoard(t *testing.T) {
	var b board
	channel, who := uuid.New(), uuid.New()
	var all []*listener
	for range listenersUser {
		l, err := b.join(who, channel)
		ok(t, err)
		all = append(all, l)
	}
	_, err := b.join(who, uuid.New())
	want(t, err, fault.Limited)
	for i := listenersUser; i < listenersEach; i++ {
		_, err := b.join(uuid.New(), channel)
		ok(t, err)
	}
	_, err = b.join(uuid.New(), channel)
	want(t, err, fault.Limited)
	for i := range 1000 {
		b.post(fmt.Sprintf("%s %d", channel, i))
		b.post(fmt.Sprintf("%s other", uuid.New()))
	}
	for _, broken := range []string{"", "x", "x y", channel.String()[1:] + " z"} {
		b.post(broken)
	}
	if got := <-all[0].news; got != "999" {
		t.Errorf("got %s", got)
	}
	b.leave(all[0], who, channel)
	b.post(channel.String() + " more")
	if len(all[0].news) != 0 {
		t.Error("who left is still told")
	}
	l, err := b.join(who, channel)
	ok(t, err)
	for _, l := range append(slices.Clone(all[1:]), l) {
		b.leave(l, who, channel)
	}
	if b.byUser[who] != 0 || len(b.byChannel[channel]) != listenersEach-listenersUser {
		t.Errorf("left over: %d, %d", b.byUser[who], len(b.byChannel[channel]))
	}
}
