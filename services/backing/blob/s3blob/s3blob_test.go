package s3blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"go.uber.org/goleak"

	"weir/services/backing/blob"
	"weir/services/backing/blob/blobtest"
	"weir/services/backing/blob/s3blob"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenBadConfig(t *testing.T) {
	good := s3blob.Config{Endpoint: "http://127.0.0.1:1", Bucket: "weir", AccessKey: "key", SecretKey: "hunter2"}
	for name, change := range map[string]func(*s3blob.Config){
		"no endpoint": func(c *s3blob.Config) { c.Endpoint = "" },
		"no scheme":   func(c *s3blob.Config) { c.Endpoint = "127.0.0.1:9000" },
		"a path":      func(c *s3blob.Config) { c.Endpoint += "/bucket" },
		"keys in it":  func(c *s3blob.Config) { c.Endpoint = "http://key:hunter2@host" },
		"no bucket":   func(c *s3blob.Config) { c.Bucket = "" },
		"no key":      func(c *s3blob.Config) { c.AccessKey = "" },
		"no secret":   func(c *s3blob.Config) { c.SecretKey = "" },
	} {
		c := good
		change(&c)
		_, err := s3blob.Open(t.Context(), c)
		if !errors.Is(err, s3blob.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Bucket = "../Not_A_Bucket"
	if _, err := s3blob.Open(t.Context(), good); err == nil {
		t.Error("opened a bucket with a bad name")
	}
}

// server is one that answers by a table: what stands in for S3 where the suite on a
// real server cannot make it fail.
type server struct {
	t    *testing.T
	mu   sync.Mutex
	seen []string // method, path and query of each request
	at   string
}

func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{t: t}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
		s.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	s.at = h.URL
	return s
}

func (s *server) open(ctx context.Context) (*s3blob.Store, error) {
	b, err := s3blob.Open(ctx, s3blob.Config{Endpoint: s.at, Bucket: "weir", AccessKey: "key", SecretKey: "hunter2hunter2"})
	if err == nil {
		s.t.Cleanup(func() { b.Close() })
	}
	return b, err
}

func (s *server) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.seen {
		if strings.HasPrefix(r, what) {
			n++
		}
	}
	return n
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func TestOpenDenied(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		refuse(w, http.StatusForbidden, "AccessDenied")
	})
	_, err := s.open(t.Context())
	if !errors.Is(err, s3blob.ErrDenied) || !strings.Contains(err.Error(), "s3:CreateBucket") || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("may not make the bucket: %v", err)
	}
	s = serve(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusForbidden, "InvalidAccessKeyId") })
	if _, err := s.open(t.Context()); !errors.Is(err, s3blob.ErrDenied) {
		t.Fatalf("wrong keys: %v", err)
	}
}

// TestDenied holds that a put which is denied is tried again, for MinIO
// denies some by mistake, and not for ever.
func TestDenied(t *testing.T) {
	var mu sync.Mutex
	left := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPut && left > 0 {
			left--
			refuse(w, http.StatusForbidden, "AccessDenied")
			return
		}
		w.Header().Set("ETag", `"e"`)
	})
	b, err := s.open(t.Context())
	ok(t, err)
	for _, tc := range []struct {
		denied, sent int
		works        bool
	}{{s3blob.Attempts - 1, s3blob.Attempts, true}, {s3blob.Attempts, s3blob.Attempts, false}} {
		left = tc.denied
		before := s.count("PUT /weir/k")
		_, err := b.Put(t.Context(), "k", strings.NewReader("hello"), blob.PutOptions{})
		if sent := s.count("PUT /weir/k") - before; (err == nil) != tc.works || sent != tc.sent {
			t.Errorf("denied %d times: %v after %d requests", tc.denied, err, sent)
		}
	}
}

// TestAsk holds that asking makes nothing, and knows wrong keys from a missing bucket.
func TestAsk(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		there  bool
		err    error
	}{"there": {http.StatusOK, true, nil}, "not there": {http.StatusNotFound, false, nil}, "wrong keys": {http.StatusForbidden, false, s3blob.ErrDenied}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.status) })
			there, err := s3blob.Ask(t.Context(), s3blob.Config{Endpoint: s.at, Bucket: "weir", AccessKey: "key", SecretKey: "hunter2hunter2"})
			if there != tc.there || !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) || err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%t, %v", there, err)
			}
			if all, heads := s.count(""), s.count("HEAD /weir"); all != heads || heads == 0 {
				t.Errorf("%d requests, %d of them to look", all, heads)
			}
		})
	}
	if _, err := s3blob.Ask(t.Context(), s3blob.Config{}); !errors.Is(err, s3blob.ErrConfig) {
		t.Errorf("without settings: %v", err)
	}
}

