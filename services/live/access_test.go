package live

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/live/pass"
	"weir/services/seal"
	"weir/services/servicetest"
)

var (
	nowhere = netip.Addr{}
	home    = netip.MustParseAddr("198.51.100.7")
	away    = netip.MustParseAddr("203.0.113.9")
	someone = auth.Identity{} // who is not signed in
)

// hall is a channel on the air.
type hall struct {
	*rig
	owned
	b *Broadcast
}

func newHall(t *testing.T, r *rig, name string, v Visibility) *hall {
	t.Helper()
	h := &hall{rig: r, owned: r.owned(t, name)}
	h.show(t, v)
	h.b = r.begin(t, r.admit(t, h.key.Secret))
	return h
}

func (h *hall) show(t *testing.T, v Visibility) {
	t.Helper()
	_, err := h.UpdateChannel(t.Context(), h.owner, h.ID, 0, Changes{Visibility: ptr(v)})
	ok(t, err)
}

// pass is what who gets; empty: none.
func (h *hall) pass(t *testing.T, who auth.Identity, ask Asking) string {
	t.Helper()
	p, err := h.Playback(t.Context(), who, h.Name, ask)
	ok(t, err)
	between := ""
	if p.Pass != "" {
		between = "~" + p.Pass + "/"
	}
	if p.HLS != "/live/"+between+h.Name+"/index.m3u8" || p.DASH != "/live/"+between+h.Name+"/manifest.mpd" || p.Thumb != "/live/"+between+h.Name+"/thumb.jpg" || p.Replay != "/vod/"+between {
		t.Errorf("addresses: %+v", p)
	}
	return p.Pass
}

// holds wants a pass that opens the session and its recording, and shuts another one's.
func (h *hall) holds(t *testing.T, text string, from netip.Addr) {
	t.Helper()
	if text == "" {
		t.Fatal("no pass")
	}
	viewer, err := h.MayWatch(h.b, text, from)
	ok(t, err)
	if viewer == 0 {
		t.Error("a pass without a viewer")
	}
	ok(t, h.MayWait(h.Name, text, from))
	ok(t, h.MayReplay(t.Context(), h.b.ID, text, from))
}

// shut wants a pass that opens nothing, with words.
func (h *hall) shut(t *testing.T, text string, from netip.Addr, words string) {
	t.Helper()
	_, err := h.MayWatch(h.b, text, from)
	for what, err := range map[string]error{"live": err, "waiting": h.MayWait(h.Name, text, from), "recording": h.MayReplay(t.Context(), h.b.ID, text, from)} {
		if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want denied with %q", what, err, words)
		}
	}
}

// hidden wants that who shows nothing finds nothing.
func (h *hall) hidden(t *testing.T) {
	t.Helper()
	_, err := h.MayWatch(h.b, "", home)
	want(t, err, fault.NotFound)
	want(t, h.MayReplay(t.Context(), h.b.ID, "", home), fault.NotFound)
}

func (h *hall) open(t *testing.T) {
	t.Helper()
	_, err := h.MayWatch(h.b, "", home)
	ok(t, err)
	ok(t, h.MayReplay(t.Context(), h.b.ID, "", home))
}

