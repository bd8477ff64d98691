package live

import (
	"strings"
	"testing"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/servicetest"
)

// A passphrase is sealed, known to the doors alone, and goes with the channel.
func TestPassphrase(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o, other := r.owned(t, "anna"), r.owned(t, "bert")
		const secret = "otters & weirs"
		is := func(want string) {
			t.Helper()
			set, err := r.PassphraseSet(t.Context(), o.owner, o.ID)
			ok(t, err)
			open, err := r.AdmitOpen(t.Context(), attempt("anna"))
			ok(t, err)
			play, err := r.PlayPassphrase(t.Context(), "anna")
			ok(t, err)
			if play != want {
				t.Errorf("players: %q, want %q", play, want)
			}
			if got := r.admit(t, o.key.Secret).Passphrase; got != want || open.Passphrase != want || set != (want != "") {
				t.Errorf("%q, %q, %v; want %q", got, open.Passphrase, set, want)
			}
		}
		is("")
		for _, bad := range []string{"nine char", "otters & weirs", strings.Repeat("x", 80), "ottersößweirs", "otters\nweirs", "ninechars"} {
			want(t, r.SetPassphrase(t.Context(), o.owner, o.ID, bad), fault.Invalid)
		}
		fine := strings.ReplaceAll(secret, " ", "_")
		ok(t, r.SetPassphrase(t.Context(), o.owner, o.ID, fine))
		is(fine)
		if got := r.admit(t, other.key.Secret).Passphrase; got != "" {
			t.Errorf("another channel has %q", got)
		}
		if rows := lines(t, r.db, `SELECT srt_passphrase FROM live_channels WHERE name='anna'`); strings.Contains(rows, fine) || !strings.HasPrefix(rows, r.box.Prefix()) {
			t.Error(rows)
		}
		stranger := servicetest.Person(auth.User)
		want(t, r.SetPassphrase(t.Context(), stranger, o.ID, fine), fault.Denied)
		_, err := r.PassphraseSet(t.Context(), stranger, o.ID)
		want(t, err, fault.Denied)
		_, err = r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("Otters")}) // which leaves it
		ok(t, err)
		is(fine)
		plain, err := Open(Config{DB: r.db, Now: r.clock.Now})
		ok(t, err)
		if g, err := plain.Admit(t.Context(), attempt(o.key.Secret)); !fault.Is(err, fault.Internal) {
			t.Errorf("without a box: %+v %v", g, err)
		}
		if got, err := plain.PlayPassphrase(t.Context(), "anna"); !fault.Is(err, fault.Internal) {
			t.Errorf("players, without a box: %q %v", got, err)
		}
		ok(t, r.SetPassphrase(t.Context(), o.owner, o.ID, ""))
		is("")
		ok(t, r.SetPassphrase(t.Context(), o.owner, o.ID, fine))
		ok(t, r.DeleteChannel(t.Context(), o.owner, o.ID))
		if rows := lines(t, r.db, `SELECT srt_passphrase FROM live_channels WHERE name='anna'`); strings.TrimSpace(rows) != "" {
			t.Errorf("left: %s", rows)
		}
		got, err := r.PlayPassphrase(t.Context(), "anna")
		ok(t, err)
		if got != "" {
			t.Errorf("players of a channel that is gone: %q", got)
		}
	})
}
