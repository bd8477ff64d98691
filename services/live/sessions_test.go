package live

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
)

// begin is a session that is written.
func (r *rig) begin(t testing.TB, g Grant, end ...func(string)) *Broadcast {
	t.Helper()
	x := Start{Grant: g, Protocol: "rtmp", Encoder: "OBS", At: r.clock.Now()}
	if len(end) > 0 {
		x.End = end[0]
	}
	b, err := r.Begin(x)
	ok(t, err)
	ok(t, r.flush(t.Context()))
	return b
}

func (r *rig) session(t testing.TB, o owned, b *Broadcast) SessionView {
	t.Helper()
	v, err := r.Session(t.Context(), o.owner, o.ID, b.ID)
	ok(t, err)
	return v
}

func TestLifeOfABroadcast(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		began := r.clock.Now()
		b := r.begin(t, r.admit(t, o.key.Secret))
		step := func(state State, types ...string) {
			t.Helper()
			r.clock.Pass(time.Second)
			ok(t, r.flush(t.Context()))
			if v := r.session(t, o, b); v.State != state {
				t.Errorf("%s, want %s", v.State, state)
			}
			same(t, "events", told(t, r), types)
		}
		step(Starting)
		r.Playable(b)
		started := r.clock.Now()
		r.Playable(b)
		step(OnAir, "stream.started.v1")
		_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("hello")})
		ok(t, err)
		step(OnAir, "stream.started.v1", "stream.updated.v1")
		r.Dropped(b)
		step(Reconnecting, "stream.started.v1", "stream.updated.v1", "stream.reconnecting.v1")
		r.Returned(b, r.admit(t, o.key.Secret))
		step(OnAir, "stream.started.v1", "stream.updated.v1", "stream.reconnecting.v1")
		ended := r.clock.Now()
		r.Finish(b, "", Stats{Bytes: 7, FPS: 29.97, Lag: 0.5})
		r.Finish(b, "again", Stats{})
		r.Dropped(b)
		step(Ended, "stream.started.v1", "stream.updated.v1", "stream.reconnecting.v1", "stream.ended.v1")
		same(t, "session", r.session(t, o, b), SessionView{
			ID: b.ID, Channel: o.ID, State: Ended, Title: "hello", Protocol: "rtmp", Encoder: "OBS", Began: began, Started: &started, Ended: &ended,
			Stats: Stats{Bytes: 7, FPS: 29.97, Lag: 0.5, Reconnects: 1},
		})
		same(t, "started", events[event.StreamStarted](t, r), []event.StreamStarted{{SessionID: b.ID, ChannelID: o.ID, OwnerID: o.owner.User, Name: "anna", Public: true, StartedAt: started}})
		same(t, "ended", events[event.StreamEnded](t, r), []event.StreamEnded{{SessionID: b.ID, ChannelID: o.ID, OwnerID: o.owner.User, Name: "anna", StartedAt: started, EndedAt: ended}})
		if n := len(r.air.all()); n != 0 {
			t.Errorf("%d sessions are kept in memory", n)
		}
	})
}

// A database that is away changes when things are written, not what.
func TestBroadcastWithoutDatabase(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(r *rig, b *Broadcast, fail func())
		state  State
		events []string
	}{
		"all at the end": {func(r *rig, b *Broadcast, fail func()) { r.Playable(b); fail(); r.Finish(b, "x", Stats{}); fail() }, Ended, []string{"stream.started.v1", "stream.ended.v1"}},
		"dropped and returned": {func(r *rig, b *Broadcast, fail func()) {
			r.Playable(b)
			fail()
			r.Dropped(b)
			fail()
			r.Returned(b, b.Grant())
		}, OnAir, []string{"stream.started.v1", "stream.reconnecting.v1"}},
		"still dropped": {func(r *rig, b *Broadcast, fail func()) { r.Playable(b); fail(); r.Dropped(b); fail() }, Reconnecting, []string{"stream.started.v1", "stream.reconnecting.v1"}},
		"never watched": {func(r *rig, b *Broadcast, fail func()) { fail(); r.Dropped(b); fail(); r.Finish(b, "x", Stats{}) }, Ended, nil},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				o := r.owned(t, "anna")
				gone, cancel := context.WithCancel(t.Context())
				cancel()
				fail := func() {
					if r.flush(gone) == nil {
						t.Error("it was written")
					}
				}
				b, err := r.Begin(Start{Grant: r.admit(t, o.key.Secret), Protocol: "srt", At: r.clock.Now()})
				ok(t, err)
				c.do(r, b, fail)
				for range 2 {
					ok(t, r.flush(t.Context()))
				}
				if v := r.session(t, o, b); v.State != c.state {
					t.Errorf("%s, want %s", v.State, c.state)
				}
				same(t, "events", told(t, r), c.events)
			})
		})
	}
}

