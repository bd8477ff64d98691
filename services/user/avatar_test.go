package user

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/services/backing/blob"
	"weir/services/backing/blob/fileblob"
	"weir/services/event"
	"weir/services/fault"
)

// shaky is a storage that can be away.
type shaky struct {
	blob.Blob
	mu   sync.Mutex
	away error
	puts int // Puts that work before it is away; 0: as away says
}

func (s *shaky) set(err error, puts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away, s.puts = err, puts
}

func (s *shaky) down(put bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if put && s.puts > 0 {
		s.puts--
		return nil
	}
	return s.away
}

func (s *shaky) Put(ctx context.Context, key string, r io.Reader, o blob.PutOptions) (blob.Info, error) {
	if err := s.down(true); err != nil {
		_, _ = io.CopyN(io.Discard, r, 10)
		return blob.Info{}, err
	}
	return s.Blob.Put(ctx, key, r, o)
}

func (s *shaky) Delete(ctx context.Context, keys ...string) error {
	if err := s.down(false); err != nil {
		return err
	}
	return s.Blob.Delete(ctx, keys...)
}

// stored gives the rig a storage of files.
func stored(t testing.TB, r *rig) *shaky {
	t.Helper()
	files, err := fileblob.Open(t.TempDir())
	ok(t, err)
	t.Cleanup(func() { ok(t, files.Close()) })
	s := &shaky{Blob: files}
	r.blobs = s
	return s
}

func keysIn(t testing.TB, b blob.Blob) []string {
	t.Helper()
	list, err := b.List(t.Context(), "", "", 0)
	ok(t, err)
	var keys []string
	for _, i := range list {
		keys = append(keys, i.Key)
	}
	return keys
}

// paint is a picture with a red left and a blue right half.
func paint(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.NRGBA{B: 255, A: 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, png.Encode(&b, m))
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func asGIF(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, gif.Encode(&b, m, &gif.Options{NumColors: 16, Drawer: draw.Src}))
	return b.Bytes()
}

// headPNG says that it has that size and has nothing else.
func headPNG(w, h uint32, depth, kind, interlaced byte) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, depth, kind, 0, 0, interlaced)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
}

// headGIF is a GIF of a frame without anything in it.
func headGIF(w, h uint16) []byte {
	size := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, w), h)
	return slices.Concat([]byte("GIF89a"), size, []byte{0, 0, 0, 0x2c, 0, 0, 0, 0}, size, []byte{0, 2, 0, 0x3b})
}

// exif puts an orientation, and a secret, into a JPEG.
func exif(jpg []byte, turn byte) []byte {
	body := slices.Concat([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), []byte{turn}, []byte("\x00\x00\x00\x00\x00\x00GPS 52.5 13.4"))
	size := binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)) //nolint:gosec // short
	return slices.Concat(jpg[:2], []byte{0xff, 0xe1}, size, body, jpg[2:])
}

