package ingest

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// A publisher that is sent elsewhere is told why, and where to; what it was refused for
// stays what it was.
func TestElsewhere(t *testing.T) {
	const to = "rtmp://b.example.com:1935"
	err := fmt.Errorf("publish: %w", &Elsewhere{ErrMoved, to})
	if Sends(err) != to || Sends(ErrMoved) != "" || Sends(nil) != "" {
		t.Errorf("sent to %q", Sends(err))
	}
	if !errors.Is(err, ErrMoved) || !Orderly(err) {
		t.Error("the reason is lost")
	}
	if got, want := Words(err), ErrMoved.Error()+" ("+to+")"; got != want {
		t.Errorf("it is told %q, want %q", got, want)
	}
	full := &Elsewhere{Refusal{Words: "full"}, to}
	if got := Words(full); !errors.Is(full, ErrDenied) || got != "full ("+to+")" {
		t.Errorf("it is told %q", got)
	}
}

// The mark counts for a while, and there is one at most.
func TestMarkSent(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for query, want := range map[string]string{
		"":                        "weir-sent=1800000000",
		"a=b&c":                   "a=b&c&weir-sent=1800000000",
		"weir-sent=17&a=b&&":      "a=b&weir-sent=1800000000",
		"weir-sent=1&weir-sent=2": "weir-sent=1800000000",
	} {
		got := MarkSent(query, now)
		if got != want || !WasSent(got, now.Add(20*time.Second)) || !WasSent(got, now.Add(-20*time.Second)) || WasSent(got, now.Add(time.Minute)) {
			t.Errorf("%q is marked as %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"", "weir-sent", "weir-sent=", "weir-sent=x", "weir-sent=99999999999999999999", "weir-sent=-9223372036854775808", "weir-sent=9223372036854775807", "aweir-sent=1800000000"} {
		if WasSent(query, now) {
			t.Errorf("%q is a mark", query)
		}
	}
}
