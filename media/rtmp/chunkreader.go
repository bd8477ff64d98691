package rtmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	maxHeaderTime  = 0xffffff  // in a header: the time is in the extended field
	firstBodyStep  = 256 << 10 // bodies up to here are allocated at once ...
	greetBodyStep  = 4 << 10   // ... and before publish is granted, up to here
	maxControlBody = 64
)

// chunkStream is what has to be remembered of one chunk stream (RTMP 5.3.1).
type chunkStream struct {
	id        uint32
	timestamp uint32 // of the present message
	delta     uint32 // what a type 3 chunk adds when it begins a message
	extended  bool   // the last header had an extended time ...
	extTime   uint32 // ... which was this
	length    int
	typ       MessageType
	streamID  uint32

	partial bool // a message is being collected
	body    []byte
	got     int
}

// chunkReader puts messages together from chunks (RTMP 5.3).
type chunkReader struct {
	src       *source
	limits    Limits
	chunkSize int // what the peer has announced
	bodyStep  int // how much to allocate before the first byte
	pending   int // memory of all unfinished messages
	streams   []*chunkStream
	// repeats is set when the peer was seen to repeat the extended time on type 3
	// chunks, as RTMP 5.3.1.3 wants.
	repeats bool
}

func newChunkReader(src *source, l Limits) *chunkReader {
	return &chunkReader{src: src, limits: l, chunkSize: 128, bodyStep: greetBodyStep}
}

// next reads one chunk. done tells whether it was the last one of a message.
func (r *chunkReader) next() (m Message, done bool, err error) {
	format, id, err := r.basicHeader()
	if err != nil {
		return m, false, err
	}
	cs, err := r.stream(id, format)
	if err != nil {
		return m, false, err
	}
	if err := r.messageHeader(cs, format); err != nil {
		return m, false, midway(err)
	}
	n := min(r.chunkSize, cs.length-cs.got)
	if err := r.payload(cs, n); err != nil {
		return m, false, midway(err)
	}
	if cs.got < cs.length {
		return m, false, nil
	}
	m = Message{Type: cs.typ, StreamID: cs.streamID, Timestamp: cs.timestamp, Body: cs.body}
	r.forget(cs)
	return m, true, nil
}

// basicHeader reads RTMP 5.3.1.1: two bits of format and an id from 2 to 65,599.
func (r *chunkReader) basicHeader() (format byte, id uint32, err error) {
	b, err := r.src.take(1)
	if err != nil {
		return 0, 0, err
	}
	format, id = b[0]>>6, uint32(b[0]&63)
	switch id {
	case 0:
		if b, err = r.src.take(1); err != nil {
			return 0, 0, midway(err)
		}
		id = 64 + uint32(b[0])
	case 1:
		if b, err = r.src.take(2); err != nil {
			return 0, 0, midway(err)
		}
		id = 64 + uint32(b[0]) + uint32(b[1])<<8
	}
	return format, id, nil
}

// stream finds or makes the state of a chunk stream.
func (r *chunkReader) stream(id uint32, format byte) (*chunkStream, error) {
	for _, cs := range r.streams {
		if cs.id == id {
			return cs, nil
		}
	}
	// Some senders begin with a type 1 header, which lacks only the stream id.
	if format > 1 {
		return nil, fmt.Errorf("%w: chunk stream %d begins without a header", ErrProtocol, id)
	}
	if len(r.streams) >= r.limits.ChunkStreams {
		return nil, fmt.Errorf("%w: more than %d chunk streams", ErrLimit, r.limits.ChunkStreams)
	}
	cs := &chunkStream{id: id}
	r.streams = append(r.streams, cs)
	return cs, nil
}

// messageHeader reads RTMP 5.3.1.2 and 5.3.1.3 and begins a message where the
// chunk is the first of one.
func (r *chunkReader) messageHeader(cs *chunkStream, format byte) error {
	if format == 3 {
		return r.continued(cs)
	}
	h, err := r.src.take([...]int{11, 7, 3}[format])
	if err != nil {
		return err
	}
	time := uint24(h)
	if format < 2 {
		cs.length, cs.typ = int(uint24(h[3:])), MessageType(h[6])
	}
	if format == 0 {
		cs.streamID = binary.LittleEndian.Uint32(h[7:])
	}
	if cs.extended = time == maxHeaderTime; cs.extended {
		b, err := r.src.take(4)
		if err != nil {
			return err
		}
		time = binary.BigEndian.Uint32(b)
		cs.extTime = time
	}
	cs.delta = time
	if format == 0 {
		cs.timestamp = time
	} else {
		cs.timestamp += time
	}
	return r.begin(cs)
}