func TestWhoGetsAPass(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h := newHall(t, r, "anna", Public)
		manager, guest, stranger := servicetest.Person(auth.User), servicetest.Person(auth.User), servicetest.Person(auth.User)
		ok(t, r.SetMember(t.Context(), h.owner, h.ID, manager.User, Moderator))
		ok(t, r.AddGuest(t.Context(), h.owner, h.ID, guest.User))
		ok(t, r.AddGuest(t.Context(), h.owner, h.ID, guest.User)) // harmless
		all := map[string]auth.Identity{"owner": h.owner, "member": manager, "guest": guest, "stranger": stranger, "nobody": someone, "judge": servicetest.Person(auth.Moderator), "admin": servicetest.Person(auth.Admin)}
		check := func(v Visibility, who string) {
			t.Helper()
			for name, id := range all {
				text := h.pass(t, id, Asking{})
				if got := text != ""; got != strings.Contains(who, name) {
					t.Errorf("%s: %s got %q", v, name, text)
				} else if got {
					h.holds(t, text, nowhere)
				}
			}
		}
		check(Public, "")
		h.open(t)
		h.show(t, Unlisted)
		ok(t, r.readRevocations(t.Context()))
		check(Unlisted, "owner member guest stranger nobody judge admin")
		h.hidden(t)
		h.show(t, Private)
		ok(t, r.readRevocations(t.Context()))
		check(Private, "owner member guest judge admin")
		h.hidden(t)
		_, err := r.Ban(t.Context(), servicetest.Person(auth.Moderator), h.ID, "spam")
		ok(t, err)
		ok(t, r.readRevocations(t.Context()))
		check("banned", "owner member judge admin")
		h.hidden(t)
		// what nobody has looks like what is private
		p, err := r.Playback(t.Context(), someone, "nobody-has-this", Asking{})
		ok(t, err)
		same(t, "of nobody", p, playbackAt("nobody-has-this", ""))
		_, err = r.Playback(t.Context(), someone, "No Name", Asking{})
		want(t, err, fault.Invalid)
	})
}

// Who gets a pass is told what it opens, at every node, and nobody else is.
func TestPlaybackTellsWhatIsOn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		node := r.open(t, Config{Node: "node-2"})
		h := newHall(t, r, "anna", Private)
		_, err := r.UpdateChannel(t.Context(), h.owner, h.ID, 0, Changes{Title: ptr("Otters")})
		ok(t, err)
		l := r.linkOf(t, h.owned)
		ask := func(who auth.Identity, ask Asking) Playback {
			t.Helper()
			p, err := node.Playback(t.Context(), who, "anna", ask)
			ok(t, err)
			return p
		}
		ok(t, r.flush(t.Context()))
		if p := ask(h.owner, Asking{}); p.Channel == nil || p.Showing != nil {
			t.Errorf("before there is anything to see: %+v", p)
		}
		r.Playable(h.b)
		started := r.clock.Now()
		ok(t, r.flush(t.Context()))
		ok(t, r.Seen(t.Context(), h.b, []uint64{1, 2}))
		r.clock.Pass(presentFor + time.Second)
		ok(t, r.Seen(t.Context(), h.b, []uint64{2, 3}))
		for name, p := range map[string]Playback{"owner": ask(h.owner, Asking{}), "link": ask(someone, Asking{Link: l.Secret})} {
			if c := p.Channel; c == nil || c.ID != h.ID || c.Title != "Otters" || c.Inside != nil {
				t.Errorf("%s: channel %+v", name, c)
			}
			if x := p.Showing; x == nil || !x.Started.Equal(started) || x.Viewers != 2 {
				t.Errorf("%s: showing %+v", name, x)
			}
		}
		if p := ask(someone, Asking{}); p.Channel != nil || p.Showing != nil {
			t.Errorf("somebody is told %+v", p)
		}
	})
}

