package srt

// packet is a payload, in a piece of memory that is used again.
type packet struct {
	data [maxDatagram + 8]byte // more than is taken, so that what is too long is seen
	from int                   // where the payload begins
	to   int
	due  int64 // when it is to be handed on
}

func (p *packet) payload() []byte { return p.data[p.from:p.to] }

// buffer keeps packets until they are due and were read. In the order of their numbers:
//
//	head ... due ... next ... end
//
// From head to due is what the reader may have; where no packet is there, it was given up.
// At next is the first that is not due, and all before it are missing; end is behind the
// newest. Before ack nothing is missing that is still waited for.
type buffer struct {
	slots                     []*packet // a power of two; by number
	room                      int       // most between head and end
	head, due, next, end, ack uint32
	held                      int // packets in slots
}

const firstSlots = 256

func newBuffer(first uint32, room int) buffer {
	return buffer{slots: make([]*packet, firstSlots), room: room, head: first, due: first, next: first, end: first, ack: first}
}

func (b *buffer) slot(seq uint32) **packet { return &b.slots[seq&uint32(len(b.slots)-1)] }

// has tells whether a packet behind head is there.
func (b *buffer) has(seq uint32) bool { return *b.slot(seq) != nil }

// place says what a number is to the buffer.
type place int

const (
	fresh  place = iota
	stale        // it is there already, or was given up
	beyond       // too far ahead to be kept
)

// find tells where a packet would go.
func (b *buffer) find(seq uint32) place {
	ahead := after(seq, b.due)
	switch {
	case ahead < 0:
		return stale
	case ahead+after(b.due, b.head) >= b.room: // what is far enough ahead of due is behind head
		return beyond
	case after(seq, b.end) < 0 && b.has(seq):
		return stale
	}
	return fresh
}

// add keeps a fresh packet.
func (b *buffer) add(seq uint32, p *packet) {
	for after(seq, b.head) >= len(b.slots) {
		b.grow()
	}
	*b.slot(seq) = p
	b.held++
	if b.due == b.end || after(seq, b.next) < 0 {
		b.next = seq
	}
	if after(seq, b.end) >= 0 {
		b.end = next(seq)
	}
	b.contiguous()
}

func (b *buffer) grow() {
	old := *b
	b.slots = make([]*packet, 2*len(old.slots))
	for seq := b.head; seq != b.end; seq = next(seq) {
		*b.slot(seq) = *old.slot(seq)
	}
}

// contiguous moves ack on.
func (b *buffer) contiguous() {
	if after(b.ack, b.due) < 0 {
		b.ack = b.due
	}
	for b.ack != b.end && b.has(b.ack) {
		b.ack = next(b.ack)
	}
}

// advance hands on what is due, in order; what is missing before it comes too late (4.6),
// and the result says how many that are.
func (b *buffer) advance(now int64) (lost int) {
	for b.due != b.end && (*b.slot(b.next)).due <= now {
		lost += after(b.next, b.due)
		b.due = next(b.next)
		for b.next = b.due; b.next != b.end && !b.has(b.next); {
			b.next = next(b.next)
		}
	}
	b.contiguous()
	return lost
}

// pop is the next packet for the reader; nil: there is none yet.
func (b *buffer) pop() *packet {
	for b.head != b.due {
		s := b.slot(b.head)
		p := *s
		if *s, b.head = nil, next(b.head); p != nil {
			b.held--
			return p
		}
	}
	return nil
}

// peek is what pop would be.
func (b *buffer) peek() *packet {
	for ; b.head != b.due; b.head = next(b.head) {
		if p := *b.slot(b.head); p != nil {
			return p
		}
	}
	return nil
}

// finish hands on what there is up to the first hole, and forgets the rest.
func (b *buffer) finish() {
	for seq := b.ack; seq != b.end; seq = next(seq) {
		if s := b.slot(seq); *s != nil {
			*s = nil
			b.held--
		}
	}
	b.due, b.next, b.end = b.ack, b.ack, b.ack
}

// restart goes on at seq with nothing; the result is how many packets are not handed on.
func (b *buffer) restart(seq uint32) (lost int) {
	lost = after(seq, b.due)
	for b.pop() != nil {
		lost++
	}
	clear(b.slots)
	b.held, b.head, b.due, b.next, b.end, b.ack = 0, seq, seq, seq, seq, seq
	return lost
}
