package rtmp

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzChunkReader: whatever comes, memory stays within the limits and bodies are
// as long as their headers said.
func FuzzChunkReader(f *testing.F) {
	f.Add(cat(header0(4, 1000, 3, TypeAudio, 1), seq(1, 3), []byte{0xc4}, seq(1, 3)))
	f.Add(cat(header0(6, 20_000_000, 130, TypeVideo, 1), seq(0, 128), []byte{0xc6, 1, 0x31, 0x2d, 0, 1, 2}))
	f.Fuzz(func(t *testing.T, in []byte) {
		l := Limits{MediaBytes: 1 << 20, PendingBytes: 1 << 20}.withDefaults()
		r := reader(in, l)
		for {
			m, done, err := r.next()
			if r.pending > l.PendingBytes+len(in) || r.pending < 0 || len(r.streams) > l.ChunkStreams {
				if err == nil {
					t.Fatalf("%d bytes pending, %d streams", r.pending, len(r.streams))
				}
			}
			if err != nil {
				return
			}
			if !done {
				continue
			}
			if len(m.Body) > len(in) || len(m.Body) > l.MediaBytes {
				t.Fatalf("a body of %d bytes out of %d", len(m.Body), len(in))
			}
			if m.Type == TypeSetChunkSize && len(m.Body) >= 4 {
				if r.setChunkSize(uint32(m.Body[2])<<8|uint32(m.Body[3])) != nil {
					return
				}
			}
			for a := (aggregate{Message: m}); m.Type == TypeAggregate; {
				if _, ok := a.next(); !ok {
					break
				}
			}
		}
	})
}

// FuzzAMF0: values stay within the limits, and what has no references can be
// written and read again.
func FuzzAMF0(f *testing.F) {
	f.Add(appendAMF0(nil, "connect", 1.0, Object{{"app", "live"}, {"x", []any{nil, true}}}))
	f.Add(bytes.Repeat([]byte{amfStrictArray, 0, 0, 0, 1}, 20))
	f.Add([]byte{amfStrictArray, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		values, err := DecodeAMF0(in, Limits{})
		if n := count(values, 0); n > 1000 && !bytes.Contains(in, []byte{amfReference}) {
			t.Fatalf("%d values", n)
		}
		if err != nil {
			if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
			return
		}
		if bytes.Contains(in, []byte{amfReference}) {
			return // shared values would be written more than once
		}
		out := appendAMF0(nil, values...)
		again, err := DecodeAMF0(out, Limits{})
		if err != nil || !bytes.Equal(appendAMF0(nil, again...), out) {
			t.Fatalf("written as % x, read again: %v", out, err)
		}
	})
}

// count is the number of values in v, as far as it matters.
func count(v any, depth int) int {
	n := 1
	if depth > 9 {
		return n
	}
	list, _ := v.([]any)
	for _, x := range list {
		n += count(x, depth+1)
	}
	for _, p := range Properties(v) {
		n += count(p.Value, depth+1)
	}
	return n - map[bool]int{true: 1}[depth == 0]
}

// FuzzHandshake: it ends with an answer to 1+2*1536 bytes that begin with 3, else
// with an error.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte{3}, uint32(0))
	f.Add([]byte{6, 1}, uint32(9<<24))
	f.Fuzz(func(t *testing.T, head []byte, fill uint32) {
		in := make([]byte, 1+2*handshakeSize)
		for i := range in {
			in[i] = byte(fill >> (8 * (i % 4)))
		}
		copy(in, head)
		var out bytes.Buffer
		src := newSource(bytes.NewReader(in), greetingBuffer, 64<<10)
		err := serveHandshake(src, &out)
		if in[0] != version {
			if err == nil {
				t.Fatal("a wrong version was taken")
			}
			return
		}
		if err != nil || out.Len() != len(in) {
			t.Fatalf("%d bytes of answer, %v", out.Len(), err)
		}
		if err := clientHandshake(newSource(bytes.NewReader(in), greetingBuffer, -1), io.Discard); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzExHeader: tags lie within the message and are few.
func FuzzExHeader(f *testing.F) {
	f.Add(cat([]byte{0x96, 0x21}, []byte("hvc1"), []byte{0, 0, 0, 4, 0, 0, 3, 1}, []byte("av01"), []byte{1, 0, 0, 1, 2}))
	f.Add(cat([]byte{0xa7, 2, 0, 1, 0, 0x03}, []byte("hvc1"), []byte{1}))
	f.Add([]byte{0x17, 1, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, parse := range []func([]Tag, []byte) ([]Tag, error){AppendVideoTags, AppendAudioTags} {
			tags, err := parse(nil, in)
			if err != nil && !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
			total := 0
			for _, tag := range tags {
				total += len(tag.Body)
			}
			if len(tags) > maxTracks || total > len(in) {
				t.Fatalf("%d tags with %d bytes out of %d", len(tags), total, len(in))
			}
		}
	})
}

// FuzzServer: a whole connection of any bytes ends.
func FuzzServer(f *testing.F) {
	connect := Message{Type: TypeCommand, Body: appendAMF0(nil, "connect", 1.0, Object{{"app", "live"}})}
	publish := Message{Type: TypeCommand, Body: appendAMF0(nil, "publish", 2.0, nil, "key")}
	var b bytes.Buffer
	w := newChunkWriter(&b, 512)
	if err := errors.Join(w.message(3, connect, nil), w.message(3, publish, nil), w.flush()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(cat(b.Bytes(), header0(6, 0, 5, TypeVideo, 1), seq(0, 5), header0(2, 0, 6, TypeUserControl, 0), []byte{0, 6, 0, 0, 0, 1}))
	f.Fuzz(func(t *testing.T, in []byte) {
		all := append([]byte{version}, make([]byte, 2*handshakeSize)...)
		s := NewServerConn(&tape{Reader: bytes.NewReader(append(all, in...))}, Limits{})
		if _, err := s.AcceptPublish(); err != nil {
			return
		}
		if err := s.Grant(); err != nil {
			t.Fatal(err)
		}
		for {
			if m, err := s.ReadMessage(); err != nil {
				return
			} else if m.Type != TypeAudio && m.Type != TypeVideo && m.Type != TypeData {
				t.Fatalf("a message of type %d was handed out", m.Type)
			}
		}
	})
}
