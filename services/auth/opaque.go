package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
)

const (
	// OpaquePrefix begins every API token, so that it is told from a JWT and found by
	// scanners for leaked secrets.
	OpaquePrefix = "weir_pat_"
	// OpaqueLife is how long the answer for an API token is believed.
	OpaqueLife = time.Second

	minOpaque    = 20  // characters after the prefix
	maxOpaque    = 128 // likewise
	opaqueWithin = 5 * time.Second
)

// asked is what Config.Opaque answered: an identity, or that there is none.
type asked struct {
	identity Identity
	none     bool
	at       time.Time // on mono
}

// verifyOpaque looks the token up. Callers with the same token wait for one answer.
func (v *Verifier) verifyOpaque(ctx context.Context, token string, key digest) (Identity, error) {
	if v.config.Opaque == nil || !opaqueForm(token) {
		return Identity{}, refuse(ErrUnknown)
	}
	a, ok := v.opaque.get(key)
	if !ok || v.mono().Sub(a.at) >= OpaqueLife {
		answer, err, _ := v.asking.Do(string(key[:]), func() (any, error) {
			return v.ask(ctx, strings.Clone(token), key)
		})
		if err != nil {
			return Identity{}, err
		}
		a = answer.(asked)
	}
	switch {
	case a.none:
		return Identity{}, refuse(ErrUnknown)
	case v.revoked.has(a.identity.Session, uuid.Nil, 0):
		return Identity{}, refuse(ErrRevoked)
	case !a.identity.Expires.IsZero() && !v.config.Now().Before(a.identity.Expires):
		return Identity{}, refuse(ErrUnknown)
	}
	return a.identity, nil
}

// ask calls Config.Opaque. The answer is for all who wait, so it does not end with
// the request of the first of them.
func (v *Verifier) ask(ctx context.Context, token string, key digest) (asked, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), opaqueWithin)
	defer cancel()
	a := asked{at: v.mono()}
	identity, err := v.config.Opaque(ctx, token)
	switch {
	case err == nil:
		a.identity, a.none = identity, identity.User == uuid.Nil || !identity.Role.Valid()
	case fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound):
		a.none = true
	default:
		return asked{}, unavailable(err)
	}
	v.opaque.put(key, a)
	return a, nil
}

// unavailable keeps a fault that says it itself.
func unavailable(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.Wrap(fault.Unavailable, "API tokens cannot be checked now: try again", fmt.Errorf("API token: %w", err))
}

// opaqueForm spares the database what cannot be a token.
func opaqueForm(token string) bool {
	word := strings.TrimPrefix(token, OpaquePrefix)
	if len(word) < minOpaque || len(word) > maxOpaque {
		return false
	}
	for i := range len(word) {
		if !isWordByte(word[i]) {
			return false
		}
	}
	return true
}
