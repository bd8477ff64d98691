package live

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
)

func TestAdmitGivesTheChannelsSettings(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		limits := Limits{Bitrate: 5_000_000, Height: 1080, FPS: 60, Duration: 3600}
		_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Limits: &limits, Takeover: ptr(true), Record: ptr(false)})
		ok(t, err)
		g := r.admit(t, o.key.Secret)
		if g.Channel != o.ID || g.Key != o.key.ID || g.Name != "anna" || g.Record || !g.Takeover || g.Limits != limits {
			t.Errorf("%+v", g)
		}
		g, err = r.AdmitOpen(t.Context(), attempt("anna"))
		ok(t, err)
		if g.Channel != o.ID || g.Key != uuid.Nil || g.Limits != limits {
			t.Errorf("%+v", g)
		}
		g, err = r.AdmitOpen(t.Context(), attempt("whatever"))
		ok(t, err)
		if g.Channel != uuid.Nil || g.Name != "whatever" {
			t.Errorf("%+v", g)
		}
		_, err = r.AdmitOpen(t.Context(), attempt("What Ever"))
		refused(t, err, "bad_name")
	})
}

// Refusals are kept, those of a kind in one row; owners hear of them once a minute, also
// when the encoder never stops trying.
func TestRefusalsAreKeptAndTold(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		ok(t, r.RevokeKey(t.Context(), o.owner, o.ID, o.key.ID))
		first := r.clock.Now()
		knock := func(address string) {
			t.Helper()
			a := attempt(o.key.Secret)
			a.Address = netip.MustParseAddr(address)
			_, err := r.Admit(t.Context(), a)
			refused(t, err, "key_revoked")
		}
		for range 13 { // a minute of trying
			knock("::ffff:198.51.100.7")
			r.clock.Pass(5 * time.Second)
		}
		list, err := r.Refusals(t.Context(), o.owner, o.ID)
		ok(t, err)
		if len(list) != 1 {
			t.Fatalf("%+v", list)
		}
		same(t, "refusal", list[0], RefusedView{
			Code: "key_revoked", Words: errRevoked.Words, Protocol: "rtmp", Address: "198.51.100.7", Times: 13, First: first, Last: first.Add(time.Minute),
		})
		heard := events[event.PublishRefused](t, r)
		if len(heard) != 2 {
			t.Fatalf("told %d times in a minute and a bit", len(heard))
		}
		same(t, "event", heard[0], event.PublishRefused{ChannelID: o.ID, Name: "anna", Reason: "key_revoked", Words: errRevoked.Words, Protocol: "rtmp", Address: "198.51.100.7"})
		knock("203.0.113.9")
		if list, err = r.Refusals(t.Context(), o.owner, o.ID); err != nil || len(list) != 2 || list[0].Address != "203.0.113.9" {
			t.Errorf("%+v %v", list, err)
		}
		if all := lines(t, r.db, `SELECT words || protocol || address FROM live_refusals`) + r.log.String(); strings.Contains(all, o.key.Secret) {
			t.Error("the key is kept or logged")
		}
		r.NoteRefusal(t.Context(), o.ID, Attempt{Protocol: "srt"}, "too_large", "the picture is too large")
		if list, err = r.Refusals(t.Context(), o.owner, o.ID); err != nil || len(list) != 3 {
			t.Errorf("%+v %v", list, err)
		}
	})
}

// What is refused about a key that nobody has is not kept: there is nobody to tell.
func TestUnknownKeysAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.owned(t, "anna")
		for _, key := range []string{"", "x", "' OR 1=1 --", "\x00", strings.Repeat("a", 10_000)} {
			_, err := r.Admit(t.Context(), attempt(key))
			if err != ErrDenied { //nolint:errorlint // the same one
				t.Errorf("%.20q: %v", key, err)
			}
		}
		if rows := lines(t, r.db, `SELECT code FROM live_refusals`); rows != "" {
			t.Error(rows)
		}
	})
}

// More than so many channels of an owner are not on the air at once.
func TestConcurrentStreams(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := servicetest.Person(auth.User)
		var keys []string
		var first *Broadcast
		for i := range Concurrent + 1 {
			v := r.channelOf(t, anna, fmt.Sprintf("c%d", i))
			keys = append(keys, r.keyOf(t, anna, v.ID).Secret)
		}
		for _, key := range keys[:Concurrent] {
			b := r.begin(t, r.admit(t, key))
			if first == nil {
				first = b
			}
		}
		_, err := r.Admit(t.Context(), attempt(keys[Concurrent]))
		refused(t, err, "too_many_streams")
		r.admit(t, keys[0]) // the one that is on the air may come back
		r.Finish(first, "", Stats{})
		ok(t, r.flush(t.Context()))
		r.admit(t, keys[Concurrent])
	})
}

func TestOwnersThatMayNotPublish(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		var ended string
		b := r.begin(t, r.admit(t, o.key.Secret), func(reason string) { ended = reason })
		until := r.clock.Now().Add(time.Hour)
		r.tell(t, event.UserSuspended{UserID: o.owner.User, Suspended: true, Reason: "x", Until: &until})
		ok(t, r.look(t.Context()))
		if ended != errSuspended.Words {
			t.Errorf("%q", ended)
		}
		r.Finish(b, ended, Stats{})
		ok(t, r.flush(t.Context()))
		_, err := r.Admit(t.Context(), attempt(o.key.Secret))
		refused(t, err, "suspended")
		r.clock.Pass(time.Hour)
		r.admit(t, o.key.Secret)
		r.tell(t, event.UserSuspended{UserID: o.owner.User, Suspended: true, Reason: "x"})
		_, err = r.Admit(t.Context(), attempt(o.key.Secret))
		refused(t, err, "suspended")
		r.tell(t, event.UserSuspended{UserID: o.owner.User, Suspended: false})
		r.admit(t, o.key.Secret)
	})
}

func TestDeletedOwner(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := r.owned(t, "anna"), r.owned(t, "bert")
		ok(t, r.SetMember(t.Context(), bert.owner, bert.ID, anna.owner.User, Manager))
		var ended string
		r.begin(t, r.admit(t, anna.key.Secret), func(reason string) { ended = reason })
		for range 2 { // events may come twice
			r.tell(t, event.UserDeleted{UserID: anna.owner.User})
		}
		ok(t, r.look(t.Context()))
		if ended != "the channel is deleted" {
			t.Errorf("%q", ended)
		}
		_, err := r.Channel(t.Context(), auth.Identity{}, anna.ID)
		want(t, err, fault.NotFound)
		_, err = r.Admit(t.Context(), attempt(anna.key.Secret))
		refused(t, err, "bad_key")
		r.tell(t, event.UserSuspended{UserID: anna.owner.User, Suspended: false}) // late
		same(t, "events", events[event.ChannelDeleted](t, r), []event.ChannelDeleted{{ChannelID: anna.ID, Name: "anna"}})
		members, err := r.Members(t.Context(), bert.owner, bert.ID)
		ok(t, err)
		if len(members) != 0 {
			t.Errorf("%+v", members)
		}
		r.admit(t, bert.key.Secret)
	})
}

// Without an answer nobody is let in, and nobody is told that the key is wrong.
func TestAdmitWithoutDatabase(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.Admit(gone, attempt(o.key.Secret))
		if _, refusal := err.(*Refusal); err == nil || refusal { //nolint:errorlint // Admit says that it is one
			t.Errorf("%v", err)
		}
		if strings.Contains(fmt.Sprint(err), o.key.Secret) {
			t.Error("the key is in the error")
		}
	})
}
