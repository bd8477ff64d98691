package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
)

// reader makes a chunk reader over bytes that are all there.
func reader(b []byte, l Limits) *chunkReader {
	return newChunkReader(newSource(bytes.NewReader(b), greetingBuffer, -1), l.withDefaults())
}

// readAll collects messages until an error.
func readAll(r *chunkReader) (list []Message, err error) {
	for {
		m, done, err := r.next()
		if err != nil {
			return list, err
		}
		if done {
			list = append(list, m)
		}
	}
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func header0(csid byte, time uint32, length int, typ MessageType, sid byte) []byte {
	b := appendUint24([]byte{csid}, min(time, maxHeaderTime))
	b = append(appendUint24(b, uint32(length)), byte(typ), sid, 0, 0, 0)
	if time >= maxHeaderTime {
		b = binary.BigEndian.AppendUint32(b, time)
	}
	return b
}

func seq(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

func TestChunkTypes(t *testing.T) {
	in := cat(
		header0(4, 1000, 3, TypeAudio, 1), seq(1, 3),
		[]byte{1<<6 | 4, 0, 0, 20, 0, 0, 2, 9}, seq(7, 2), // type 1: delta, length and type
		[]byte{2<<6 | 4, 0, 0, 30}, seq(8, 2), // type 2: delta
		[]byte{3<<6 | 4}, seq(9, 2), // type 3: all the same
	)
	list, err := readAll(reader(in, Limits{}))
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	want := []Message{
		{TypeAudio, 1, 1000, seq(1, 3)}, {TypeVideo, 1, 1020, seq(7, 2)},
		{TypeVideo, 1, 1050, seq(8, 2)}, {TypeVideo, 1, 1080, seq(9, 2)},
	}
	if fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", list, want)
	}
}

func TestChunkStreamIDs(t *testing.T) {
	for _, head := range [][]byte{{2}, {63}, {0, 0}, {0, 255}, {1, 0, 0}, {1, 255, 255}} {
		in := cat(head, header0(0, 5, 200, TypeVideo, 1)[1:], seq(0, 128))
		next := bytes.Clone(head)
		next[0] |= 3 << 6
		list, err := readAll(reader(cat(in, next, seq(128, 72)), Limits{}))
		if !errors.Is(err, io.EOF) || len(list) != 1 || !bytes.Equal(list[0].Body, seq(0, 200)) {
			t.Errorf("% x: %d messages, %v", head, len(list), err)
		}
	}
}

// TestExtendedTime reads messages beyond 16,777,215 ms from senders that repeat
// the extended time on type 3 chunks and from those that do not.
func TestExtendedTime(t *testing.T) {
	for _, repeat := range []bool{true, false} {
		for _, start := range []uint32{16_777_200, 16_777_215, 1<<32 - 30} {
			var in []byte
			for i := range uint32(10) {
				ts := start + i*10
				in = append(in, header0(6, ts, 300, TypeVideo, 1)...)
				for at := 0; at < 300; at += 128 {
					if at > 0 {
						in = append(in, 3<<6|6)
						if repeat && ts >= maxHeaderTime {
							in = binary.BigEndian.AppendUint32(in, ts)
						}
					}
					in = append(in, seq(byte(i), 300)[at:min(300, at+128)]...)
				}
			}
			list, err := readAll(reader(in, Limits{}))
			if !errors.Is(err, io.EOF) || len(list) != 10 {
				t.Fatalf("repeat %v from %d: %d messages, %v", repeat, start, len(list), err)
			}
			for i, m := range list {
				if m.Timestamp != start+uint32(i)*10 || !bytes.Equal(m.Body, seq(byte(i), 300)) {
					t.Errorf("repeat %v: message %d at %d", repeat, i, m.Timestamp)
				}
			}
		}
	}
}

// TestExtendedDelta: a type 3 chunk that begins a message after an extended delta
// has the next delta in place of the repeated one.
func TestExtendedDelta(t *testing.T) {
	ext := func(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
	in := cat(
		header0(6, 16_777_300, 130, TypeVideo, 1), seq(0, 128), []byte{0xc6}, ext(16_777_300), seq(0, 2),
		[]byte{1<<6 | 6, 255, 255, 255, 0, 0, 1, 9}, ext(20_000_000), seq(1, 1),
		[]byte{0xc6}, ext(20_000_001), seq(2, 1),
		[]byte{2<<6 | 6, 0, 0, 1}, seq(3, 1), // short again
		[]byte{0xc6}, seq(4, 1),
	)
	list, err := readAll(reader(in, Limits{}))
	if !errors.Is(err, io.EOF) || len(list) != 5 {
		t.Fatal(len(list), err)
	}
	want := uint32(16_777_300)
	for i, d := range []uint32{0, 20_000_000, 20_000_001, 1, 1} {
		want += d
		if list[i].Timestamp != want {
			t.Errorf("message %d at %d, want %d", i, list[i].Timestamp, want)
		}
	}
}

// TestExtendedTimeDoesNotWait: with a sender that does not repeat the time, a
// last chunk of less than four bytes is complete as soon as it is there.
func TestExtendedTimeDoesNotWait(t *testing.T) {
	in := cat(header0(6, 20_000_000, 130, TypeVideo, 1), seq(5, 128), []byte{0xc6, 9, 9})
	list, err := readAll(reader(in, Limits{}))
	if !errors.Is(err, io.EOF) || len(list) != 1 || !bytes.Equal(list[0].Body, cat(seq(5, 128), []byte{9, 9})) {
		t.Fatal(list, err)
	}
}

func TestAbortAndRestart(t *testing.T) {
	r := reader(cat(
		header0(6, 0, 300, TypeVideo, 1), seq(0, 128),
		header0(2, 0, 4, TypeAbort, 0), []byte{0, 0, 0, 6},
		header0(6, 7, 2, TypeVideo, 1), seq(1, 2),
		header0(6, 8, 300, TypeVideo, 1), seq(0, 128),
		header0(6, 9, 3, TypeVideo, 1), seq(2, 3), // without an abort
	), Limits{})
	var got []Message
	for {
		m, done, err := r.next()
		if err != nil {
			break
		}
		if done && m.Type == TypeAbort {
			r.abort(binary.BigEndian.Uint32(m.Body))
			if r.pending != 0 {
				t.Errorf("%d bytes kept after an abort", r.pending)
			}
		} else if done {
			got = append(got, m)
		}
	}
	if len(got) != 2 || got[0].Timestamp != 7 || got[1].Timestamp != 9 || !bytes.Equal(got[1].Body, seq(2, 3)) {
		t.Errorf("got %v", got)
	}
}

func TestChunkLimits(t *testing.T) {
	many := []byte{}
	for i := range byte(20) {
		many = append(many, header0(3+i, 0, 0, TypeAudio, 1)...)
	}
	tests := []struct {
		name string
		in   []byte
		l    Limits
		want error
	}{
		{"long command", header0(3, 0, 64<<10+1, TypeCommand, 0), Limits{}, ErrLimit},
		{"long data", header0(3, 0, 64<<10+1, TypeData, 0), Limits{}, ErrLimit},
		{"long data in AMF3", header0(3, 0, 64<<10+1, TypeDataAMF3, 0), Limits{}, ErrLimit},
		{"long unknown", header0(3, 0, 64<<10+1, 99, 0), Limits{}, ErrLimit},
		{"long control", header0(2, 0, 65, TypeSetChunkSize, 0), Limits{}, ErrLimit},
		{"long video", header0(6, 0, 8<<20+1, TypeVideo, 1), Limits{}, ErrLimit},
		{"streams", many, Limits{}, ErrLimit},
		{"unfinished", cat(header0(6, 0, 3000, TypeVideo, 1), seq(0, 128), header0(7, 0, 3000, TypeVideo, 1), seq(0, 128)), Limits{PendingBytes: 5000}, ErrLimit},
		{"no header", []byte{0xc6, 0}, Limits{}, ErrProtocol},
		{"cut off in a header", header0(6, 0, 5, TypeVideo, 1)[:7], Limits{}, io.ErrUnexpectedEOF},
		{"cut off in a body", cat(header0(6, 0, 5, TypeVideo, 1), seq(0, 4)), Limits{}, io.ErrUnexpectedEOF},
		{"end", nil, Limits{}, io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readAll(reader(tt.in, tt.l)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if err := reader(nil, Limits{}).setChunkSize(0); !errors.Is(err, ErrProtocol) {
		t.Error("chunk size 0 is taken")
	}
	if err := reader(nil, Limits{}).setChunkSize(1 << 31); !errors.Is(err, ErrProtocol) {
		t.Error("chunk size 2^31 is taken")
	}
}

// TestMemoryFollowsInput: a header that promises 8 MiB costs little until the
// bytes come, and a body of common size is allocated once, exactly.
func TestMemoryFollowsInput(t *testing.T) {
	for _, step := range []int{greetBodyStep, firstBodyStep} {
		r := reader(cat(header0(6, 0, 8<<20, TypeVideo, 1), seq(0, 128)), Limits{})
		r.bodyStep = step
		if _, _, err := r.next(); err != nil {
			t.Fatal(err)
		}
		if r.pending > step {
			t.Errorf("%d bytes were allocated for 128, step %d", r.pending, step)
		}
	}
	body := make([]byte, 100_000)
	r := reader(cat(header0(6, 0, len(body), TypeVideo, 1), body), Limits{})
	r.chunkSize, r.bodyStep = ourChunkSize*2, firstBodyStep
	m, done, err := r.next()
	if err != nil || !done || cap(m.Body) > len(body)+8192 || r.pending != 0 {
		t.Errorf("done %v, cap %d, pending %d, %v", done, cap(m.Body), r.pending, err)
	}
	long := make([]byte, 8<<20)
	r = reader(cat(header0(6, 0, len(long), TypeVideo, 1), long), Limits{})
	r.chunkSize = 0xffffff
	if m, done, err := r.next(); err != nil || !done || len(m.Body) != len(long) {
		t.Errorf("8 MiB: %v %v", done, err)
	}
}

func TestChunkWriter(t *testing.T) {
	var out bytes.Buffer
	w := newChunkWriter(&out, 512)
	want := []Message{
		{TypeVideo, 1, 0, seq(0, 1000)}, {TypeVideo, 1, 40, seq(1, 10)}, {TypeVideo, 1, 20, seq(2, 10)},
		{TypeVideo, 1, 16_777_215, seq(3, 300)}, {TypeVideo, 1, 16_777_216, seq(4, 300)},
		{TypeVideo, 1, 1<<32 - 1, seq(5, 300)}, {TypeVideo, 1, 9, seq(6, 300)}, {TypeVideo, 2, 10, nil},
	}
	for _, m := range want {
		split := m
		split.Body = m.Body[:len(m.Body)/3]
		if err := w.message(csVideo, split, m.Body[len(m.Body)/3:]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(reader(out.Bytes(), Limits{}))
	if !errors.Is(err, io.EOF) || len(got) != len(want) {
		t.Fatal(len(got), err)
	}
	for i, m := range want {
		if got[i].Timestamp != m.Timestamp || got[i].StreamID != m.StreamID || !bytes.Equal(got[i].Body, m.Body) {
			t.Errorf("message %d: %v %v", i, got[i].Timestamp, got[i].StreamID)
		}
	}
}

func TestAggregate(t *testing.T) {
	tag := func(typ byte, ts uint32, body []byte) []byte {
		b := appendUint24([]byte{typ}, uint32(len(body)))
		b = append(appendUint24(b, ts&0xffffff), byte(ts>>24), 0, 0, 0)
		return binary.BigEndian.AppendUint32(append(b, body...), uint32(flvTagHeader+len(body)))
	}
	body := cat(tag(9, 1<<24+5, seq(0, 3)), tag(22, 0, seq(0, 4)), tag(8, 1<<24+25, seq(1, 2)), tag(9, 1<<24, seq(2, 1)))
	a := aggregate{Message: Message{TypeAggregate, 1, 1000, body}}
	want := []Message{{TypeVideo, 1, 1000, seq(0, 3)}, {TypeAudio, 1, 1020, seq(1, 2)}, {TypeVideo, 1, 995, seq(2, 1)}}
	for _, w := range want {
		if m, ok := a.next(); !ok || fmt.Sprint(m) != fmt.Sprint(w) {
			t.Errorf("got %v, want %v", m, w)
		}
	}
	if _, ok := a.next(); ok {
		t.Error("one too many")
	}
	cut := aggregate{Message: Message{TypeAggregate, 1, 0, tag(9, 0, seq(0, 30))[:20]}}
	if _, ok := cut.next(); ok {
		t.Error("a tag that is cut off was handed out")
	}
}
