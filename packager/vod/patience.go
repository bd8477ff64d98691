package vod

import (
	"errors"
	"net/http"
	"time"
)

// perNetwork is how many files one network may get at once, so that nobody takes all
// slots.
const perNetwork = 2

const (
	// slowest is what a download must take, in bytes a second.
	slowest = 32 << 10
	// patience is over how much time that is measured. Only time that is spent waiting
	// for the reader counts.
	patience = 30 * time.Second
)

var errSlow = errors.New("the reader is too slow")

// unhurried gives each piece of an answer the time to leave that others have for the
// whole, and lets go of readers that take less than slowest.
type unhurried struct {
	w     http.ResponseWriter
	clock func() time.Time
	next  time.Time // of the deadline

	spent time.Duration // in Write, since the last measurement
	sent  int64
}

// Write implements io.Writer.
func (u *unhurried) Write(b []byte) (int, error) {
	began := u.clock()
	if began.After(u.next) {
		deadline(u.w)
		u.next = began.Add(time.Second)
	}
	n, err := u.w.Write(b)
	u.sent += int64(n)
	if u.spent += u.clock().Sub(began); u.spent >= patience {
		if err == nil && float64(u.sent) < slowest*u.spent.Seconds() {
			err = errSlow
		}
		u.spent, u.sent = 0, 0
	}
	return n, err
}
