package rtsp

import (
	"context"
	"net"
	"sync"
)

// maxUnknown is how many connections at once may take their time to say who they are.
const maxUnknown = 1024

// Known gives the connections of a listener when their address is known, which takes its
// time where a proxy tells it in their first bytes: nobody waits for another one.
type Known struct {
	net.Listener
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	begin sync.Once
	ready chan net.Conn
	fails chan error
	free  chan struct{} // a token for each that is not known yet
	work  sync.WaitGroup
}

// NewKnown makes a Known of a listener, which it closes with itself.
func NewKnown(l net.Listener) *Known {
	k := &Known{Listener: l, ready: make(chan net.Conn), fails: make(chan error), free: make(chan struct{}, maxUnknown)}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

// Accept waits for the next connection whose address is known.
func (k *Known) Accept() (net.Conn, error) {
	k.begin.Do(func() { k.work.Go(k.accept) })
	select {
	case c := <-k.ready:
		return c, nil
	case err := <-k.fails:
		return nil, err
	case <-k.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close ends those that are not known yet too, and waits for that.
func (k *Known) Close() error {
	k.stop()
	err := k.Listener.Close()
	k.begin.Do(func() {}) // it does not begin any more
	k.work.Wait()
	return err
}

func (k *Known) accept() {
	for k.ctx.Err() == nil {
		c, err := k.Listener.Accept()
		if err != nil {
			select {
			case k.fails <- err:
			case <-k.ctx.Done():
			}
			continue
		}
		select {
		case k.free <- struct{}{}:
			k.work.Go(func() { k.know(c) })
		default:
			_ = c.Close() // too many do not say who they are
		}
	}
}

// know waits for a connection's address.
func (k *Known) know(c net.Conn) {
	defer func() { <-k.free }()
	stop := context.AfterFunc(k.ctx, func() { _ = c.Close() })
	c.RemoteAddr()
	select {
	case k.ready <- c:
		stop()
	case <-k.ctx.Done():
		_ = c.Close()
	}
}
