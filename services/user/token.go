package user

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/google/uuid"
)

// RefreshPrefix begins every refresh token, so that scanners for leaked secrets can
// tell what they found.
const RefreshPrefix = "weir_rt_"

const (
	secretBytes = 32
	macBytes    = 16
	// refreshBytes: session, generation, secret, mac.
	refreshBytes = 16 + 4 + secretBytes + macBytes
	// mailTokenLen is the length of a token in a mail, in characters.
	mailTokenLen = 43
)

// errToken is returned for what is no token of ours; it never quotes its input.
var errToken = errors.New("not a token of ours")

// refreshToken is an opaque refresh token taken apart. The generation counts the
// rotations of the session. The mac says that we made it, and is checked with a key
// that is kept in clear beside the session: who has that key can make tokens that end
// a session, and none that opens it, because the secret has to match its hash too.
type refreshToken struct {
	session    uuid.UUID
	generation uint32
	secret     [secretBytes]byte
	mac        [macBytes]byte
}

func newRefreshToken(session uuid.UUID, generation uint32, macKey string) refreshToken {
	t := refreshToken{session: session, generation: generation}
	rand.Read(t.secret[:])
	t.mac = t.sum(macKey)
	return t
}

// parseRefresh reads what String wrote. It checks the form only, see authentic.
func parseRefresh(s string) (refreshToken, error) {
	var t refreshToken
	text, ok := strings.CutPrefix(s, RefreshPrefix)
	if !ok || base64.RawURLEncoding.DecodedLen(len(text)) != refreshBytes {
		return t, errToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != refreshBytes {
		return t, errToken
	}
	copy(t.session[:], raw)
	t.generation = binary.BigEndian.Uint32(raw[16:])
	copy(t.secret[:], raw[20:])
	copy(t.mac[:], raw[20+secretBytes:])
	return t, nil
}

// String is the token as the client keeps it. It is a secret.
func (t refreshToken) String() string {
	raw := binary.BigEndian.AppendUint32(t.session[:], t.generation)
	raw = append(append(raw, t.secret[:]...), t.mac[:]...)
	return RefreshPrefix + base64.RawURLEncoding.EncodeToString(raw)
}

func (t refreshToken) sum(macKey string) (mac [macBytes]byte) {
	h := hmac.New(sha256.New, []byte(macKey))
	h.Write(t.session[:])
	h.Write(binary.BigEndian.AppendUint32(nil, t.generation))
	h.Write(t.secret[:])
	copy(mac[:], h.Sum(nil))
	return mac
}

// authentic says whether we made the token, at whatever time.
func (t refreshToken) authentic(macKey string) bool {
	want := t.sum(macKey)
	return hmac.Equal(want[:], t.mac[:])
}

// hash is what is kept of the secret.
func (t refreshToken) hash() string {
	sum := sha256.Sum256(t.secret[:])
	return hex.EncodeToString(sum[:])
}

func (t refreshToken) is(hash string) bool {
	return hash != "" && subtle.ConstantTimeCompare([]byte(t.hash()), []byte(hash)) == 1
}

// seal makes next readable for who has t and for nobody else. t's secret is random and
// used for this once, so what it is mixed with is a one-time pad.
func (t refreshToken) seal(next refreshToken) string {
	pad := t.pad()
	subtle.XORBytes(pad, pad, next.secret[:])
	return base64.RawStdEncoding.EncodeToString(pad)
}

// unseal is the token that followed t.
func (t refreshToken) unseal(sealed, macKey string) (refreshToken, error) {
	next := refreshToken{session: t.session, generation: t.generation + 1}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) != secretBytes {
		return next, errToken
	}
	subtle.XORBytes(next.secret[:], t.pad(), raw)
	next.mac = next.sum(macKey)
	return next, nil
}

func (t refreshToken) pad() []byte {
	h := hmac.New(sha256.New, t.secret[:])
	h.Write([]byte("weir: the token that follows"))
	return h.Sum(nil)
}

// newMailToken is a random token for a link in a mail, and the hash that is kept.
func newMailToken() (token, hash string) {
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	token = base64.RawURLEncoding.EncodeToString(secret)
	return token, hashText(token)
}

// hashText is SHA-256 in hex: for tokens of 256 random bits a slow hash would protect
// nothing, and usernames are hashed only to not lie around.
func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
