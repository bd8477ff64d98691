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

// link is the way to a viewer.
type link struct {
	rate      int  // bit/s that it is estimated to carry
	congested bool // packets are late or lost now
}

const (
	tooMuchFor  = 1500 * time.Millisecond // more than the estimate, before a viewer goes down
	tooMuchNew  = 500 * time.Millisecond  // the same, just after it went up
	firstTrial  = 5 * time.Second         // all well, before a viewer goes up
	longestWait = 2 * time.Minute
	trialTime   = 10 * time.Second // going down again within it means that going up was wrong
)

// steer decides which picture a viewer gets. The estimate of the bandwidth cannot
// grow far above what is sent, so going up is a trial: made after a quiet time, which
// doubles with each trial that fails. The estimate needs some time to follow; until then
// the trial is believed, as long as nothing is late or lost. It has no clock.
type steer struct {
	lowSince, fineSince, tried time.Time
	quiet                      time.Duration
	believed                   bool
}

// pick chooses from options, best first, of which current is the one that is sent now
// (or not among them). It returns the index, -1 without options.
func (s *steer) pick(options []option, current media.StreamID, l link, now time.Time) int {
	at := -1
	for i, o := range options {
		if o.id == current {
			at = i
		}
	}
	if at < 0 {
		s.lowSince, s.fineSince, s.believed = time.Time{}, time.Time{}, false
		return fitting(options, 0, l.rate)
	}
	s.believed = s.believed && !l.congested && l.rate < options[at].rate
	if !s.believed && options[at].rate > l.rate+l.rate/5 {
		s.fineSince = time.Time{}
		return s.low(options, at, l.rate, now)
	}
	s.lowSince = time.Time{}
	if at == 0 || l.rate < options[at].rate {
		s.fineSince = time.Time{}
		return at
	}
	return s.fine(options, at, now)
}

func (s *steer) low(options []option, at, estimate int, now time.Time) int {
	if s.lowSince.IsZero() {
		s.lowSince = now
	}
	trial, patience := !s.tried.IsZero() && now.Sub(s.tried) < trialTime, tooMuchFor
	if trial {
		patience = tooMuchNew
	}
	if now.Sub(s.lowSince) < patience || at == len(options)-1 {
		return at
	}
	if trial {
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
	s.fineSince, s.tried, s.believed = time.Time{}, now, true
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
