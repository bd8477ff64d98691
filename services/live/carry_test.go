package live

import (
	"testing"
	"time"
)

// A session goes on at another node: one row, one beginning and one end, and figures of both.
func TestSessionGoesOnElsewhere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		if c := (*Broadcast)(nil).Carry(); c != nil {
			t.Errorf("of nothing: %+v", c)
		}
		r.Playable(b)
		r.Measure(b, Health{}, Stats{Bytes: 100, Frames: 10, Lag: 2})
		ok(t, r.flush(t.Context()))
		c := b.Carry()
		other := r.open(t, Config{Node: "node-2"})
		good, err := other.Continues(t.Context(), c)
		if ok(t, err); !good {
			t.Error("it cannot go on")
		}
		r.clock.Pass(5 * time.Second)
		next, err := other.Begin(Start{Grant: r.admit(t, o.key.Secret), Protocol: "rtmp", At: r.clock.Now(), Carry: c})
		ok(t, err)
		ok(t, other.flush(t.Context()))
		if v := r.session(t, o, b); v.State != OnAir || v.node != "node-2" || v.Stats.Reconnects != 1 || !v.Began.Equal(c.Began) {
			t.Errorf("%+v", v)
		}
		r.Finish(b, "the node that was taken for dead", Stats{})
		ok(t, r.flush(t.Context()))
		other.Playable(next)
		other.Measure(next, Health{}, Stats{Bytes: 1, Frames: 1, Lag: 1})
		ok(t, other.keepTotals(t.Context()))
		if v := r.session(t, o, b); v.State != OnAir || v.Stats.Bytes != 101 || v.Stats.Frames != 11 || v.Stats.Lag != 2 {
			t.Errorf("%+v", v)
		}
		other.Finish(next, "", Stats{Bytes: 2})
		ok(t, other.flush(t.Context()))
		if v := r.session(t, o, b); v.State != Ended || v.Stats.Bytes != 102 || v.Reason != "" {
			t.Errorf("%+v", v)
		}
		same(t, "events", told(t, r), []string{"stream.started.v1", "stream.reconnecting.v1", "stream.ended.v1"})
		good, err = other.Continues(t.Context(), c)
		if ok(t, err); good {
			t.Error("one that has ended may go on")
		}
	})
}

func TestHandOver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Playable(b)
		ok(t, r.flush(t.Context()))
		r.HandOver(b, Stats{Bytes: 5})
		ok(t, r.flush(t.Context()))
		if v := r.session(t, o, b); v.State != Reconnecting || v.Stats.Bytes != 5 || len(r.air.all()) != 0 {
			t.Errorf("%d are left, %+v", len(r.air.all()), v)
		}
		c := b.Carry()
		if c.Stats.Bytes != 5 || c.Started == nil {
			t.Errorf("%+v", c)
		}
		ok(t, r.End(t.Context(), o.owner, o.ID, "enough"))
		good, err := r.Continues(t.Context(), c)
		if ok(t, err); good {
			t.Error("one that is to end may go on")
		}
	})
}

// Sessions of the process before are awaited for a while after a restart.
func TestReapAloneAwaits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		ok(t, r.flush(t.Context()))
		next := r.open(t, Config{Node: "node-2", Alone: true, Await: 10 * time.Second})
		for _, want := range []State{Starting, Ended} {
			ok(t, next.reap(t.Context(), map[string]time.Time{}))
			if v := r.session(t, o, b); v.State != want {
				t.Errorf("%s, want %s", v.State, want)
			}
			r.clock.Pass(10 * time.Second)
		}
	})
}
