package live

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"weir/services/auth"
	"weir/services/servicetest"
)

// Twenty streams of one owner that get past the gate at once: all but the most that may be
// are sent away.
func TestConcurrentAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		owner := servicetest.Person(auth.User)
		var grants []Grant
		for i := range PerOwner {
			c := r.channelOf(t, owner, fmt.Sprintf("anna-%d", i))
			grants = append(grants, r.admit(t, r.keyOf(t, owner, c.ID).Secret))
		}
		var away atomic.Int64
		for _, g := range grants {
			b, err := r.Begin(Start{Grant: g, Protocol: "rtmp", At: r.clock.Now(), End: func(reason string) {
				if reason != errConcurrent.Words {
					t.Errorf("sent away: %s", reason)
				}
				away.Add(1)
			}})
			ok(t, err)
			r.Playable(b)
		}
		ok(t, r.flush(t.Context()))
		ok(t, r.look(t.Context()))
		if n := away.Load(); n != PerOwner-Concurrent {
			t.Errorf("%d of %d were sent away", n, PerOwner)
		}
	})
}

// The database did the work and its answer was lost: doing it again tells nothing twice.
func TestLostAnswer(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		again := func() {
			b.mu.Lock()
			b.written = 0
			b.mu.Unlock()
			ok(t, r.flush(t.Context()))
		}
		r.Playable(b)
		ok(t, r.flush(t.Context()))
		again()
		r.Dropped(b)
		ok(t, r.flush(t.Context()))
		again()
		same(t, "events", told(t, r), []string{"stream.started.v1", "stream.reconnecting.v1"})
	})
}

// A session ends with its key, and a key that has ended is followed by one that lives as long.
func TestKeyEndsWhileLive(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		end := r.clock.Now().Add(time.Hour)
		k, err := r.CreateKey(t.Context(), o.owner, o.ID, "guest", &end)
		ok(t, err)
		reason := ""
		r.begin(t, r.admit(t, k.Secret), func(why string) { reason = why })
		r.clock.Pass(time.Hour - time.Second)
		ok(t, r.look(t.Context()))
		same(t, "before its end", reason, "")
		r.clock.Pass(time.Second)
		ok(t, r.look(t.Context()))
		same(t, "at its end", reason, errExpired.Words)
		next, err := r.RotateKey(t.Context(), o.owner, o.ID, k.ID)
		ok(t, err)
		if next.Expires == nil || !next.Expires.Equal(r.clock.Now().Add(time.Hour)) {
			t.Errorf("the new key ends at %v", next.Expires)
		}
		r.admit(t, next.Secret)
	})
}

func TestInvisibleText(t *testing.T) {
	for s, fine := range map[string]bool{
		"Otters": true, "\u200b": false, "a\u200bb": false, "\ufeffx": false, "\u00ad": false, "\u2060": false, "\u3164": false, "\u2800 \u2800": false, "a\u202eb": false,
		"👩‍🚀 live": true, "❤️": true, "日本": true, "\u200d": false, "": true, "a\U000e0041": false,
	} {
		if _, problem := checkText(s, 100, false); (problem == "") != fine {
			t.Errorf("%q: %q", s, problem)
		}
	}
}
