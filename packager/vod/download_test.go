package vod_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
)

// samplesOf reads the tables of a track with a parser that is not ours: the bytes of
// all samples, their decode times and presentation offsets, in units of the track.
func samplesOf(t *testing.T, file []byte, trak *mp4.TrakBox) (data [][]byte, times []uint64, offsets []int32) {
	t.Helper()
	stbl := trak.Mdia.Minf.Stbl
	at := uint64(0)
	for n := uint32(1); n <= stbl.Stsz.GetNrSamples(); n++ {
		chunk, first, err := stbl.Stsc.ChunkNrFromSampleNr(int(n))
		if err != nil {
			t.Fatal(err)
		}
		offset, err := stbl.Co64.GetOffset(chunk)
		if err != nil {
			t.Fatal(err)
		}
		for i := first; i < int(n); i++ {
			offset += uint64(stbl.Stsz.GetSampleSize(i))
		}
		data = append(data, file[offset:offset+uint64(stbl.Stsz.GetSampleSize(int(n)))])
		times = append(times, at)
		at += uint64(stbl.Stts.GetDur(n))
		if stbl.Ctts != nil {
			offsets = append(offsets, stbl.Ctts.GetCompositionTimeOffset(n))
		} else {
			offsets = append(offsets, 0)
		}
	}
	return data, times, offsets
}

func TestDownload(t *testing.T) {
	r := newRig(t)
	r.source.BFrames = 2
	// the sound begins later and the pictures have a hole
	lost := func(name string, msn uint64) bool { return msn == 0 && name == "audio" || msn == 7 && name == "source" }
	r.record(9*media.Second, lost)
	r.finish()
	for _, query := range []string{"", "?rendition=source"} {
		file := r.get("download.mp4" + query)
		f, err := mp4.DecodeFile(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if f.IsFragmented() || f.Children[1].Type() != "moov" || f.Children[2].Type() != "mdat" || len(f.Moov.Traks) != 2 {
			t.Fatalf("%v", f.Children)
		}
		for i, trak := range f.Moov.Traks {
			track := r.source.Tracks()[i]
			scale := int64(trak.Mdia.Mdhd.Timescale)
			data, times, offsets := samplesOf(t, file, trak)
			n := 0
			for _, p := range r.source.Packets(9 * media.Second) {
				if p.Track != track || i == 0 && p.DTS >= 4*media.Second && p.DTS < 6*media.Second || i == 1 && p.DTS < media.Second {
					continue
				}
				first := media.Time(0)
				if i == 1 { // a run without its beginning is left out
					first = media.FromScale(47*1024, 48000)
				}
				if at := (p.DTS - first).In(scale); !bytes.Equal(data[n], p.Data) || int64(times[n])-at > 1 || at-int64(times[n]) > 1 || int64(offsets[n]) != (p.PTS-p.DTS).In(scale) {
					t.Fatalf("track %d, sample %d: %d bytes at %d%+d, want %d at %d%+d", i, n, len(data[n]), times[n], offsets[n], len(p.Data), at, (p.PTS - p.DTS).In(scale))
				}
				n++
			}
			if n != len(data) {
				t.Errorf("track %d: %d samples, want %d", i, len(data), n)
			}
		}
		if stss := f.Moov.Traks[0].Mdia.Minf.Stbl.Stss; stss == nil || len(stss.SampleNumber) != 4 {
			t.Errorf("key frames: %+v", stss)
		}
		if e := f.Moov.Traks[1].Edts; e == nil || e.Elst[0].Entries[0].SegmentDuration != 1003 {
			t.Errorf("the sound begins with the pictures: %+v", e)
		}
	}
	if a := r.do(http.MethodGet, id+"/download.mp4?rendition=audio"); a.status != 200 || bytes.Contains(a.body[:4000], []byte("avc1")) {
		t.Errorf("the sound alone: %d", a.status)
	}
	for query, want := range map[string]int{"?rendition=720p": 404, "?rendition=../x": 404} {
		if a := r.do(http.MethodGet, id+"/download.mp4"+query); a.status != want {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	if a := r.do(http.MethodHead, id+"/download.mp4"); a.status != 200 || a.header.Get("Content-Disposition") != `attachment; filename="x-source.mp4"` {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
}

// slow is a viewer whose every piece takes so long.
type slow struct {
	*httptest.ResponseRecorder
	pass func()
}

func (s slow) Write(b []byte) (int, error) {
	s.pass()
	return s.ResponseRecorder.Write(b)
}

func fetch(h http.Handler, w http.ResponseWriter, from string) {
	req := httptest.NewRequest(http.MethodGet, "/"+id+"/download.mp4", nil)
	req.RemoteAddr = from
	h.ServeHTTP(w, req)
}

// A network gets two files at once, whatever it does with them.
func TestDownloadsOfANetwork(t *testing.T) {
	r := newRig(t)
	r.record(4*media.Second, nil)
	r.finish()
	r.handler.Downloads = 3
	leave := make(chan struct{})
	var reading, done sync.WaitGroup
	hold := func(from string) {
		var once sync.Once
		reading.Add(1)
		done.Go(func() {
			fetch(r.handler, slow{httptest.NewRecorder(), func() { once.Do(reading.Done); <-leave }}, from)
		})
	}
	status := func(from string) int {
		w := httptest.NewRecorder()
		fetch(r.handler, w, from)
		return w.Code
	}
	hold("198.51.100.7:1")
	hold("[::ffff:198.51.100.200]:1")
	reading.Wait()
	for _, x := range []struct {
		from string
		want int
	}{{"198.51.100.9:5", 429}, {"198.51.101.9:5", 200}, {"[2001:db8::1]:5", 200}} {
		if got := status(x.from); got != x.want {
			t.Errorf("%s: %d, want %d", x.from, got, x.want)
		}
	}
	hold("[2001:db8::1]:1")
	reading.Wait()
	if got := status("[2001:db8::2]:5"); got != 503 {
		t.Errorf("beyond all slots: %d", got)
	}
	close(leave)
	done.Wait()
	if got := status("198.51.100.9:5"); got != 200 {
		t.Errorf("afterwards: %d", got)
	}
}

// Who reads a file slower than is sensible is let go.
func TestSlowDownload(t *testing.T) {
	for _, c := range []struct {
		piece time.Duration
		whole bool
	}{{time.Millisecond, true}, {20 * time.Second, false}} {
		r := newRig(t)
		now := epoch
		r.handler.Now = func() time.Time { return now }
		r.record(20*media.Second, nil)
		r.finish()
		w := slow{httptest.NewRecorder(), func() { now = now.Add(c.piece) }}
		fetch(r.handler, w, "198.51.100.7:1")
		if whole := strconv.Itoa(w.Body.Len()) == w.Header().Get("Content-Length"); whole != c.whole {
			t.Errorf("%v a piece: %d bytes of %s", c.piece, w.Body.Len(), w.Header().Get("Content-Length"))
		}
	}
}
