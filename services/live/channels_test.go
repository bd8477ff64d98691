package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
)

func words(s string) *string { return &s }

// Who may do what in a channel: each use case, by each kind of caller.
func TestRights(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		owner, manager, moderator, stranger, admin := someone(auth.User), someone(auth.User), someone(auth.User), someone(auth.User), someone(auth.Admin)
		c, key := r.keyed(t, owner, "anna")
		ok(t, r.SetMember(ctx, owner, c.ID, manager.User, Manager))
		ok(t, r.SetMember(ctx, owner, c.ID, moderator.User, Moderator))
		session := uuid.Must(uuid.NewV7())
		ok(t, r.store().begin(ctx, SessionView{ID: session, Channel: c.ID, node: "there", Began: r.stamp()}))
		callers := map[string]auth.Identity{"owner": owner, "manager": manager, "moderator": moderator, "stranger": stranger, "admin": admin}
		for name, use := range map[string]struct {
			least Role
			do    func(who auth.Identity, id uuid.UUID) error
		}{
			"update": {Manager, func(who auth.Identity, id uuid.UUID) error {
				_, err := r.UpdateChannel(ctx, who, id, 0, Changes{Title: words("x")})
				return err
			}},
			"keys":     {Manager, func(who auth.Identity, id uuid.UUID) error { _, err := r.Keys(ctx, who, id); return err }},
			"make key": {Manager, func(who auth.Identity, id uuid.UUID) error { _, err := r.CreateKey(ctx, who, id, "", nil); return err }},
			"sessions": {Moderator, func(who auth.Identity, id uuid.UUID) error { _, err := r.Sessions(ctx, who, id, "", 10); return err }},
			"session":  {Moderator, func(who auth.Identity, id uuid.UUID) error { _, err := r.Session(ctx, who, id, session); return err }},
			"refusals": {Moderator, func(who auth.Identity, id uuid.UUID) error { _, err := r.Refusals(ctx, who, id); return err }},
			"members":  {Moderator, func(who auth.Identity, id uuid.UUID) error { _, err := r.Members(ctx, who, id); return err }},
			"end":      {Moderator, func(who auth.Identity, id uuid.UUID) error { return r.End(ctx, who, id, "") }},
			"promote": {Owner, func(who auth.Identity, id uuid.UUID) error {
				return r.SetMember(ctx, who, id, uuid.Must(uuid.NewV7()), Manager)
			}},
		} {
			for kind, who := range callers {
				rank := map[string]Role{"owner": Owner, "admin": Owner, "manager": Manager, "moderator": Moderator}[kind]
				err := use.do(who, c.ID)
				if may := rank != "" && rank.atLeast(use.least); may != (err == nil) || !may && !fault.Is(err, fault.Denied) {
					t.Errorf("%s by the %s: %v", name, kind, err)
				}
				if err := use.do(who, uuid.Must(uuid.NewV7())); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s by the %s, of no channel: %v", name, kind, err)
				}
			}
		}
		// What belongs to another channel is not found through one's own.
		other := r.channel(t, stranger, "bert")
		if err := r.RevokeKey(ctx, stranger, other.ID, key.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("foreign key: %v", err)
		}
		if _, err := r.Session(ctx, stranger, other.ID, session); !fault.Is(err, fault.NotFound) {
			t.Errorf("foreign session: %v", err)
		}
		// An unlisted channel is not even denied.
		unlisted := Unlisted
		_, err := r.UpdateChannel(ctx, owner, c.ID, 0, Changes{Visibility: &unlisted})
		ok(t, err)
		if _, err := r.Keys(ctx, stranger, c.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("unlisted: %v", err)
		}
		if err := r.RemoveMember(ctx, moderator, c.ID, manager.User); !fault.Is(err, fault.Denied) {
			t.Errorf("a moderator removes a manager: %v", err)
		}
		ok(t, r.RemoveMember(ctx, moderator, c.ID, moderator.User))
	})
}

