package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/archive"
	"weir/packager/window"
	"weir/services/backing/blob/fileblob"
)

// BenchmarkRecording asks what a second of a stream of 3 Mbit/s costs that is written
// for rewinding, and what it costs more when it is recorded too.
func BenchmarkRecording(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprintf("recorded=%v", on), func(b *testing.B) { benchmarkRecording(b, on) })
	}
}

func benchmarkRecording(b *testing.B, on bool) {
	dir := b.TempDir()
	blobs, err := fileblob.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		b.Fatal(err)
	}
	defer blobs.Close()
	all, err := archive.Open(archive.Config{Store: blobStore{blobs}, Dir: filepath.Join(dir, "spool"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	files := archive.Files{Dir: filepath.Join(dir, "live")}
	rec, err := all.Begin(b.Context(), archive.Stream{ID: "a", Name: "x", Epoch: time.Now(), Target: 2, Files: files})
	if err != nil {
		b.Fatal(err)
	}
	tracks := (&mediatest.Source{SampleRate: 48000}).Tracks()
	parts := [][][]byte{make([][]byte, 10), make([][]byte, 10)}
	for i := range 10 {
		parts[0][i], parts[1][i] = make([]byte, 3_000_000/8*2/10), make([]byte, 128_000/8*2/10)
	}
	before := used(b)
	msn := uint64(0)
	for b.Loop() {
		for i, t := range tracks {
			f := &window.Finished{
				Rendition: t.Kind.String(), Kind: t.Kind, Init: window.Init{Track: t, Data: make([]byte, 700)}, Data: parts[i],
				Segment: window.Segment{MSN: msn, Start: media.Time(msn) * 2 * media.Second, Duration: 2 * media.Second, Key: true},
			}
			var path string
			if on {
				path, err = rec.Put(f)
			} else {
				path, err = files.Put(f)
			}
			if err == nil && msn%8 == 7 {
				err = files.Remove(path)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		msn++
	}
	if err := rec.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(used(b)-before)/float64(time.Millisecond)/float64(2*b.N), "cpu-ms/stream-s")
}

// used is the CPU time of this process.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
