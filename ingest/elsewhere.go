package ingest

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Elsewhere refuses a publisher whom another server would take.
type Elsewhere struct {
	Reason error  // why not here
	To     string // where: a URL without a path, of the scheme of Request.Scheme
}

func (e *Elsewhere) Error() string { return e.Reason.Error() + " (" + e.To + ")" }
func (e *Elsewhere) Unwrap() error { return e.Reason }

// Sends is where an error sends its publisher; empty: nowhere.
func Sends(err error) string {
	var e *Elsewhere
	if errors.As(err, &e) {
		return e.To
	}
	return ""
}

// sentKey names the mark in the query of an address to which a publisher is sent. Its value
// is when that was, in seconds: servers that are all full must not send one about for ever.
const sentKey = "weir-sent="

// sentLately is how long a mark counts. The clocks of two servers may differ by as much.
const sentLately = 30 * time.Second

// MarkSent puts the mark into a query, in place of an older one.
func MarkSent(query string, now time.Time) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if part != "" && !strings.HasPrefix(part, sentKey) {
			kept = append(kept, part)
		}
	}
	return strings.Join(append(kept, sentKey+strconv.FormatInt(now.Unix(), 10)), "&")
}

// WasSent tells whether a query has a mark that counts. Who forges one is sent nowhere.
func WasSent(query string, now time.Time) bool {
	for part := range strings.SplitSeq(query, "&") {
		if text, ok := strings.CutPrefix(part, sentKey); ok {
			at, err := strconv.ParseInt(text, 10, 64)
			return err == nil && now.Sub(time.Unix(at, 0)).Abs() < sentLately
		}
	}
	return false
}
