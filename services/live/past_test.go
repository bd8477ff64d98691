package live

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/live/pass"
	"weir/services/servicetest"
)

// Who has a pass sees what is kept of its channel, and no other's; what does not hold is
// refused alike, whatever it is shown for.
func TestPastStreamsByPass(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		api := w.Service // which answers; the node that has the store is another one
		v := w.shelved(t, Keep{})
		hidden, other := w.owned(t, "hidden"), w.owned(t, "other")
		kept, foreign := w.taken(t, v, hidden, 5), w.taken(t, v, other, 5)
		open := w.begin(t, w.admit(t, hidden.key.Secret)) // is being recorded
		w.Record(Taken{ID: open.ID, Name: hidden.Name, At: w.clock.Now(), Of: open})
		ok(t, w.flush(t.Context()))
		for _, o := range []owned{hidden, other} {
			_, err := w.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Visibility: ptr(Private)})
			ok(t, err)
		}
		guest := servicetest.Person(auth.User)
		ok(t, w.AddGuest(t.Context(), hidden.owner, hidden.ID, guest.User))
		link, theirs := w.linkOf(t, hidden), w.linkOf(t, other)
		by := func(who auth.Identity, name string, ask Asking) string {
			t.Helper()
			p, err := w.Playback(t.Context(), who, name, ask)
			ok(t, err)
			if p.Pass == "" {
				t.Fatal("no pass")
			}
			return p.Pass
		}
		reread := func() {
			t.Helper()
			ok(t, api.readRevocations(t.Context()))
		}
		reread()
		list := func(o owned) string { return "/api/v1/channels/" + o.ID.String() + "/recordings" }
		one := func(id uuid.UUID) string { return "/api/v1/recordings/" + id.String() }
		everything := []string{list(hidden), one(kept), list(other), one(foreign), one(open.ID), list(owned{View: View{ID: uuid.Max}}), one(uuid.Max)}
		all := func(status int, token, text string, paths ...string) {
			t.Helper()
			for _, path := range paths {
				w.expect(t, status, "GET", path, token, "", "Weir-Pass: "+text)
			}
		}
		linked, mine := by(someone, "hidden", Asking{Link: link.Secret}), by(guest, "hidden", Asking{})
		for who, text := range map[string]string{"": linked, "stranger": mine} {
			res, got := w.expect(t, 200, "GET", list(hidden), who, "", "Weir-Pass: "+text)
			var page struct{ Items []RecordingView }
			ok(t, json.Unmarshal([]byte(got), &page))
			if len(page.Items) != 1 || page.Items[0].ID != kept || page.Items[0].Inside != nil || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s %v", who, got, res.Header)
			}
			if res, _ := w.expect(t, 200, "GET", one(kept), who, "", "Weir-Pass: "+text); res.Header.Get("Cache-Control") != "private, no-cache" {
				t.Errorf("others keep it: %v", res.Header)
			}
			all(404, who, text, everything[2:]...)
		}
		for _, path := range everything {
			w.expect(t, 404, "GET", path, "stranger", "")
		}
		all(404, "", by(someone, "other", Asking{Link: theirs.Secret}), list(hidden), one(kept))
		all(403, "", linked+"A", everything...)
		all(403, "", "~", everything...)
		var ring pass.Ring // of another installation
		ok(t, ring.Set(pass.Key{Number: 1, Secret: pass.NewSecret(), Created: w.clock.Now()}))
		all(403, "", ring.Sign(pass.Pass{Channel: hidden.ID, Name: "hidden", Viewer: 1, Issued: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)}, w.clock.Now()), everything...)
		all(403, "", by(someone, "hidden", Asking{Link: link.Secret, Bound: true, From: away}), everything...)
		all(200, "manager", "forged", "/api/v1/channels/"+w.anna.ID.String()+"/recordings") // needs none
		for method, path := range map[string]string{"PATCH": one(kept), "DELETE": one(kept)} {
			w.expect(t, 401, method, path, "", "{}", "Weir-Pass: "+linked)
			w.expect(t, 404, method, path, "stranger", "{}", "If-Match: *", "Weir-Pass: "+linked)
		}

		ok(t, w.RemoveGuest(t.Context(), hidden.owner, hidden.ID, guest.User))
		ok(t, w.RevokeShareLink(t.Context(), hidden.owner, hidden.ID, link.ID))
		last := by(hidden.owner, "hidden", Asking{})
		reread()
		all(403, "", linked, everything...)
		all(403, "stranger", mine, everything...)
		all(200, "", last, list(hidden), one(kept))
		w.clock.Pass(passLife)
		all(403, "", last, everything...)
		fresh := by(hidden.owner, "hidden", Asking{})
		all(200, "", fresh, list(hidden), one(kept))
		ok(t, w.DeleteChannel(t.Context(), hidden.owner, hidden.ID))
		reread()
		all(403, "", fresh, everything...)
	})
}
