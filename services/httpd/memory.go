package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memoryNetwork is the Network of the addresses of Memory.
const memoryNetwork = "memory"

// memoryBuffer is how many bytes one direction of a connection holds before its
// writer waits.
const memoryBuffer = 64 << 10

// ErrNotServing is returned by the dial function of Memory when the listener is
// closed.
var ErrNotServing = errors.New("the service does not run")

// Memory returns a listener in this process and the one way to reach it. Both may
// be used from any goroutine. A dial waits until the listener accepts, its context
// ends or the listener is closed (ErrNotServing in a *net.OpError). Connections
// have deadlines like sockets, hold up to 64 KiB in each direction and start no
// goroutines.
func Memory() (net.Listener, func(context.Context) (net.Conn, error)) {
	l := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	return l, l.dial
}

type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Accept blocks until somebody dials, or Close.
func (l *memory) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: memoryNetwork, Addr: memoryAddr{}, Err: net.ErrClosed}
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: memoryNetwork, Addr: memoryAddr{}, Err: net.ErrClosed}
	}
}

// Close ends Accept and dials that wait; connections live on. It may be called again.
func (l *memory) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the same for all.
func (l *memory) Addr() net.Addr { return memoryAddr{} }

func (l *memory) dial(ctx context.Context) (net.Conn, error) {
	a, b := newPipe(), newPipe()
	// A server may answer and close before it has read all: its client learns that
	// by reading, as it mostly does with sockets, and not by a failing write.
	b.vanish = true
	near, far := &memoryConn{in: a, out: b}, &memoryConn{in: b, out: a}
	var err error
	select {
	case <-l.closed:
		err = ErrNotServing
	case <-ctx.Done():
		err = ctx.Err()
	default:
		select {
		case l.conns <- far:
			return near, nil
		case <-l.closed:
			err = ErrNotServing
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return nil, &net.OpError{Op: "dial", Net: memoryNetwork, Addr: memoryAddr{}, Err: err}
}

type memoryAddr struct{}

// Network tells such a connection from a socket.
func (memoryAddr) Network() string { return memoryNetwork }

// String is for logs.
func (memoryAddr) String() string { return memoryNetwork }

// memoryConn is one end of a connection.
type memoryConn struct{ in, out *pipe }

// Read blocks until there is a byte, the end or the deadline.
func (c *memoryConn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write blocks while the buffer is full.
func (c *memoryConn) Write(p []byte) (int, error) { return c.out.write(p) }

// LocalAddr is the same for all.
func (*memoryConn) LocalAddr() net.Addr { return memoryAddr{} }

// RemoteAddr is the same for all.
func (*memoryConn) RemoteAddr() net.Addr { return memoryAddr{} }

// Close ends both directions: the other side reads what was written, then EOF.
func (c *memoryConn) Close() error {
	c.out.closeWriter()
	c.in.closeReader()
	return nil
}

// SetDeadline is both of the following; it never fails.
func (c *memoryConn) SetDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// SetReadDeadline counts for a Read that waits, too.
func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

// SetWriteDeadline counts for a Write that waits, too.
func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// pipe is one direction: bytes in order, bounded.
type pipe struct {
	mu              sync.Mutex
	changed         sync.Cond
	held            []byte // written; what is before next has been read
	next            int
	written         bool // the writer closed: EOF after what is held
	left            bool // the reader closed: writes fail, or vanish
	vanish          bool
	readBy, writeBy deadline
}

type deadline struct {
	passed bool
	timer  *time.Timer
	set    int // how often it was set: a timer of before says nothing
}

func newPipe() *pipe {
	p := &pipe{}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.left:
			return 0, net.ErrClosed
		case p.readBy.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(p.held) > p.next:
			n := copy(b, p.held[p.next:])
			if p.next += n; p.next == len(p.held) {
				p.held, p.next = p.held[:0], 0
				p.changed.Broadcast()
			}
			return n, nil
		case p.written:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := 0
	for {
		switch {
		case p.written:
			return total, net.ErrClosed
		case p.left && p.vanish:
			return total + len(b), nil
		case p.left:
			return total, io.ErrClosedPipe
		case p.writeBy.passed:
			return total, os.ErrDeadlineExceeded
		case len(b) == 0:
			return total, nil
		case len(p.held) < memoryBuffer:
			n := min(len(b), memoryBuffer-len(p.held))
			p.held = append(p.held, b[:n]...)
			b, total = b[n:], total+n
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

func (p *pipe) closeWriter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = true
	p.writeBy.stop()
	p.changed.Broadcast()
}

func (p *pipe) closeReader() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.held, p.next = true, nil, 0
	p.readBy.stop()
	p.changed.Broadcast()
}

func (d *deadline) stop() {
	d.set++
	if d.timer != nil {
		d.timer.Stop()
	}
}

// setDeadline wakes who waits: the new deadline is theirs too.
func (p *pipe) setDeadline(d *deadline, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.stop()
	d.passed = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		p.changed.Broadcast()
		return
	}
	set := d.set
	d.timer = time.AfterFunc(left, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if d.set == set {
			d.passed = true
			p.changed.Broadcast()
		}
	})
}
