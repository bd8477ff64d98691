package pass

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// KeySize is the bytes of a key's secret.
const KeySize = 32

// Key signs passes and cookies. It prints as nothing.
type Key struct {
	Number  uint32 // unique in an installation, growing
	Secret  []byte // KeySize random bytes
	Created time.Time
}

// String hides the secret.
func (Key) String() string { return "pass key" }

// GoString is String.
func (Key) GoString() string { return "pass key" }

// NewSecret makes a key's secret.
func NewSecret() []byte {
	secret := make([]byte, KeySize)
	rand.Read(secret)
	return secret
}

// Ring holds the keys of an installation. All methods may be called from any goroutine
// and do not block.
type Ring struct {
	keys atomic.Pointer[[]ready] // newest first; never changed, only replaced
}

// ready is a key with one derived from it for each use.
type ready struct {
	number        uint32
	created       time.Time
	pass, viewers []byte
}

// Set replaces the keys; what was signed with one that is left out holds no more.
func (r *Ring) Set(keys ...Key) error {
	if len(keys) == 0 {
		return errors.New("pass: there is no key")
	}
	list := make([]ready, 0, len(keys))
	for _, k := range keys {
		if len(k.Secret) != KeySize {
			return errors.New("pass: a key has the wrong length")
		}
		list = append(list, ready{k.Number, k.Created, derive(k.Secret, "weir pass"), derive(k.Secret, "weir viewer")})
	}
	slices.SortFunc(list, func(a, b ready) int { return b.created.Compare(a.created) })
	r.keys.Store(&list)
	return nil
}

func derive(secret []byte, use string) []byte {
	h := hmac.New(sha256.New, secret)
	_, _ = h.Write([]byte(use)) // a hash does not fail
	return h.Sum(nil)
}

// signing is the newest key that has begun, or, before any has, the oldest.
func (r *Ring) signing(now time.Time) (ready, bool) {
	list := r.keys.Load()
	if list == nil {
		return ready{}, false
	}
	for _, k := range *list {
		if !k.created.After(now) {
			return k, true
		}
	}
	return (*list)[len(*list)-1], true
}

func (r *Ring) find(number uint32) (ready, bool) {
	if list := r.keys.Load(); list != nil {
		for _, k := range *list {
			if k.number == number {
				return k, true
			}
		}
	}
	return ready{}, false
}

const macSize = 16

// mac is the signature of parts, one after the other.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = h.Write(p) // a hash does not fail
	}
	return h.Sum(nil)[:macSize]
}
