package certificate

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/services/certificate/certificatetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a certificate in files, and a server with it.
type rig struct {
	certFile, keyFile string
	addr              string
	seconds           atomic.Int64 // of the clock
	log               bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{}
	r.certFile, r.keyFile = certificatetest.Write(t, t.TempDir(), 1)
	files, err := Open(Config{CertFile: r.certFile, KeyFile: r.keyFile, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Now: func() time.Time { return time.Unix(r.seconds.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", files.Server())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	r.addr = l.Addr().String()
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(c, c)
			c.Close()
		}
	}()
	return r
}

// serial is that of the certificate which a client gets now, after so many seconds.
func (r *rig) serial(t *testing.T, later int64) int64 {
	t.Helper()
	r.seconds.Add(later)
	c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// put puts a file in place at once.
func put(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// What is written into the files is used without a new start, as soon as both fit.
func TestRenewed(t *testing.T) {
	r := newRig(t)
	if got := r.serial(t, 0); got != 1 {
		t.Fatalf("serial %d", got)
	}
	cert, key := certificatetest.Write(t, t.TempDir(), 2)
	put(t, cert, r.certFile)
	for range 3 { // the key is of the old one still
		if got := r.serial(t, 1); got != 1 {
			t.Fatalf("half of the new pair: serial %d", got)
		}
	}
	put(t, key, r.keyFile)
	if got := r.serial(t, 0); got != 1 {
		t.Errorf("the files are looked at too often: serial %d", got)
	}
	if got := r.serial(t, 1); got != 2 {
		t.Errorf("the new pair: serial %d", got)
	}
	if n := strings.Count(r.log.String(), "cannot be renewed"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, r.log.String())
	}
	if !strings.Contains(r.log.String(), "was renewed") {
		t.Errorf("nothing is said of the renewal:\n%s", r.log.String())
	}
}

// What a renewal leaves behind that cannot be used ends nothing.
func TestUnusableFiles(t *testing.T) {
	for name, spoil := range map[string]func(r *rig) error{
		"empty":   func(r *rig) error { return os.WriteFile(r.certFile, nil, 0o600) },
		"no PEM":  func(r *rig) error { return os.WriteFile(r.keyFile, []byte("x"), 0o600) },
		"removed": func(r *rig) error { return os.Remove(r.certFile) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if err := spoil(r); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if got := r.serial(t, 1); got != 1 {
					t.Errorf("serial %d", got)
				}
			}
			if n := strings.Count(r.log.String(), "cannot be renewed"); n != 1 {
				t.Errorf("%d warnings:\n%s", n, r.log.String())
			}
			cert, key := certificatetest.Write(t, t.TempDir(), 2)
			put(t, cert, r.certFile)
			put(t, key, r.keyFile)
			if got := r.serial(t, 1); got != 2 {
				t.Errorf("after the next renewal: serial %d", got)
			}
		})
	}
}

// Renewers such as certbot point a link at the next file.
func TestLinks(t *testing.T) {
	r, dir := &rig{}, t.TempDir()
	certs, keys := [2]string{}, [2]string{}
	for i := range certs {
		certs[i], keys[i] = certificatetest.Write(t, t.TempDir(), int64(i+1))
		when := time.Unix(1_700_000_000, 0) // both at once
		for _, name := range []string{certs[i], keys[i]} {
			if err := os.Chtimes(name, when, when); err != nil {
				t.Fatal(err)
			}
		}
	}
	point := func(i int) {
		for name, to := range map[string]string{"cert.pem": certs[i], "key.pem": keys[i]} {
			_ = os.Remove(filepath.Join(dir, name))
			if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	point(0)
	files, err := Open(Config{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Now: func() time.Time { return time.Unix(r.seconds.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	point(1)
	r.seconds.Add(1)
	cert, err := files.Server().GetCertificate(nil)
	if err != nil || cert.Leaf.SerialNumber.Int64() != 2 {
		t.Errorf("%v, serial %v", err, cert.Leaf.SerialNumber)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	cert, key := certificatetest.Write(t, t.TempDir(), 1)
	_, foreign := certificatetest.Write(t, t.TempDir(), 2)
	for name, cfg := range map[string]Config{
		"nowhere.pem":           {CertFile: "nowhere.pem", KeyFile: key},
		"private key does not":  {CertFile: cert, KeyFile: foreign},
		"failed to find any PE": {CertFile: cert, KeyFile: os.DevNull},
	} {
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Many who connect at once get one or the other, never nothing.
func TestAtOnce(t *testing.T) {
	r := newRig(t)
	cert, key := certificatetest.Write(t, t.TempDir(), 2)
	put(t, cert, r.certFile)
	put(t, key, r.keyFile)
	serials := make(chan int64)
	for range 16 {
		go func() {
			c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
			r.seconds.Add(1)
			if err != nil {
				t.Error(err)
				serials <- 0
				return
			}
			defer c.Close()
			serials <- c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
		}()
	}
	for range 16 {
		if n := <-serials; n != 1 && n != 2 {
			t.Errorf("serial %d", n)
		}
	}
}
