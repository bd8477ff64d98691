package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the bytes of a key.
const KeySize = 32

const (
	format  = "s1" // first word of a sealed text; what was never sealed has no dots
	idBytes = 4    // of a key's id
	longest = 64 << 10
)

// Errors of Open and ParseKey. None of them holds a secret.
var (
	// ErrOtherKey is for what was sealed with a key that the Box does not have.
	ErrOtherKey = errors.New("sealed with another key")
	// ErrDamaged is for what was changed, or belongs to another place.
	ErrDamaged = errors.New("the sealed text is damaged or stands in the wrong place")
	// ErrKey is for a text that is no key.
	ErrKey = errors.New("want 32 random bytes as 64 hexadecimal digits or in base64, such as from `openssl rand -hex 32`")
)

// Box seals and opens. It may be used from any goroutine and never blocks. It prints
// as the id of its key only.
type Box struct {
	id   string
	keys map[string]cipher.AEAD // by id
}

// New makes a Box that seals with key and opens what key or one of old has sealed.
// Keys are KeySize random bytes.
func New(key []byte, old ...[]byte) (*Box, error) {
	b := &Box{id: keyID(key), keys: map[string]cipher.AEAD{}}
	for _, k := range append([][]byte{key}, old...) {
		if len(k) != KeySize {
			return nil, ErrKey
		}
		block, err := aes.NewCipher(k)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		// Random nonces of 96 bits: good for 2^32 texts of one key (NIST SP 800-38D, 8.3).
		if b.keys[keyID(k)], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
	}
	return b, nil
}

// NewKey makes a key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key)
	return key
}

// ParseKey reads a key as people write it: hexadecimal, or base64 of either alphabet,
// with or without padding.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == KeySize {
		return raw, nil
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) != KeySize {
		return nil, ErrKey
	}
	return raw, nil
}

// keyID names a key and tells nothing about it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("weir seal key id\x00"), key...))
	return hex.EncodeToString(sum[:idBytes])
}

// ID names the key that seals: 8 hexadecimal digits.
func (b *Box) ID() string { return b.id }

// String is ID.
func (b *Box) String() string { return b.id }

// GoString is ID.
func (b *Box) GoString() string { return b.id }

// Prefix is how a text begins that this Box has sealed with its present key: rows that
// begin otherwise are to be sealed anew.
func (b *Box) Prefix() string { return format + "." + b.id + "." }

// Seal encrypts a secret for its place, such as the table and the row's key. The
// result is ASCII without blanks, different each time, about 4/3 of the secret plus 50.
func (b *Box) Seal(secret []byte, place ...string) string {
	return b.Prefix() + base64.RawURLEncoding.EncodeToString(b.keys[b.id].Seal(nil, nil, secret, bind(b.id, place)))
}

// Sealed tells a sealed text from one in clear.
func Sealed(text string) bool { return strings.HasPrefix(text, format+".") }

// Open returns the secret that Seal was given for that place. ErrOtherKey, ErrDamaged.
func (b *Box) Open(text string, place ...string) ([]byte, error) {
	words := strings.Split(text, ".")
	if len(text) > longest || len(words) != 3 || words[0] != format {
		return nil, ErrDamaged
	}
	aead := b.keys[words[1]]
	if aead == nil {
		return nil, fmt.Errorf("%w (%.8q; this process has %s)", ErrOtherKey, words[1], b.id)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(words[2])
	if err != nil {
		return nil, ErrDamaged
	}
	secret, err := aead.Open(nil, nil, raw, bind(words[1], place))
	if err != nil {
		return nil, ErrDamaged
	}
	return secret, nil
}

// bind is the associated data: no two lists of words give the same.
func bind(id string, place []string) []byte {
	out := []byte(format + "." + id)
	for _, p := range place {
		out = fmt.Appendf(out, "|%d:%s", len(p), p)
	}
	return out
}
