package live

import (
	"crypto/md5" //nolint:gosec // as publishers do
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"weir/services/seal"
)

func md5Of(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // as publishers do
	return hex.EncodeToString(sum[:])
}

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// proofOf is what a publisher makes of its key.
func proofOf(name, user, key string, sha bool) *Proof {
	rest := "abcdef:" + md5Of("ANNOUNCE:rtsp://host/live/"+name)
	h := md5Of
	if sha {
		h = sha256Of
	}
	return &Proof{Name: name, User: user, SHA256: sha, Rest: rest, Response: h(h(user+":weir:"+key) + ":" + rest)}
}

// A proof lets in whose key it was made of, and is refused for the same reasons.
func TestProofs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := r.owned(t, "anna"), r.owned(t, "bert")
		second := r.keyOf(t, anna.owner, anna.ID)
		show := func(p *Proof) (Grant, error) {
			return r.Admit(t.Context(), Attempt{Protocol: "rtsp", Proof: p})
		}
		for _, p := range []*Proof{
			proofOf("anna", "anna", anna.key.Secret, false), proofOf("anna", "anna", anna.key.Secret, true),
			proofOf("anna", "weir", anna.key.Secret, false), proofOf("anna", "x", anna.key.Secret, true),
		} {
			if g, err := show(p); err != nil || g.Name != "anna" || g.Channel != anna.ID || g.Key != anna.key.ID {
				t.Errorf("%+v: %+v %v", p, g, err)
			}
		}
		if g, err := show(proofOf("anna", "anna", second.Secret, false)); err != nil || g.Key != second.ID {
			t.Errorf("the second key: %+v %v", g, err)
		}
		right := proofOf("anna", "anna", anna.key.Secret, false)
		replayed, other, renamed := *right, *right, *right
		replayed.Rest = "123456" + replayed.Rest[6:]
		other.SHA256 = true
		renamed.User = "weir"
		for name, p := range map[string]*Proof{
			"a wrong key": proofOf("anna", "anna", bert.key.Secret, false), "another channel's name": proofOf("bert", "anna", anna.key.Secret, false),
			"another user": proofOf("anna", "admin", anna.key.Secret, false), "another nonce": &replayed, "another algorithm": &other, "renamed": &renamed,
			"nobody's name": proofOf("nobody", "weir", anna.key.Secret, false), "nothing": {}, "no response": {Name: "anna", User: "anna"},
		} {
			if _, err := show(p); err != ErrDenied { //nolint:errorlint // the same one
				t.Errorf("%s: %v", name, err)
			}
		}
		rows := lines(t, r.db, `SELECT digest FROM live_keys`)
		if !strings.HasPrefix(rows, r.box.Prefix()) || strings.Contains(rows, md5Of("anna:weir:"+anna.key.Secret)) {
			t.Errorf("kept: %s", rows)
		}
		ok(t, r.RevokeKey(t.Context(), anna.owner, anna.ID, anna.key.ID))
		_, err := show(right)
		refused(t, err, "key_revoked")
		if list, err := r.Refusals(t.Context(), anna.owner, anna.ID); err != nil || len(list) != 1 || list[0].Protocol != "rtsp" {
			t.Errorf("%+v %v", list, err)
		}
		if g, err := r.AdmitOpen(t.Context(), Attempt{Proof: &Proof{Name: "whoever"}}); err != nil || g.Name != "whoever" {
			t.Errorf("where no key is needed: %+v %v", g, err)
		}
	})
}

// Digests of a key that was made without a Box, or sealed with another, can be checked once the
// key was there in clear; what an old key sealed is sealed anew.
func TestDigestsAreLearnt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		plain, err := Open(Config{DB: r.db, Now: r.clock.Now})
		ok(t, err)
		old, err := plain.IssueKey(t.Context(), "stage", "")
		ok(t, err)
		show := func(s *Service) error {
			_, err := s.Admit(t.Context(), Attempt{Proof: proofOf("stage", "stage", old.Secret, false)})
			return err
		}
		if err := show(r.Service); err != ErrDenied { //nolint:errorlint // the same one
			t.Errorf("nothing is known of it: %v", err)
		}
		r.admit(t, old.Secret)
		ok(t, show(r.Service))
		if err := show(plain); err != ErrDenied { //nolint:errorlint // the same one
			t.Errorf("without a box: %v", err)
		}
		first, second := seal.NewKey(), seal.NewKey()
		for i, keys := range [][2][]byte{{first, first}, {second, first}, {second, second}} {
			box, err := seal.New(keys[0], keys[1])
			ok(t, err)
			s, err := Open(Config{DB: r.db, Now: r.clock.Now, Box: box})
			ok(t, err)
			if i == 0 { // whose passes are sealed with another key
				_, err = s.Admit(t.Context(), attempt(old.Secret))
				ok(t, err)
			}
			ok(t, digests().Reseal(t.Context(), r.db, box))
			ok(t, show(s))
			if rows := lines(t, r.db, `SELECT digest FROM live_keys`); !strings.HasPrefix(rows, box.Prefix()) {
				t.Errorf("box %d: %s", i, rows)
			}
		}
	})
}
