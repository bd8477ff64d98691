package transcode

import (
	"sync"
	"time"
)

const (
	lateLag      = time.Second            // of an encoded packet behind its source packet
	fineLag      = 500 * time.Millisecond // below it there is time to spare
	lateFor      = 2 * time.Second        // how long it may be late before something is shed
	graceTime    = 5 * time.Second        // at the start of a session nothing is shed
	settleTime   = 3 * time.Second        // from one change to the next
	firstQuiet   = 30 * time.Second       // how long all is fine before a rung comes back
	longestQuiet = 8 * time.Minute
)

// load decides, from how late rungs are, which of them are shed. Rungs are
// numbered from the largest. It starts nothing and has no clock.
type load struct {
	mu      sync.Mutex
	lags    []time.Duration
	off     []bool // shed
	idle    []bool // not encoding for another reason
	keepOne bool   // nothing is passed through: one rung must stay

	began, lateSince, fineSince, changed, restored time.Time
	quiet                                          time.Duration
}

func newLoad(rungs int) *load {
	return &load{lags: make([]time.Duration, rungs), off: make([]bool, rungs), idle: make([]bool, rungs), quiet: firstQuiet}
}

// change is one decision: rung number rung is shed or comes back.
type change struct {
	rung int
	shed bool
}

// observe notes that a packet of a rung came out lag after its source packet;
// rung -1 only says what time it is. ok is false when nothing is to change.
func (l *load) observe(rung int, lag time.Duration, now time.Time) (c change, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.began.IsZero() {
		l.began, l.changed = now, now
	}
	if rung >= 0 {
		l.lags[rung] = lag
	}
	worst := time.Duration(0)
	for i, lag := range l.lags {
		if !l.off[i] && !l.idle[i] {
			worst = max(worst, lag)
		}
	}
	if worst > lateLag {
		l.fineSince = time.Time{}
		return l.late(now)
	}
	l.lateSince = time.Time{}
	if worst > fineLag {
		l.fineSince = time.Time{}
		return change{}, false
	}
	return l.fine(now)
}

func (l *load) late(now time.Time) (change, bool) {
	if now.Sub(l.began) < graceTime {
		return change{}, false
	}
	if l.lateSince.IsZero() {
		l.lateSince = now
	}
	if now.Sub(l.lateSince) < lateFor || now.Sub(l.changed) < settleTime {
		return change{}, false
	}
	first, running := -1, 0
	for i := range l.off {
		if !l.off[i] && !l.idle[i] {
			running++
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 || running == 1 && l.keepOne {
		return change{}, false
	}
	if !l.restored.IsZero() && now.Sub(l.restored) < 2*l.quiet {
		l.quiet = min(2*l.quiet, longestQuiet) // it came back too early
	} else {
		l.quiet = firstQuiet
	}
	l.off[first], l.lags[first] = true, 0
	l.changed, l.lateSince = now, time.Time{}
	return change{first, true}, true
}

func (l *load) fine(now time.Time) (change, bool) {
	if l.fineSince.IsZero() {
		l.fineSince = now
	}
	if now.Sub(l.fineSince) < l.quiet || now.Sub(l.changed) < l.quiet {
		return change{}, false
	}
	for i := len(l.off) - 1; i >= 0; i-- {
		if l.off[i] {
			l.off[i] = false
			l.changed, l.restored = now, now
			return change{i, false}, true
		}
	}
	return change{}, false
}

// setIdle says that a rung does not encode, whatever the load, or does again.
func (l *load) setIdle(rung int, idle bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle[rung], l.lags[rung] = idle, 0
}

// setKeepOne says whether one rung must stay however late it is.
func (l *load) setKeepOne(keep bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keepOne = keep
}
