package rtmp

import (
	"crypto/hmac"
	"crypto/sha256"
)

// The signed handshake of Flash Player 9 and later. Adobe never specified it; it
// is what all servers do. C1 and S1 hold an HMAC-SHA256 of their other bytes, at
// an offset told by four bytes, in one of two layouts ("schemes").

const digestSize = sha256.Size

// digestScheme tells where the four bytes are and what the offset is added to.
type digestScheme struct{ pointer, base int }

func digestSchemes() [2]digestScheme {
	return [2]digestScheme{{8, 12}, {772, 776}}
}

// The public words that signatures are keyed with: client and server sign their
// first message with the name alone, the answers with the name and this tail.
func flashPlayerKey() string { return "Genuine Adobe Flash Player 001" }

func flashServerKey() string { return "Genuine Adobe Flash Media Server 001" }

func flashKeyTail() string {
	return "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57" +
		"\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae"
}

// serverVersion is what S1 says in bytes 4 to 7 when it is signed.
func serverVersion() []byte { return []byte{4, 5, 0, 1} }

// offset is where the digest of message m is.
func (s digestScheme) offset(m []byte) int {
	sum := 0
	for _, b := range m[s.pointer : s.pointer+4] {
		sum += int(b)
	}
	return s.base + sum%728
}

// digestOf is the signature of m without the digest at offset at.
func digestOf(m []byte, at int, key string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write(m[:at])
	h.Write(m[at+digestSize:])
	return h.Sum(nil)
}

// findDigest looks for a valid signature in C1 or S1.
func findDigest(m []byte, key string) (digest []byte, scheme digestScheme, ok bool) {
	if m[4] == 0 && m[5] == 0 && m[6] == 0 && m[7] == 0 {
		return nil, scheme, false // RTMP 5.2.3: a plain handshake has zeros here
	}
	for _, s := range digestSchemes() {
		at := s.offset(m)
		d := digestOf(m, at, key)
		if hmac.Equal(d, m[at:at+digestSize]) {
			return d, s, true
		}
	}
	return nil, scheme, false
}

// signDigest writes the signature into C1 or S1.
func signDigest(m []byte, s digestScheme, key string) {
	at := s.offset(m)
	copy(m[at:], digestOf(m, at, key))
}

// signAnswer writes the signature of C2 or S2, its last 32 bytes, which proves
// that the digest of the other side's first message was read.
func signAnswer(m, digest []byte, key string) {
	h := hmac.New(sha256.New, []byte(key+flashKeyTail()))
	h.Write(digest)
	k := h.Sum(nil)
	h = hmac.New(sha256.New, k)
	h.Write(m[:len(m)-digestSize])
	copy(m[len(m)-digestSize:], h.Sum(nil))
}