func TestPictures(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		b := stored(t, w.rig)
		anna := w.person(t, "anna")
		as := anna.tokens.Access
		set := func(kind string, body []byte) Own {
			t.Helper()
			var own Own
			// The type that is claimed does not count.
			w.expect(t, 200, "PUT", "/api/v1/users/me/"+kind, as, string(body), "Content-Type: text/html").into(t, &own)
			return own
		}
		look := func(url string, width, height int) reply {
			t.Helper()
			got := w.expect(t, 200, "GET", url, "", "")
			c, err := jpeg.DecodeConfig(bytes.NewReader(got.body))
			if err != nil || c.Width != width || c.Height != height {
				t.Fatalf("%s: %d x %d, %v", url, c.Width, c.Height, err)
			}
			return got
		}
		own := set("avatar", asPNG(t, paint(900, 600)))
		got := look(own.AvatarURL, 512, 512)
		look(own.AvatarSmall, 128, 128)
		for name, want := range map[string]string{"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %q", name, got.Header.Get(name))
			}
		}
		w.expect(t, 304, "GET", own.AvatarURL, "", "", "If-None-Match: "+got.Header.Get("ETag"))
		own = set("banner", asGIF(t, paint(2000, 1000)))
		look(own.BannerURL, 1600, 400)
		var public Public
		w.expect(t, 200, "GET", "/api/v1/users/"+anna.ID.String(), "", "").into(t, &public)
		if public.AvatarURL != own.AvatarURL || public.BannerURL != own.BannerURL || own.Version != anna.Version+2 {
			t.Errorf("%+v", public)
		}
		if e := events[event.UserUpdated](t, w.rig); len(e) != 2 || e[1].AvatarURL != own.AvatarURL {
			t.Errorf("%+v", e)
		}
		// Replaced: another address, and the first is gone, also for the same picture.
		next := set("avatar", asPNG(t, paint(900, 600)))
		if next.AvatarURL == own.AvatarURL {
			t.Error("the address is the same")
		}
		ok(t, w.sweep(t.Context()))
		w.expect(t, 404, "GET", own.AvatarURL, "", "")
		look(next.AvatarURL, 512, 512)
		if keys := keysIn(t, b); len(keys) != 3 {
			t.Errorf("%q", keys)
		}
		// A small one is not made larger.
		next = set("avatar", asJPEG(t, paint(100, 60)))
		look(next.AvatarURL, 60, 60)
		next = Own{}
		w.expect(t, 200, "DELETE", "/api/v1/users/me/avatar", as, "").into(t, &next)
		if next.AvatarURL != "" || next.AvatarSmall != "" {
			t.Errorf("%+v", next)
		}
		w.expect(t, 204, "POST", "/api/v1/users/me/delete", as, `{"password":"`+goodPassword+`"}`)
		ok(t, w.sweep(t.Context()))
		if keys := keysIn(t, b); len(keys) != 0 {
			t.Errorf("left of a deleted account: %q", keys)
		}
		w.expect(t, 404, "GET", own.BannerURL, "", "")
	})
}

func TestBadPictures(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		b := stored(t, w.rig)
		anna, bert := w.person(t, "anna"), w.person(t, "bert")
		whole := asPNG(t, paint(64, 64))
		jpg := asJPEG(t, paint(64, 64))
		put := func(name string, status int, body []byte) bad {
			return bad{name, status, "PUT", "/api/v1/users/me/avatar", "anna", string(body), nil}
		}
		get := func(path string) bad { return bad{path, 404, "GET", "/api/v1/users/" + path, "", "", nil} }
		file := strings.Repeat("a", 32) + ".jpg"
		list := []bad{
			put("no picture", 422, []byte("hello")), put("SVG", 422, []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)), put("HTML", 422, []byte("<html><script>alert(1)</script>")),
			put("WebP", 422, []byte("RIFF\x10\x00\x00\x00WEBPVP8 ")), put("magic only", 422, whole[:8]), put("JPEG magic only", 422, jpg[:3]), put("GIF magic only", 422, []byte("GIF89a")),
			put("cut PNG", 422, whole[:len(whole)-20]), put("cut JPEG", 422, jpg[:len(jpg)/2]), put("broken PNG", 422, append(bytes.Clone(whole[:60]), bytes.Repeat([]byte{7}, 200)...)),
			put("too many bytes", 413, append(bytes.Clone(whole), make([]byte, PictureMax)...)), put("huge PNG", 422, headPNG(50_000, 50_000, 8, 6, 0)), put("vast PNG", 422, headPNG(1<<31-1, 1<<31-1, 16, 6, 1)),
			put("thin PNG", 422, headPNG(1, 40_000_000, 8, 0, 0)), put("deep PNG", 422, headPNG(6300, 6300, 16, 6, 0)), put("no width", 422, headPNG(0, 64, 8, 6, 0)),
			put("huge GIF", 422, headGIF(65535, 65535)), put("empty GIF", 422, headGIF(100, 100)), put("small", 422, asPNG(t, paint(15, 64))),
			put("scans", 422, append(bytes.Clone(jpg), bytes.Repeat([]byte{0xff, 0xda}, 100)...)),
			{"nobody", 401, "PUT", "/api/v1/users/me/avatar", "", string(whole), nil}, {"nobody's banner", 401, "DELETE", "/api/v1/users/me/banner", "", "", nil},
			{"of another", 405, "PUT", "/api/v1/users/" + bert.ID.String() + "/avatar/" + file, "anna", string(whole), nil},
			get(bert.ID.String() + "/avatar/" + file), get(bert.ID.String() + "/banner/" + strings.Repeat("a", 32) + "-128.jpg"), get(bert.ID.String() + "/avatar/..%2f..%2f" + file),
			get(bert.ID.String() + "/avatar/" + strings.Repeat("A", 32) + ".jpg"), get(bert.ID.String() + "/avatar/" + strings.Repeat("a", 32) + ".png"),
		}
		for _, c := range list {
			token := map[string]string{"anna": anna.tokens.Access}[c.as]
			checkProblem(t, c, w.call(t, c.method, c.path, token, c.body))
		}
		own, err := w.Me(t.Context(), anna.who)
		ok(t, err)
		if keys := keysIn(t, b); len(keys) != 0 || own.AvatarURL != "" || own.Version != anna.Version {
			t.Errorf("something changed: %q %+v", keys, own)
		}
		w.blobs = nil
		w.expect(t, 503, "PUT", "/api/v1/users/me/avatar", anna.tokens.Access, string(whole))
	})
}

