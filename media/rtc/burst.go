package rtc

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"unsafe"

	"github.com/pion/webrtc/v4"
	"golang.org/x/sys/unix"
)

const (
	mostHeld     = 65000 // bytes that the kernel takes as one datagram, to be cut
	mostSegments = 64    // packets that it cuts it into, at most
)

// Burst gathers the packets of a frame, so that the kernel gets them in one call and
// passes through its stack with them once (UDP_SEGMENT: udp(7)). Where the way to the
// viewer does not allow that, or is TCP, they go one by one.
type Burst struct {
	wire *wire

	mu     sync.Mutex
	to     netip.AddrPort // not valid: not known
	name   unix.Sockaddr  // the same; for one call at a time, which writes into it
	single bool           // the way takes no segments
	open   bool           // between Hold and Send
	held   *[]byte        // packets of one size, of which the last may be smaller
	size   int            // of the first of them
	count  int
	full   bool // the last is smaller
}

// Hold has what is sent to the viewer wait for Send.
func (b *Burst) Hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = b.name != nil && !b.single
}

// Send sends what was held.
func (b *Burst) Send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
	b.open = false
}

// follow is called with each way to the viewer that is chosen, and nil at the end.
func (b *Burst) follow(pair *webrtc.ICECandidatePair) {
	var to netip.AddrPort
	if pair != nil && pair.Remote.Protocol == webrtc.ICEProtocolUDP {
		if a, err := netip.ParseAddr(pair.Remote.Address); err == nil {
			to = canonical(netip.AddrPortFrom(a, pair.Remote.Port))
		}
	}
	b.mu.Lock()
	b.flush()
	from := b.to
	b.to, b.name, b.single, b.open = to, nil, false, false
	if to.IsValid() {
		b.name = b.wire.name(to)
	}
	if b.name == nil {
		b.to = netip.AddrPort{}
	}
	to = b.to
	b.mu.Unlock()
	b.wire.place(b, from, to)
}

// write sends a packet, or keeps a copy of it.
func (b *Burst) write(p []byte, to netip.AddrPort) (int, error) {
	b.mu.Lock()
	if b.name == nil || canonical(to) != b.to {
		b.mu.Unlock()
		return b.wire.WriteToUDPAddrPort(p, to)
	}
	defer b.mu.Unlock()
	if !b.open || len(p) > mostHeld {
		return len(p), b.wire.send(p, 0, b.name)
	}
	if b.count > 0 && (b.full || len(p) > b.size || b.count == mostSegments || len(*b.held)+len(p) > mostHeld) {
		b.flush()
	}
	if b.count == 0 {
		b.held, _ = b.wire.buffers.Get().(*[]byte)
		b.size, b.full = len(p), false
	}
	*b.held = append(*b.held, p...)
	b.full = len(p) < b.size
	b.count++
	return len(p), nil
}

// flush sends what is held. The caller holds the lock.
func (b *Burst) flush() {
	if b.count == 0 {
		return
	}
	all, size := *b.held, b.size
	if b.count == 1 {
		size = 0
	}
	// What cannot be sent is lost, as on any network; only that it may not be sent in this
	// way is learnt.
	err := b.wire.send(all, size, b.name)
	if size > 0 && refused(err) {
		b.single, b.open = true, false
		for len(all) > 0 {
			n := min(size, len(all))
			_ = b.wire.send(all[:n], 0, b.name)
			all = all[n:]
		}
	}
	*b.held = (*b.held)[:0]
	b.wire.buffers.Put(b.held)
	b.held, b.count = nil, 0
}

// refused tells whether a device or a kernel does not cut datagrams, or whether the
// pieces are too large for the way.
func refused(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOPROTOOPT)
}

// send sends p, cut into packets of a size where that is not 0. It waits while the kernel
// has no room.
func (w *wire) send(p []byte, size int, to unix.Sockaddr) error {
	var oob []byte
	if size > 0 {
		oob = segments(size)
	}
	var err error
	try := func(fd uintptr) { _, err = unix.SendmsgN(int(fd), p, oob, to, unix.MSG_DONTWAIT) }
	if controlErr := w.raw.Control(try); controlErr != nil {
		return controlErr
	}
	if !errors.Is(err, unix.EAGAIN) {
		return err
	}
	waitErr := w.raw.Write(func(fd uintptr) bool {
		try(fd)
		return !errors.Is(err, unix.EAGAIN)
	})
	return errors.Join(waitErr, err)
}

// segments is the control message that has a datagram cut.
func segments(size int) []byte {
	oob := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(oob)))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(oob[unix.CmsgLen(0):], uint16(size))
	return oob
}
