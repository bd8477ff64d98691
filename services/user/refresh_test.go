package user

import (
	"errors"
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

func TestRefresh(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		v := r.verifier(t, r.Keys())
		anna := r.person(t, "anna")
		one := anna.tokens.Refresh
		r.clock.Pass(time.Minute)
		two, err := r.Refresh(ctx, here(), one)
		ok(t, err)
		if two.Refresh == one || two.Session != anna.tokens.Session || two.Access == anna.tokens.Access {
			t.Error("not rotated")
		}
		// The double click: the same answer again, for ten seconds, and no third token.
		r.clock.Pass(RefreshGrace)
		again, err := r.Refresh(ctx, here(), one)
		ok(t, err)
		if again.Refresh != two.Refresh {
			t.Error("the second answer is another token")
		}
		three, err := r.Refresh(ctx, here(), two.Refresh)
		ok(t, err)
		if _, err := v.Verify(ctx, three.Access); err != nil {
			t.Error(err)
		}
		// The thief: a token that was used long ago. The family ends.
		want(t, second(r.Refresh(ctx, here(), one)), fault.Unauthenticated)
		for _, tok := range []string{one, two.Refresh, three.Refresh} {
			want(t, second(r.Refresh(ctx, here(), tok)), fault.Unauthenticated)
		}
		ok(t, v.Sync(ctx))
		if _, err := v.Verify(ctx, three.Access); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("access token: %v", err)
		}
		if e := events[event.UserSecurity](t, r); len(e) != 2 || e[1].Kind != kindReused {
			t.Errorf("events %+v", e)
		}
	})
}

// After the grace the token before the present one ends the family as well.
func TestRefreshAfterGrace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		two, err := r.Refresh(ctx, here(), anna.tokens.Refresh)
		ok(t, err)
		r.clock.Pass(RefreshGrace + time.Microsecond)
		want(t, second(r.Refresh(ctx, here(), anna.tokens.Refresh)), fault.Unauthenticated)
		want(t, second(r.Refresh(ctx, here(), two.Refresh)), fault.Unauthenticated)
	})
}

func TestRefreshRefuses(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		given, err := parseRefresh(anna.tokens.Refresh)
		ok(t, err)
		forged := newRefreshToken(given.session, given.generation, "guess")
		old := newRefreshToken(given.session, 0, "guess")
		changed := given
		changed.secret[0] ^= 1
		for name, tok := range map[string]string{
			"nothing": "", "text": "x", "huge": strings.Repeat("x", 1<<20), "forged": forged.String(), "forged old": old.String(),
			"changed": changed.String(), "unknown": newRefreshToken(uuid.Max, 1, "k").String(), "access token": anna.tokens.Access,
		} {
			if err := second(r.Refresh(ctx, here(), tok)); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = r.Refresh(ctx, here(), anna.tokens.Refresh) // none of them did harm
		ok(t, err)

		bert := r.person(t, "bert")
		r.clock.Pass(RefreshLife)
		want(t, second(r.Refresh(ctx, here(), bert.tokens.Refresh)), fault.Unauthenticated)
	})
}

// A session that is refreshed for ever ends after a year all the same.
func TestSessionLife(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		tok := r.person(t, "anna").tokens
		var err error
		for range 12 {
			r.clock.Pass(29 * 24 * time.Hour)
			tok, err = r.Refresh(t.Context(), here(), tok.Refresh)
			ok(t, err)
		}
		if left := tok.RefreshExpires.Sub(r.clock.Now()); left >= RefreshLife {
			t.Errorf("%v left", left)
		}
		r.clock.Pass(29 * 24 * time.Hour)
		want(t, second(r.Refresh(t.Context(), here(), tok.Refresh)), fault.Unauthenticated)
	})
}

// Ten refreshes with the same token at once give the same token ten times.
func TestRefreshAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.person(t, "anna")
		var wait sync.WaitGroup
		got := make([]string, 10)
		for i := range got {
			wait.Go(func() {
				tok, err := r.Refresh(t.Context(), here(), anna.tokens.Refresh)
				if err != nil {
					t.Error(err)
				}
				got[i] = tok.Refresh
			})
		}
		wait.Wait()
		if got = slices.Compact(got); len(got) != 1 {
			t.Errorf("%d different tokens", len(got))
		}
	})
}