func TestPassesAreForOneThing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h, other := newHall(t, r, "anna", Private), newHall(t, r, "ben", Private)
		text := h.pass(t, h.owner, Asking{})
		h.holds(t, text, home)
		other.shut(t, text, home, "another channel")
		h.shut(t, text+"A", home, "not valid")
		h.shut(t, "~", home, "not valid")
		bound := h.pass(t, h.owner, Asking{Bound: true, From: home})
		h.holds(t, bound, home)
		h.shut(t, bound, away, "another address")
		h.shut(t, bound, nowhere, "another address")
		_, err := r.Playback(t.Context(), h.owner, "anna", Asking{Bound: true})
		want(t, err, fault.Invalid)
		six := h.pass(t, h.owner, Asking{Bound: true, From: netip.MustParseAddr("2001:db8:1:2:3::4")})
		h.holds(t, six, netip.MustParseAddr("2001:db8:1:2:ffff::1")) // the host changes that part
		h.shut(t, six, netip.MustParseAddr("2001:db8:1:3::1"), "another address")
		// of another installation
		stranger, err := seal.New(seal.NewKey())
		ok(t, err)
		var ring pass.Ring
		ok(t, ring.Set(pass.Key{Number: 1, Secret: pass.NewSecret(), Created: r.clock.Now()}))
		forged := ring.Sign(pass.Pass{Channel: h.ID, Name: h.Name, Viewer: 1, Issued: r.clock.Now(), Expires: r.clock.Now().Add(time.Hour)}, r.clock.Now())
		h.shut(t, forged, home, "not valid")
		want(t, CheckSealed(t.Context(), r.db, stranger), fault.Internal)
		r.clock.Pass(passLife)
		h.shut(t, text, home, "expired")
	})
}

func TestShareLinks(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h, other := newHall(t, r, "anna", Private), newHall(t, r, "ben", Private)
		soon := r.clock.Now().Add(time.Hour)
		l, err := r.CreateShareLink(t.Context(), h.owner, h.ID, "press", "198.51.100.99/24", &soon)
		ok(t, err)
		if l.Network != "198.51.100.0/24" || l.Watch != "/watch/anna#share="+l.Secret || lines(t, r.db, `SELECT link_hash FROM live_links`) != hashOf(l.Secret) {
			t.Errorf("%+v", l)
		}
		for name, ask := range map[string]Asking{"elsewhere": {Link: l.Secret, From: away}, "unknown": {Link: "x" + l.Secret, From: home}, "nowhere": {Link: l.Secret}} {
			_, err := r.Playback(t.Context(), someone, "anna", ask)
			if want(t, err, fault.Denied); strings.Contains(err.Error(), l.Secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"ben", "nobody-has-this"} { // alike, so that nobody learns which of them is there
			_, err := r.Playback(t.Context(), someone, name, Asking{Link: l.Secret, From: home})
			want(t, err, fault.Denied)
		}
		text := h.pass(t, someone, Asking{Link: l.Secret, From: home})
		h.holds(t, text, netip.MustParseAddr("198.51.100.200"))
		h.shut(t, text, away, "another address")
		other.shut(t, text, home, "another channel")
		list, err := r.ShareLinks(t.Context(), h.owner, h.ID)
		ok(t, err)
		if len(list) != 1 || list[0].Used == nil || list[0].Label != "press" {
			t.Errorf("%+v", list)
		}
		r.clock.Pass(time.Hour) // the pass ends with the link
		h.shut(t, text, home, "expired")
		_, err = r.Playback(t.Context(), someone, "anna", Asking{Link: l.Secret, From: home})
		want(t, err, fault.Denied)
		for network, fine := range map[string]bool{"": true, "2001:db8::1": true, "::ffff:192.0.2.1": true, "x": false, "192.0.2.0/33": false, "fe80::1%eth0": false} {
			_, err := r.CreateShareLink(t.Context(), h.owner, h.ID, "", network, nil)
			if (err == nil) != fine {
				t.Errorf("%q: %v", network, err)
			}
		}
		past := r.clock.Now()
		_, err = r.CreateShareLink(t.Context(), h.owner, h.ID, "", "", &past)
		want(t, err, fault.Invalid)
	})
}

