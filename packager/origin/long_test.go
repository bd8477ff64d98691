package origin_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/media"
	"weir/packager/origin"
	"weir/packager/window"
)

// long is a stream whose segments come one after the other.
type long struct {
	handler origin.Handler
	track   *window.Track
	msn     uint64
}

// newLong is a stream with a window of so many segments.
func newLong(segments int) *long {
	w := window.New(time.Now().Add(-time.Hour))
	l := &long{track: w.Add("source", media.Video)}
	l.handler.Add(&origin.Stream{Name: "x", Epoch: "e", Window: w, Target: 2, PartTarget: part})
	for range segments {
		l.segment(segments, func() {})
	}
	return l
}

// segment adds one of four parts and lets those go that the window has no room for.
// After each part it calls look.
func (l *long) segment(room int, look func()) {
	l.track.Open(window.Segment{MSN: l.msn, Start: media.Time(l.msn) * 2 * media.Second, Discontinuity: l.msn%100 == 99})
	for range 4 {
		l.track.AddPart(window.Part{Data: []byte{1}, Duration: media.Second / 2, Independent: true})
		look()
	}
	l.track.Stored(l.track.Close(0), fmt.Sprint("/", l.msn))
	l.track.Trim(window.Keep{Playlist: media.Time(room) * 2 * media.Second, Memory: 6 * media.Second, Parts: 18 * media.Second, Minis: 8 * media.Second})
	l.msn++
}

func (l *long) get(packed bool) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, "/x/e/source/index.m3u8", nil)
	if packed {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	rec := httptest.NewRecorder()
	l.handler.ServeHTTP(rec, req)
	return rec
}

// TestLongPlaylistsArePackedInOneMember holds, while segments come and go, that what is
// packed is what is plain. Browsers read no more than the first member.
func TestLongPlaylistsArePackedInOneMember(t *testing.T) {
	for _, segments := range []int{20, 300, 2000} {
		l := newLong(segments)
		for i := range 300 {
			plain, packed := l.get(false).Body.String(), l.get(true)
			if n := packed.Header().Get("Content-Length"); n != fmt.Sprint(packed.Body.Len()) {
				t.Fatalf("%d bytes, %s are said", packed.Body.Len(), n)
			}
			if packed.Body.Len() > len(plain)/3 {
				t.Errorf("%d bytes are packed to %d", len(plain), packed.Body.Len())
			}
			z, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			z.Multistream(false)
			text, err := io.ReadAll(z)
			if err != nil || !bytes.Equal(text, []byte(plain)) || packed.Body.Len() > 0 {
				t.Fatalf("%d segments, then %d: %v, %d bytes are left", segments, i, err, packed.Body.Len())
			}
			first := l.msn - uint64(strings.Count(plain, "\n#EXTINF:")) - 1 // the newest is listed by its parts
			if !strings.Contains(plain, fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d\n", first)) || strings.Count(plain, ".m4s\n") < segments-2 {
				t.Fatalf("%d segments, then %d: begins\n%s", segments, i, plain[:300])
			}
			l.segment(segments, func() {})
		}
	}
}

// BenchmarkPlaylistChange asks what a segment of four parts costs a playlist that is asked
// for after each, by the length of the window, plain and packed.
func BenchmarkPlaylistChange(b *testing.B) {
	for _, segments := range []int{300, 3600} {
		for _, packed := range []bool{false, true} {
			b.Run(fmt.Sprintf("segments=%d/gzip=%v", segments, packed), func(b *testing.B) {
				l := newLong(segments)
				req := httptest.NewRequest(http.MethodGet, "/x/e/source/index.m3u8", nil)
				if packed {
					req.Header.Set("Accept-Encoding", "gzip")
				}
				b.ReportAllocs()
				for b.Loop() {
					l.segment(segments, func() { l.handler.ServeHTTP(discard{http.Header{}}, req) })
				}
			})
		}
	}
}
