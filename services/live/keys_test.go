package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asProcess makes the test program act as one more weir process: it creates some
// keys in a folder and prints them.
const asProcess = "WEIR_TEST_KEYS_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asProcess); dir != "" {
		if err := createMany(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func createMany(dir string) error {
	keys, err := Open(dir, nil)
	if err != nil {
		return err
	}
	first, err := keys.First("main")
	if err != nil {
		return err
	}
	if first != "" {
		fmt.Println("main", first)
	}
	for i := range 10 {
		name := fmt.Sprintf("p%d-%d", os.Getpid(), i)
		_, key, err := keys.Create(name)
		if err != nil {
			return err
		}
		fmt.Println(name, key)
	}
	return nil
}

func open(t *testing.T, dir string) *Keys {
	t.Helper()
	k, err := Open(dir, func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 5, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCreateResolveRevoke(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	k := open(t, dir)
	id, key, err := k.Create("main")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`).MatchString(key) || !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(id) {
		t.Fatalf("key or id is malformed: id %q, key of %d characters", id, len(key))
	}
	if name, err := k.Resolve(ctx, key); err != nil || name != "main" {
		t.Fatalf("Resolve: %q, %v", name, err)
	}
	for _, wrong := range []string{"", "main", key[1:], key + "x", strings.ToLower(key) + "A", strings.Repeat("x", 1<<20)} {
		if _, err := k.Resolve(ctx, wrong); !errors.Is(err, ErrDenied) {
			t.Errorf("Resolve(%.40q): %v, want ErrDenied", wrong, err)
		}
	}
	list, err := k.List()
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].Name != "main" || !list[0].Created.Equal(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)) {
		t.Fatalf("List: %+v, %v", list, err)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "keys.json"))
	if strings.Contains(string(text), key) || !strings.Contains(string(text), list[0].Hash) {
		t.Error("the file must hold the hash and not the key")
	}
	if info, err := os.Stat(filepath.Join(dir, "keys.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := k.Revoke(id); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Resolve(ctx, key); !errors.Is(err, ErrDenied) {
		t.Errorf("a revoked key resolves: %v", err)
	}
	if err := k.Revoke(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("second Revoke: %v", err)
	}
}

func TestNames(t *testing.T) {
	k := open(t, t.TempDir())
	for name, ok := range map[string]bool{
		"a": true, "0": true, "main": true, "a-b_c": true, strings.Repeat("a", 63): true,
		"": false, "-a": false, "_a": false, "A": false, "a b": false, "a/b": false, "../a": false, "é": false, "a\n": false, strings.Repeat("a", 64): false,
	} {
		if ValidName(name) != ok {
			t.Errorf("ValidName(%q) = %v", name, !ok)
		}
		if _, _, err := k.Create(name); ok != (err == nil) || !ok && !errors.Is(err, ErrName) {
			t.Errorf("Create(%q): %v", name, err)
		}
		got, err := OpenDoor{}.Resolve(context.Background(), name)
		if ok && (err != nil || got != name) || !ok && !errors.Is(err, ErrDenied) {
			t.Errorf("OpenDoor(%q): %q, %v", name, got, err)
		}
	}
}

func TestFirstOnlyOnce(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir)
	key, err := k.First("main")
	if err != nil || key == "" {
		t.Fatalf("First: %q, %v", key, err)
	}
	list, err := k.List()
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if err := k.Revoke(list[0].ID); err != nil {
		t.Fatal(err)
	}
	if key, err := open(t, dir).First("main"); err != nil || key != "" {
		t.Errorf("a folder whose only key was revoked got a new one: %q, %v", key, err)
	}
}

func TestLend(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	k := open(t, dir)
	key, giveBack, err := k.Lend("demo")
	if err != nil {
		t.Fatal(err)
	}
	if name, err := k.Resolve(ctx, key); err != nil || name != "demo" {
		t.Fatalf("Resolve: %q, %v", name, err)
	}
	if _, err := open(t, dir).Resolve(ctx, key); !errors.Is(err, ErrDenied) {
		t.Errorf("another process knows a lent key: %v", err)
	}
	giveBack()
	if _, err := k.Resolve(ctx, key); !errors.Is(err, ErrDenied) {
		t.Errorf("a key given back resolves: %v", err)
	}
}

func TestDamagedFile(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "half": `{"version":1,"ke`, "newer": `{"version":2,"keys":[]}`, "other": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k := open(t, dir)
			path := filepath.Join(dir, "keys.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := k.Resolve(context.Background(), "x"); !errors.Is(err, ErrFile) {
				t.Errorf("Resolve: %v, want ErrFile", err)
			}
			if _, _, err := k.Create("main"); !errors.Is(err, ErrFile) {
				t.Errorf("Create: %v, want ErrFile", err)
			}
			if _, err := Open(dir, nil); !errors.Is(err, ErrFile) {
				t.Errorf("Open: %v, want ErrFile", err)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != text {
				t.Errorf("the damaged file was overwritten: %q, %v", now, err)
			}
		})
	}
}

// Several processes create keys at once, while this one is running: none is lost,
// exactly one makes the first key, and this process sees all of them.
func TestConcurrentProcesses(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	running := open(t, dir)
	const processes = 4
	var outs [processes]strings.Builder
	var cmds [processes]*exec.Cmd
	for i := range cmds {
		cmds[i] = exec.Command(os.Args[0])
		cmds[i].Env = append(os.Environ(), asProcess+"="+dir)
		cmds[i].Stdout, cmds[i].Stderr = &outs[i], os.Stderr
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	var total, mains int
	for i := range outs {
		for line := range strings.Lines(outs[i].String()) {
			name, key, _ := strings.Cut(strings.TrimSpace(line), " ")
			if got, err := running.Resolve(ctx, key); err != nil || got != name {
				t.Errorf("key of %s resolves to %q, %v", name, got, err)
			}
			total++
			if name == "main" {
				mains++
			}
		}
	}
	if mains != 1 || total != processes*10+1 {
		t.Errorf("%d keys in all, %d of them first; want %d and 1", total, mains, processes*10+1)
	}
	if list, err := running.List(); err != nil || len(list) != total {
		t.Errorf("List has %d, want %d (%v)", len(list), total, err)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(`{"version":1,"keys":[{"id":"01020304","name":"main","hash":"00","created":"2026-11-23T00:00:00Z"}]}`))
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":1,"keys":[{"id":5}]}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "keys.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := Open(dir, nil)
		if err != nil {
			return
		}
		if name, err := keys.Resolve(context.Background(), "no such key"); err == nil {
			t.Fatalf("resolved to %q", name)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	k, err := Open(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	_, key, err := k.Create("main")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Resolve(context.Background(), key); err != nil {
			b.Fatal(err)
		}
	}
}