// Whatever takes a right away ends the passes that came from it, on every node, and no others.
func TestRevocation(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		node := r.open(t, Config{Node: "node-2"}) // where the viewers are
		h := newHall(t, r, "anna", Private)
		guest := servicetest.Person(auth.User)
		invited := func(t *testing.T) string {
			ok(t, r.AddGuest(t.Context(), h.owner, h.ID, guest.User))
			return h.pass(t, guest, Asking{})
		}
		// each gets a pass, and gives what ends it
		for name, get := range map[string]func(t *testing.T) (string, func()){
			"link": func(t *testing.T) (string, func()) {
				l := r.linkOf(t, h.owned)
				return h.pass(t, someone, Asking{Link: l.Secret}), func() { ok(t, r.RevokeShareLink(t.Context(), h.owner, h.ID, l.ID)) }
			},
			"guest": func(t *testing.T) (string, func()) {
				return invited(t), func() { ok(t, r.RemoveGuest(t.Context(), h.owner, h.ID, guest.User)) }
			},
			"member": func(t *testing.T) (string, func()) {
				member := servicetest.Person(auth.User)
				ok(t, r.SetMember(t.Context(), h.owner, h.ID, member.User, Manager))
				return h.pass(t, member, Asking{}), func() { ok(t, r.RemoveMember(t.Context(), h.owner, h.ID, member.User)) }
			},
			"suspended": func(t *testing.T) (string, func()) {
				return invited(t), func() { r.tell(t, event.UserSuspended{UserID: guest.User, Suspended: true}) }
			},
			"account deleted": func(t *testing.T) (string, func()) {
				return invited(t), func() { r.tell(t, event.UserDeleted{UserID: guest.User}) }
			},
			"role on the installation": func(t *testing.T) (string, func()) {
				judge := servicetest.Person(auth.Moderator)
				text := h.pass(t, judge, Asking{})
				r.tell(t, event.UserSecurity{UserID: judge.User, Kind: "signed_in"}) // ends nothing
				ok(t, r.readRevocations(t.Context()))
				return text, func() {
					r.tell(t, event.UserSecurity{UserID: judge.User, Kind: event.RoleChanged})
					judge.Role = auth.User
					if p, err := r.Playback(t.Context(), judge, "anna", Asking{}); err != nil || p.Pass != "" {
						t.Errorf("a new pass: %+v %v", p, err)
					}
				}
			},
			"one viewer": func(t *testing.T) (string, func()) {
				p, err := r.Playback(t.Context(), h.owner, "anna", Asking{})
				ok(t, err)
				return p.Pass, func() { ok(t, r.EndPass(t.Context(), h.owner, h.ID, p.Viewer)) }
			},
		} {
			t.Run(name, func(t *testing.T) {
				text, end := get(t)
				other := h.pass(t, h.owner, Asking{})
				h.holds(t, text, home)
				end()
				ok(t, r.readRevocations(t.Context()))
				ok(t, node.readRevocations(t.Context()))
				h.shut(t, text, home, "taken back")
				want(t, node.MayWait("anna", text, home), fault.Denied)
				h.holds(t, other, home)
			})
		}
		all := h.pass(t, h.owner, Asking{})
		ok(t, r.EndPasses(t.Context(), h.owner, h.ID))
		ok(t, r.readRevocations(t.Context()))
		h.shut(t, all, home, "taken back")
		h.holds(t, h.pass(t, h.owner, Asking{}), home) // a new one holds at once
		restarted := r.open(t, Config{})
		want(t, restarted.MayWait("anna", all, home), fault.Denied)
	})
}

// Nodes that have read a channel's recording hear of what becomes of the channel, though
// they do not read it again.
func TestVisibilityOfRecordings(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		node := r.open(t, Config{Node: "node-2"})
		h := newHall(t, r, "anna", Public)
		r.Finish(h.b, "", Stats{})
		ok(t, r.flush(t.Context()))
		may := func(text string) error {
			ok(t, node.readRevocations(t.Context()))
			return node.MayReplay(t.Context(), h.b.ID, text, home)
		}
		ok(t, may(""))
		h.show(t, Private)
		want(t, may(""), fault.NotFound)
		text := h.pass(t, h.owner, Asking{})
		ok(t, may(text))
		h.show(t, Public)
		ok(t, may(""))
		h.show(t, Unlisted)
		want(t, may(text), fault.Denied)
		text = h.pass(t, someone, Asking{})
		ok(t, may(text))
		ok(t, r.DeleteChannel(t.Context(), h.owner, h.ID))
		want(t, may(text), fault.NotFound)
		want(t, may(""), fault.NotFound)
		ok(t, node.MayReplay(t.Context(), uuid.Max, "", home)) // what has no channel is for everybody
	})
}