// A publisher that drops before there is a segment, and comes back: viewers hear of the
// start when there is one, however much was written at once.
func TestDropBeforeTheFirstSegment(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Dropped(b)
		ok(t, r.flush(t.Context()))
		_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("x")})
		ok(t, err)
		same(t, "events", told(t, r), nil)
		r.Returned(b, b.Grant())
		r.Playable(b)
		ok(t, r.flush(t.Context()))
		same(t, "events", told(t, r), []string{"stream.started.v1"})
	})
}

// What encoders call themselves may be anything.
func TestEncoderNames(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		for sent, kept := range map[string]string{"OBS 31": "OBS 31", "a\x00b\xff\n": "ab", strings.Repeat("é", 500): strings.Repeat("é", encoderMax)} {
			b, err := r.Begin(Start{Grant: r.admit(t, o.key.Secret), Protocol: "rtmp", Encoder: sent, At: r.clock.Now()})
			ok(t, err)
			ok(t, r.flush(t.Context()))
			if v := r.session(t, o, b); v.Encoder != kept {
				t.Errorf("%q", v.Encoder)
			}
		}
	})
}

// Who is to end is sent away at the next look, once, with the reason.
func TestOrdersToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		order  func(t *testing.T, r *rig, o owned)
		reason string
	}{
		"end":     {func(t *testing.T, r *rig, o owned) { t.Helper(); ok(t, r.End(t.Context(), o.owner, o.ID, "enough")) }, "enough"},
		"no word": {func(t *testing.T, r *rig, o owned) { t.Helper(); ok(t, r.End(t.Context(), o.owner, o.ID, "\x00")) }, "ended by the channel"},
		"revoke": {func(t *testing.T, r *rig, o owned) {
			t.Helper()
			ok(t, r.RevokeKey(t.Context(), o.owner, o.ID, o.key.ID))
		}, "this stream key was revoked: use another one"},
		"operator": {func(t *testing.T, r *rig, o owned) { t.Helper(); ok(t, r.Revoke(t.Context(), o.key.ID)) }, "this stream key was revoked: use another one"},
		"rotate": {func(t *testing.T, r *rig, o owned) {
			t.Helper()
			_, err := r.RotateKey(t.Context(), o.owner, o.ID, o.key.ID)
			ok(t, err)
		}, "this stream key was revoked: use another one"},
		"delete": {func(t *testing.T, r *rig, o owned) { t.Helper(); ok(t, r.DeleteChannel(t.Context(), o.owner, o.ID)) }, "the channel is deleted"},
		"ban": {func(t *testing.T, r *rig, o owned) {
			t.Helper()
			_, err := r.Ban(t.Context(), servicetest.Person(auth.Moderator), o.ID, "spam")
			ok(t, err)
		}, "the channel is banned: spam"},
		"limit": {func(t *testing.T, r *rig, _ owned) { t.Helper(); r.clock.Pass(61 * time.Second) }, "the channel's limit of 60 s for a stream is reached"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				o := r.owned(t, "anna")
				_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Limits: &Limits{Duration: 60}})
				ok(t, err)
				other := r.owned(t, "bert")
				var got []string
				r.begin(t, r.admit(t, o.key.Secret), func(reason string) { got = append(got, reason) })
				r.begin(t, r.admit(t, other.key.Secret), func(reason string) { t.Errorf("bert is sent away: %s", reason) })
				r.clock.Pass(time.Minute)
				ok(t, r.look(t.Context()))
				same(t, "reasons", got, nil)
				r.clock.Pass(-time.Minute)
				c.order(t, r, o)
				ok(t, r.look(t.Context()))
				ok(t, r.look(t.Context()))
				same(t, "reasons", got, []string{c.reason})
			})
		})
	}
}

func TestEndOfNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		want(t, r.End(t.Context(), o.owner, o.ID, ""), fault.NotFound)
		want(t, r.End(t.Context(), servicetest.Person(auth.User), o.ID, ""), fault.Denied)
	})
}

// What a viewer's list shows follows the channel.
func TestInfoFollowsTheChannel(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("new"), Visibility: ptr(Unlisted), Mature: ptr(true), Tags: &[]string{"go"}})
		ok(t, err)
		ok(t, r.look(t.Context()))
		same(t, "info", b.Info(), Info{Session: b.ID, Channel: o.ID, Title: "new", Tags: []string{"go"}, Mature: true})
		var none *Broadcast
		same(t, "info", none.Info(), Info{Listed: true})
		r.Playable(none)
		r.Dropped(none)
		r.Returned(none, Grant{})
		r.Finish(none, "", Stats{})
		ok(t, r.Seen(t.Context(), none, []uint64{1}))
	})
}

