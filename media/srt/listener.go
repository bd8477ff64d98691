package srt

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	tick    = 10 * time.Millisecond // between two looks at the socket, and at what is due
	batch   = 64                    // datagrams of one call of the system
	batches = 64                    // of one tick: more than the socket holds; then others have their turn
	backlog = 64                    // callers that Accept was not told of yet
)

// Config is what a Listener needs. Zero values mean the defaults.
type Config struct {
	Addr    string        // host:port to listen on, UDP
	Buffer  int           // bytes wished for the socket's buffer; default 8 MiB
	Latency time.Duration // for lost packets to be sent again, unless a caller wishes more; default 120 ms
	Longest time.Duration // latency that a caller may wish for; default 8 s
	Idle    time.Duration // without a word from a sender, then it is gone; default 5 s
	Packets int           // of a sender that wait at once, 1.5 kB each; default 16,384

	Panicked func(peer netip.AddrPort, what any) // is told of panics; default: nobody
}

// Listener is one UDP socket and the senders that call it.
type Listener struct {
	udp      *net.UDPConn
	batches  *ipv4.PacketConn // the same; of IPv6, too
	buffer   int
	began    time.Time
	latency  time.Duration
	longest  time.Duration
	idle     int64
	room     int
	panicked func(netip.AddrPort, any)
	cookies  cookies
	door     door
	pool     sync.Pool
	opening  sync.Mutex // one key at a time: that costs no more than one core
	requests chan *Request
	done     chan struct{} // closed when the goroutine has ended
	failed   error         // why; read it after done

	mu      sync.Mutex
	closed  bool
	conns   map[uint32]*Conn
	callers map[peerID]*Conn
	pending map[peerID]*Request
}

// Listen binds the socket and begins to serve it. Close ends that.
func Listen(cfg Config) (*Listener, error) {
	cfg.Buffer = cmp.Or(cfg.Buffer, 8<<20)
	cfg.Latency = cmp.Or(cfg.Latency, 120*time.Millisecond)
	cfg.Longest = cmp.Or(cfg.Longest, 8*time.Second)
	cfg.Idle = cmp.Or(cfg.Idle, 5*time.Second)
	cfg.Packets = cmp.Or(cfg.Packets, 16384)
	if cfg.Panicked == nil {
		cfg.Panicked = func(netip.AddrPort, any) {}
	}
	addr, err := net.ResolveUDPAddr("udp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("srt: %w", err)
	}
	udp, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("srt: %w", err)
	}
	l := &Listener{
		udp: udp, batches: ipv4.NewPacketConn(udp), buffer: prepare(udp, cfg.Buffer), began: time.Now(),
		latency: cfg.Latency, longest: cfg.Longest, idle: cfg.Idle.Microseconds(), room: cfg.Packets, panicked: cfg.Panicked, cookies: newCookies(),
		door:     door{seed: maphash.MakeSeed()},
		pool:     sync.Pool{New: func() any { return new(packet) }},
		requests: make(chan *Request, backlog), done: make(chan struct{}),
		conns: map[uint32]*Conn{}, callers: map[peerID]*Conn{}, pending: map[peerID]*Request{},
	}
	go l.serve()
	return l, nil
}

// prepare gives the socket a larger buffer, and tells its size. The kernel is to say when
// each datagram came: it is read later.
func prepare(udp *net.UDPConn, size int) (n int) {
	raw, err := udp.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		// The first passes over the system's limit, and needs rights for it.
		if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, size) != nil {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
		}
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
		n, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	})
	return n / 2 // the kernel tells twice what it gives
}

// Addr is where the listener is bound.
func (l *Listener) Addr() net.Addr { return l.udp.LocalAddr() }

// Buffer is the size of the socket's buffer, in bytes.
func (l *Listener) Buffer() int { return l.buffer }

// Accept waits for a caller. The error is net.ErrClosed after Close, or else the socket is
// broken.
func (l *Listener) Accept() (*Request, error) {
	select {
	case r := <-l.requests:
		return r, nil
	case <-l.done:
		return nil, l.failed
	}
}

// Close says goodbye to all senders, and waits for the goroutine. It may be called more
// than once.
func (l *Listener) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, c := range l.all(nil) {
		c.Close()
	}
	_ = l.udp.Close() // a second time fails, which is no matter
	<-l.done
}

// now is the time in microseconds, by a clock that only goes forward.
func (l *Listener) now() int64 { return time.Since(l.began).Microseconds() }

// write sends a datagram at once; nobody waits for it to arrive.
func (l *Listener) write(b []byte, to netip.AddrPort) { _, _ = l.udp.WriteToUDPAddrPort(b, to) }

// settle takes a request off the list, and c in; an error: it was answered already, or
// the listener is closed.
func (l *Listener) settle(r *Request, c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[r.peer] != r {
		return errors.New("srt: a caller was answered twice")
	}
	delete(l.pending, r.peer)
	if c == nil {
		return nil
	}
	if l.closed {
		return net.ErrClosed
	}
	if l.conns[c.id] != nil {
		return errors.New("srt: a socket ID came twice")
	}
	if l.conns[c.id], l.callers[c.peer] = c, c; len(l.conns) == 1 {
		_ = l.udp.SetReadDeadline(l.began) // who waits for a datagram is to wait for no longer than a tick from now on
	}
	return nil
}

