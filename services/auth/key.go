package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

const (
	maxKeyID = 64 // characters of a kid
	maxKeys  = 32 // keys of a ring or of a JWKS document
)

// KeySource gives the public key of a kid. It is called for each token that the
// Verifier has not seen lately, from any goroutine, and may block until ctx ends. It
// returns ErrUnknownKey for a kid that it does not trust; every other error means
// that it cannot say now.
type KeySource interface {
	Key(ctx context.Context, kid string) (ed25519.PublicKey, error)
}

// PublicKey is a key that tokens are checked with.
type PublicKey struct {
	ID  string // kid: 1 to 64 of A-Z a-z 0-9 - _
	Key ed25519.PublicKey
}

// SigningKey is a key that tokens are signed with. It prints as its ID only.
type SigningKey struct {
	ID      string             // kid, unique in a ring
	Private ed25519.PrivateKey `json:"-"`
	Created time.Time          // it signs from then on; ahead of now: published, not used yet
}

// String is the key's ID; the secret is never printed.
func (k SigningKey) String() string { return k.ID }

// GoString is String.
func (k SigningKey) GoString() string { return k.ID }

// NewSigningKey makes a random key. Its ID is its RFC 7638 thumbprint.
func NewSigningKey(created time.Time) (SigningKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return SigningKey{}, fmt.Errorf("new signing key: %w", err)
	}
	return SigningKey{ID: thumbprint(public), Private: private, Created: created.UTC()}, nil
}

// thumbprint is RFC 7638 with the members of RFC 8037 section 2, in their order.
func thumbprint(key ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(key)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for i := range len(id) {
		if !isWordByte(id[i]) {
			return false
		}
	}
	return true
}

// isWordByte reports whether c is of the base64url alphabet.
func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// Ring holds the signing keys of an installation, newest first. It is a KeySource
// for who is in the same process. All methods may be called from any goroutine and
// do not block.
type Ring struct {
	now  func() time.Time
	keys atomic.Pointer[[]SigningKey] // never changed, only replaced
}

// NewRing returns a ring with the keys given, in any order. now is the wall clock;
// nil: time.Now.
func NewRing(now func() time.Time, keys ...SigningKey) (*Ring, error) {
	if now == nil {
		now = time.Now
	}
	r := &Ring{now: now}
	return r, r.Set(keys...)
}

// Set replaces the keys. The user-service calls it with what its database holds, at
// its start, after a rotation and each minute. A key that is left out is trusted no
// more. ErrKey: none, too many, one is not valid, or two have the same ID; the ring
// is then as before.
func (r *Ring) Set(keys ...SigningKey) error {
	if len(keys) == 0 || len(keys) > maxKeys {
		return fmt.Errorf("%w: %d keys, a ring holds 1 to %d", ErrKey, len(keys), maxKeys)
	}
	keys = slices.Clone(keys)
	seen := map[string]bool{}
	for _, k := range keys {
		switch {
		case !validKeyID(k.ID):
			return fmt.Errorf("%w: its id must be 1 to %d of A-Z a-z 0-9 - _", ErrKey, maxKeyID)
		case seen[k.ID]:
			return fmt.Errorf("%w: two have the id %s", ErrKey, k.ID)
		case len(k.Private) != ed25519.PrivateKeySize || !bytes.Equal(k.Private, ed25519.NewKeyFromSeed(k.Private.Seed())):
			return fmt.Errorf("%w: %s is not an Ed25519 private key", ErrKey, k.ID)
		}
		seen[k.ID] = true
	}
	slices.SortStableFunc(keys, func(a, b SigningKey) int { return b.Created.Compare(a.Created) })
	r.keys.Store(&keys)
	return nil
}

// signing returns the newest key that has begun.
func (r *Ring) signing() (SigningKey, error) {
	now := r.now()
	for _, k := range *r.keys.Load() {
		if !k.Created.After(now) {
			return k, nil
		}
	}
	return SigningKey{}, fmt.Errorf("%w: none has begun yet", ErrKey)
}

// Key is the public key of kid: of the key that signs, of one to come, or of an
// older one whose last token may still be in use. ErrUnknownKey otherwise.
func (r *Ring) Key(_ context.Context, kid string) (ed25519.PublicKey, error) {
	for _, k := range r.trusted() {
		if k.ID == kid {
			return k.Private.Public().(ed25519.PublicKey), nil
		}
	}
	return nil, ErrUnknownKey
}

// Public lists the keys that Key knows, newest first: the JWKS document.
func (r *Ring) Public() []PublicKey {
	var public []PublicKey
	for _, k := range r.trusted() {
		public = append(public, PublicKey{ID: k.ID, Key: k.Private.Public().(ed25519.PublicKey)})
	}
	return public
}

// trusted cuts off the keys whose successor began so long ago that no token of
// theirs is left.
func (r *Ring) trusted() []SigningKey {
	keys, past := *r.keys.Load(), r.now().Add(-keep)
	for i, k := range keys {
		if !k.Created.After(past) {
			return keys[:i+1]
		}
	}
	return keys
}

var _ KeySource = (*Ring)(nil)