// What else is in a file does not come out again, and the picture stands upright.
func TestPictureKeepsNothing(t *testing.T) {
	evil := []byte("<script>alert(1)</script>PK\x03\x04")
	d := newStudio()
	for name, upload := range map[string][]byte{
		"PNG and zip": append(asPNG(t, paint(64, 64)), evil...), "GIF and page": append(asGIF(t, paint(64, 64)), evil...), "JPEG with Exif": append(exif(asJPEG(t, paint(64, 64)), 1), evil...),
	} {
		forms, err := d.draw(t.Context(), Avatar, upload)
		ok(t, err)
		for _, f := range forms {
			if bytes.Contains(f, []byte("script")) || bytes.Contains(f, []byte("GPS")) || bytes.Contains(f, []byte("Exif")) || bytes.Contains(f, []byte("PK\x03")) {
				t.Errorf("%s: something stayed", name)
			}
		}
	}
	// Which corner of the result is red: the left half was.
	for turn, red := range map[byte]image.Point{1: {2, 32}, 2: {61, 32}, 3: {61, 32}, 4: {2, 32}, 5: {32, 2}, 6: {32, 2}, 7: {32, 61}, 8: {32, 61}, 9: {2, 32}} {
		forms, err := d.draw(t.Context(), Avatar, exif(asJPEG(t, paint(64, 64)), turn))
		ok(t, err)
		m, err := jpeg.Decode(bytes.NewReader(forms[0]))
		ok(t, err)
		if r, _, bl, _ := m.At(red.X, red.Y).RGBA(); r < 0x8000 || bl > 0x8000 {
			t.Errorf("orientation %d: %v", turn, m.At(red.X, red.Y))
		}
	}
}

// The four corners say more than two halves: all eight ways to hold a camera.
func TestUpright(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		src.Pix[4*i] = byte('a' + i)
	}
	for turn, want := range map[int]string{1: "abcdef", 2: "cbafed", 3: "fedcba", 4: "defabc", 5: "adbecf", 6: "daebfc", 7: "fcebda", 8: "cfbead"} {
		got := ""
		out := upright(src, turn)
		for i := range 6 {
			got += string(rune(out.Pix[4*i]))
		}
		if got != want {
			t.Errorf("%d: %s, want %s", turn, got, want)
		}
	}
}

// The mean is exact: whole numbers, all areas, any ratio.
func TestShrink(t *testing.T) {
	src := image.NewNRGBA(image.Rect(5, 7, 5+4, 7+4)) // does not begin at 0
	for i := range 16 {
		src.SetNRGBA(5+i%4, 7+i/4, color.NRGBA{R: byte(10 * i), A: 255})
	}
	at := func(w, h, x, y int) byte {
		out, err := shrink(t.Context(), src, src.Rect, w, h)
		ok(t, err)
		return out.RGBAAt(x, y).R
	}
	if got := at(4, 4, 3, 2); got != 110 {
		t.Errorf("same size: %d", got)
	}
	if got := at(2, 2, 1, 0); got != (20+30+60+70)/4 {
		t.Errorf("half: %d", got)
	}
	if got := at(1, 1, 0, 0); got != 75 {
		t.Errorf("one pixel: %d", got)
	}
	if got := at(3, 1, 0, 0); got != 63 { // columns 0 and a third of 1: (60*1 + 70/3) / (4/3) = 62.5
		t.Errorf("a third: %d", got)
	}
	clear4, err := shrink(t.Context(), image.NewNRGBA(image.Rect(0, 0, 40, 40)), image.Rect(0, 0, 40, 40), 7, 7)
	ok(t, err)
	if c := clear4.RGBAAt(3, 6); c.R != 255 || c.A != 255 {
		t.Errorf("what is clear is %v", c)
	}
}