// TestRetry holds that a request is sent again when the server is busy, with all of
// its body, and not for ever.
func TestRetry(t *testing.T) {
	var mu sync.Mutex
	left := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != http.MethodHead && left > 0 {
			left--
			refuse(w, http.StatusServiceUnavailable, "SlowDown")
			return
		}
		w.Header().Set("ETag", `"e"`)
	})
	b, err := s.open(t.Context())
	ok(t, err)
	left = s3blob.Attempts - 1
	info, err := b.Put(t.Context(), "k", struct{ io.Reader }{strings.NewReader("hello")}, blob.PutOptions{})
	ok(t, err)
	if info.Size != 5 || info.ETag != "e" || s.count("PUT /weir/k") != s3blob.Attempts {
		t.Fatalf("%+v after %d requests", info, s.count("PUT /weir/k"))
	}
	left = 1000
	if _, err = b.Put(t.Context(), "never", strings.NewReader("hello"), blob.PutOptions{}); err == nil || s.count("PUT /weir/never") != s3blob.Attempts {
		t.Fatalf("%v after %d requests", err, s.count("PUT /weir/never"))
	}
}

// TestAbort holds that the parts of an upload that failed are removed, also when the
// context that it had is over.
func TestAbort(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
		case http.MethodPut:
			w.Header().Set("ETag", `"e"`)
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	b, err := s.open(t.Context())
	ok(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	body := io.MultiReader(bytes.NewReader(make([]byte, s3blob.PartSize+1)), readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
	if _, err = b.Put(ctx, "k", body, blob.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if s.count("PUT /weir/k?partNumber=1") != 1 || s.count("DELETE /weir/k?uploadId=u1") != 1 || s.count("POST /weir/k") != 1 {
		t.Fatalf("requests: %v", s.seen)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestCutOff holds that an answer that ends early is an error, and that a server that
// knows no ranges is one.
func TestCutOff(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Unix(1e9, 0).UTC().Format(http.TimeFormat))
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		}
	})
	b, err := s.open(t.Context())
	ok(t, err)
	r, _, err := b.Get(t.Context(), "k", blob.Range{})
	ok(t, err)
	defer r.Close()
	if data, err := io.ReadAll(r); err == nil {
		t.Fatalf("%q is all", data)
	}
	if _, _, err := b.Get(t.Context(), "k", blob.Range{From: 1}); err == nil {
		t.Fatal("a range without a Content-Range")
	}
}

// TestSilentServer holds that a call ends with its context.
func TestSilentServer(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			<-release
		}
	})
	defer close(release)
	b, err := s.open(t.Context())
	ok(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err = b.Get(ctx, "k", blob.Range{})
	_, errPut := b.Put(ctx, "k", strings.NewReader("x"), blob.PutOptions{})
	_, errList := b.List(ctx, "", "", 0)
	for _, err := range []error{err, errPut, errList, b.Delete(ctx, "a", "b")} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
}

// TestReal runs what needs a server.
func TestReal(t *testing.T) {
	if os.Getenv(blobtest.Env) == "" {
		t.Logf("%s is not set: the subtests are not run", blobtest.Env)
		return
	}
	t.Run(blobtest.Env, func(t *testing.T) {
		t.Run("conformance", func(t *testing.T) {
			blobtest.Conform(t, func(t *testing.T) blob.Blob { return blobtest.S3(t) })
		})
		t.Run("no parts are left", testNoParts)
		t.Run("wrong secret", testWrongSecret)
		t.Run("names of others", testForeign)
		t.Run("bounded memory", testMemory)
		t.Run("opened by many at once", testOpenAtOnce)
		t.Run("asked", testAsk)
	})
}

// bucket opens a fresh bucket, removed after the test.
func bucket(t *testing.T) (*s3blob.Store, s3blob.Config, *minio.Core) {
	t.Helper()
	c := blobtest.Config(t)
	core := blobtest.Admin(t, c)
	b, err := s3blob.Open(t.Context(), c)
	ok(t, err)
	t.Cleanup(func() {
		b.Close()
		ctx := context.WithoutCancel(t.Context())
		for o := range core.ListObjectsIter(ctx, c.Bucket, minio.ListObjectsOptions{Recursive: true}) {
			if err := core.RemoveObject(ctx, c.Bucket, o.Key, minio.RemoveObjectOptions{}); err != nil {
				t.Error(err)
			}
		}
		if err := core.RemoveBucket(ctx, c.Bucket); err != nil {
			t.Error(err)
		}
	})
	return b, c, core
}

