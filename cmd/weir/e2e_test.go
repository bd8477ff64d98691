package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// station is a weir under test, in this process or as a child, on ports of its own.
type station struct {
	web, admin string // URLs without a slash at the end
	rtmp, srt  string // host:port
	rtsp       string // host:port
	rtmps      string // host:port; empty when it is off
	key        string // the first key, when keys are needed
	password   string // of the first account
	dir        string // the data folder
	client     *http.Client
	flaky      bool          // connections to it may fail
	stop       func() result // ends it and tells what it left; may be called again
}

// patience bounds what a test waits for; it is met only by what is broken.
const patience = 60 * time.Second

// stationSettings are those of a station: anyone may publish and nothing is
// encoded, unless more says otherwise.
func stationSettings(dir string, more []string) []string {
	return append(quiet("WEIR_DATA_DIR="+dir, "WEIR_PUBLISH=open", "WEIR_LADDER=off"), more...)
}

// startStation runs weir in this process until the test ends.
func startStation(t *testing.T, settings ...string) *station {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	banner, stop := startAll(t, stationSettings(dir, settings))
	return newStation(t, dir, banner, stop)
}

func newStation(t *testing.T, dir, banner string, stop func() result) *station {
	t.Helper()
	s := &station{dir: dir, stop: stop}
	s.web = find(t, `Watch\s+(https?://\S+)/\n`, banner)
	s.admin = find(t, `Operate\s+(http://\S+)/metrics`, banner)
	s.rtmp = find(t, `Publish\s+rtmp://(\S+)/live\n`, banner)
	s.srt = find(t, `srt://(\S+)\?streamid=`, banner)
	s.rtsp = find(t, `rtsp://(\S+)/live/KEY`, banner)
	if m := regexp.MustCompile(`rtmps://(\S+)/live`).FindStringSubmatch(banner); m != nil {
		s.rtmps = m[1]
	}
	if m := regexp.MustCompile(`stream key: ([A-Za-z0-9_-]{32}) `).FindStringSubmatch(banner); m != nil {
		s.key = m[1]
	}
	if m := regexp.MustCompile(`Account   admin, password: (\S+) `).FindStringSubmatch(banner); m != nil {
		s.password = m[1]
	}
	tr := &http.Transport{MaxIdleConnsPerHost: 8}
	if strings.HasPrefix(s.web, "https:") {
		trusting(tr)
	}
	s.client = &http.Client{Transport: tr, Timeout: patience}
	t.Cleanup(tr.CloseIdleConnections)
	return s
}

// freePort finds one for a child that has to know it beforehand: below those that the kernel
// gives to connections meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// child is a station in a process of its own, without the race detector.
type child struct {
	*station
	cmd *exec.Cmd
}

// built is the program, compiled once for all tests that need a process.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func program() (string, error) {
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "weir-e2e-"); built.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "weir"), ".").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	return filepath.Join(built.dir, "weir"), built.err
}

// discardBuilt is called after the last test.
func discardBuilt() {
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // a temporary folder
	}
}

// startChild runs the program until the test ends.
func startChild(t *testing.T, args []string, settings ...string) *child {
	t.Helper()
	weir, err := program()
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	dir := filepath.Join(work, "data")
	cmd := exec.Command(weir, append([]string{"all"}, args...)...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), stationSettings(dir, settings)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := readBanner(out)
	stop := sync.OnceValue(func() result {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait() // the code tells
		return result{cmd.ProcessState.ExitCode(), string(rest), stderr.String()}
	})
	t.Cleanup(func() { stop() })
	if err != nil {
		t.Fatalf("it ended before the banner: %s", stop().stderr)
	}
	return &child{newStation(t, dir, said, stop), cmd}
}

func readBanner(r io.Reader) (string, error) {
	var said strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(said.String(), "  Data ") || !strings.HasSuffix(said.String(), "\n\n") {
		n, err := r.Read(buf)
		if err != nil {
			return "", err
		}
		said.Write(buf[:n])
	}
	return said.String(), nil
}

// get fetches a URL; a relative one is one of the station's.
func (s *station) get(ctx context.Context, u string) (status int, body string, err error) {
	if strings.HasPrefix(u, "/") {
		u = s.web + u
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// must is get for what has to be there. It may be called from any goroutine.
func (s *station) must(ctx context.Context, u string) (string, error) {
	status, body, err := s.get(ctx, u)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %.200s", u, status, body)
	}
	return body, err
}

// resolve is a reference of the document at base.
func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}

// eventually tries until it is true; what is looked at has no way to tell.
func eventually(t *testing.T, what string, try func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !try(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it never came to be: %s", what)
		}
	}
}

// tool is a program that runs beside the test.
type tool struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	done   chan struct{}
}

// startTool starts a program, which is killed when the test ends.
func startTool(t *testing.T, name string, args ...string) *tool {
	t.Helper()
	p := &tool{cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s is needed for this test: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // the state tells
		close(p.done)
	}()
	t.Cleanup(func() { p.signal(os.Kill) })
	return p
}

// signal sends a signal and waits for the end.
func (p *tool) signal(s os.Signal) {
	_ = p.cmd.Process.Signal(s) // it may have ended already
	<-p.done
}

// ffmpegPublish starts the ffmpeg program with some inputs and outputs options.
func ffmpegPublish(t *testing.T, s *station, name string, args ...string) *tool {
	t.Helper()
	all := append([]string{"-v", "error", "-nostdin"}, args...)
	return startTool(t, "ffmpeg", append(all, "-f", "flv", "rtmp://"+s.rtmp+"/live/"+name)...)
}

// runTool runs a program to its end, within patience.
func runTool(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}

// wire is a connection that can be cut and remembers what it read.
type wire struct {
	net.Conn
	mu   sync.Mutex
	read bytes.Buffer
}

func dialWire(t *testing.T, addr string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &wire{Conn: c}
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.read.Len() < 64<<10 {
		w.read.Write(b[:n])
	}
	return n, err
}

// heard tells whether the peer has said something.
func (w *wire) heard(words string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(w.read.String(), words)
}
