package srt

// driftSamples is over how many answers the drift is averaged (4.7).
const driftSamples = 1000

// clock turns the sender's time stamps into our time, both in microseconds (4.5.1.1).
type clock struct {
	base int64 // our time less the sender's

	sum     int64 // of the drift
	samples int
	rtt     int64 // when the samples began
}

func newClock(stamp uint32, now int64) clock {
	return clock{base: now - int64(stamp)}
}

// sent is when a packet was sent that came now, in our time. Stamps wrap every 71 minutes; one
// is taken to be less than half of that away, whatever came before.
func (c *clock) sent(stamp uint32, now int64) int64 {
	return now + int64(int32(stamp-uint32(now-c.base)))
}

// answered follows the drift of the sender's clock from ours, and from a wrong beginning:
// the handshake may have been late (4.7).
func (c *clock) answered(stamp uint32, now, rtt int64) {
	if c.samples == 0 {
		c.rtt = rtt
	}
	c.sum += now - c.sent(stamp, now) - (rtt-c.rtt)/2
	if c.samples++; c.samples < driftSamples {
		return
	}
	c.base += c.sum / driftSamples
	c.sum, c.samples = 0, 0
}
