package rtmp

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Chunk streams that we write on. 2 is prescribed (RTMP 5.4), the others are
// what encoders and servers use.
const (
	csControl = 2
	csCommand = 3
	csAudio   = 4
	csData    = 5
	csVideo   = 6

	writeStreams = 7
)

// ourChunkSize is the chunk size that we announce and write. It halves the work
// of both sides against the usual 128 or 4096 bytes.
const ourChunkSize = 64 << 10

// writeStream is what the peer remembers of a chunk stream that we write.
type writeStream struct {
	begun     bool
	timestamp uint32
	streamID  uint32
}

// chunkWriter cuts messages into chunks (RTMP 5.3).
type chunkWriter struct {
	w         *bufio.Writer
	chunkSize int
	streams   [writeStreams]writeStream
}

func newChunkWriter(w io.Writer, size int) *chunkWriter {
	return &chunkWriter{w: bufio.NewWriterSize(w, size), chunkSize: 128}
}

// message writes one message on chunk stream csid, its body in two pieces. It is
// on the wire after flush.
func (w *chunkWriter) message(csid byte, m Message, rest []byte) error {
	ext, err := w.header(csid, m, len(m.Body)+len(rest))
	if err != nil {
		return err
	}
	room := w.chunkSize
	for _, part := range [2][]byte{m.Body, rest} {
		for len(part) > 0 {
			if room == 0 {
				if err := w.continuation(csid, ext); err != nil {
					return err
				}
				room = w.chunkSize
			}
			n := min(room, len(part))
			if _, err := w.w.Write(part[:n]); err != nil {
				return err
			}
			part, room = part[n:], room-n
		}
	}
	return nil
}

// header writes a type 0 header, or type 1 where a delta will do. It returns the
// extended time when there is one.
func (w *chunkWriter) header(csid byte, m Message, length int) (ext *uint32, err error) {
	s := &w.streams[csid]
	time, format := m.Timestamp, byte(0)
	if delta := m.Timestamp - s.timestamp; s.begun && s.streamID == m.StreamID && delta < maxHeaderTime {
		time, format = delta, 1
	}
	*s = writeStream{begun: true, timestamp: m.Timestamp, streamID: m.StreamID}
	if time >= maxHeaderTime {
		ext = &time
	}
	var buf [18]byte
	h := append(buf[:0], format<<6|csid)
	h = appendUint24(h, min(time, maxHeaderTime))
	h = appendUint24(h, uint32(length))
	h = append(h, byte(m.Type))
	if format == 0 {
		h = binary.LittleEndian.AppendUint32(h, m.StreamID)
	}
	if ext != nil {
		h = binary.BigEndian.AppendUint32(h, time)
	}
	_, err = w.w.Write(h)
	return ext, err
}

// continuation writes a type 3 header, with the extended time once more (RTMP
// 5.3.1.3).
func (w *chunkWriter) continuation(csid byte, ext *uint32) error {
	var buf [5]byte
	h := append(buf[:0], 3<<6|csid)
	if ext != nil {
		h = binary.BigEndian.AppendUint32(h, *ext)
	}
	_, err := w.w.Write(h)
	return err
}

func (w *chunkWriter) flush() error { return w.w.Flush() }
