package blob_test

import (
	"errors"
	"io"
	"path"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"weir/services/backing/blob"
	"weir/services/backing/blob/blobtest"
)

func TestCheckKey(t *testing.T) {
	for _, key := range []string{"a", "a/b", "live/x_1/720p/seg-1.m4s", "0", "-", "_", "a..b", "a.", strings.Repeat("a", blob.MaxSegment), strings.Repeat("a/", blob.MaxKey/2-1) + "aa"} {
		if err := blob.CheckKey(key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	for _, key := range blobtest.BadKeys() {
		err := blob.CheckKey(key)
		if !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("%.40q: %v", key, err)
			continue
		}
		if len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\x00\r\n") {
			t.Errorf("%.40q: the error carries the key: %.300q", key, err)
		}
	}
}

func FuzzCheckKey(f *testing.F) {
	for _, key := range blobtest.BadKeys() {
		if len(key) < 1000 {
			f.Add(key)
		}
	}
	f.Add("live/a/seg-1.m4s")
	f.Fuzz(func(t *testing.T, key string) {
		if blob.CheckKey(key) != nil {
			return
		}
		clean := path.Clean("/" + key)
		if clean != "/"+key || !utf8.ValidString(key) || strings.ContainsAny(key, "\\\x00 +~%") || strings.Contains(key, "/.") {
			t.Fatalf("%q is accepted", key)
		}
	})
}

func TestBody(t *testing.T) {
	if err := iotest.TestReader(blob.Body(t.Context(), strings.NewReader("hello"), 5), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	_, err := blob.Body(t.Context(), iotest.ErrReader(io.ErrUnexpectedEOF), 0).Read(make([]byte, 1))
	bare := err == io.ErrUnexpectedEOF //nolint:errorlint // a copy would take this one for the end
	if bare || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("a body that broke off: %v", err)
	}
}

// TestEach tries what the tests of other packages stand on.
func TestEach(t *testing.T) {
	blobtest.Each(t, func(t *testing.T, b blob.Blob) {
		if _, err := b.Put(t.Context(), "a/b", strings.NewReader("x"), blob.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if infos, err := b.List(t.Context(), "", "", 0); err != nil || len(infos) != 1 {
			t.Fatalf("a fresh one holds %v %v", infos, err)
		}
	})
}
