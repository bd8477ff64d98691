package rtmp

import (
	"bytes"
	"crypto/rand"
	"testing"
)

// TestSignedHandshake plays a Flash Player with either scheme and checks the
// server's signatures as it would.
func TestSignedHandshake(t *testing.T) {
	for i, scheme := range digestSchemes() {
		c1 := make([]byte, handshakeSize)
		if _, err := rand.Read(c1); err != nil {
			t.Fatal(err)
		}
		copy(c1[4:], []byte{9, 0, 124, 2})
		signDigest(c1, scheme, flashPlayerKey())
		out, err := answerHandshake(c1)
		if err != nil || out[0] != version {
			t.Fatal(err)
		}
		s1, s2 := out[1:1+handshakeSize], out[1+handshakeSize:]
		if _, got, ok := findDigest(s1, flashServerKey()); !ok || got != scheme {
			t.Errorf("scheme %d: S1 is signed: %v, %v", i, ok, got)
		}
		digest := c1[scheme.offset(c1):][:digestSize]
		want := bytes.Clone(s2)
		signAnswer(want, digest, flashServerKey())
		if !bytes.Equal(s2, want) {
			t.Errorf("scheme %d: S2 is not signed", i)
		}
	}
}

func TestPlainHandshake(t *testing.T) {
	for _, v := range [][]byte{{0, 0, 0, 0}, {9, 0, 124, 2}} { // the second without a signature
		c1 := make([]byte, handshakeSize)
		if _, err := rand.Read(c1); err != nil {
			t.Fatal(err)
		}
		copy(c1[4:], v)
		out, err := answerHandshake(c1)
		if err != nil || !bytes.Equal(out[1+handshakeSize:], c1) || !bytes.Equal(out[5:9], []byte{0, 0, 0, 0}) {
			t.Errorf("% x: not an echo, %v", v, err)
		}
	}
}
