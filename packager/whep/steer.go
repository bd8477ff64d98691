package whep

import (
	"time"

	"weir/media"
	"weir/media/hub"
)

// option is a picture that a viewer can get.
type option struct {
	id     media.StreamID
	stream *hub.Stream
	pixels int
	rate   int // bit/s; 0: not known
}

const (
	tooMuchFor  = 1500 * time.Millisecond // more than the estimate, before a viewer goes down
	firstTrial  = 5 * time.Second         // all well, before a viewer goes up
	longestWait = 2 * time.Minute
	trialTime   = 10 * time.Second // going down again within it means that going up was wrong
)

// steer decides which picture a viewer gets. The estimate of the bandwidth cannot
// grow far above what is sent, so going up is a trial: made after a quiet time, which
// doubles with each trial that fails. It has no clock.
type steer struct {
	lowSince, fineSince, tried time.Time
	quiet                      time.Duration
}

// pick chooses from options, best first, of which current is the one that is sent now
// (or not among them). It returns the index, -1 without options.
func (s *steer) pick(options []option, current media.StreamID, estimate int, now time.Time) int {
	at := -1
	for i, o := range options {
		if o.id == current {
			at = i
		}
	}
	if at < 0 {
		s.lowSince, s.fineSince = time.Time{}, time.Time{}
		return fitting(options, 0, estimate)
	}
	if options[at].rate > estimate+estimate/5 {
		s.fineSince = time.Time{}
		return s.low(options, at, estimate, now)
	}
	s.lowSince = time.Time{}
	if at == 0 || estimate < options[at].rate {
		s.fineSince = time.Time{}
		return at
	}
	return s.fine(options, at, now)
}

func (s *steer) low(options []option, at, estimate int, now time.Time) int {
	if s.lowSince.IsZero() {
		s.lowSince = now
	}
	if now.Sub(s.lowSince) < tooMuchFor || at == len(options)-1 {
		return at
	}
	if !s.tried.IsZero() && now.Sub(s.tried) < trialTime {
		s.quiet = min(2*s.wait(), longestWait)
	}
	s.lowSince = time.Time{}
	return fitting(options, at+1, estimate)
}

func (s *steer) fine(options []option, at int, now time.Time) int {
	if s.fineSince.IsZero() {
		s.fineSince = now
	}
	if now.Sub(s.fineSince) < s.wait() {
		return at
	}
	s.fineSince, s.tried = time.Time{}, now
	return at - 1
}

func (s *steer) wait() time.Duration { return max(s.quiet, firstTrial) }

// fitting is the best option from one on that the estimate allows, else the last.
func fitting(options []option, from, estimate int) int {
	for i := from; i < len(options); i++ {
		if options[i].rate <= estimate {
			return i
		}
	}
	return len(options) - 1
}
