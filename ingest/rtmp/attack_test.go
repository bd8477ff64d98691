package rtmp

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	wire "weir/media/rtmp"
)

// attacker writes RTMP by hand, so that it may break every rule.
type attacker struct {
	net.Conn
	chunk int  // size of the chunks that it writes
	dead  bool // the server has closed the connection, as is hoped for
}

func attack(t *testing.T, addr string) *attacker {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	a := &attacker{Conn: c, chunk: 128}
	a.put(append([]byte{3}, make([]byte, 3072)...))
	return a
}

// put writes unless the server has closed the connection.
func (a *attacker) put(parts ...[]byte) {
	for _, p := range parts {
		if !a.dead {
			_, err := a.Write(p)
			a.dead = err != nil
		}
	}
}

func (a *attacker) message(csid, typ, stream byte, body []byte) {
	n := len(body)
	a.put([]byte{csid, 0, 0, 0, byte(n >> 16), byte(n >> 8), byte(n), typ, stream, 0, 0, 0})
	if n > 0 {
		a.put(body[:min(n, a.chunk)])
	}
	var rest bytes.Buffer
	for at := a.chunk; at < n; at += a.chunk {
		rest.WriteByte(0xc0 | csid)
		rest.Write(body[at:min(n, at+a.chunk)])
	}
	a.put(rest.Bytes())
}

func (a *attacker) command(name string, args ...[]byte) {
	a.message(3, 20, 1, bytes.Join(append([][]byte{amfString(name), {0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}}, args...), nil))
}

func (a *attacker) chunkSize(n int) {
	a.message(2, 1, 0, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	a.chunk = n
}

var (
	null    = []byte{5}
	liveApp = append(append([]byte{3, 0, 3}, "app\x02\x00\x04live"...), 0, 0, 9)
)

// publish asks to publish and does not wait.
func (a *attacker) publish() {
	a.command("connect", liveApp)
	a.command("createStream", null)
	a.command("publish", null, amfString("attacker"), amfString("live"))
}

// drain reads until the server closes.
func (a *attacker) drain() {
	_, _ = io.Copy(io.Discard, a)
	a.Close()
}

func strictArray(n uint32) []byte {
	return []byte{0x0a, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func attacks() map[string]func(a *attacker) {
	object := append([]byte{3, 0, 1}, 'x')
	nested := bytes.Repeat([]byte{0, 1, 'a', 3}, 1_700_000)
	half := make([]byte, 5_000_000)
	arrays := bytes.Repeat(strictArray(1), 1_000_000)
	return map[string]func(a *attacker){
		"array of 2^31-1":           func(a *attacker) { a.command("connect", object, strictArray(1<<31-1)) },
		"nested arrays of 50 M":     func(a *attacker) { a.command("foo", bytes.Repeat(strictArray(50_000_000), 20)) },
		"nested objects":            func(a *attacker) { a.chunkSize(0xffffff); a.command("connect", []byte{3}, nested) },
		"nested arrays":             func(a *attacker) { a.chunkSize(0xffffff); a.command("foo", arrays) },
		"nested arrays that fit":    func(a *attacker) { a.chunkSize(0xffffff); a.command("foo", arrays[:50_000]) },
		"granted, nested objects":   func(a *attacker) { a.publish(); a.chunkSize(0xffffff); a.command("foo", []byte{3}, nested) },
		"granted, data that fit":    func(a *attacker) { a.publish(); a.chunkSize(0xffffff); a.message(5, 18, 1, arrays[:60_000]) },
		"granted, long data":        func(a *attacker) { a.publish(); a.chunkSize(0xffffff); a.message(5, 18, 1, arrays) },
		"half messages":             func(a *attacker) { halfMessages(a, half) },
		"granted, half messages":    func(a *attacker) { a.publish(); halfMessages(a, half) },
		"granted, headers only":     func(a *attacker) { a.publish(); headersOnly(a) },
		"granted, chunks of a byte": func(a *attacker) { a.publish(); a.chunkSize(1); a.message(6, 9, 1, make([]byte, 30_000)) },
		"create streams": func(a *attacker) {
			a.command("connect", liveApp)
			for range 2000 {
				a.command("createStream", null)
			}
		},
		"granted, pings": func(a *attacker) {
			a.publish()
			for range 2000 {
				a.message(2, 4, 0, []byte{0, 6, 0, 0, 0, 1})
			}
		},
		"chunk size 0":   func(a *attacker) { a.message(2, 1, 0, make([]byte, 4)) },
		"encrypted":      func(a *attacker) { a.put([]byte{6}) },
		"noise":          func(a *attacker) { noise(a) },
		"granted, noise": func(a *attacker) { a.publish(); noise(a) },
	}
}

func halfMessages(a *attacker, half []byte) {
	a.chunkSize(len(half))
	for i := range byte(60) {
		a.put([]byte{3 + i, 0, 0, 0, 0x7f, 0xff, 0xff, 9, 1, 0, 0, 0}, half)
	}
}

func headersOnly(a *attacker) {
	for i := range 15 {
		a.put([]byte{byte(3 + i), 0, 0, 0, 0x7f, 0xff, 0xff, 9, 1, 0, 0, 0}, make([]byte, 128))
	}
}

func noise(a *attacker) {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, 100_000)
	_, _ = r.Read(b) // never fails
	a.put(b)
}

// TestAttacks: each kind from several connections at once costs little memory,
// and a publisher beside them notices nothing.
func TestAttacks(t *testing.T) {
	f := newFakeSessions()
	addr, _, _ := startServer(t, f, func(c *Config) { c.Limits.ReadTime = time.Minute })
	good, err := wire.Dial(context.Background(), "rtmp://"+addr+"/live/good", wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	session := <-f.open
	send := func(t *testing.T, ts uint32) {
		t.Helper()
		if err := good.WriteAudio(ts, wire.Tag{FourCC: wire.FourCCAAC, Packet: wire.CodedFrames, Body: aacFrame}); err != nil {
			t.Fatal(err)
		}
	}
	if err := good.WriteAudio(0, wire.Tag{FourCC: wire.FourCCAAC, Packet: wire.SequenceStart, Body: aacConfig}); err != nil {
		t.Fatal(err)
	}
	all := attacks()
	var before, after runtime.MemStats
	sent := uint32(0)
	for name, do := range all {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			runtime.ReadMemStats(&before)
			var wg sync.WaitGroup
			for range 4 {
				a := attack(t, addr)
				wg.Go(func() {
					do(a)
					_ = a.Conn.(*net.TCPConn).CloseWrite() // fails where the server was quicker
					a.drain()
				})
			}
			send(t, sent*100)
			sent++
			wg.Wait()
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 60<<20 { // what the attackers need is in it
				t.Errorf("%d MB more memory", grown>>20)
			}
		})
	}
	send(t, 60_000)
	if err := good.Close(); err != nil {
		t.Fatal(err)
	}
	if !<-session.closed {
		t.Error("the good publisher was cut off")
	}
	granted := 0
	for name := range all {
		granted += 4 * strings.Count(name, "granted")
	}
	if n := len(f.all) - 1; n != granted {
		t.Errorf("%d of the attackers were granted, not %d", n, granted)
	}
	if _, p := session.got(); len(p) != len(all)+1 {
		t.Errorf("%d packets of %d came", len(p), len(all)+1)
	}
}
