package db_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
)

func TestOpenNothing(t *testing.T) {
	for _, c := range []db.Config{{}, {Path: "x", MaxConns: -1}} {
		if d, err := db.Open(t.Context(), c); err == nil {
			d.Close()
			t.Error(c)
		}
	}
}

// No error about a URL shows its password, however badly the URL is written.
func TestOpenURLKeepsPassword(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	cases := map[string]string{
		"postgres://weir:hunter2@" + address + "/weir":                             "is the server running",
		"postgres://weir:hunter2@" + address + "/weir?password=hunter2":            "is the server running",
		"postgres://weir:hunter2/x@host:5432/weir":                                 "percent-encoded",
		"postgres://weir:hunter2%zz@host/weir":                                     "percent-encoded",
		"postgres://weir:hunter2@host:port/weir":                                   "percent-encoded",
		"postgres://weir:hunter2@host/weir?sslmode=hunter2":                        "sslmode",
		"postgres://weir:hunter2@host/weir?connect_timeout=hunter2":                "percent-encoded",
		"postgres://weir:hunter2@host/weir?pool_max_conns=hunter2":                 "percent-encoded",
		"postgres://weir:hunter2@host/weir?sslmode=verify-full&sslrootcert=/none/": "percent-encoded",
		"mysql://weir:hunter2@host/weir":                                           "postgres://",
		"host=localhost password=hunter2":                                          "postgres://",
		"hunter2":                                                                  "postgres://",
	}
	for text, want := range cases {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		d, err := db.Open(ctx, db.Config{URL: text})
		cancel()
		if err == nil {
			d.Close()
			t.Errorf("%s was opened", text)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A server that takes the connection and says nothing.
func TestOpenSilentServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = db.Open(ctx, db.Config{URL: "postgres://weir:hunter2@" + silent.Addr().String() + "/weir?sslmode=disable"})
	if !errors.Is(err, db.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// With a real PostgreSQL: each of its refusals says what to do.
func TestOpenRefusedByServer(t *testing.T) {
	server := os.Getenv(dbtest.Variable)
	if server == "" {
		t.Logf("%s is not set: no server to be refused by", dbtest.Variable)
		return
	}
	cases := map[string]struct {
		spoil func(*url.URL)
		want  string
	}{
		"wrong password": {func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "hunter2") }, "password"},
		"wrong user":     {func(u *url.URL) { u.User = url.UserPassword("nobody", "hunter2") }, "password"},
		"no database":    {func(u *url.URL) { u.Path = "/no_such_database" }, "CREATE DATABASE"},
	}
	for name, c := range cases {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal("no URL")
		}
		c.spoil(u)
		password, _ := u.User.Password()
		_, err = db.Open(t.Context(), db.Config{URL: u.String()})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenBadPath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                            "cannot be written",
		filepath.Join(file, "weir.db"): "cannot be made",
		file:                           "no SQLite database",
	} {
		d, err := db.Open(t.Context(), db.Config{Path: path})
		if err == nil {
			d.Close()
			t.Errorf("%s was opened", path)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Any name of a folder will do, the file is for its owner only, and it is all there
// when it is opened again.
func TestOpenOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%20?c=d&_pragma=x#é", "weir.db")
	for i := range 3 {
		d, err := db.Open(t.Context(), db.Config{Path: path, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), things(t)); err != nil {
			t.Fatal(err)
		}
		insert(t, d, newThing("x"))
		if n := count(t, d, "things"); n != i+1 {
			t.Errorf("%d things", n)
		}
		d.Close()
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

func TestClosed(t *testing.T) {
	dbtest.EachConfig(t, func(t *testing.T, c db.Config) {
		d, err := db.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		d.Close()
		_, exec := d.Exec(t.Context(), "SELECT 1")
		tx := d.Tx(t.Context(), func(context.Context, db.Q) error { t.Error("ran"); return nil })
		for what, err := range map[string]error{"Exec": exec, "Tx": tx, "Ping": d.Ping(t.Context())} {
			if !errors.Is(err, db.ErrUnavailable) {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
	})
}

// Another process holds the SQLite file for longer than we wait: Tx says unavailable
// when the caller has no more time, and works when the file is free again.
func TestBusyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	ours, theirs := dbtest.Open(t, db.Config{Path: path}), dbtest.Open(t, db.Config{Path: path})
	if err := ours.Migrate(t.Context(), things(t)); err != nil {
		t.Fatal(err)
	}
	err := theirs.Tx(t.Context(), func(_ context.Context, q db.Q) error {
		insert(t, q, newThing("theirs"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := ours.Tx(ctx, func(context.Context, db.Q) error { t.Error("ran"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if n := count(t, ours, "things"); n != 0 {
			t.Error(n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, ours, newThing("ours"))
	if n := count(t, theirs, "things"); n != 2 {
		t.Error(n)
	}
}
