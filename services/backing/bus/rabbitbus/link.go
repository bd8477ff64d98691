package rabbitbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"weir/services/backing/bus"
)

const (
	dialTimeout  = 5 * time.Second
	heartbeat    = 10 * time.Second
	closeTimeout = 2 * time.Second
	setupTimeout = 10 * time.Second // for all declarations and consumers of a connection
)

var (
	errLost     = errors.New("the connection was lost")
	errNoAnswer = errors.New("the broker did not answer in time")
)

// session is one connection while it lasts.
type session struct {
	conn *amqp.Connection
	fail context.CancelCauseFunc // ends the session
	up   func()                  // says that all is in place; called at most once
}

// link keeps a connection and what runs on it alive.
type link struct {
	name    string
	conf    Config
	metrics *bus.Metrics
	use     func(ctx context.Context, s *session) error

	mu    sync.Mutex
	cause error // why there is no connection; nil when there is
}

// newLink makes a link. use runs on each connection; it returns when its ctx, that of
// the connection, has ended, or with the error that ends the connection.
func newLink(name string, c Config, m *bus.Metrics, use func(context.Context, *session) error) *link {
	return &link{name: name, conf: c, metrics: m, use: use, cause: errors.New("not started")}
}

func (l *link) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil {
		return fmt.Errorf("events: no connection to RabbitMQ for %s: %w", l.name, l.cause)
	}
	return nil
}

func (l *link) set(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cause = cause
}

// run connects and uses the connection, again and again, until ctx ends.
func (l *link) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		wasUp := false
		err := l.once(ctx, func() {
			wasUp = true
			l.set(nil)
			l.conf.Log.Info("connected to RabbitMQ", "for", l.name)
		})
		if ctx.Err() != nil {
			break
		}
		if wasUp {
			failures = 0
		}
		failures++
		l.set(err)
		l.metrics.Disconnected()
		pause := l.conf.Reconnect.Pause(failures)
		l.conf.Log.Warn("no connection to RabbitMQ", "for", l.name, "err", err, "pause", pause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	l.set(errors.New("stopped"))
}

// once is one connection, from dialling to its end.
func (l *link) once(ctx context.Context, up func()) error {
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	inPlace := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { guard(ctx, conn, fail, inPlace) })
	err = l.use(ctx, &session{conn: conn, fail: fail, up: func() {
		close(inPlace)
		up()
	}})
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	fail(err)
	wg.Wait()
	return err
}

// guard closes the connection at the end of ctx, so that no call on it waits on. It
// ends ctx when the connection is lost, and when not all is in place in time: a broker
// that has just come back can leave a call without an answer, and amqp091 waits for ever.
func guard(ctx context.Context, conn *amqp.Connection, fail context.CancelCauseFunc, inPlace <-chan struct{}) {
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	timer := time.NewTimer(setupTimeout)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case e := <-closed:
			if e == nil {
				fail(errLost)
			} else {
				fail(fmt.Errorf("%w: %w", errLost, e))
			}
		case <-inPlace:
			timer.Stop()
			inPlace = nil
		case <-timer.C:
			fail(errNoAnswer)
		case <-ctx.Done():
		}
	}
	_ = conn.CloseDeadline(time.Now().Add(closeTimeout)) // it may be gone already
}

// Ask signs in at the broker of an AMQP URL and changes nothing there. The error does not
// hold the URL.
func Ask(ctx context.Context, url string) error {
	conn, err := newLink("a look", Config{URL: url, Prefix: "weir"}, nil, nil).dial(ctx)
	if err != nil {
		return err
	}
	return conn.CloseDeadline(time.Now().Add(closeTimeout))
}

// dial connects; the end of ctx ends it at any moment of the handshake.
func (l *link) dial(ctx context.Context) (*amqp.Connection, error) {
	var raw net.Conn
	stop := func() bool { return true }
	conn, err := amqp.DialConfig(l.conf.URL, amqp.Config{
		Heartbeat:  heartbeat,
		Properties: amqp.Table{"connection_name": l.conf.Prefix + " " + l.name, "product": "weir"},
		Dial: func(network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			// For the handshake; the library clears it after that.
			if err := c.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
				_ = c.Close()
				return nil, err
			}
			raw, stop = c, context.AfterFunc(ctx, func() { _ = c.Close() })
			return c, nil
		},
	})
	stop()
	if err != nil {
		if raw != nil {
			_ = raw.Close() // the library leaves it open when the handshake fails
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}
