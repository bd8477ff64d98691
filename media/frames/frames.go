package frames

import (
	"errors"
	"time"

	"github.com/pion/rtp"
)

const (
	window    = 1024                   // packets that wait for one that is missing, at most
	patienceT = 250 * time.Millisecond // for a packet that is missing
	restart   = 64                     // packets in a row whose numbers are past: the sender counts anew
	maxFrame  = 8 << 20                // bytes
)

var errLarge = errors.New("this frame is too large")

// Frame is what packets of one time make together.
type Frame struct {
	At   uint32 // RTP time
	Data []byte
	Wall time.Time // when the last of its packets came
	Lost bool      // something before it is missing
}

// Keeper is a depacketizer that may keep the beginning of a unit beside what it gives of a
// payload (AV1); of the others, those that give nothing keep something.
type Keeper interface {
	rtp.Depacketizer
	Keeps() bool // of the newest payload
}

// Assembler puts the packets of one track in order, and those of one frame together. One
// goroutine uses it.
type Assembler struct {
	Fresh func() rtp.Depacketizer
	Whole bool // every packet is a frame: sound

	// depacketizer keeps what it was given of a unit that is not complete, without a
	// bound, and what headers said; nil: the next packet gets a fresh one.
	depacketizer rtp.Depacketizer
	taken        int // bytes of payload that came of the open frame

	ring    [window]*rtp.Packet
	next    uint16 // the packet that is to come
	newest  uint16
	begun   bool
	late    int       // packets in a row that came too late
	waiting time.Time // since when next is missing

	frame   Frame
	open    bool // frame has packets and is not complete
	broken  bool // a packet of this frame is missing: wait for the next one
	lost    bool // to be told with the next frame
	dropped uint64
}

// Push takes the next packet and calls emit with each frame that is complete.
func (f *Assembler) Push(p *rtp.Packet, now time.Time, emit func(Frame)) {
	if !f.begun {
		f.begun, f.next, f.newest = true, p.SequenceNumber, p.SequenceNumber
	}
	if int16(p.SequenceNumber-f.next) < 0 { // it is too late, or came twice
		if f.late++; f.late < restart {
			return
		}
		f.again(p.SequenceNumber)
	}
	f.late = 0
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

// again begins anew with packet number at.
func (f *Assembler) again(at uint16) {
	clear(f.ring[:])
	f.next, f.newest, f.waiting = at, at, time.Time{}
	f.lost, f.broken, f.open = true, true, false
}

// missing tells whether there are packets behind one that has not come.
func (f *Assembler) missing() bool { return int16(f.newest-f.next) >= 0 }

// present is the first packet from next on that has come, at most limit.
func (f *Assembler) present(limit uint16) uint16 {
	at := f.next
	for at != limit && f.ring[at%window] == nil {
		at++
	}
	return at
}

// skip gives up the packets that are missing before number at.
func (f *Assembler) skip(at uint16, now time.Time, emit func(Frame)) {
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

func (f *Assembler) drain(now time.Time, emit func(Frame)) {
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
func (f *Assembler) add(p *rtp.Packet, now time.Time, emit func(Frame)) {
	if len(p.Payload) == 0 {
		return // padding, which probes the bandwidth
	}
	if f.open && p.Timestamp != f.frame.At {
		f.end(now, emit) // its marker was not set
	}
	if !f.open || f.depacketizer == nil {
		f.depacketizer = f.Fresh()
	}
	if f.broken && (f.Whole || f.depacketizer.IsPartitionHead(p.Payload)) && p.Timestamp != f.frame.At {
		f.broken = false
	}
	if !f.open {
		f.frame, f.taken = Frame{At: p.Timestamp}, 0
		f.open = true
	}
	f.take(p.Payload)
	if p.Marker || f.Whole {
		f.end(now, emit)
	}
}

// take appends the payload to the open frame, or breaks that.
func (f *Assembler) take(payload []byte) {
	if f.broken {
		f.dropped++
		return
	}
	var data []byte
	err := errLarge
	if f.taken += len(payload); f.taken <= maxFrame {
		data, err = f.depacketizer.Unmarshal(payload)
	}
	if err != nil || len(f.frame.Data)+len(data) > maxFrame {
		f.broken, f.lost = true, true
		f.dropped++
		f.frame.Data, f.depacketizer = nil, nil
		return
	}
	f.frame.Data = append(f.frame.Data, data...)
	keeps := len(data) == 0
	if k, ok := f.depacketizer.(Keeper); ok {
		keeps = k.Keeps()
	}
	if !keeps {
		f.depacketizer = nil
	}
}

func (f *Assembler) end(now time.Time, emit func(Frame)) {
	f.open = false
	if !f.broken && f.depacketizer != nil { // a unit that has no end
		f.broken, f.lost = true, true
		f.dropped++
	}
	if f.broken || len(f.frame.Data) == 0 {
		f.frame.Data = nil
		return
	}
	done := f.frame
	done.Wall, done.Lost = now, f.lost
	f.lost, f.frame.Data = false, nil
	emit(done)
}