func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o, other := r.owned(t, "anna"), r.owned(t, "bert")
		var ids []uuid.UUID
		for range 5 {
			b := r.begin(t, r.admit(t, o.key.Secret))
			r.Finish(b, "", Stats{})
			ok(t, r.flush(t.Context()))
			ids = append([]uuid.UUID{b.ID}, ids...)
		}
		foreign := r.begin(t, r.admit(t, other.key.Secret))
		var got []uuid.UUID
		for after, more := "", true; more; {
			page, err := r.Sessions(t.Context(), o.owner, o.ID, after, 2)
			ok(t, err)
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			after, more = page.Next, page.Next != ""
		}
		same(t, "sessions", got, ids)
		_, err := r.Session(t.Context(), o.owner, o.ID, foreign.ID)
		want(t, err, fault.NotFound)
		_, err = r.Sessions(t.Context(), o.owner, other.ID, "", 0)
		want(t, err, fault.Denied)
	})
}

// Sessions of a process that was killed are ended, with their events, once.
func TestReapAlone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Playable(b)
		ok(t, r.flush(t.Context()))
		next := r.open(t, Config{Node: "node-2", Alone: true})
		mine, err := next.Begin(Start{Grant: r.admit(t, o.key.Secret), Protocol: "rtmp", At: r.clock.Now()})
		ok(t, err)
		ok(t, next.flush(t.Context()))
		for range 2 {
			ok(t, next.reap(t.Context(), map[string]time.Time{}))
		}
		if v := r.session(t, o, b); v.State != Ended || v.Reason == "" || v.Ended == nil {
			t.Errorf("%+v", v)
		}
		if v := r.session(t, o, mine); v.State != Starting {
			t.Errorf("its own session: %+v", v)
		}
		same(t, "events", told(t, r), []string{"stream.started.v1", "stream.ended.v1"})
		r.Finish(b, "too late", Stats{})
		ok(t, r.flush(t.Context()))
		same(t, "events", told(t, r), []string{"stream.started.v1", "stream.ended.v1"})
	})
}

// A node is dead when it was missed for so long; that Redis lost everything, or does not
// answer, is no reason.
func TestReapDeadNodes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		other := r.open(t, Config{})
		missed := map[string]time.Time{}
		look := func(after time.Duration, ended bool) {
			t.Helper()
			r.clock.Pass(after)
			ok(t, other.reap(t.Context(), missed))
			if v := r.session(t, o, b); (v.State == Ended) != ended {
				t.Errorf("%+v", v)
			}
		}
		ok(t, r.countAll(t.Context()))
		look(0, false)
		ok(t, r.redis.FlushDB(t.Context()).Err())
		look(5*time.Second, false)
		ok(t, r.countAll(t.Context()))
		look(reapAfter, false)
		ok(t, r.redis.FlushDB(t.Context()).Err()) // now the node dies
		look(time.Second, false)
		look(reapAfter-time.Second, false)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := other.dead(gone, "node-1", missed, r.clock.Now()); err == nil { // and Redis is away
			t.Error("an answer without Redis")
		}
		look(time.Second, false)
		look(reapAfter, true)
	})
}

// The whole of RunNode: what is said is written without anybody asking, and at the end
// of the process too.
func TestRunNode(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := r.RunNode(ctx); err != nil {
				t.Error(err)
			}
		})
		away := make(chan string, 1)
		b, err := r.Begin(Start{Grant: r.admit(t, o.key.Secret), Protocol: "rtmp", At: r.clock.Now(), End: func(reason string) { away <- reason }})
		ok(t, err)
		r.Playable(b)
		for fault.Is(r.End(t.Context(), o.owner, o.ID, "enough"), fault.NotFound) {
			if t.Context().Err() != nil {
				t.Fatal("never written")
			}
		}
		if reason := <-away; reason != "enough" {
			t.Error(reason)
		}
		r.Finish(b, "enough", Stats{})
		cancel()
		all.Wait()
		if v := r.session(t, o, b); v.State != Ended || v.Reason != "enough" {
			t.Errorf("%+v", v)
		}
	})
}

func TestViewersAreCountedOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		const many = 10_000
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Playable(b)
		ids := make([]uint64, many)
		for i := range ids {
			ids[i] = uint64(i+1) * 0x9e3779b97f4a7c15 // any
		}
		for at := 0; at < many; at += 2500 {
			for range 2 { // and again from another node
				ok(t, r.Seen(t.Context(), b, ids[at:at+2500]))
			}
		}
		ok(t, r.countAll(t.Context()))
		if n := b.Info().Viewers; n != many {
			t.Errorf("%d viewers", n)
		}
		r.clock.Pass(presentFor - time.Second)
		ok(t, r.Seen(t.Context(), b, ids[:100]))
		r.clock.Pass(2 * time.Second)
		ok(t, r.countAll(t.Context()))
		if n := b.Info().Viewers; n != 100 {
			t.Errorf("%d viewers, want those that still ask", n)
		}
		ok(t, r.redis.FlushDB(t.Context()).Err()) // lost: the figures so far stay
		ok(t, r.countAll(t.Context()))
		r.Finish(b, "", Stats{})
		ok(t, r.flush(t.Context()))
		got := r.session(t, o, b).Stats
		if got.Peak != many || got.Average != (many+100+0)/3.0 || got.Unique < many*98/100 || got.Unique > many*102/100 {
			t.Errorf("%+v", got)
		}
		if e := events[event.StreamEnded](t, r)[0]; e.Peak != got.Peak || e.Unique != got.Unique {
			t.Errorf("%+v", e)
		}
	})
}

func TestOldRefusalsAreDropped(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		r.NoteRefusal(t.Context(), o.ID, Attempt{Protocol: "rtmp"}, "old", "x")
		r.clock.Pass(keepRefusals)
		r.NoteRefusal(t.Context(), o.ID, Attempt{Protocol: "rtmp"}, "new", "x")
		r.clock.Pass(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		for lines(t, r.db, `SELECT code FROM live_refusals`) != "new" {
			if t.Context().Err() != nil {
				t.Fatal("never dropped")
			}
		}
		cancel()
		all.Wait()
	})
}

// A key that was revoked between the gate's answer and the first row of its session, and
// a session that another process took for lost, end at the next look.
func TestLateOrders(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		var ends []string
		start := Start{Grant: r.admit(t, o.key.Secret), Protocol: "rtmp", At: r.clock.Now(), End: func(reason string) { ends = append(ends, reason) }}
		ok(t, r.Revoke(t.Context(), o.key.ID))
		b, err := r.Begin(start)
		ok(t, err)
		ok(t, r.flush(t.Context()))
		ok(t, r.look(t.Context()))
		if len(ends) != 1 || !strings.Contains(ends[0], "revoked") {
			t.Errorf("%q", ends)
		}
		r.Finish(b, "", Stats{})

		start.Grant.Key = uuid.Nil
		_, err = r.Begin(start)
		ok(t, err)
		ok(t, r.look(t.Context())) // not written yet: nothing is wrong
		ok(t, r.flush(t.Context()))
		ok(t, r.open(t, Config{Node: "node-2", Alone: true}).reap(t.Context(), map[string]time.Time{}))
		ok(t, r.look(t.Context()))
		if len(ends) != 2 || !strings.Contains(ends[1], "for lost") {
			t.Errorf("%q", ends)
		}
	})
}

// A suspension between the gate's answer and the first row, a return with the new key
// right after a rotation, and a channel that is deleted on the air.
func TestRacesWithTheOwner(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		o := r.owned(t, "anna")
		var ends []string
		b, err := r.Begin(Start{Grant: r.admit(t, o.key.Secret), Protocol: "rtmp", At: r.clock.Now(), End: func(reason string) { ends = append(ends, reason) }})
		ok(t, err)
		next, err := r.RotateKey(ctx, o.owner, o.ID, o.key.ID)
		ok(t, err)
		r.Returned(b, r.admit(t, next.Secret))
		ok(t, r.flush(ctx))
		ok(t, r.look(ctx))
		if len(ends) != 0 {
			t.Fatalf("sent away with the new key: %q", ends)
		}
		r.Playable(b)
		ok(t, r.flush(ctx))
		ok(t, r.store().setOwner(ctx, o.owner.User, true, nil, false)) // without an order to what is there
		ok(t, r.look(ctx))
		if len(ends) != 1 || ends[0] != errSuspended.Words {
			t.Errorf("%q", ends)
		}
		ok(t, r.DeleteChannel(ctx, o.owner, o.ID))
		r.Finish(b, "", Stats{})
		ok(t, r.flush(ctx))
		if got := told(t, r); got[len(got)-1] != "stream.ended.v1" {
			t.Errorf("events: %v", got)
		}
		if _, err := r.AdmitOpen(ctx, Attempt{Key: "anna"}); err == nil {
			t.Error("the name of a deleted channel by the open door")
		}
	})
}
