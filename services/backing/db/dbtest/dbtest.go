package dbtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/services/backing/db"
)

// Variable is the environment variable with the address of a PostgreSQL for tests.
const Variable = "WEIR_TEST_DATABASE_URL"

// setupWithin bounds the creating and dropping of a database.
const setupWithin = time.Minute

// Each runs a test on each database there is, as subtests "sqlite" and "postgres".
// Each time the database is open, empty, and of this test alone; it is closed after.
func Each(t *testing.T, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachConfig(t, func(t *testing.T, c db.Config) { run(t, Open(t, c)) })
}

// EachConfig is Each for tests that open the database themselves: several times, or
// in another process. What they opened they close before they return, or in a Cleanup.
func EachConfig(t *testing.T, run func(t *testing.T, c db.Config)) {
	t.Helper()
	for name, fresh := range kinds() {
		t.Run(name, func(t *testing.T) { run(t, fresh(t)) })
	}
}

// Postgres is a fresh database on the server that Variable names, for tests that make no
// sense without a server.
func Postgres(t testing.TB) db.Config {
	t.Helper()
	server := os.Getenv(Variable)
	if server == "" {
		t.Fatalf("%s is not set", Variable)
	}
	return freshDatabase(t, server)
}

// Bench is Each for benchmarks.
func Bench(b *testing.B, run func(b *testing.B, d *db.DB)) {
	b.Helper()
	for name, fresh := range kinds() {
		b.Run(name, func(b *testing.B) { run(b, Open(b, fresh(b))) })
	}
}

// Open opens a database until the test ends.
func Open(t testing.TB, c db.Config) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// kinds are the makers of fresh databases by name.
func kinds() map[string]func(testing.TB) db.Config {
	all := map[string]func(testing.TB) db.Config{"sqlite": freshFile}
	if server := os.Getenv(Variable); server != "" {
		all["postgres"] = func(t testing.TB) db.Config { return freshDatabase(t, server) }
	}
	return all
}

func freshFile(t testing.TB) db.Config {
	return db.Config{Path: filepath.Join(t.TempDir(), "weir.db")}
}

// freshDatabase makes a database and drops it when the test ends.
func freshDatabase(t testing.TB, server string) db.Config {
	t.Helper()
	name := "weir_test_" + strings.ToLower(rand.Text())
	onServer(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { onServer(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	u, err := url.Parse(server) // was good enough for onServer
	if err != nil {
		t.Fatalf("%s is no URL", Variable)
	}
	u.Path = "/" + name
	return db.Config{URL: u.String()}
}

// onServer runs one statement on the database that the variable names. It does not use
// the test's context, which has ended when cleanups run.
func onServer(t testing.TB, server, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), setupWithin)
	defer cancel()
	d, err := db.Open(ctx, db.Config{URL: server})
	if err != nil {
		t.Fatalf("%s: %v", Variable, err)
	}
	defer d.Close()
	if _, err := d.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %s: %v (may its user create databases?)", Variable, statement, err)
	}
}
