package rtmp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/media/hub"
	"weir/media/mediatest/front"
	wire "weir/media/rtmp"
)

func dial(t *testing.T, addr, key string) *wire.Client {
	t.Helper()
	c, err := wire.Dial(context.Background(), "rtmp://"+addr+"/live/"+key, wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestConnectionCap: the cap counts what is connected at once, and a seat that
// is left can be taken.
func TestConnectionCap(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.MaxConnsPerIP = 2 },
		func(c *Config) { c.MaxConns = 2 },
	} {
		f := newFakeSessions()
		addr, _, stop := startServer(t, f, change)
		one, two := dial(t, addr, "one"), dial(t, addr, "two")
		if c, err := wire.Dial(context.Background(), "rtmp://"+addr+"/live/three", wire.Limits{}); err == nil {
			c.Close()
			t.Error("a third connection was let in")
		}
		one.Close()
		if !<-(<-f.open).closed {
			t.Error("no goodbye")
		}
		for { // the seat is left soon after the session was closed
			c, err := wire.Dial(context.Background(), "rtmp://"+addr+"/live/four", wire.Limits{})
			if err == nil {
				c.Close()
				break
			}
		}
		two.Close()
		stop()
	}
}

// TestPanic: it ends its own connection only, and the session is let go.
func TestPanic(t *testing.T) {
	f := newFakeSessions()
	f.tune = func(s *fakeSession) { s.panics = s.key == "bad" }
	addr, log, stop := startServer(t, f, nil)
	good, bad := dial(t, addr, "good"), dial(t, addr, "bad")
	goodSession, badSession := <-f.open, <-f.open
	for _, c := range []*wire.Client{bad, good} {
		err := errors.Join(
			c.WriteMetadata(0, wire.Array{{Name: "audiocodecid", Value: 10.0}}),
			c.WriteAudio(0, wire.Tag{FourCC: wire.FourCCAAC, Packet: wire.SequenceStart, Body: aacConfig}),
			c.WriteAudio(0, wire.Tag{FourCC: wire.FourCCAAC, Packet: wire.CodedFrames, Body: aacFrame}),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	if <-badSession.closed {
		t.Error("a panic counts as a goodbye")
	}
	good.Close()
	if !<-goodSession.closed {
		t.Error("the other connection died too")
	}
	stop()
	if !strings.Contains(log.String(), "in a session") {
		t.Errorf("log: %s", log)
	}
}

// TestSessionEnds: a publisher whose session is over is told why.
func TestSessionEnds(t *testing.T) {
	f := newFakeSessions()
	f.tune = func(s *fakeSession) { s.err = ingest.ErrReplaced }
	addr, _, _ := startServer(t, f, nil)
	c := dial(t, addr, "key")
	s := <-f.open
	close(s.done)
	if <-s.closed {
		t.Error("clean")
	}
	var err error
	for err == nil {
		err = c.WriteAudio(0, wire.Tag{FourCC: wire.FourCCAAC, Packet: wire.CodedFrames, Body: aacFrame})
	}
	c.Close()
	if err := c.Err(); !errors.Is(err, wire.ErrRefused) || !strings.Contains(err.Error(), ingest.ErrReplaced.Error()) {
		t.Errorf("the publisher was told: %v", err)
	}
}

// TestUnsupported: the words of Session.Start reach the publisher.
func TestUnsupported(t *testing.T) {
	f := newFakeSessions()
	f.tune = func(s *fakeSession) { s.refuse = errors.New("opus is not for us") }
	addr, _, _ := startServer(t, f, nil)
	c := dial(t, addr, "key")
	err := errors.Join(
		c.WriteMetadata(0, wire.Array{{Name: "audiocodecid", Value: "Opus"}}),
		c.WriteAudio(0, wire.Tag{FourCC: wire.FourCCOpus, Packet: wire.SequenceStart, Body: []byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00")}),
	)
	for err == nil {
		err = c.WriteAudio(0, wire.Tag{FourCC: wire.FourCCOpus, Packet: wire.CodedFrames, Body: []byte{0xfc}})
	}
	c.Close()
	if err := c.Err(); !errors.Is(err, wire.ErrRefused) || !strings.Contains(err.Error(), "opus is not for us") {
		t.Errorf("the publisher was told: %v", err)
	}
}

// TestShutdown: Run returns with publishers and strangers connected.
func TestShutdown(t *testing.T) {
	f := newFakeSessions()
	addr, log, stop := startServer(t, f, nil)
	c := dial(t, addr, "topsecretkey")
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := <-f.open
	stop()
	if <-s.closed {
		t.Error("clean")
	}
	c.Close()
	if err := c.Err(); err == nil {
		t.Error("the publisher noticed nothing")
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the silent connection lives")
	}
	if strings.Contains(log.String(), "topsecretkey") {
		t.Errorf("the key is in the log: %s", log)
	}
}

// TestSilence: connections that say nothing are let go, before and after they
// were granted.
func TestSilence(t *testing.T) {
	f := newFakeSessions()
	addr, _, _ := startServer(t, f, func(c *Config) {
		c.Limits.GreetingTime, c.Limits.ReadTime = 300*time.Millisecond, 100*time.Millisecond
	})
	var idle []net.Conn
	for range 10 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	dial(t, addr, "key")
	if <-(<-f.open).closed {
		t.Error("silence counts as a goodbye")
	}
	for _, c := range idle {
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

// badListener fails a few times before it works.
type badListener struct {
	net.Listener
	fails int
}

func (l *badListener) Accept() (net.Conn, error) {
	if l.fails--; l.fails >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestAcceptFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := newFakeSessions()
	s, err := Open(ctx, Config{Addr: "127.0.0.1:0", Sessions: f})
	if err != nil {
		t.Fatal(err)
	}
	s.lis = &badListener{s.lis, 3}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	dial(t, s.Addr().String(), "key").Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	broken, err := Open(context.Background(), Config{Addr: "127.0.0.1:0", Sessions: f})
	if err != nil {
		t.Fatal(err)
	}
	broken.lis.Close()
	if err := broken.Run(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := Open(context.Background(), Config{Addr: "127.0.0.1:x"}); err == nil {
		t.Error("an impossible address was bound")
	}
}

// TestRTMPS publishes over TLS, and in the clear to the same port in vain.
func TestRTMPS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	f := newFakeSessions()
	addr, _, _ := startServer(t, f, func(c *Config) {
		c.TLS = &tls.Config{Certificates: web.TLS.Certificates}
		c.Limits.GreetingTime = 2 * time.Second
	})
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "example.com"}}
	nc, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.NewClient(nc, wire.Target{App: "live", Key: "key"}, wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := <-f.open
	if err := c.Close(); err != nil || !<-s.closed {
		t.Errorf("no goodbye, %v", err)
	}
	if c, err := wire.Dial(context.Background(), "rtmp://"+addr+"/live/key", wire.Limits{}); err == nil {
		c.Close()
		t.Error("published in the clear")
	}
}

// TestFront: who connects is who the front says, for the caps and the sessions, before TLS;
// who does not say it holds up nobody else, nor the end.
func TestFront(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	for name, secure := range map[string]*tls.Config{"RTMP": nil, "RTMPS": {Certificates: web.TLS.Certificates}} {
		t.Run(name, func(t *testing.T) {
			f := newFakeSessions()
			peers := make(chan string, 8)
			f.tune = func(s *fakeSession) { peers <- s.peer }
			addr, _, stop := startServer(t, f, func(c *Config) {
				c.MaxConnsPerIP, c.TLS = 1, secure
				c.Front = front.Introduce
			})
			silent, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			publish := func(from string) error {
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { nc.Close() })
				io.WriteString(nc, from+"\n")
				if secure != nil {
					nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
				}
				_, err = wire.NewClient(nc, wire.Target{App: "live", Key: "key"}, wire.Limits{})
				return err
			}
			for _, from := range []string{"203.0.113.9:1", "203.0.113.10:1"} {
				if err := publish(from); err != nil {
					t.Fatalf("%s: %v", from, err)
				}
				if got := <-peers; got != from {
					t.Errorf("peer %s, want %s", got, from)
				}
			}
			if err := publish("203.0.113.9:2"); err == nil {
				t.Error("a second one of an address that may have one")
			}
			stop() // though silent has not said who it is
		})
	}
}

// TestLocal publishes into the real sessions: a stream begins and ends in the hub.
func TestLocal(t *testing.T) {
	ended := make(chan *hub.Stream, 1)
	r := ingesttest.New(t, func(c *ingest.Config) { c.Hub.OnEnd = func(s *hub.Stream) { ended <- s } })
	addr, _, _ := startServer(t, r.Opener(), nil)
	c := dial(t, addr, "good")
	_, err := wire.Dial(context.Background(), "rtmp://"+addr+"/live/good", wire.Limits{})
	if !errors.Is(err, wire.ErrRefused) || !strings.Contains(err.Error(), ingest.ErrBusy.Error()) {
		t.Errorf("a second publisher: %v", err)
	}
	if _, err = wire.Dial(context.Background(), "rtmp://"+addr+"/live/bad", wire.Limits{}); !strings.Contains(fmt.Sprint(err), ingest.ErrDenied.Error()) {
		t.Errorf("a wrong key: %v", err)
	}
	err = errors.Join(
		c.WriteMetadata(0, wire.Array{{Name: "videocodecid", Value: 7.0}}),
		c.WriteVideo(0, wire.Tag{FourCC: wire.FourCCAVC, Packet: wire.SequenceStart, Key: true, Body: avcConfig}),
		c.WriteVideo(0, wire.Tag{FourCC: wire.FourCCAVC, Packet: wire.CodedFrames, Key: true, Body: idr}),
		c.WriteVideo(40, wire.Tag{FourCC: wire.FourCCAVC, Packet: wire.CodedFrames, Body: nonIDR}),
	)
	session := r.Sessions.Get("good")
	if err != nil || session == nil {
		t.Fatal(err)
	}
	stream := r.Next(t)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-session.Done()
	if <-ended != stream.Stream {
		t.Error("another stream ended")
	}
}