func testNoParts(t *testing.T) {
	b, c, core := bucket(t)
	for _, end := range []error{errors.New("gone"), io.ErrUnexpectedEOF} {
		broken := readerFunc(func([]byte) (int, error) { return 0, end })
		_, err := b.Put(t.Context(), "k", io.MultiReader(bytes.NewReader(make([]byte, 2*s3blob.PartSize)), broken), blob.PutOptions{})
		if !errors.Is(err, end) {
			t.Fatalf("got %v", err)
		}
	}
	// MinIO lists the uploads of a whole key only.
	uploads, err := core.ListMultipartUploads(t.Context(), c.Bucket, "k", "", "", "", 100)
	ok(t, err)
	if len(uploads.Uploads) > 0 {
		t.Fatalf("left: %+v", uploads.Uploads)
	}
}

func testWrongSecret(t *testing.T) {
	c := blobtest.Config(t)
	c.SecretKey = "hunter2hunter2wrong"
	_, err := s3blob.Open(t.Context(), c)
	if !errors.Is(err, s3blob.ErrDenied) || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("got %v", err)
	}
}

// testForeign holds that objects which others put into the bucket are left out of
// lists, and do not end them.
func testForeign(t *testing.T) {
	b, c, core := bucket(t)
	for _, name := range []string{"a b", ".hidden", "ä", "0+blob"} {
		_, err := core.PutObject(t.Context(), c.Bucket, name, strings.NewReader("x"), 1, "", "", minio.PutObjectOptions{})
		ok(t, err)
	}
	_, err := b.Put(t.Context(), "z", strings.NewReader("x"), blob.PutOptions{})
	ok(t, err)
	infos, err := b.List(t.Context(), "", "", 1)
	ok(t, err)
	if len(infos) != 1 || infos[0].Key != "z" {
		t.Fatalf("listed %v", infos)
	}
}

// testMemory holds that a put of many parts needs the memory of a few.
func testMemory(t *testing.T) {
	b, _, _ := bucket(t)
	const parts = 12
	most := uint64(0)
	body := io.LimitReader(readerFunc(func(p []byte) (int, error) {
		if len(p) == s3blob.PartSize { // the first read of a part
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return len(p), nil
	}), parts*s3blob.PartSize)
	info, err := b.Put(t.Context(), "big", body, blob.PutOptions{})
	ok(t, err)
	if info.Size != parts*s3blob.PartSize || most == 0 || most > 5*s3blob.PartSize {
		t.Fatalf("%d bytes put, %d MiB in use", info.Size, most>>20)
	}
}

func testOpenAtOnce(t *testing.T) {
	c := blobtest.Config(t)
	core := blobtest.Admin(t, c)
	defer func() { ok(t, core.RemoveBucket(t.Context(), c.Bucket)) }()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			b, err := s3blob.Open(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			b.Close()
		})
	}
	wg.Wait()
}

// testAsk holds that a bucket is found once it is made, and wrong keys are.
func testAsk(t *testing.T) {
	c := blobtest.Config(t)
	core := blobtest.Admin(t, c)
	if there, err := s3blob.Ask(t.Context(), c); there || err != nil {
		t.Errorf("before: %t, %v", there, err)
	}
	b, err := s3blob.Open(t.Context(), c)
	ok(t, err)
	b.Close()
	defer func() { ok(t, core.RemoveBucket(t.Context(), c.Bucket)) }()
	if there, err := s3blob.Ask(t.Context(), c); !there || err != nil {
		t.Errorf("after: %t, %v", there, err)
	}
	c.SecretKey += "x"
	if _, err := s3blob.Ask(t.Context(), c); !errors.Is(err, s3blob.ErrDenied) {
		t.Errorf("wrong key: %v", err)
	}
}

// BenchmarkPut asks what storing a segment of two seconds costs on the server of
// WEIR_TEST_S3_ENDPOINT.
func BenchmarkPut(b *testing.B) {
	if os.Getenv(blobtest.Env) == "" {
		b.Logf("%s is not set", blobtest.Env)
		return
	}
	s := blobtest.S3(b)
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		if _, err := s.Put(b.Context(), fmt.Sprintf("live/%d", i%100), bytes.NewReader(data), blob.PutOptions{Size: int64(len(data))}); err != nil {
			b.Fatal(err)
		}
	}
}
