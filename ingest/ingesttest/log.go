package ingesttest

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log keeps what a server says. It may be read while it is written.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // a token when there is more
}

// NewLog makes an empty Log.
func NewLog() *Log { return &Log{more: make(chan struct{}, 1)} }

// Logger writes into l.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write is io.Writer, for Logger.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

// String is all of it so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Await waits until some words were written n times. One goroutine at a time may wait.
func (l *Log) Await(t testing.TB, words string, n int) {
	t.Helper()
	late := time.After(30 * time.Second)
	for strings.Count(l.String(), words) < n {
		select {
		case <-l.more:
		case <-late:
			t.Fatalf("not %d times %q in the log:\n%s", n, words, l)
		}
	}
}
