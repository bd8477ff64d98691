package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func box(t testing.TB, key []byte, old ...[]byte) *Box {
	t.Helper()
	b, err := New(key, old...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSeal(t *testing.T) {
	one, two := NewKey(), NewKey()
	a, other, both := box(t, one), box(t, two), box(t, two, one)
	secret := []byte("JBSWY3DPEHPK3PXP")
	text := a.Seal(secret, "user_totp", "7")
	if text == a.Seal(secret, "user_totp", "7") || strings.Contains(text, string(secret)) || !strings.HasPrefix(text, a.Prefix()) || !Sealed(text) || Sealed(string(secret)) {
		t.Error(text)
	}
	for name, c := range map[string]struct {
		box   *Box
		text  string
		place []string
		want  error
	}{
		"right": {a, text, []string{"user_totp", "7"}, nil}, "old key": {both, text, []string{"user_totp", "7"}, nil},
		"another key": {other, text, []string{"user_totp", "7"}, ErrOtherKey}, "another row": {a, text, []string{"user_totp", "8"}, ErrDamaged},
		"no place": {a, text, nil, ErrDamaged}, "moved border": {a, text, []string{"user_totp7", ""}, ErrDamaged}, "one word": {a, text, []string{"user_totp|1:7"}, ErrDamaged},
		"in clear": {a, string(secret), []string{"user_totp", "7"}, ErrDamaged}, "nothing": {a, "", nil, ErrDamaged}, "no rest": {a, a.Prefix(), []string{"user_totp", "7"}, ErrDamaged},
		"shortened": {a, text[:len(text)-2], []string{"user_totp", "7"}, ErrDamaged}, "key renamed": {both, strings.Replace(text, a.ID(), other.ID(), 1), []string{"user_totp", "7"}, ErrDamaged},
		"not base64": {a, a.Prefix() + "!!", nil, ErrDamaged}, "huge": {a, text + strings.Repeat("A", longest), []string{"user_totp", "7"}, ErrDamaged},
	} {
		got, err := c.box.Open(c.text, c.place...)
		if !errors.Is(err, c.want) || (c.want == nil) != bytes.Equal(got, secret) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for i := range len(text) {
		changed := []byte(text)
		changed[i] ^= 1
		if got, err := a.Open(string(changed), "user_totp", "7"); err == nil {
			t.Fatalf("byte %d changed: %q", i, got)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", a, a, a); strings.Contains(shown, hex.EncodeToString(one[:4])) || !strings.Contains(shown, a.ID()) {
		t.Error(shown)
	}
}

func TestParseKey(t *testing.T) {
	key := NewKey()
	for _, text := range []string{
		hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)) + "\n", base64.StdEncoding.EncodeToString(key), base64.RawStdEncoding.EncodeToString(key),
		base64.URLEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key),
	} {
		if got, err := ParseKey(text); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%v", err)
		}
	}
	for _, text := range []string{"", "secret", hex.EncodeToString(key)[1:], hex.EncodeToString(key) + "00", base64.StdEncoding.EncodeToString(key[1:]), strings.Repeat("ä", 22)} {
		if _, err := ParseKey(text); !errors.Is(err, ErrKey) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := New(key[1:]); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := New(key, nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

// Many at once get one key, which stays.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	keys := make([][]byte, 16)
	var wait sync.WaitGroup
	for i := range keys {
		wait.Go(func() {
			var err error
			if keys[i], err = KeyFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, k := range keys {
		if len(k) != KeySize || !bytes.Equal(k, keys[0]) {
			t.Fatal("two keys")
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := KeyFile(path); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Error(err)
	}
	os.Chmod(path, 0o600)
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := KeyFile(path); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := KeyFile(filepath.Join(path, "x")); err == nil {
		t.Error("no folder, no error")
	}
}
