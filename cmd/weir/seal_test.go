package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// The key is made once, stays, and without it nothing starts.
func TestSecretKey(t *testing.T) {
	t.Chdir(t.TempDir())
	// Whether doctor finds something else depends on how this was built.
	expect := func(code int, want string, environ []string, args ...string) {
		t.Helper()
		r := weir(context.Background(), environ, args...)
		if args[0] != "doctor" && r.code != code || !strings.Contains(r.stdout+r.stderr, want) {
			t.Errorf("%v: %+v, want %d and %q", args, r, code, want)
		}
	}
	const one, two = "WEIR_SECRET_KEY=0000000000000000000000000000000000000000000000000000000000000001", "WEIR_SECRET_KEY=0000000000000000000000000000000000000000000000000000000000000002"
	expect(0, "ok   WEIR_SECRET_KEY: none yet", quiet(), "doctor")
	if _, err := os.Stat("data/secret.key"); err == nil {
		t.Error("doctor made a key")
	}
	expect(0, "NAME", quiet(), "user", "list")
	expect(0, "ok   WEIR_SECRET_KEY: data/secret.key has the key ", quiet(), "doctor")
	expect(1, "the same WEIR_SECRET_KEY", quiet(one), "user", "list")
	expect(1, "BAD  WEIR_SECRET_KEY: ", quiet(one), "doctor")
	expect(1, "want 32 random bytes", quiet("WEIR_SECRET_KEY=short"), "user", "list")

	for _, name := range []string{"WEIR_SECRET_KEY", "WEIR_SECRET_KEY_OLD"} { // named, and once
		if r := weir(context.Background(), quiet(one, name+"=short"), "doctor"); strings.Count(r.stdout, "want 32 random bytes") != 1 || !strings.Contains(r.stdout, "BAD  "+name+": want") {
			t.Errorf("%s is wrong: %s", name, r.stdout)
		}
	}

	text, err := os.ReadFile("data/secret.key")
	if err != nil {
		t.Fatal(err)
	}
	expect(0, "NAME", quiet(one, "WEIR_SECRET_KEY_OLD="+strings.TrimSpace(string(text))), "user", "list") // changed
	expect(0, "ok   WEIR_SECRET_KEY: the key is ", quiet(one), "doctor")
	expect(1, "the same WEIR_SECRET_KEY", quiet(), "user", "list")
	os.Remove("data/secret.key") // lost
	expect(1, "sealed with another key", quiet(), "user", "list")
	expect(1, "BAD  WEIR_SECRET_KEY: ", quiet(two), "doctor")
	if r := weir(context.Background(), quiet(one), "config"); strings.Contains(r.stdout, "00001") {
		t.Error("the key is shown")
	}
}
