package http11

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// watch ends the requests of clients that have left, a second or two after that. (net/http
// has a goroutine and a buffer for each request to see it at once.)
func (s *Server) watch(over <-chan struct{}) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	var held []*conn
	for {
		select {
		case <-ticks.C:
			held = s.look(held[:0])
		case <-over:
			return
		}
	}
}

// look ends the requests whose clients have left, of those that were under way at the look
// before already. list is memory for it, and given back.
func (s *Server) look(list []*conn) []*conn {
	s.mu.Lock()
	for c := range s.conns {
		turn := c.turn.Load()
		if turn%2 != 0 && turn == c.seen {
			list = append(list, c)
		}
		c.seen = turn
	}
	s.mu.Unlock()
	for i, c := range list {
		if hasLeft(c.rwc) {
			c.leave()
		}
		list[i] = nil
	}
	return list
}

// hasLeft says whether nothing will come from the client any more. One that has sent
// something is there as far as we know. What was sent stays unread.
func hasLeft(c net.Conn) (left bool) {
	if w, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = w.NetConn()
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	// An error means that the connection was closed here, and its request is over.
	_ = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		left = n == 0 && err == nil || err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
	})
	return left
}
