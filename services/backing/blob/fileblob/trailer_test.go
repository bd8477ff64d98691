package fileblob

import (
	"bytes"
	"testing"
)

// FuzzTrailer holds that no file's end makes the reader fail otherwise than by an
// error, and that what is accepted is what was written.
func FuzzTrailer(f *testing.F) {
	whole, err := trailer{Size: 5, ETag: "0123", ContentType: "a/b"}.bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte("hello"), whole...))
	f.Add(whole)
	f.Add([]byte("{}\x00\x00\x00\x02" + magic))
	f.Add([]byte("\xff\xff\xff\xff" + magic))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, size, err := readTrailer(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if size < 0 || size > int64(len(b)) || got.Size != size {
			t.Fatalf("%d bytes of %d: %+v", size, len(b), got)
		}
	})
}
