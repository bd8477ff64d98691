package redistest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
)

// Env names the variable with the URL of a real server, of which databases 0 to 15
// are the tests' own.
const Env = "WEIR_TEST_REDIS_URL"

// databases of a server as it is installed: 0 holds the leases, the others are given out.
const databases = 16

// lease is how long a database stays taken by a test that was killed.
const lease = 10 * time.Minute

// Each runs f as a subtest on a fresh embedded server, and as another one on a fresh
// database of the server of Env, if that is set.
func Each(t *testing.T, f func(t *testing.T, c *redis.Client)) {
	t.Helper()
	t.Run("redis=embedded", func(t *testing.T) { f(t, Embedded(t)) })
	if os.Getenv(Env) != "" {
		t.Run("redis="+Env, func(t *testing.T) { f(t, Real(t)) })
	}
}

// Embedded returns a fresh embedded server's client, closed after the test.
func Embedded(t testing.TB) *redis.Client {
	t.Helper()
	return open(t, "")
}

// Real returns a client of a fresh database of the server of Env, emptied and closed
// after the test; it fails the test when Env is not set. It waits while all
// databases are taken.
func Real(t testing.TB) *redis.Client {
	t.Helper()
	base := os.Getenv(Env)
	if base == "" {
		t.Fatalf("%s is not set", Env)
	}
	n := take(t, open(t, withDatabase(t, base, 0)))
	c := open(t, withDatabase(t, base, n))
	flush(t, c)
	t.Cleanup(func() { flush(t, c) }) // before c is closed: last in, first out
	return c
}

func open(t testing.TB, url string) *redis.Client {
	t.Helper()
	c, err := redis.Open(t.Context(), redis.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, goredis.ErrClosed) {
			t.Error(err)
		}
	})
	return c
}

func flush(t testing.TB, c *redis.Client) {
	t.Helper()
	if err := c.FlushDB(context.WithoutCancel(t.Context())).Err(); err != nil {
		t.Error(err)
	}
}

func withDatabase(t testing.TB, base string, n int) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is not a URL", Env) // err would show the password
	}
	u.Path = fmt.Sprintf("/%d", n)
	return u.String()
}

// take returns the number of a database that nobody else has, until the test ends.
func take(t testing.TB, zero *redis.Client) int {
	t.Helper()
	ctx := t.Context()
	owner := rand.Text()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		for n := 1; n < databases; n++ {
			key := fmt.Sprintf("weir:redistest:%d", n)
			err := zero.SetArgs(ctx, key, owner, goredis.SetArgs{Mode: "NX", TTL: lease}).Err()
			if err == nil {
				t.Cleanup(func() { give(t, zero, key) })
				return n
			}
			if !errors.Is(err, redis.Nil) {
				t.Fatal(err)
			}
		}
		select {
		case <-ctx.Done():
			t.Fatal("no free database on the server of " + Env)
		case <-again.C:
		}
	}
}

func give(t testing.TB, zero *redis.Client, key string) {
	t.Helper()
	if err := zero.Del(context.WithoutCancel(t.Context()), key).Err(); err != nil {
		t.Error(err)
	}
}
