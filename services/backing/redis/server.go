package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Tick is how often the embedded server takes time off its TTLs. With so many keys
// that one step takes longer than a twentieth of it, the steps become longer, and the
// work never takes more than a twentieth of one processor.
const Tick = 100 * time.Millisecond

// share is the part of the time, 1/share, that passing TTLs may take.
const share = 20

// server is miniredis and the goroutine that lets its time pass.
type server struct {
	mini *miniredis.Miniredis
	stop chan struct{} // closed: pass ends
	work sync.WaitGroup

	mu     sync.Mutex // holds back dials from close
	closed bool
}

func serve() (*server, error) {
	s := &server{mini: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	// The first Dial starts a server without a listener.
	first, err := s.mini.Dial()
	if err != nil {
		return nil, err
	}
	first.Close()
	s.work.Go(s.pass)
	return s, nil
}

// pass takes the time that went by off all TTLs. TIME, EXPIREAT and stream ids
// follow the machine's clock by themselves and are exact.
func (s *server) pass() {
	timer := time.NewTimer(Tick)
	defer timer.Stop()
	last := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		now := time.Now()
		s.mini.FastForward(now.Sub(last))
		last = now
		timer.Reset(max(Tick, share*time.Since(now)))
	}
}

// dial is the client's way in: go-redis' Dialer.
func (s *server) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, fmt.Errorf("socket pair: %w", err)
	}
	if err := s.take(theirs, ours); err != nil {
		return nil, err
	}
	return ours, nil
}

// take serves theirs, the other end of ours; on an error both are closed.
func (s *server) take(theirs *net.UnixConn, ours net.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := net.ErrClosed
	if !s.closed {
		var r *replies
		if r, err = newReplies(theirs, &s.work); err == nil {
			s.mini.Server().ServeConn(r)
			return nil
		}
	}
	return errors.Join(err, ours.Close(), theirs.Close())
}

func (s *server) close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return
	}
	close(s.stop)
	s.mini.Close()
	s.work.Wait()
}

// pair returns the two ends of a stream between two goroutines of this process. It
// has the kernel's buffers and deadlines, and go-redis can look whether it is alive.
func pair() (ours, theirs *net.UnixConn, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	ours, errOurs := conn(fds[0])
	theirs, errTheirs := conn(fds[1])
	if err := errors.Join(errOurs, errTheirs); err != nil {
		// One of the two may be nil: then its Close is an error, and nothing more.
		return nil, nil, errors.Join(err, ours.Close(), theirs.Close())
	}
	return ours, theirs, nil
}

// conn takes over fd.
func conn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "redis in process")
	defer f.Close() // FileConn has its own copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("a socket pair is a %T", c)
	}
	return u, nil
}