func TestChannelsAreKeptAsTheyAreWritten(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner := t.Context(), someone(auth.User)
		c := r.channel(t, owner, "anna")
		changed, err := r.UpdateChannel(ctx, owner, c.ID, c.Version, Changes{
			Title: words("  Otters\u00e9 "), Description: words("a\r\nb"), Tags: &[]string{"Wild", "wild", "zoo"}, Language: words("PT-br"), Scheduled: words("2026-12-24T18:00:00+01:00"), Limits: &Limits{Duration: 7},
		})
		ok(t, err)
		got, err := r.ByName(ctx, owner, "anna")
		ok(t, err)
		if got.Title != "Otters\u00e9" || got.Description != "a\nb" || !slices.Equal(got.Tags, []string{"wild", "zoo"}) || got.Language != "pt-BR" ||
			!got.Scheduled.Equal(time.Date(2026, 12, 24, 17, 0, 0, 0, time.UTC)) || got.Inside.Limits.Duration != 7 || got.Version != changed.Version {
			t.Errorf("%+v", got)
		}
		if seen, err := r.ByName(ctx, auth.Identity{}, "anna"); err != nil || seen.Inside != nil {
			t.Errorf("a viewer sees %+v, %v", seen.Inside, err)
		}
		// Two managers at once: the second hears that it has changed.
		if _, err := r.UpdateChannel(ctx, owner, c.ID, c.Version, Changes{Title: words("mine")}); !fault.Is(err, fault.Precondition) {
			t.Errorf("a change of what has changed: %v", err)
		}
		for name, x := range map[string]Changes{
			"title": {Title: words(strings.Repeat("x", TitleMax+1))}, "control": {Title: words("a\x00b")}, "lines": {Title: words("a\nb")}, "direction": {Description: words("a\u202eb")},
			"UTF-8": {Title: words("\xff")}, "tags": {Tags: &[]string{"a b"}}, "many tags": {Tags: &[]string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}}, "language": {Language: words("klingon!")}, "time": {Scheduled: words("tomorrow")},
		} {
			if _, err := r.UpdateChannel(ctx, owner, c.ID, 0, x); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNamesAreGivenOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner := t.Context(), someone(auth.User)
		c := r.channel(t, owner, "anna")
		if _, err := r.CreateChannel(ctx, someone(auth.User), "anna", Changes{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("taken: %v", err)
		}
		ok(t, r.DeleteChannel(ctx, owner, c.ID))
		if _, err := r.CreateChannel(ctx, owner, "anna", Changes{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("of a deleted channel: %v", err)
		}
		if _, err := r.Channel(ctx, owner, c.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted: %v", err)
		}
		if got := r.told(t); !slices.Equal(got, []string{"channel.deleted.v1"}) {
			t.Errorf("events: %v", got)
		}
		for _, name := range []string{"", "Anna", "a/b", "-a", strings.Repeat("a", 64), "a b", "ä"} {
			if _, err := r.CreateChannel(ctx, owner, name, Changes{}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		for i := range PerOwner {
			r.channel(t, owner, fmt.Sprintf("n%d", i))
		}
		if _, err := r.CreateChannel(ctx, owner, "more", Changes{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("one too many: %v", err)
		}
		page, err := r.Mine(ctx, owner, "", 15)
		ok(t, err)
		rest, err := r.Mine(ctx, owner, page.Next, 15)
		if err != nil || len(page.Items) != 15 || len(rest.Items) != PerOwner-15 || rest.Next != "" {
			t.Errorf("%d and %d channels, %v", len(page.Items), len(rest.Items), err)
		}
	})
}

func TestKeys(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner := t.Context(), someone(auth.User)
		c, key := r.keyed(t, owner, "anna")
		g, err := r.Admit(ctx, attempt(key.Secret))
		if err != nil || g.Name != "anna" || g.Channel != c.ID || g.Key != key.ID || !g.Record {
			t.Fatalf("%+v, %v", g, err)
		}
		list, err := r.Keys(ctx, owner, c.ID)
		if err != nil || len(list) != 1 || list[0].Used == nil {
			t.Errorf("%+v, %v", list, err)
		}
		for _, wrong := range []string{"", "anna", key.Secret[1:], key.Secret + "x", key.ID.String(), strings.Repeat("x", 1<<20)} {
			if _, err := r.Admit(ctx, attempt(wrong)); !errors.Is(err, ErrDenied) {
				t.Errorf("%.40q: %v", wrong, err)
			}
		}
		next, err := r.RotateKey(ctx, owner, c.ID, key.ID)
		if err != nil || next.Label != "studio" || next.Secret == key.Secret {
			t.Fatalf("%+v, %v", next.Key, err)
		}
		refused := func(what, secret, code string) {
			t.Helper()
			var no *Refusal
			if _, err := r.Admit(ctx, attempt(secret)); !errors.As(err, &no) || no.Code != code {
				t.Errorf("%s: %v, want %s", what, err, code)
			}
		}
		refused("the old key", key.Secret, "key_revoked")
		until := r.clock.now().Add(time.Hour)
		short, err := r.CreateKey(ctx, owner, c.ID, "", &until)
		ok(t, err)
		_, err = r.Admit(ctx, attempt(short.Secret))
		ok(t, err)
		r.clock.pass(time.Hour)
		refused("after its end", short.Secret, "key_expired")
		if _, err := r.CreateKey(ctx, owner, c.ID, "", &until); !fault.Is(err, fault.Invalid) {
			t.Errorf("an end in the past: %v", err)
		}
		for len(list) < keysEach {
			_, err := r.CreateKey(ctx, owner, c.ID, "", nil)
			ok(t, err)
			list, err = r.Keys(ctx, owner, c.ID)
			ok(t, err)
		}
		if _, err := r.CreateKey(ctx, owner, c.ID, "", nil); !fault.Is(err, fault.Conflict) {
			t.Errorf("one too many: %v", err)
		}
		lent, giveBack := r.Lend("demo")
		if g, err := r.Admit(ctx, attempt(lent)); err != nil || g.Name != "demo" || g.Channel != uuid.Nil {
			t.Errorf("lent: %+v, %v", g, err)
		}
		giveBack()
		if _, err := r.Admit(ctx, attempt(lent)); !errors.Is(err, ErrDenied) {
			t.Errorf("given back: %v", err)
		}
		ok(t, r.Revoke(ctx, next.ID))
		if err := r.Revoke(ctx, next.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("revoked twice: %v", err)
		}
		refused("by the operator", next.Secret, "key_revoked")
	})
}

// The first key is made once, also when two processes begin at once.
func TestFirst(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var wg sync.WaitGroup
		owner := uuid.Must(uuid.NewV7())
		keys := make([]string, 2)
		wg.Go(func() { keys[0], _ = r.First(t.Context(), "main", &owner) })
		wg.Wait()
		keys[1], _ = r.First(t.Context(), "main", &owner)
		if keys[0] == "" || keys[1] != "" {
			t.Errorf("%d and %d characters", len(keys[0]), len(keys[1]))
		}
		if g, err := r.Admit(t.Context(), attempt(keys[0])); err != nil || g.Name != "main" {
			t.Errorf("%+v, %v", g, err)
		}
	})
}

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		dir := t.TempDir()
		ok(t, r.Import(t.Context(), dir)) // nothing there
		const secret = "an-old-key-of-24-random-bytes..."
		text := `{"version":1,"keys":[{"id":"0a","name":"main","hash":"` + hashOf(secret) + `","created":"2026-11-01T10:00:00Z"}]}`
		path := filepath.Join(dir, keyFile)
		ok(t, os.WriteFile(path, []byte(text), 0o600))
		ok(t, r.Import(t.Context(), dir))
		if g, err := r.Admit(t.Context(), attempt(secret)); err != nil || g.Name != "main" {
			t.Errorf("%+v, %v", g, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("the file is still there")
		}
		ok(t, os.WriteFile(path, []byte("{"), 0o600))
		if err := r.Import(t.Context(), dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a damaged file: %v", err)
		}
	})
}

