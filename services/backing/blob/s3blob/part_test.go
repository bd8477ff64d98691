package s3blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"weir/services/backing/blob"
	"weir/services/backing/blob/s3blob"
)

// seen is what a server that stands in for S3 was told of each body, and what it was.
type seen struct{ told, body string }

// sums is a server that tells what it sees: of one request in three it reads the beginning
// only before it refuses it, as one that is overloaded does.
func sums(overloaded bool) (http.Handler, chan seen) {
	all := make(chan seen, 1000)
	var mu sync.Mutex
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			return
		}
		mu.Lock()
		n++
		odd := n%3 == 0
		mu.Unlock()
		if overloaded && odd {
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
			refuse(w, http.StatusBadRequest, "EntityTooLarge")
			return
		}
		h := sha256.New()
		if _, err := io.Copy(h, r.Body); err == nil {
			all <- seen{r.Header.Get("X-Amz-Content-Sha256"), hex.EncodeToString(h.Sum(nil))}
		}
		w.Header().Set("ETag", `"e"`)
	}), all
}

// TestSigned: without TLS the signature of a request holds the hash of its body, which the
// server checks; and what a request is over with is never sent in place of another's body,
// however early it was answered.
func TestSigned(t *testing.T) {
	answer, all := sums(true)
	s := httptest.NewServer(answer)
	defer s.Close()
	b, err := s3blob.Open(t.Context(), s3blob.Config{Endpoint: s.URL, Bucket: "weir", AccessKey: "key", SecretKey: "hunter2hunter2"})
	ok(t, err)
	defer b.Close()
	var wg sync.WaitGroup
	for lane := range 4 {
		wg.Go(func() {
			for i := range 12 {
				body := bytes.Repeat([]byte{byte(16*lane + i)}, 3<<20+i)
				_, _ = b.Put(t.Context(), "k", bytes.NewReader(body), blob.PutOptions{Size: int64(len(body))}) // some it would not have
			}
		})
	}
	wg.Wait()
	s.Close()
	close(all)
	n := 0
	for got := range all {
		if n++; got.told != got.body {
			t.Errorf("a body that is not its own: %s, not %s", got.body, got.told)
		}
	}
	if n < 20 {
		t.Errorf("%d bodies came", n)
	}
}

// TestNotSigned: TLS keeps a body whole, which is not hashed besides.
func TestNotSigned(t *testing.T) {
	answer, all := sums(false)
	s := httptest.NewTLSServer(answer)
	defer s.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	ok(t, os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	t.Setenv("SSL_CERT_FILE", roots)
	b, err := s3blob.Open(t.Context(), s3blob.Config{Endpoint: s.URL, Bucket: "weir", AccessKey: "key", SecretKey: "hunter2hunter2"})
	ok(t, err)
	defer b.Close()
	_, err = b.Put(t.Context(), "k", bytes.NewReader([]byte("hello")), blob.PutOptions{})
	ok(t, err)
	hello := sha256.Sum256([]byte("hello"))
	if got := <-all; got != (seen{"UNSIGNED-PAYLOAD", hex.EncodeToString(hello[:])}) {
		t.Errorf("%+v", got)
	}
}
