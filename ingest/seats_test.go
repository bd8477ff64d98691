package ingest

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestNetwork(t *testing.T) {
	tests := []struct{ a, b string }{
		{"10.1.2.3:1", "10.1.2.3:2"},
		{"10.1.2.3:1", "[::ffff:10.1.2.3]:2"},
		{"[2001:db8:1:2:3::1]:1", "[2001:db8:1:2:4::9]:2"},
	}
	for _, tt := range tests {
		if Network(tt.a) != Network(tt.b) {
			t.Errorf("%s and %s count apart", tt.a, tt.b)
		}
	}
	if Network("10.1.2.3:1") == Network("10.1.2.4:1") || Network("[2001:db8::1]:1") == Network("[2001:db8:0:1::1]:1") {
		t.Error("two hosts count as one")
	}
}

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