func TestWhoMayNotPublish(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner, moderator := t.Context(), someone(auth.User), someone(auth.Moderator)
		c, key := r.keyed(t, owner, "anna")
		refused := func(code string) {
			t.Helper()
			var no *Refusal
			if _, err := r.Admit(ctx, attempt(key.Secret)); !errors.As(err, &no) || no.Code != code {
				t.Errorf("%v, want %s", err, code)
			}
		}
		admitted := func() {
			t.Helper()
			if _, err := r.Admit(ctx, attempt(key.Secret)); err != nil {
				t.Error(err)
			}
		}
		if _, err := r.Ban(ctx, owner, c.ID, "x"); !fault.Is(err, fault.Denied) {
			t.Errorf("banned by the owner: %v", err)
		}
		_, err := r.Ban(ctx, moderator, c.ID, "nasty")
		ok(t, err)
		refused("banned")
		refused("banned")
		if _, err := r.AdmitOpen(ctx, attempt("anna")); err == nil {
			t.Error("a banned channel by the open door")
		}
		if _, err := r.ByName(ctx, auth.Identity{}, "anna"); !fault.Is(err, fault.NotFound) {
			t.Errorf("viewers see a banned channel: %v", err)
		}
		_, err = r.Ban(ctx, moderator, c.ID, "")
		ok(t, err)
		admitted()
		until := r.clock.now().Add(time.Hour)
		r.deliver(t, event.UserSuspended{UserID: owner.User, Suspended: true, Until: &until})
		refused("suspended")
		r.clock.pass(2 * time.Hour)
		admitted()
		r.deliver(t, event.UserSuspended{UserID: owner.User, Suspended: true})
		refused("suspended")
		r.deliver(t, event.UserSuspended{UserID: owner.User})
		admitted()
		list, err := r.Refusals(ctx, owner, c.ID)
		if err != nil || len(list) != 2 || list[0].Code != "suspended" || list[0].Times != 2 || list[1].Times != 2 || list[1].Address != "198.51.100.7" {
			t.Errorf("%+v, %v", list, err)
		}
		// Two hours lay between the suspensions; the bans came in one minute.
		if got := r.told(t); !slices.Equal(got, []string{"publish.refused.v1", "publish.refused.v1", "publish.refused.v1"}) {
			t.Errorf("events: %v", got)
		}
		for i := range Concurrent {
			other := r.channel(t, owner, fmt.Sprintf("n%d", i))
			ok(t, r.store().begin(ctx, SessionView{ID: uuid.Must(uuid.NewV7()), Channel: other.ID, node: "there", Began: r.stamp()}))
		}
		refused("too_many_streams")
		r.deliver(t, event.UserDeleted{UserID: owner.User})
		if _, err := r.Admit(ctx, attempt(key.Secret)); !errors.Is(err, ErrDenied) {
			t.Errorf("of a deleted owner: %v", err)
		}
		if _, err := r.ByName(ctx, someone(auth.Admin), "anna"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the channel of a deleted owner: %v", err)
		}
	})
}
