package srt

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// inbox reads datagrams, many at once.
type inbox struct {
	l       *Listener
	list    []ipv4.Message
	packets []*packet
}

func newInbox(l *Listener) *inbox {
	in := &inbox{l: l, list: make([]ipv4.Message, batch), packets: make([]*packet, batch)}
	for i := range in.list {
		in.list[i].Buffers = make([][]byte, 1)
		in.list[i].OOB = make([]byte, unix.CmsgSpace(stampSize))
		in.renew(i)
	}
	return in
}

// renew puts another packet where one was taken.
func (in *inbox) renew(i int) {
	p := in.l.pool.Get().(*packet)
	in.packets[i], in.list[i].Buffers[0] = p, p.data[:]
}

// read hands on what is there; with flags 0 it waits for something.
func (in *inbox) read(flags int, out *outbox) error {
	for range batches {
		n, err := in.l.batches.ReadBatch(in.list, flags)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded): // a first sender came in
			return in.l.udp.SetReadDeadline(time.Time{})
		}
		if err != nil {
			return err
		}
		now, wall := in.l.now(), time.Now()
		for i := range n {
			m := &in.list[i]
			if from, ok := unmapped(m.Addr); ok && in.l.datagram(in.packets[i], m.N, from, now-age(m.OOB[:m.NN], wall), out) {
				in.renew(i)
			}
		}
		if n < len(in.list) {
			return nil
		}
		flags = syscall.MSG_DONTWAIT
	}
	return nil
}

const (
	stampSize = 16 // of a struct timespec, where it has 64 bits
	maxAge    = time.Second
)

// age is how long ago a datagram came, in microseconds, by the kernel's time stamp.
func age(oob []byte, wall time.Time) int64 {
	if len(oob) < unix.CmsgLen(stampSize) {
		return 0
	}
	h, b, _, err := unix.ParseOneSocketControlMessage(oob)
	if err != nil || h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPNS || len(b) != stampSize {
		return 0
	}
	came := time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:])))
	return min(max(wall.Sub(came), 0), maxAge).Microseconds() // the clock may have been set
}

// outbox sends datagrams, many at once. What the system has no room for is lost, as it
// may be on the way.
type outbox struct {
	c    *ipv4.PacketConn
	list []ipv4.Message
	n    int
}

func newOutbox(c *ipv4.PacketConn) *outbox {
	o := &outbox{c: c, list: make([]ipv4.Message, batch)}
	for i := range o.list {
		o.list[i].Buffers = [][]byte{make([]byte, 0, maxDatagram)}
	}
	return o
}

// next is where a datagram may be written to.
func (o *outbox) next() []byte { return o.list[o.n].Buffers[0][:0] }

// add takes the datagram that was written.
func (o *outbox) add(b []byte, to *net.UDPAddr) {
	o.list[o.n].Buffers[0], o.list[o.n].Addr = b, to
	if o.n++; o.n == len(o.list) {
		o.flush()
	}
}

// flush sends all that were added.
func (o *outbox) flush() {
	for rest := o.list[:o.n]; len(rest) > 0; {
		n, err := o.c.WriteBatch(rest, syscall.MSG_DONTWAIT)
		if err != nil {
			n = 1 // the first one cannot be sent; the others may be
		}
		rest = rest[max(n, 1):]
	}
	o.n = 0
}
