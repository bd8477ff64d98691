package ingest

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestQuiet: a stranger's lines are bounded, and those left out are counted.
func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	q := Quiet{Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&out, nil))}
	for range 100 {
		q.Warn("10.0.0.1:5", "bad")
	}
	q.Warn("10.0.0.2:5", "bad")
	if n := strings.Count(out.String(), "\n"); n != quietEach+1 {
		t.Errorf("%d lines", n)
	}
	now = now.Add(quietTime)
	q.Warn("10.0.0.1:5", "bad")
	if !strings.Contains(out.String(), "count=95") {
		t.Errorf("log: %s", out.String())
	}
}
