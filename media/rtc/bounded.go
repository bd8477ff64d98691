package rtc

import (
	"net"
	"sync"
)

// bounded is a listener that closes at once what is too much: a TCP connection to
// the port costs nothing to make and has no owner before it has spoken.
type bounded struct {
	net.Listener
	seats chan struct{}
}

// Accept waits for the next connection that has a seat.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.seats <- struct{}{}:
			return &seated{Conn: c, leave: func() { <-b.seats }}, nil
		default:
			c.Close()
		}
	}
}

type seated struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close gives the seat back.
func (s *seated) Close() error {
	s.once.Do(s.leave)
	return s.Conn.Close()
}
