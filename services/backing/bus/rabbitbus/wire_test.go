package rabbitbus_test

import (
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// wire is a TCP relay that can be cut.
type wire struct {
	listener net.Listener
	to       string
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]bool
	cuts     int
}

// newWire relays to the broker at address and returns the address of the relay.
func newWire(t testing.TB, address string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the AMQP address is no URL")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: u.Host, conns: make(map[net.Conn]bool)}
	w.wg.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.cut()
		w.wg.Wait()
	})
	u.Host = l.Addr().String()
	return w, u.String()
}

func (w *wire) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		if err != nil {
			in.Close()
			continue
		}
		w.mu.Lock()
		w.conns[in], w.conns[out] = true, true
		w.mu.Unlock()
		w.wg.Go(func() { w.pump(in, out) })
		w.wg.Go(func() { w.pump(out, in) })
	}
}

func (w *wire) pump(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
	from.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, from)
}

// cut resets all connections, with what is on its way in them.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
	w.cuts++
}

// Devstack is the variable with a shell command that starts, kills and restarts real
// servers; deploy/devstack sets it.
const Devstack = "WEIR_TEST_DEVSTACK"

// broker is a RabbitMQ of this test alone.
type broker struct {
	t       testing.TB
	dir     string
	address string
}

func newBroker(t testing.TB) *broker {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-rabbit-") // a short path: Erlang wants that
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, dir: dir}
	t.Cleanup(func() { b.do("stop") })
	b.do("start rabbitmq")
	out, err := exec.Command("bash", "-c", `eval "$(`+os.Getenv(Devstack)+` --dir "$0" env --test)"; echo "$WEIR_TEST_AMQP_URL"`, dir).Output()
	if err != nil {
		t.Fatalf("%s: env: %v", Devstack, err)
	}
	b.address = strings.TrimSpace(string(out))
	return b
}

// do runs a command of the stack; "kill rabbitmq" is a SIGKILL.
func (b *broker) do(command string) {
	b.t.Helper()
	out, err := exec.Command("bash", "-c", os.Getenv(Devstack)+` --dir "$0" `+command, b.dir).CombinedOutput()
	if err != nil {
		b.t.Errorf("%s: %s: %v\n%s", Devstack, command, err, out)
	}
}
