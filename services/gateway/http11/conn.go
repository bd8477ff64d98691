package http11

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

// What a connection is doing, as Shutdown sees it.
const (
	idle int32 = iota // waiting for the first byte of a request
	busy
	ended
)

// conn is one connection, and belongs to its goroutine but for state, turn and seen.
type conn struct {
	server *Server
	rwc    net.Conn
	raw    syscall.RawConn // nil where rwc is not the socket itself
	state  atomic.Int32

	// The context of all requests ends with the connection, too, or when the client was
	// seen to leave. turn is odd while a request is answered; seen is it at the last look.
	leave context.CancelFunc
	turn  atomic.Uint32
	seen  uint32 // the server's watch

	// What was read and is not used yet. There is no buffer while there is nothing in it.
	// lent is the pool's, when it is of that.
	buf  []byte
	lent *[]byte
	have int

	// What the last look of raw found. look is lookRaw, made once.
	look func(fd uintptr) bool
	got  int
	err  error
	push func(fd uintptr) bool // writeRaw, made once
	out  []byte                // what it writes

	common  http.Request // what all requests of the connection are like
	answer  response
	readBy  time.Time // the deadlines that stand
	writeBy time.Time
}

func newConn(s *Server, rwc net.Conn) *conn {
	c := &conn{server: s, rwc: rwc}
	if tcp, ok := rwc.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			c.raw, c.look, c.push = raw, c.lookRaw, c.writeRaw
		}
	}
	return c
}

// serve answers requests until the connection ends or is handed over.
func (c *conn) serve() {
	ctx, leave := context.WithCancel(c.server.Base)
	c.leave = leave
	err := c.requests(ctx)
	leave()
	c.server.forget(c)
	defer c.release()
	if errors.Is(err, errForeign) && c.handOver() {
		return
	}
	c.rwc.Close()
	c.server.Ended()
}

// requests returns errForeign when net/http has to go on. A handler that panics ends the
// connection: its client must see that the answer is not whole.
func (c *conn) requests(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = http.ErrAbortHandler
			if p != http.ErrAbortHandler { //nolint:errorlint // a value that was panicked with, as net/http has it
				c.server.Log.Error("a handler of media panicked", "peer", c.common.RemoteAddr, "err", p, "stack", string(debug.Stack()))
			}
		}
	}()
	c.introduce(ctx)
	// The first head has HeaderTimeout from here on.
	wait := c.server.HeaderTimeout
	for {
		length, err := c.await(wait)
		if err != nil {
			return err
		}
		r, ok := parse(string(c.buf[:length]), &c.common)
		if !ok {
			return errForeign
		}
		c.use(length)
		if again := c.respond(r); !again || c.server.closing() {
			c.linger()
			return nil
		}
		wait = c.server.IdleTimeout
		if c.have == 0 {
			c.state.Store(idle)
		}
		if c.server.closing() { // Shutdown may have looked before
			return nil
		}
	}
}

// introduce makes what all requests have in common. Where a trusted proxy is in front, it
// reads what that says first. It is no part of requests, on whose stack the copies would
// stay: with less than this, most requests need a stack of 4 kB and not of 8.
//
//go:noinline
func (c *conn) introduce(ctx context.Context) {
	c.common = http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, RemoteAddr: c.rwc.RemoteAddr().String()}
	c.common = *c.common.WithContext(ctx)
}

// await reads until a whole head is there, for whose first byte there is so much time.
func (c *conn) await(first time.Duration) (length int, err error) {
	late := false // the time for the whole head has begun
	now := time.Now()
	c.readUntil(now.Add(first), now)
	for {
		if c.have > 0 {
			if !c.state.CompareAndSwap(idle, busy) && c.state.Load() != busy {
				return 0, net.ErrClosed
			}
			switch length, v := scan(c.buf[:c.have], c.server.Prefixes); v {
			case plain:
				return length, nil
			case foreign:
				return 0, errForeign
			}
			if !late {
				late = true
				now := time.Now()
				c.readUntil(now.Add(c.server.HeaderTimeout), now)
			}
			c.grow()
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads more, for as long as the deadline allows. Memory for it is taken when
// there is something to read.
func (c *conn) fill() error {
	if c.raw == nil {
		c.provide()
		n, err := c.rwc.Read(c.buf[c.have:])
		c.have += n
		if n > 0 {
			return nil
		}
		return err
	}
	c.got, c.err = 0, nil
	if err := c.raw.Read(c.look); err != nil {
		c.release()
		return err
	}
	switch {
	case c.err != nil:
		return c.err
	case c.got == 0:
		return io.EOF
	}
	c.have += c.got
	return nil
}

// provide takes a buffer where there is none.
func (c *conn) provide() {
	if c.buf != nil {
		return
	}
	c.lent = c.server.heads.lend()
	c.buf = (*c.lent)[:shortHead]
}

// grow makes room for a head that is longer than most.
func (c *conn) grow() {
	if c.have == len(c.buf) {
		long := append(make([]byte, 0, maxHead), c.buf...)[:maxHead]
		c.release()
		c.buf = long
	}
}

// use forgets the first n bytes that were read, and gives the buffer back when nothing
// else is in it.
func (c *conn) use(n int) {
	c.have = copy(c.buf, c.buf[n:c.have])
	if c.have == 0 {
		c.release()
	}
}

func (c *conn) release() {
	if c.lent != nil {
		c.server.heads.take(c.lent)
	}
	c.buf, c.lent = nil, nil
}

// respond lets the handler answer; false: the connection ends with that.
func (c *conn) respond(r *http.Request) (again bool) {
	c.answer.begin(c, r.Method == http.MethodHead)
	c.turn.Add(1)
	c.server.Handler.ServeHTTP(&c.answer, r)
	again = c.answer.finish()
	c.turn.Add(1)
	return again
}

// endIdle closes a connection that waits for a request.
func (c *conn) endIdle() {
	if c.state.CompareAndSwap(idle, ended) {
		c.rwc.Close()
	}
}

// handOver gives the connection to net/http, with what was read.
func (c *conn) handOver() bool {
	// An error shows at the next read.
	_ = c.rwc.SetDeadline(time.Time{})
	b := &begun{Conn: c.rwc, read: append([]byte(nil), c.buf[:c.have]...)}
	return c.server.rest.give(b)
}

// linger lets the client read the last answer: to close a socket in which there is
// something unread would take that away from it (RFC 9112 section 9.6).
func (c *conn) linger() {
	const patience, most = 500 * time.Millisecond, 64 << 10
	if closeWrite(c.rwc) != nil || c.rwc.SetReadDeadline(time.Now().Add(patience)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.rwc, most)
}

// readUntil sets the deadline for reading.
func (c *conn) readUntil(t, now time.Time) {
	if !near(c.readBy, t, now) {
		c.readBy = t
		// An error shows at the next read.
		_ = c.rwc.SetReadDeadline(t)
	}
}

// writeUntil sets the deadline for writing.
func (c *conn) writeUntil(t, now time.Time) {
	if !near(c.writeBy, t, now) {
		c.writeBy = t
		// As in readUntil.
		_ = c.rwc.SetWriteDeadline(t)
	}
}

// near says whether the deadline that stands is as good as the one that is wanted: a
// little earlier, so that it has to be moved once in many requests.
func near(stands, wanted, now time.Time) bool {
	early := wanted.Sub(stands)
	return !stands.IsZero() && early >= 0 && early < min(wanted.Sub(now)/16, time.Second)
}
