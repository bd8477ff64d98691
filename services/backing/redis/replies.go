package redis

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// maxReplies is how many bytes of answers may wait for one client that does not
// read. A connection with more is closed, as a real server does with a subscriber.
const maxReplies = 64 << 20

var errSlowClient = errors.New("the client does not read its replies")

// replies is the embedded server's end of a connection. Its Write never waits for
// the client: a client that sends a long pipeline reads nothing until it has sent
// all, and a server that waited for it would stop reading. (miniredis does wait; a
// real server does not.)
type replies struct {
	net.Conn
	raw syscall.RawConn

	mu     sync.Mutex
	wake   sync.Cond // queue or closed has changed
	queue  []byte
	busy   bool // flush is writing what it took from queue
	closed bool
}

// newReplies starts the goroutine that sends what did not fit the socket; it ends
// with Close or when the client is gone.
func newReplies(c *net.UnixConn, group *sync.WaitGroup) (*replies, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &replies{Conn: c, raw: raw}
	r.wake.L = &r.mu
	group.Go(r.flush)
	return r, nil
}

// Write implements net.Conn; it keeps a copy of what the socket does not take now.
func (r *replies) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, net.ErrClosed
	}
	sent := 0
	if !r.busy && len(r.queue) == 0 {
		sent = r.try(p)
	}
	if rest := p[sent:]; len(rest) > 0 {
		if len(r.queue)+len(rest) > maxReplies {
			return sent, errors.Join(errSlowClient, r.shut())
		}
		r.queue = append(r.queue, rest...)
		r.wake.Signal()
	}
	return len(p), nil
}

// try writes what the socket takes at once. An error shows again in flush.
func (r *replies) try(p []byte) int {
	sent := 0
	err := r.raw.Write(func(fd uintptr) bool {
		sent, _ = syscall.Write(int(fd), p) // EAGAIN, or an error that the next write has too
		return true
	})
	if err != nil {
		return 0
	}
	return max(sent, 0)
}

func (r *replies) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closed {
		if len(r.queue) == 0 {
			r.wake.Wait()
			continue
		}
		p := r.queue
		r.queue, r.busy = nil, true
		r.mu.Unlock()
		_, err := r.Conn.Write(p)
		r.mu.Lock()
		r.busy = false
		if err != nil {
			_ = r.shut() // the client has gone
		}
	}
}

// Close implements net.Conn. What is still queued is dropped.
func (r *replies) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shut()
}

// shut is Close with mu held.
func (r *replies) shut() error {
	r.closed, r.queue = true, nil
	r.wake.Broadcast()
	return r.Conn.Close()
}
