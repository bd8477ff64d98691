package user

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"weir/services/fault"
	"weir/services/seal"
)

// secretsInClear are the columns that must not tell anything.
func secretsInClear(t *testing.T, r *rig) string {
	t.Helper()
	var secret, seed string
	ok(t, r.db.QueryRow(t.Context(), `SELECT secret, seed FROM user_totp, user_signing_keys`).Scan(&secret, &seed))
	return secret + "\n" + seed
}

// Rows in clear, as before there was a key, and rows of an old key work and are sealed
// anew by the next start; with another key there is no start.
func TestSealed(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.phone(t, r.person(t, "anna"))
		key := r.keys.ring.Public()[0]
		keys, err := readKeys(ctx, r.db, r.box)
		ok(t, err)
		seed := base64.RawStdEncoding.EncodeToString(keys[0].Private.Seed())
		if all := secretsInClear(t, r); strings.Contains(all, anna.secret) || strings.Contains(all, seed) || strings.Count(all, r.box.Prefix()) != 2 {
			t.Fatal("a secret is kept in clear")
		}
		use := func() { // both
			ok(t, second(r.answer(t, r.ask(t, "anna"), r.code(t, anna.secret, 0))))
			r.clock.Pass(totpPeriod * time.Second)
			if now := r.keys.ring.Public()[0]; now.ID != key.ID {
				t.Fatal("another signing key")
			}
		}
		use()
		old := secretsInClear(t, r)
		for _, statement := range []string{`UPDATE user_totp SET secret=$1`, `UPDATE user_signing_keys SET seed=$1`} {
			value := map[bool]string{true: anna.secret, false: seed}[strings.Contains(statement, "totp")]
			_, err := r.db.Exec(ctx, statement, value)
			ok(t, err)
		}
		use() // before the migration, by a process that began earlier
		r.Service = r.open(t, plenty())
		if all := secretsInClear(t, r); strings.Contains(all, anna.secret) || strings.Contains(all, seed) || all == old {
			t.Fatal("what was in clear stays so")
		}
		use()

		other, err := seal.New(seal.NewKey())
		ok(t, err)
		if _, err := Open(ctx, Config{DB: r.db, Box: other, Redis: r.redis, Now: r.clock.Now}); !errors.Is(err, seal.ErrOtherKey) {
			t.Fatalf("opened with another key: %v", err)
		}
		if err := CheckSealed(ctx, r.db, other); !errors.Is(err, seal.ErrOtherKey) {
			t.Error(err)
		}
	})
}

// A key is changed by giving the old one beside it, once.
func TestSealedRotation(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		old, fresh := seal.NewKey(), seal.NewKey()
		ok(t, second(r.db.Exec(t.Context(), `DELETE FROM user_signing_keys`)))
		box := func(key []byte, old ...[]byte) {
			var err error
			r.box, err = seal.New(key, old...)
			ok(t, err)
			r.Service = r.open(t, plenty())
		}
		box(old)
		anna := r.phone(t, r.person(t, "anna"))
		kid := r.keys.ring.Public()[0].ID
		box(fresh, old)
		box(fresh) // the old one is not needed any more
		ok(t, second(r.answer(t, r.ask(t, "anna"), r.code(t, anna.secret, 0))))
		if r.keys.ring.Public()[0].ID != kid {
			t.Error("another signing key")
		}

		// A key that is lost: accounts with a second factor wait for the operator.
		ok(t, second(r.db.Exec(t.Context(), `DELETE FROM user_signing_keys`)))
		box(seal.NewKey())
		if !strings.Contains(r.log.String(), "second factors cannot be read") {
			t.Error(r.log.String())
		}
		r.clock.Pass(time.Minute)
		want(t, second(r.answer(t, r.ask(t, "anna"), r.code(t, anna.secret, 0))), fault.Internal)
		ok(t, r.ResetTOTP(t.Context(), Operator(), Peer{}, anna.ID))
		r.enter(t, anna.Own)
	})
}

// A secret opens only in its own row.
func TestSealedPlace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := r.phone(t, r.person(t, "anna")), r.phone(t, r.person(t, "bert"))
		ok(t, second(r.db.Exec(t.Context(), `UPDATE user_totp SET secret=(SELECT secret FROM user_totp WHERE user_id=$1) WHERE user_id=$2`, bert.ID, anna.ID)))
		want(t, second(r.answer(t, r.ask(t, "anna"), r.code(t, bert.secret, 0))), fault.Internal)
		ok(t, second(r.answer(t, r.ask(t, "bert"), r.code(t, bert.secret, 0))))
	})
}
