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
)

// A key is shown when it is made, and never again; the database has its hash.
func TestKeyIsShownOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		if len(o.key.Secret) != 32 {
			t.Errorf("%d characters", len(o.key.Secret))
		}
		list, err := r.Keys(t.Context(), o.owner, o.ID)
		ok(t, err)
		same(t, "keys", list, []Key{o.key.Key})
		rows := lines(t, r.db, `SELECT key_hash || ' ' || label FROM live_keys`)
		if strings.Contains(rows, o.key.Secret) || rows != hashOf(o.key.Secret)+" studio" {
			t.Errorf("%s", rows)
		}
		if again := r.keyOf(t, o.owner, o.ID); again.Secret == o.key.Secret {
			t.Error("the same key twice")
		}
		all, err := r.AllKeys(t.Context())
		ok(t, err)
		if len(all) != 2 || all[0].Name != "anna" || all[0].ID != o.key.ID {
			t.Errorf("%+v", all)
		}
	})
}

func TestKeyInput(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		for _, label := range []string{strings.Repeat("x", 61), "a\nb", "a\u202eb"} {
			_, err := r.CreateKey(t.Context(), o.owner, o.ID, label, nil)
			want(t, err, fault.Invalid)
		}
		_, err := r.CreateKey(t.Context(), o.owner, o.ID, "", ptr(r.clock.Now()))
		want(t, err, fault.Invalid)
		for range keysEach - 1 {
			r.keyOf(t, o.owner, o.ID)
		}
		_, err = r.CreateKey(t.Context(), o.owner, o.ID, "", nil)
		want(t, err, fault.Conflict)
		_, err = r.RotateKey(t.Context(), o.owner, o.ID, o.key.ID) // one goes, one comes
		ok(t, err)
	})
}

func TestKeyEnds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		short, err := r.CreateKey(t.Context(), o.owner, o.ID, "short", ptr(r.clock.Now().Add(time.Hour)))
		ok(t, err)
		r.admit(t, short.Secret)
		fresh, err := r.RotateKey(t.Context(), o.owner, o.ID, short.ID)
		ok(t, err)
		if fresh.Label != "short" || fresh.Expires == nil || !fresh.Expires.Equal(*short.Expires) || fresh.Secret == short.Secret {
			t.Errorf("%+v", fresh)
		}
		same(t, "events", events[event.KeyRotated](t, r), []event.KeyRotated{{ChannelID: o.ID, Name: "anna", OldKeyID: short.ID, KeyID: fresh.ID, ByUserID: o.owner.User}})
		_, err = r.Admit(t.Context(), attempt(short.Secret))
		refused(t, err, "key_revoked")
		r.admit(t, fresh.Secret)
		r.clock.Pass(time.Hour)
		_, err = r.Admit(t.Context(), attempt(fresh.Secret))
		refused(t, err, "key_expired")
		_, err = r.RotateKey(t.Context(), o.owner, o.ID, short.ID)
		want(t, err, fault.NotFound)
		ok(t, r.RevokeKey(t.Context(), o.owner, o.ID, o.key.ID))
		want(t, r.RevokeKey(t.Context(), o.owner, o.ID, o.key.ID), fault.NotFound)
		_, err = r.Admit(t.Context(), attempt(o.key.Secret))
		refused(t, err, "key_revoked")
		_, err = r.Admit(t.Context(), attempt("nobody's"))
		refused(t, err, "bad_key")
	})
}

// A key of one channel cannot be ended or replaced by way of another.
func TestKeyOfAnotherChannel(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := r.owned(t, "anna"), r.owned(t, "bert")
		_, err := r.RotateKey(t.Context(), anna.owner, anna.ID, bert.key.ID)
		want(t, err, fault.NotFound)
		want(t, r.RevokeKey(t.Context(), anna.owner, anna.ID, bert.key.ID), fault.NotFound)
		r.admit(t, bert.key.Secret)
	})
}

func TestKeyUseIsNoted(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		used := func() *time.Time {
			ended, end := context.WithCancel(t.Context())
			end()
			ok(t, r.RunNode(ended)) // the end of a process writes them too
			list, err := r.Keys(t.Context(), o.owner, o.ID)
			ok(t, err)
			return list[0].Used
		}
		if used() != nil {
			t.Error("used")
		}
		first := r.clock.Now()
		r.admit(t, o.key.Secret)
		r.clock.Pass(59 * time.Second)
		r.admit(t, o.key.Secret)
		if !used().Equal(first) {
			t.Errorf("%v", used())
		}
		r.clock.Pass(time.Second)
		r.admit(t, o.key.Secret)
		if !used().Equal(r.clock.Now()) {
			t.Errorf("%v", used())
		}
		for range usesMost + 1 {
			r.uses.note(uuid.New(), r.clock.Now())
		}
		if n := len(r.uses.take()); n != usesMost {
			t.Errorf("%d wait", n)
		}
	})
}

func TestOperatorsKeys(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k, err := r.IssueKey(t.Context(), "stage", "cli")
		ok(t, err)
		g := r.admit(t, k.Secret)
		c, err := r.ByName(t.Context(), auth.Identity{}, "stage")
		ok(t, err)
		if c.Owner != nil || g.Channel != c.ID || g.Key != k.ID || g.Name != "stage" {
			t.Errorf("%+v %+v", c, g)
		}
		again, err := r.IssueKey(t.Context(), "stage", "")
		ok(t, err)
		ok(t, r.Revoke(t.Context(), k.ID))
		want(t, r.Revoke(t.Context(), k.ID), fault.NotFound)
		want(t, r.Revoke(t.Context(), uuid.Nil), fault.NotFound)
		r.admit(t, again.Secret)
		if _, err := r.IssueKey(t.Context(), "No Name", ""); err == nil {
			t.Error("a bad name")
		}
	})
}

// The first key of an installation is made once, also when two processes start at once.
func TestFirstKeyOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		keys, errs := make([]string, 4), make([]error, 4)
		owner := uuid.Must(uuid.NewV7())
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() { keys[i], errs[i] = r.First(t.Context(), "live", &owner) })
		}
		all.Wait()
		made := ""
		for i, key := range keys {
			ok(t, errs[i])
			if key != "" && made != "" {
				t.Error("two first keys")
			}
			made += key
		}
		if g := r.admit(t, made); g.Name != "live" {
			t.Errorf("%+v", g)
		}
		all2, err := r.AllKeys(t.Context())
		ok(t, err)
		ok(t, r.Revoke(t.Context(), all2[0].ID))
		if key, err := r.First(t.Context(), "live", nil); key != "" || err != nil {
			t.Errorf("a first key again: %v", err)
		}
	})
}

func TestLend(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		key, back := r.Lend("doctor")
		g := r.admit(t, key)
		if g.Name != "doctor" || g.Channel != uuid.Nil || g.Key != uuid.Nil {
			t.Errorf("%+v", g)
		}
		if b, err := r.Begin(Start{Grant: g}); b != nil || err != nil {
			t.Errorf("a session without a channel: %v %v", b, err)
		}
		if rows := lines(t, r.db, `SELECT name FROM live_channels`) + lines(t, r.db, `SELECT label FROM live_keys`); rows != "" {
			t.Errorf("%s is kept", rows)
		}
		back()
		back()
		_, err := r.Admit(t.Context(), attempt(key))
		refused(t, err, "bad_key")
	})
}
