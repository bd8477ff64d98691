// Package servicetest is what the suites of services share: their main, a clock, a log,
// the cache that goes with a database, and a client of the HTTP API in memory.
package servicetest

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/fault"
)

// Main runs the tests and wants every goroutine ended but two of fasthttp's: its worker
// pool notices its end only after a sleep of 10 s, and its clock never ends.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// Clock is a time that tests move.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock shows that time.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Log is what was logged; it may be read while it is written.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write is for a slog.Handler.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Redis is the real one beside PostgreSQL, where there is one, else the embedded.
func Redis(t testing.TB, d *db.DB) *redis.Client {
	t.Helper()
	if d.Postgres() && os.Getenv(redistest.Env) != "" {
		return redistest.Real(t)
	}
	return redistest.Embedded(t)
}

// Person is somebody with that role on the installation.
func Person(role auth.Role) auth.Identity {
	return auth.Identity{User: uuid.Must(uuid.NewV7()), Session: uuid.Must(uuid.NewV7()), Role: role}
}

// Tokens are who has which token. A token that is a UUID is that user's.
type Tokens map[string]auth.Identity

// Verify is httpd.Verifier.
func (h Tokens) Verify(_ context.Context, token string) (auth.Identity, error) {
	if who, known := h[token]; known {
		return who, nil
	}
	if id, err := uuid.Parse(token); err == nil {
		return auth.Identity{User: id, Session: id, Role: auth.User}, nil
	}
	return auth.Identity{}, fault.New(fault.Unauthenticated, "the token does not hold")
}