// continued handles a type 3 chunk: the rest of a message, or a new one with the
// header of the last. After a type 0 header its delta is that header's time
// (RTMP 5.3.1.2.4).
func (r *chunkReader) continued(cs *chunkStream) error {
	if cs.extended {
		if err := r.repeatedTime(cs); err != nil {
			return err
		}
	}
	if cs.partial {
		return nil
	}
	cs.timestamp += cs.delta
	return r.begin(cs)
}

// repeatedTime passes over an extended time behind a type 3 header. Old senders
// leave it out, so it is recognised by its value, looking at no more bytes than
// it takes to see a difference.
func (r *chunkReader) repeatedTime(cs *chunkStream) error {
	var ext, abs [4]byte
	binary.BigEndian.PutUint32(ext[:], cs.extTime)
	binary.BigEndian.PutUint32(abs[:], cs.timestamp)
	for n := 1; n <= 4; n++ {
		b, err := r.src.peek(n)
		if err != nil {
			return err
		}
		if bytes.Equal(b, ext[:n]) || bytes.Equal(b, abs[:n]) {
			continue
		}
		if cs.partial || !r.repeats {
			return nil
		}
		break // a peer that repeats begins a message with another delta
	}
	b, err := r.src.take(4)
	if err != nil {
		return err
	}
	r.repeats = true
	if v := binary.BigEndian.Uint32(b); !cs.partial && v != cs.timestamp {
		cs.extTime, cs.delta = v, v
	}
	return nil
}

// begin checks the header of a new message. An unfinished one on the same chunk
// stream is dropped: its sender gave up on it.
func (r *chunkReader) begin(cs *chunkStream) error {
	r.forget(cs)
	limit := r.limits.CommandBytes
	switch {
	case cs.typ.isMedia():
		limit = r.limits.MediaBytes
	case cs.typ.isControl():
		limit = maxControlBody
	}
	if cs.length > limit {
		return fmt.Errorf("%w: message of type %d has %d bytes", ErrLimit, cs.typ, cs.length)
	}
	cs.partial = true
	return nil
}

// payload reads n bytes of a body. Memory is allocated at once for bodies of
// common size; for longer ones it follows what has come.
func (r *chunkReader) payload(cs *chunkStream, n int) error {
	for n > 0 {
		if cs.got == len(cs.body) {
			if err := r.grow(cs); err != nil {
				return err
			}
		}
		k := min(n, len(cs.body)-cs.got)
		if err := r.src.full(cs.body[cs.got : cs.got+k]); err != nil {
			return err
		}
		cs.got += k
		n -= k
	}
	return nil
}

func (r *chunkReader) grow(cs *chunkStream) error {
	size := min(cs.length, max(r.bodyStep, 4*len(cs.body)))
	if r.pending += size - len(cs.body); r.pending > r.limits.PendingBytes {
		return fmt.Errorf("%w: unfinished messages of %d bytes", ErrLimit, r.pending)
	}
	body := make([]byte, size)
	copy(body, cs.body[:cs.got])
	cs.body = body
	return nil
}

// forget drops what has been collected on a chunk stream.
func (r *chunkReader) forget(cs *chunkStream) {
	r.pending -= len(cs.body)
	cs.body, cs.got, cs.partial = nil, 0, false
}

// abort obeys an Abort message (RTMP 5.4.2).
func (r *chunkReader) abort(id uint32) {
	for _, cs := range r.streams {
		if cs.id == id {
			r.forget(cs)
		}
	}
}

// setChunkSize obeys a Set Chunk Size message (RTMP 5.4.1). Sizes beyond the
// longest message mean the same as that.
func (r *chunkReader) setChunkSize(n uint32) error {
	if n == 0 || n > 0x7fffffff {
		return fmt.Errorf("%w: chunk size %d", ErrProtocol, n)
	}
	r.chunkSize = int(min(n, 0xffffff))
	return nil
}