// forget lets a connection that has ended go.
func (l *Listener) forget(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[c.id] == c {
		delete(l.conns, c.id)
		delete(l.callers, c.peer)
	}
}

// all appends the connections.
func (l *Listener) all(list []*Conn) []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		list = append(list, c)
	}
	return list
}

// serve is the goroutine: it reads, and lets every connection do what is due.
func (l *Listener) serve() {
	defer close(l.done)
	in, out := newInbox(l), newOutbox(l.batches)
	var conns []*Conn
	for {
		flags := 0
		if len(conns) > 0 {
			flags = syscall.MSG_DONTWAIT
			time.Sleep(tick - time.Since(l.began)%tick)
		}
		if l.failed = in.read(flags, out); l.failed != nil {
			break
		}
		clear(conns) // nothing is kept of those that have gone
		conns = l.all(conns[:0])
		for _, c := range conns {
			if l.safely(c.peer.addr, func() bool { return c.tick(l.now(), out) }) {
				c.end(ErrGone) // or else there was a panic
				l.forget(c)
			}
		}
		out.flush()
	}
	for _, c := range l.all(nil) {
		c.end(l.failed)
		l.forget(c)
	}
}

// safely does what somebody's datagrams cause; a panic is as true.
func (l *Listener) safely(peer netip.AddrPort, do func() bool) (over bool) {
	defer func() {
		if v := recover(); v != nil {
			l.panicked(peer, v)
			over = true
		}
	}()
	return do()
}

// datagram takes p, of n bytes, that came from somewhere. kept: p is in use.
func (l *Listener) datagram(p *packet, n int, from netip.AddrPort, now int64, out *outbox) (kept bool) {
	h, ok := parseHead(p.data[:n])
	if !ok || n > maxDatagram {
		return false
	}
	p.from, p.to = headSize, n
	if h.to == 0 {
		if h.control && h.kind == ctrlHandshake {
			l.safely(from, func() bool {
				l.handshake(h, p.payload(), from, now, out)
				return false
			})
		}
		return false
	}
	l.mu.Lock()
	c := l.conns[h.to]
	l.mu.Unlock()
	if c == nil || c.peer.addr != from {
		return false
	}
	kept = true // whatever happens
	if l.safely(from, func() (over bool) {
		kept, over = c.datagram(h, p, now, out)
		return over
	}) {
		c.end(ErrGone)
		l.forget(c)
		out.add(c.goodbye(out.next()), c.udp) // it was not the sender's wish
	}
	return kept
}

// handshake answers callers (4.3.1). A caller without a socket ID is none:
// its answer would be taken for a caller's by another listener, and the two would go on.
func (l *Listener) handshake(h head, body []byte, from netip.AddrPort, now int64, out *outbox) {
	hs, rest, err := parseHandshake(body)
	if err != nil || hs.id == 0 || !l.door.opens(from.Addr(), now) {
		return
	}
	switch hs.kind {
	case hsInduction:
		hs.version, hs.cipher, hs.ext, hs.cookie, hs.peer = 5, 0, hsMagic, l.cookies.bake(from, now), from.Addr()
		out.add(hs.append(appendControl(out.next(), ctrlHandshake, 0, 0, uint32(now), hs.id)), net.UDPAddrFromAddrPort(from))
	case hsConclusion:
		peer := peerID{from, hs.id}
		if code := l.conclude(h, hs, rest, peer, now, out); code != 0 {
			out.add(l.rejection(out.next(), peer, hs, code), net.UDPAddrFromAddrPort(from))
		}
	}
}

// conclude makes a request of the second handshake of a caller, unless it is known; a
// code: it cannot be let in.
func (l *Listener) conclude(h head, hs handshake, rest []byte, peer peerID, now int64, out *outbox) Code {
	if !l.cookies.fits(hs.cookie, peer.addr, now) || hs.extensions(rest) != nil {
		return CodeRogue
	}
	l.mu.Lock()
	c, waits := l.callers[peer], l.pending[peer] != nil
	l.mu.Unlock()
	if c != nil {
		out.add(append(out.next(), c.answer...), c.udp) // it was lost
		return 0
	}
	if waits {
		return 0
	}
	r, code := newRequest(l, peer, hs, h.stamp, now)
	if code != 0 {
		return code
	}
	l.mu.Lock()
	l.pending[peer] = r
	l.mu.Unlock()
	select {
	case l.requests <- r:
		return 0
	default:
		_ = l.settle(r, nil) // it waits for sure
		return CodeBacklog
	}
}

// rejection appends a handshake with a code in place of its kind.
func (l *Listener) rejection(b []byte, peer peerID, hs handshake, code Code) []byte {
	hs = handshake{
		version: 5, isn: hs.isn, mtu: hs.mtu, window: hs.window, kind: uint32(code), id: hs.id, cookie: hs.cookie, peer: peer.addr.Addr(),
	}
	return hs.append(appendControl(b, ctrlHandshake, 0, 0, uint32(l.now()), peer.id))
}

// unmapped is the address of a datagram.
func unmapped(a net.Addr) (from netip.AddrPort, ok bool) {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return from, false
	}
	from = udp.AddrPort()
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), true
}
