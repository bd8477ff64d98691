package srt

import (
	"bytes"
	"crypto/aes"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // SRT's choice (6.1.4)
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

// wrapped is key material with a key of 16 bytes (RFC 3394, 2.2.1).
func wrapped(t *testing.T, passphrase string, which byte, salt string, key []byte) []byte {
	t.Helper()
	secret, err := pbkdf2.Key(sha1.New, passphrase, []byte(salt[8:]), iterations, len(key))
	if err != nil {
		t.Fatal(err)
	}
	kek, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	b, r, n := bytes.Repeat([]byte{0xa6}, 16), bytes.Clone(key), len(key)/8
	for step := range 6 * n {
		at := 8 * (step % n)
		copy(b[8:], r[at:at+8])
		kek.Encrypt(b, b)
		b[7] ^= byte(step + 1)
		copy(r[at:], b[8:])
	}
	km := append([]byte{0x12, 0x20, 0x29, which, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, 4}, salt...)
	return append(append(km, b[:8]...), r...)
}

// TestRekeyed: keys that cannot be opened change nothing, and another salt is looked at once
// in a while.
func TestRekeyed(t *testing.T) {
	const secret, one, two = "correct horse battery", "0123456789abcdef", "fedcba9876543210"
	m, err := parseMaterial(wrapped(t, secret, keyEven, one, []byte("the first key 16")))
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeys(secret, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newKeys("wrong horse battery", m); err == nil {
		t.Error("another passphrase opens it")
	}
	l := quiet(t, 300)
	c, out := sender(l, k), newOutbox(l.batches)
	next := []byte("the next key, 16")
	for _, tt := range []struct {
		name string
		km   []byte
		now  int64
		want bool
	}{
		{"another passphrase, another salt", wrapped(t, "wrong horse battery", keyOdd, two, next), keyTime, false},
		{"the known salt", wrapped(t, secret, keyOdd, one, next), keyTime, true},
		{"another passphrase, the known salt", wrapped(t, "wrong horse battery", keyOdd, one, next), keyTime, false},
		{"another salt too soon", wrapped(t, secret, keyEven, two, next), 2*keyTime - 1, false},
		{"another salt", wrapped(t, secret, keyEven, two, next), 2 * keyTime, true},
	} {
		out.n = 0
		comes(c, append(appendControl(nil, ctrlUser, extKMReq, 0, 0, 7), tt.km...), tt.now, out)
		if answer := out.list[0].Buffers[0][headSize:]; out.n != 1 || bytes.Equal(answer, tt.km) != tt.want {
			t.Errorf("%s: %d answers, %x", tt.name, out.n, answer)
		}
	}
	if k.blocks[keyEven] == nil || k.blocks[keyOdd] == nil || string(k.salts[keyEven]) != two || string(k.salts[keyOdd]) != one {
		t.Errorf("%x", k.salts)
	}
}

// BenchmarkUnlock tells what a caller with a key costs.
func BenchmarkUnlock(b *testing.B) {
	m := material{size: 32, salt: make([]byte, kmSalt), wrap: make([]byte, 40)}
	for b.Loop() {
		if _, err := newKeys("correct horse battery", m); err == nil {
			b.Fatal("it was opened")
		}
	}
}
