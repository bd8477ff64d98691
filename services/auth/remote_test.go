package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/services/fault"
)

// keyServer serves what it is told to and counts.
type keyServer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	calls  atomic.Int32
}

func newKeyServer(t *testing.T) *keyServer {
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(f http.HandlerFunc) { s.answer.Store(&f) }

func (s *keyServer) ring(t *testing.T, ring *Ring) {
	t.Helper()
	document, err := MarshalJWKS(ring.Public())
	ok(t, err)
	s.serve(func(w http.ResponseWriter, _ *http.Request) { w.Write(document) })
}

func (s *keyServer) text(status int, text string) {
	s.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); w.Write([]byte(text)) })
}

// remote is a rig whose verifier reads its keys over HTTP.
func remote(t *testing.T) (*rig, *keyServer, *RemoteKeys) {
	t.Helper()
	s := newKeyServer(t)
	r := newRig(t)
	s.ring(t, r.ring)
	keys, err := NewRemoteKeys(RemoteConfig{URL: s.URL, Client: s.Client(), Now: r.clock.now})
	ok(t, err)
	r.verifier = r.another(t, func(c *Config) { c.Keys = keys })
	ok(t, r.verifier.Sync(t.Context()))
	return r, s, keys
}

func (r *rig) rotate(t *testing.T) SigningKey {
	t.Helper()
	key, err := NewSigningKey(r.clock.now())
	ok(t, err)
	ok(t, r.ring.Set(key, r.key))
	return key
}

func TestRemoteKeysAreCached(t *testing.T) {
	r, s, keys := remote(t)
	var done sync.WaitGroup
	for range 20 {
		done.Go(func() {
			if _, err := keys.Key(t.Context(), r.key.ID); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	same(t, "reads", s.calls.Load(), 1)
	_, token := r.sign(t)
	refused(t, r.verifier, token, nil)
	same(t, "reads", s.calls.Load(), 1)
	r.clock.add(maxAge)
	_, err := keys.Key(t.Context(), r.key.ID)
	ok(t, err)
	same(t, "reads when old", s.calls.Load(), 2)
}

func TestRemoteKeysLearnANewKey(t *testing.T) {
	r, s, keys := remote(t)
	_, err := keys.Key(t.Context(), r.key.ID)
	ok(t, err)
	r.clock.add(fetchEvery)
	r.rotate(t)
	s.ring(t, r.ring)
	_, token := r.sign(t)
	refused(t, r.verifier, token, nil)
	same(t, "reads", s.calls.Load(), 2)
}

func TestUnknownKidsDoNotFlood(t *testing.T) {
	r, s, keys := remote(t)
	for i := range 100 {
		_, err := keys.Key(t.Context(), "kid-"+strings.Repeat("x", i%40))
		if !errors.Is(err, ErrUnknownKey) {
			t.Fatal(err)
		}
	}
	same(t, "reads", s.calls.Load(), 1)
	for range 3 {
		r.clock.add(fetchEvery)
		for range 10 {
			_, _ = keys.Key(t.Context(), "kid")
		}
	}
	same(t, "reads", s.calls.Load(), 4)
}

func TestRemoteKeysWhileTheirServerIsAway(t *testing.T) {
	r, s, keys := remote(t)
	s.text(500, "down")
	_, token := r.sign(t)
	if _, err := r.verifier.Verify(t.Context(), token); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("never read: %v", err)
	}
	same(t, "reads", s.calls.Load(), 1)
	_, _ = keys.Key(t.Context(), r.key.ID)
	same(t, "reads, too soon", s.calls.Load(), 1)

	r.clock.add(fetchEvery)
	s.ring(t, r.ring)
	_, err := keys.Key(t.Context(), r.key.ID)
	ok(t, err)
	s.text(500, "down")
	r.clock.add(maxAge)
	_, err = keys.Key(t.Context(), r.key.ID)
	ok(t, err) // the old set is still good
	if _, err := keys.Key(t.Context(), "new"); err == nil || errors.Is(err, ErrUnknownKey) {
		t.Fatalf("a kid that may be new: %v", err)
	}
	r.clock.add(MaxLife)
	if _, err := keys.Key(t.Context(), r.key.ID); err == nil || errors.Is(err, ErrUnknownKey) {
		t.Fatalf("a set of more than MaxLife ago: %v", err)
	}
}

func TestRemoteKeysRefuse(t *testing.T) {
	elsewhere := newKeyServer(t)
	elsewhere.text(200, `{"keys":[]}`)
	for name, answer := range map[string]http.HandlerFunc{
		"status":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"page":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"no key":   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"keys":[]}`)) },
		"endless":  func(w http.ResponseWriter, _ *http.Request) { endless(w) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte(`{"keys":[`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, s, keys := remote(t)
			s.serve(answer)
			if key, err := keys.Key(t.Context(), r.key.ID); err == nil || errors.Is(err, ErrUnknownKey) {
				t.Fatalf("got %v, %v", key, err)
			}
		})
	}
	same(t, "redirects followed", elsewhere.calls.Load(), 0)
}

func endless(w http.ResponseWriter) {
	for {
		if _, err := w.Write([]byte(strings.Repeat(" ", 4096))); err != nil {
			return
		}
	}
}

func TestRemoteKeysWaitNoLongerThanTheCaller(t *testing.T) {
	r, s, keys := remote(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	good := *s.answer.Load()
	s.serve(func(w http.ResponseWriter, q *http.Request) { close(entered); <-leave; good(w, q) })
	first := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, err := keys.Key(ctx, r.key.ID); first <- err }()
	<-entered
	cancel() // whoever reads reads for all

	gone, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	if _, err := keys.Key(gone, r.key.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(leave)
	ok(t, <-first)
}

func TestRemoteKeysNeedAnAddress(t *testing.T) {
	for _, address := range []string{"", "/jwks.json", "file:///etc/passwd", "http://", "::", "ftp://x/y"} {
		if _, err := NewRemoteKeys(RemoteConfig{URL: address}); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}