func TestDrawBounds(t *testing.T) {
	d := newStudio()
	// The largest that is allowed is taken, within the budget.
	if h, err := inspect(headPNG(8000, 5000, 8, 6, 0)); err != nil || h.memory > decodeBudget {
		t.Errorf("%d bytes, %v", h.memory, err)
	}
	ok(t, d.memory.Acquire(t.Context(), decodeBudget))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.draw(ctx, Avatar, asPNG(t, paint(64, 64)))
	want(t, err, fault.Unavailable)
	d.waiting.Store(drawQueue)
	_, err = d.draw(t.Context(), Avatar, asPNG(t, paint(64, 64)))
	want(t, err, fault.Unavailable)
	if d.waiting.Load() != drawQueue {
		t.Error("the queue is not counted right")
	}
	d.memory.Release(decodeBudget)
	if _, err = d.draw(t.Context(), Avatar, asPNG(t, paint(64, 64))); err != nil {
		t.Error(err)
	}
}

// Whenever it is killed: no object stays that nobody refers to, and none goes that
// somebody does.
func TestPictureCrash(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		b := stored(t, r)
		anna := r.person(t, "anna")
		upload := asPNG(t, paint(64, 64))
		first, err := r.SetPicture(t.Context(), anna.who, Avatar, upload)
		ok(t, err)
		b.set(errors.New("away"), 1) // after the first of two objects
		_, err = r.SetPicture(t.Context(), anna.who, Avatar, upload)
		want(t, err, fault.Unavailable)
		b.set(nil, 0)
		if n := len(keysIn(t, b)); n != 3 {
			t.Fatalf("%d objects", n)
		}
		ok(t, r.sweep(t.Context())) // it may still be under way
		if n := len(keysIn(t, b)); n != 3 {
			t.Errorf("%d objects", n)
		}
		r.clock.Pass(objectGrace)
		b.set(errors.New("away"), 0)
		if r.sweep(t.Context()) == nil {
			t.Error("removed without a storage")
		}
		b.set(nil, 0)
		r.clock.Pass(time.Minute)
		ok(t, r.sweep(t.Context()))
		now, err := r.Me(t.Context(), anna.who)
		ok(t, err)
		if keys := keysIn(t, b); len(keys) != 2 || now.AvatarURL != first.AvatarURL {
			t.Errorf("%q", keys)
		}
		// An upload that comes too late is refused: its objects may be gone.
		name := strings.Repeat("b", 2*nameBytes)
		ok(t, r.putPicture(t.Context(), Avatar.keys(anna.ID, name), [][]byte{{1}, {2}}))
		r.clock.Pass(objectGrace)
		_, err = r.changePicture(t.Context(), anna.who, Avatar, name)
		want(t, err, fault.Unavailable)
	})
}

func FuzzInspect(f *testing.F) {
	f.Add(asPNG(f, paint(20, 20)))
	f.Add(asGIF(f, paint(20, 20)))
	f.Add(exif(asJPEG(f, paint(20, 20)), 6))
	f.Add(headPNG(1<<31-1, 1<<31-1, 16, 6, 1))
	f.Fuzz(func(t *testing.T, upload []byte) {
		h, err := inspect(upload)
		if err == nil && (h.memory > decodeBudget || h.width*h.height > pixelsMax) {
			t.Errorf("%+v", h)
		}
		if bytes.HasPrefix(upload, []byte("\xff\xd8")) {
			if turn := orientation("JPEG", upload); turn < 1 || turn > 8 {
				t.Errorf("orientation %d", turn)
			}
		}
	})
}
