package whip

import (
	"errors"
	"time"

	"github.com/pion/rtp"
)

const (
	window    = 1024                   // packets that wait for one that is missing, at most
	patienceT = 250 * time.Millisecond // for a packet that is missing
	maxFrame  = 8 << 20                // bytes
)

var errLarge = errors.New("this frame is too large")

// frame is what packets of one time make together.
type frame struct {
	at   uint32 // RTP time
	data []byte
	wall time.Time // when the last of its packets came
	lost bool      // something before it is missing
}

// frames puts the packets of one track in order, and those of one frame together. One
// goroutine uses it.
type frames struct {
	fresh func() rtp.Depacketizer
	whole bool // every packet is a frame: sound

	// depacketizer keeps what it was given of a unit that is not complete, without a
	// bound, and what headers said; nil: the next packet gets a fresh one.
	depacketizer rtp.Depacketizer
	taken        int // bytes of payload that came of the open frame

	ring    [window]*rtp.Packet
	next    uint16 // the packet that is to come
	newest  uint16
	begun   bool
	waiting time.Time // since when next is missing

	frame   frame
	open    bool // frame has packets and is not complete
	broken  bool // a packet of this frame is missing: wait for the next one
	lost    bool // to be told with the next frame
	dropped uint64
}

// push takes the next packet and calls emit with each frame that is complete.
func (f *frames) push(p *rtp.Packet, now time.Time, emit func(frame)) {
	if !f.begun {
		f.begun, f.next, f.newest = true, p.SequenceNumber, p.SequenceNumber
	}
	if int16(p.SequenceNumber-f.next) < 0 {
		return // it is too late, or came twice
	}
	for int16(p.SequenceNumber-f.next) >= window { // what is missing will not come
		f.skip(f.present(p.SequenceNumber), now, emit)
	}
	f.ring[p.SequenceNumber%window] = p
	if int16(p.SequenceNumber-f.newest) > 0 {
		f.newest = p.SequenceNumber
	}
	f.drain(now, emit)
	if f.missing() {
		if f.waiting.IsZero() {
			f.waiting = now
		} else if now.Sub(f.waiting) > patienceT {
			f.skip(f.present(f.newest), now, emit)
		}
	}
}

// missing tells whether there are packets behind one that has not come.
func (f *frames) missing() bool { return int16(f.newest-f.next) >= 0 }

// present is the first packet from next on that has come, at most limit.
func (f *frames) present(limit uint16) uint16 {
	at := f.next
	for at != limit && f.ring[at%window] == nil {
		at++
	}
	return at
}

// skip gives up the packets that are missing before number at.
func (f *frames) skip(at uint16, now time.Time, emit func(frame)) {
	for int16(at-f.next) > 0 {
		slot := &f.ring[f.next%window]
		if *slot == nil {
			f.lost, f.broken, f.open = true, true, false
			f.dropped++
		} else {
			f.add(*slot, now, emit)
			*slot = nil
		}
		f.next++
	}
	f.waiting = time.Time{}
	f.drain(now, emit)
}

func (f *frames) drain(now time.Time, emit func(frame)) {
	for {
		slot := &f.ring[f.next%window]
		if *slot == nil || (*slot).SequenceNumber != f.next {
			return
		}
		f.add(*slot, now, emit)
		*slot = nil
		f.next++
		f.waiting = time.Time{}
	}
}

// add appends the packet that is next in order.
func (f *frames) add(p *rtp.Packet, now time.Time, emit func(frame)) {
	if len(p.Payload) == 0 {
		return // padding, which probes the bandwidth
	}
	if f.open && p.Timestamp != f.frame.at {
		f.end(now, emit) // its marker was not set
	}
	if !f.open || f.depacketizer == nil {
		f.depacketizer = f.fresh()
	}
	if f.broken && (f.whole || f.depacketizer.IsPartitionHead(p.Payload)) && p.Timestamp != f.frame.at {
		f.broken = false
	}
	if !f.open {
		f.frame, f.taken = frame{at: p.Timestamp}, 0
		f.open = true
	}
	f.take(p.Payload)
	if p.Marker || f.whole {
		f.end(now, emit)
	}
}

// take appends the payload to the open frame, or breaks that.
func (f *frames) take(payload []byte) {
	if f.broken {
		f.dropped++
		return
	}
	var data []byte
	err := errLarge
	if f.taken += len(payload); f.taken <= maxFrame {
		data, err = f.depacketizer.Unmarshal(payload)
	}
	if err != nil || len(f.frame.data)+len(data) > maxFrame {
		f.broken, f.lost = true, true
		f.dropped++
		f.frame.data, f.depacketizer = nil, nil
		return
	}
	if len(data) > 0 {
		f.frame.data = append(f.frame.data, data...)
		f.depacketizer = nil // it keeps nothing of use
	}
}

func (f *frames) end(now time.Time, emit func(frame)) {
	f.open = false
	if !f.broken && f.depacketizer != nil { // a unit that has no end
		f.broken, f.lost = true, true
		f.dropped++
	}
	if f.broken || len(f.frame.data) == 0 {
		f.frame.data = nil
		return
	}
	done := f.frame
	done.wall, done.lost = now, f.lost
	f.lost, f.frame.data = false, nil
	emit(done)
}