// Whoever asks in the moment in which the right is taken gets nothing that lasts.
func TestPassRacesRevocation(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h := newHall(t, r, "anna", Private)
		guest := servicetest.Person(auth.User)
		for range 20 {
			ok(t, r.AddGuest(t.Context(), h.owner, h.ID, guest.User))
			texts := make([]string, 4)
			var wg sync.WaitGroup
			for i := range texts {
				wg.Go(func() {
					if p, err := r.Playback(t.Context(), guest, "anna", Asking{}); err == nil {
						texts[i] = p.Pass
					}
				})
			}
			wg.Go(func() { ok(t, r.RemoveGuest(t.Context(), h.owner, h.ID, guest.User)) })
			wg.Wait()
			ok(t, r.readRevocations(t.Context()))
			for _, text := range texts {
				if text != "" {
					h.shut(t, text, home, "taken back")
				}
			}
		}
		ok(t, r.AddGuest(t.Context(), h.owner, h.ID, guest.User))
		h.holds(t, h.pass(t, guest, Asking{}), home)
	})
}

// Keys turn, old passes hold as long as they live, and the rows are sealed.
func TestPassKeys(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h := newHall(t, r, "anna", Private)
		if sealed := lines(t, r.db, `SELECT secret FROM live_pass_keys`); !seal.Sealed(sealed) {
			t.Errorf("a key in clear: %s", sealed)
		}
		node := r.open(t, Config{})
		r.clock.Pass(passKeyLife - passKeyAhead)
		ok(t, r.turnPassKeys(t.Context()))
		ok(t, node.turnPassKeys(t.Context()))
		same(t, "numbers", lines(t, r.db, `SELECT CAST(number AS TEXT) FROM live_pass_keys ORDER BY number`), "1\n2")
		before := h.pass(t, h.owner, Asking{})
		r.clock.Pass(passKeyAhead)
		after := h.pass(t, h.owner, Asking{})
		r.clock.Pass(passLife - time.Minute)
		ok(t, node.turnPassKeys(t.Context()))
		ok(t, node.MayWait("anna", after, home))
		want(t, node.MayWait("anna", before, home), fault.Denied) // by its age alone
		r.clock.Pass(passKeyKept)
		for range 2 {
			ok(t, node.turnPassKeys(t.Context()))
		}
		node.passes.revoked.prune(r.clock.Now())
		next := seal.NewKey()
		box, err := seal.New(next)
		ok(t, err)
		if _, err := Open(Config{DB: r.db, Box: box}); err != nil {
			t.Error(err)
		}
		other, err := Open(Config{DB: r.db, Box: box})
		ok(t, err)
		if err := other.OpenPasses(t.Context()); err == nil {
			t.Error("keys were opened with another box")
		}
		cookie := r.Cookie("anna")
		if n, ok := node.Viewer("anna", cookie); !ok || n == 0 {
			t.Error("a cookie does not hold at another node")
		}
		if _, ok := node.Viewer("ben", cookie); ok {
			t.Error("a cookie holds for another stream")
		}
	})
}

// Run's part: it reads, and ends with its context.
func TestRunPasses(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h := newHall(t, r, "anna", Private)
		text := h.pass(t, h.owner, Asking{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 { // a process has two roles that need it
			wg.Go(func() { _ = r.RunPasses(ctx) })
		}
		ok(t, r.EndPasses(t.Context(), h.owner, h.ID))
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for r.MayWait("anna", text, home) == nil {
			select {
			case <-t.Context().Done():
				t.Fatal("the revocation is never read")
			case <-again.C:
			}
		}
		cancel()
		wg.Wait()
	})
}
