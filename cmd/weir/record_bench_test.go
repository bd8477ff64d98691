package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/archive"
	"weir/packager/window"
	"weir/services/backing/blob"
	"weir/services/backing/blob/blobtest"
)

// BenchmarkRecording asks what a second of a stream of 3 Mbit/s costs that is written
// for rewinding, and what it costs more when it is recorded too, to files or to an object
// store: the server that WEIR_TEST_S3_ENDPOINT names, another process, whose own CPU time
// is not in it. Both are done by turns.
func BenchmarkRecording(b *testing.B) {
	b.Run("to=files", func(b *testing.B) { benchmarkRecording(b, blobtest.Files(b)) })
	b.Run("to=S3", func(b *testing.B) {
		if os.Getenv(blobtest.Env) == "" {
			b.Skipf("%s is not set", blobtest.Env)
		}
		benchmarkRecording(b, blobtest.S3(b))
	})
}

// taking is a store that tells of each object that it has taken.
type taking struct {
	archive.Store
	took chan string
}

func (s taking) Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error {
	err := s.Store.Put(ctx, key, r, size, contentType)
	s.took <- key
	return err
}

func (s taking) Move(ctx context.Context, key, path, contentType string) error {
	err := s.Store.(archive.Mover).Move(ctx, key, path, contentType)
	if !errors.Is(err, errors.ErrUnsupported) {
		s.took <- key
	}
	return err
}

// wait waits for n segments.
func (s taking) wait(n int) {
	for n > 0 {
		if strings.HasSuffix(<-s.took, ".m4s") {
			n--
		}
	}
}

// pause is between two segments, which come two seconds after each other in life: long
// enough for the machine to do other things.
const pause = 20 * time.Millisecond

func benchmarkRecording(b *testing.B, to blob.Blob) {
	dir := b.TempDir()
	store := taking{blobStore{to}, make(chan string, 16)}
	all, err := archive.Open(archive.Config{Store: store, Dir: filepath.Join(dir, "spool"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	files := archive.Files{Dir: filepath.Join(dir, "other")}
	rec, err := all.Begin(b.Context(), archive.Stream{ID: "a", Name: "x", Epoch: time.Now(), Target: 2, Files: archive.Files{Dir: filepath.Join(dir, "live")}})
	if err != nil {
		b.Fatal(err)
	}
	tracks := (&mediatest.Source{SampleRate: 48000}).Tracks()
	parts := [][][]byte{make([][]byte, 10), make([][]byte, 10)}
	for i := range 10 {
		parts[0][i], parts[1][i] = make([]byte, 3_000_000/8*2/10), make([]byte, 128_000/8*2/10)
	}
	// put is what is done with two seconds; their files are dropped in time.
	put := func(msn uint64, put func(*window.Finished) (string, error)) {
		for i, t := range tracks {
			path, err := put(&window.Finished{
				Rendition: t.Kind.String(), Kind: t.Kind, Init: window.Init{Track: t, Data: make([]byte, 700)}, Data: parts[i],
				Segment: window.Segment{MSN: msn, Start: media.Time(msn) * 2 * media.Second, Duration: 2 * media.Second, Key: true},
			})
			if err == nil && msn >= 30 {
				err = files.Remove(filepath.Join(filepath.Dir(path), strconv.FormatUint(msn-30, 10)+".m4s"))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	var rewind, both time.Duration
	msn := uint64(0)
	for b.Loop() {
		before := used(b)
		put(msn, files.Put)
		time.Sleep(pause)
		between := used(b)
		put(msn, rec.Put)
		store.wait(len(tracks))
		time.Sleep(pause)
		rewind, both = rewind+between-before, both+used(b)-between
		msn++
	}
	b.ReportMetric(float64(rewind)/float64(time.Millisecond)/float64(2*b.N), "rewind-ms/s")
	b.ReportMetric(float64(both-rewind)/float64(time.Millisecond)/float64(2*b.N), "record-ms/s")
	go func() {
		for range store.took { // the index
		}
	}()
	if err := rec.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
	close(store.took)
}

// used is the CPU time of this process.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
