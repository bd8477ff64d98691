package srt

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUnwrap has the vectors of RFC 3394, 4.
func TestUnwrap(t *testing.T) {
	for _, tt := range [][3]string{
		{"000102030405060708090A0B0C0D0E0F", "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5", "00112233445566778899AABBCCDDEEFF"},
		{
			"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
			"28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
			"00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
		},
	} {
		kek, err := aes.NewCipher(unhex(t, tt[0]))
		if err != nil {
			t.Fatal(err)
		}
		wrapped := unhex(t, tt[1])
		if plain, ok := unwrap(kek, wrapped); !ok || !bytes.Equal(plain, unhex(t, tt[2])) {
			t.Errorf("%x, %v", plain, ok)
		}
		wrapped[9]++
		if _, ok := unwrap(kek, wrapped); ok {
			t.Error("a broken one was taken")
		}
	}
}

// TestMaterial: what is not as it should be is refused.
func TestMaterial(t *testing.T) {
	good := append([]byte{0x12, 0x20, 0x29, 1, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, 4}, make([]byte, 16+24)...)
	if m, err := parseMaterial(good); err != nil || m.size != 16 || m.which != keyEven || len(m.salt) != 16 || len(m.wrap) != 24 {
		t.Errorf("%+v, %v", m, err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"short":        func(b []byte) []byte { return b[:20] },
		"cut":          func(b []byte) []byte { return b[:len(b)-1] },
		"a sign":       func(b []byte) []byte { b[1] = 0; return b },
		"no key":       func(b []byte) []byte { b[3] = 0; return b },
		"two in one":   func(b []byte) []byte { b[3] = 3; return b },
		"no cipher":    func(b []byte) []byte { b[8] = 0; return b },
		"GCM":          func(b []byte) []byte { b[8], b[9] = 3, 1; return b },
		"no salt":      func(b []byte) []byte { b[14] = 0; return b },
		"an odd size":  func(b []byte) []byte { b[15] = 5; return b },
		"another size": func(b []byte) []byte { b[15] = 8; return b },
	} {
		if _, err := parseMaterial(change(bytes.Clone(good))); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
