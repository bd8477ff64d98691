package certificate

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// every is how often the files are looked at, at most; nobody looks while nobody connects.
const every = time.Second

// Config names the files, in PEM: the chain with the server's own certificate first,
// and its key.
type Config struct {
	CertFile, KeyFile string
	Log               *slog.Logger     // nil discards
	Now               func() time.Time // nil means time.Now
}

// Files is a certificate and its key. It may be used from any goroutine.
type Files struct {
	cfg  Config
	cert atomic.Pointer[tls.Certificate]

	mu     sync.Mutex // held by who looks at the files
	looked time.Time
	seen   [2]os.FileInfo // what cert was read from
	told   string         // what was last said to be wrong; empty: nothing is
}

// Open reads the files. The error says what is wrong with them.
func Open(cfg Config) (*Files, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f := &Files{cfg: cfg, looked: cfg.Now()}
	var err error
	if f.seen, err = f.stat(); err != nil {
		return nil, err
	}
	cert, err := f.read()
	if err != nil {
		return nil, err
	}
	f.cert.Store(cert)
	return f, nil
}

// Server is what a listener needs: TLS 1.2 and later. The caller may change it.
func (f *Files) Server() *tls.Config {
	return &tls.Config{GetCertificate: f.get, MinVersion: tls.VersionTLS12}
}

// get is tls.Config's GetCertificate. While one handshake looks at the files the others
// go on with what there is.
func (f *Files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		if now := f.cfg.Now(); now.Sub(f.looked) >= every {
			f.looked = now
			f.look()
		}
	}
	return f.cert.Load(), nil
}

// look takes what has been written since. Of a pair that is written one file after the
// other the first may be seen alone: that does not fit, and is looked at again.
func (f *Files) look() {
	is, err := f.stat()
	if err == nil && unchanged(f.seen, is) {
		f.told = ""
		return
	}
	var cert *tls.Certificate
	if err == nil {
		cert, err = f.read()
	}
	if err != nil {
		if text := err.Error(); text != f.told {
			f.told = text
			f.cfg.Log.Warn("the TLS certificate cannot be renewed, the old one stays", "err", err)
		}
		return
	}
	f.seen, f.told = is, ""
	f.cert.Store(cert)
	f.cfg.Log.Info("the TLS certificate was renewed", "until", cert.Leaf.NotAfter)
}

// unchanged tells whether these are the same files, as they were written then.
func unchanged(then, now [2]os.FileInfo) bool {
	for i := range then {
		if !os.SameFile(then[i], now[i]) || !then[i].ModTime().Equal(now[i].ModTime()) || then[i].Size() != now[i].Size() {
			return false
		}
	}
	return true
}

func (f *Files) stat() (all [2]os.FileInfo, err error) {
	for i, name := range [...]string{f.cfg.CertFile, f.cfg.KeyFile} {
		if all[i], err = os.Stat(name); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (f *Files) read() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(f.cfg.CertFile, f.cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	return &cert, nil
}
