package congestion

import "time"

// Packet is what became of one that was sent. Those of a message are in the order in which
// they were sent.
type Packet struct {
	Size int           // bytes
	Sent time.Duration // by the sender's clock
	Came time.Duration // by the peer's clock
	Lost bool          // it has not come, and Came means nothing
}

// Config are the bounds of an estimate, bit/s.
type Config struct{ First, Least, Most int }

// congestedLoss is the part of the packets that is lost where a way is called congested.
const congestedLoss = 0.05

// Estimator follows one way to one peer.
type Estimator struct {
	groups   groups
	trend    trend
	detector detector
	control  control
	loss     loss
	use      usage
}

// New is an estimator of a way of which nothing is known.
func New(cfg Config) *Estimator {
	return &Estimator{
		detector: detector{threshold: firstThreshold},
		control:  control{Config: cfg, rate: cfg.First}, loss: loss{Config: cfg, rate: cfg.First},
	}
}

// Feedback takes a message of the peer that came at a time, by the sender's clock.
func (e *Estimator) Feedback(now time.Duration, packets []Packet) {
	if len(packets) == 0 {
		return
	}
	e.control.roundTrip(now, packets)
	lost := 0
	for _, p := range packets {
		if p.Lost {
			lost++
			continue
		}
		e.control.received.add(p.Came, p.Size)
		late, apart, whole := e.groups.add(p)
		if !whole {
			continue
		}
		e.use = e.detector.judge(e.trend.update(late, apart), e.trend.measured, apart, now)
		e.control.update(e.use, now)
	}
	e.loss.update(float64(lost)/float64(len(packets)), now)
	e.loss.rate = min(e.loss.rate, e.control.rate)
}

// Rate is how much can be sent, bit/s. It does not grow far above what arrives.
func (e *Estimator) Rate() int { return min(e.control.rate, e.loss.rate) }

// RoundTrip is how long the way there and back takes, with what the peer waits before it
// tells; 0 before the first message.
func (e *Estimator) RoundTrip() time.Duration { return e.control.rtt }

// Congested tells whether packets become later and later now, or are lost.
func (e *Estimator) Congested() bool { return e.use == over || e.loss.average > congestedLoss }
