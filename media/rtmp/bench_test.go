package rtmp

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"
)

// tape is a connection whose input is there already.
type tape struct{ io.Reader }

func (*tape) Write(p []byte) (int, error)      { return len(p), nil }
func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

// recording is what a publisher sends after it was granted: a second of 1080p30
// at 6 Mbit/s with AAC, in chunks of a size.
func recording(tb testing.TB, chunkSize int) (b []byte, media int) {
	tb.Helper()
	var out bytes.Buffer
	w := newChunkWriter(&out, 4096)
	w.chunkSize = chunkSize
	put := func(csid byte, typ MessageType, ts uint32, size int) {
		media += size
		if err := w.message(csid, Message{Type: typ, StreamID: 1, Timestamp: ts, Body: make([]byte, size)}, nil); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range uint32(30) {
		size := 20_000
		if i == 0 {
			size = 150_000
		}
		put(csVideo, TypeVideo, i*33, size)
		put(csAudio, TypeAudio, i*33, 340)
		if i%2 == 0 {
			put(csAudio, TypeAudio, i*33+16, 340)
		}
	}
	if err := w.flush(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes(), media
}

// loop gives the same bytes over and over, over real read calls.
type loop struct {
	b  []byte
	at int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.b[l.at:])
	if l.at += n; l.at == len(l.b) {
		l.at = 0
	}
	return n, nil
}

// BenchmarkReadMessage: what does a message cost, bytes being media? allocs/op is
// one: the body.
func BenchmarkReadMessage(b *testing.B) {
	for _, size := range []int{128, 4096, 65536} {
		b.Run(fmt.Sprintf("chunk=%d", size), func(b *testing.B) {
			in, media := recording(b, size)
			s := NewServerConn(&tape{&loop{b: in}}, Limits{})
			s.wire.granted()
			s.wire.in.chunkSize = size
			messages := 75
			b.SetBytes(int64(media / messages))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.ReadMessage(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadMessageTCP: the same over a loopback connection, with several
// sizes of the input buffer; the sender's work is in it.
func BenchmarkReadMessageTCP(b *testing.B) {
	for _, buffer := range []int{16 << 10, 32 << 10, 64 << 10} {
		for _, size := range []int{4096, 65536} {
			b.Run(fmt.Sprintf("buffer=%d/chunk=%d", buffer, size), func(b *testing.B) {
				in, media := recording(b, size)
				c, sc := pair(b)
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for {
						if _, err := c.Write(in); err != nil {
							return
						}
					}
				}()
				s := NewServerConn(sc, Limits{ReadBuffer: buffer})
				s.wire.granted()
				s.wire.in.chunkSize = size
				b.SetBytes(int64(media / 75))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.ReadMessage(); err != nil {
						b.Fatal(err)
					}
				}
				sc.Close()
				<-ended
			})
		}
	}
}
