package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// mostMemory is what attacks from six connections may add to what a weir takes with one
// stream that passes through.
const mostMemory = 64 << 20

// vandal writes RTMP with no regard for its rules. What happens to its connection
// is of no interest.
type vandal struct {
	net.Conn
	chunk int
}

// message sends a body as a message cut into chunks.
func (v *vandal) message(stream, kind byte, body []byte) {
	var out bytes.Buffer
	out.Write([]byte{stream, 0, 0, 0, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), kind, 1, 0, 0, 0})
	for len(body) > v.chunk {
		out.Write(body[:v.chunk])
		out.WriteByte(0xc0 | stream)
		body = body[v.chunk:]
	}
	out.Write(body)
	_, _ = v.Write(out.Bytes())
}

func (v *vandal) wide(n int) {
	v.message(2, 1, binary.BigEndian.AppendUint32(nil, uint32(n)))
	v.chunk = n
}

func text(s string) []byte { return append([]byte{2, 0, byte(len(s))}, s...) }

func (v *vandal) command(name string, args ...[]byte) {
	one := []byte{0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}
	v.message(3, 20, append(append(text(name), one...), bytes.Join(args, nil)...))
}

// grant publishes a name of its own, without looking at the answers.
func (v *vandal) grant() {
	v.command("connect", []byte("\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"))
	v.command("createStream", []byte{5})
	v.command("publish", []byte{5}, text(fmt.Sprintf("vandal%d", rand.Uint64())), text("live"))
}

func (v *vandal) half(streams byte) {
	v.wide(4 << 20)
	body := make([]byte, 4<<20)
	for i := range streams {
		_, _ = v.Write([]byte{3 + i, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0})
		_, _ = v.Write(body)
	}
}

func (v *vandal) noise() {
	b := make([]byte, 256<<10)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	_, _ = v.Write(b)
}

func array(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{10}, n) }

// vandalism are the kinds that have killed RTMP servers, from before and after the
// moment at which publishing is granted.
func vandalism() map[string]func(v *vandal) {
	object := []byte{3, 0, 1, 'x'}
	deep := append([]byte{3}, bytes.Repeat([]byte{0, 1, 'a', 3}, 1<<20)...)
	frame := append([]byte{0x17, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, make([]byte, 4096)...)
	return map[string]func(v *vandal){
		"an array of two thousand million": func(v *vandal) { v.command("connect", object, array(1<<31-1)) },
		"arrays in arrays":                 func(v *vandal) { v.wide(1 << 20); v.command("x", bytes.Repeat(array(1), 1<<18)) },
		"wide arrays in arrays":            func(v *vandal) { v.command("x", bytes.Repeat(array(50_000_000), 20)) },
		"objects in objects":               func(v *vandal) { v.wide(0xffffff); v.command("connect", deep) },
		"half messages":                    func(v *vandal) { v.half(50) },
		"streams without end": func(v *vandal) {
			v.command("connect", []byte("\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"))
			for range 5000 {
				v.command("createStream", []byte{5})
			}
		},
		"noise":                       func(v *vandal) { v.noise() },
		"nothing":                     func(*vandal) {},
		"granted, then half messages": func(v *vandal) { v.grant(); v.half(50) },
		"granted, then deep data":     func(v *vandal) { v.grant(); v.wide(0xffffff); v.message(4, 18, deep) },
		"granted, then noise":         func(v *vandal) { v.grant(); v.noise() },
		"granted, then broken frames": func(v *vandal) {
			v.grant()
			for range 500 {
				v.message(6, 9, frame)
				v.message(4, 8, []byte{0xaf, 1, 1, 2, 3})
			}
		},
		"granted, then broken headers": func(v *vandal) {
			v.grant()
			for i := range 200 {
				v.message(6, 9, append([]byte{0x17, 0, 0, 0, 0}, bytes.Repeat([]byte{byte(i)}, i)...))
				v.message(4, 8, []byte{0xaf, 0, byte(i), byte(i * 7)})
			}
		},
	}
}

// ravage connects, shakes hands and does its worst, then reads until the server
// has had enough of it.
func ravage(addr string, do func(v *vandal)) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	v := &vandal{Conn: c, chunk: 128}
	_, _ = v.Write(append([]byte{3}, make([]byte, 3072)...))
	do(v)
	_ = c.(*net.TCPConn).CloseWrite() // it may be closed already
	_, err = io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the server still listens: %w", err)
	}
	return nil
}

// TestVandals lets every kind of attack loose on a weir with a stream on it, from
// several connections at once: it stays small and the stream goes on untouched.
func TestVandals(t *testing.T) {
	t.Parallel()
	c, ctx := startChild(t, nil), limited(t)
	air(t, c.station, "good")
	v, err := c.view(ctx, "good")
	if err != nil {
		t.Fatal(err)
	}
	forgetPeak(t, c.cmd.Process.Pid) // that of the start, when a password is hashed
	before := peakMemory(t, c.cmd.Process.Pid)
	for name, do := range vandalism() {
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if err := ravage(c.rtmp, do); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		if n := peakMemory(t, c.cmd.Process.Pid) - before; n > mostMemory {
			t.Errorf("%s: %d MB more at the most", name, n>>20)
		}
	}
	m, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return length(m) > 3*time.Second })
	if err != nil {
		t.Fatal(err)
	}
	if discontinuities(m) != 0 {
		t.Error("the stream was disturbed")
	}
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	if r := c.stop(); r.code != 0 || strings.Contains(r.stderr, "panic") || strings.Contains(r.stderr, `"ERROR"`) {
		t.Errorf("%d\n%s", r.code, r.stderr)
	}
}

// forgetPeak makes peakMemory begin anew (proc_pid_clear_refs(5)).
func forgetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// peakMemory is the most that a process had resident since the start or forgetPeak, in bytes.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatal("no VmHWM")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
