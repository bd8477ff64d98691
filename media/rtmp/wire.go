package rtmp

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is what this package needs of a network connection; net.Conn and
// tls.Conn have it.
type Conn interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

const (
	greetingBuffer = 4 << 10
	minAckWindow   = 64 << 10  // a peer that asks for more acknowledgements gets these
	ourWindow      = 2_500_000 // bytes between acknowledgements that we ask for
	farewellTime   = time.Second
)

// wire is what both ends of a connection do alike: deadlines, chunks, and the
// messages about the connection itself. One goroutine reads, one at a time writes.
type wire struct {
	conn   Conn
	limits Limits
	src    *source
	in     *chunkReader

	writing sync.Mutex // a Client writes media while it answers pings
	out     *chunkWriter

	greeting    time.Time // end of the time to be granted; zero afterwards
	patient     bool      // the peer may stay silent for ever
	interrupted atomic.Bool

	ackWindow uint32 // the peer wants word after so many bytes; 0: never
	acked     uint64 // input that it has been told of
	window    uint32 // what we have asked for ourselves
}

// init makes a wire; it may not be copied afterwards.
func (w *wire) init(c Conn, l Limits, writeBuffer int) {
	w.conn, w.limits = c, l.withDefaults()
	w.greeting = time.Now().Add(w.limits.GreetingTime)
	w.src = newSource(inbound{w}, greetingBuffer, int64(w.limits.GreetingBytes))
	w.in = newChunkReader(w.src, w.limits)
	w.out = newChunkWriter(outbound{w}, writeBuffer)
}

// granted lifts the limits of the greeting.
func (w *wire) granted() {
	w.greeting = time.Time{}
	w.src.budget = -1
	w.src.resize(w.limits.ReadBuffer)
	w.in.bodyStep = firstBodyStep
}

// interrupt makes the present and all later reads fail, and writes end within a
// second. Any goroutine may call it.
func (w *wire) interrupt() {
	w.interrupted.Store(true)
	now := time.Now()
	w.conn.SetReadDeadline(now)                    //nolint:errcheck // a dead connection fails its reads by itself
	w.conn.SetWriteDeadline(now.Add(farewellTime)) //nolint:errcheck // as above
}

// inbound is the connection to read from, with deadlines. The deadline is set
// before the flag is looked at, so that an interrupt is never overwritten.
type inbound struct{ *wire }

func (w inbound) Read(p []byte) (int, error) {
	end := w.greeting
	if end.IsZero() && !w.patient {
		end = time.Now().Add(w.limits.ReadTime)
	}
	if err := w.conn.SetReadDeadline(end); err != nil {
		return 0, err
	}
	if w.interrupted.Load() {
		return 0, ErrInterrupted
	}
	n, err := w.conn.Read(p)
	if err != nil && w.interrupted.Load() {
		err = ErrInterrupted
	}
	return n, err
}

// outbound is the connection to write to, with deadlines.
type outbound struct{ *wire }

func (w outbound) Write(p []byte) (int, error) {
	end := w.greeting
	if end.IsZero() {
		end = time.Now().Add(w.limits.WriteTime)
	}
	if err := w.conn.SetWriteDeadline(end); err != nil {
		return 0, err
	}
	if w.interrupted.Load() {
		if err := w.conn.SetWriteDeadline(time.Now().Add(farewellTime)); err != nil {
			return 0, err
		}
	}
	return w.conn.Write(p)
}

// next returns the next message that is not about the connection itself; those
// are obeyed here. Messages without a body are passed over, they mean nothing.
func (w *wire) next() (Message, error) {
	for {
		m, done, err := w.in.next()
		if err != nil {
			return m, err
		}
		if err := w.acknowledge(); err != nil {
			return m, err
		}
		switch {
		case !done || len(m.Body) == 0:
		case !m.Type.isControl():
			return m, nil
		default:
			if err := w.control(m); err != nil {
				return m, err
			}
		}
	}
}

// control obeys RTMP 5.4 and 7.1.7. Messages that are too short, and events that
// mean nothing to a publisher's connection, are passed over.
func (w *wire) control(m Message) error {
	b := m.Body
	if m.Type == TypeUserControl {
		if len(b) < 6 || binary.BigEndian.Uint16(b) != eventPingRequest {
			return nil
		}
		pong := append([]byte{0, eventPingResponse}, b[2:6]...)
		return w.send(csControl, Message{Type: TypeUserControl, Body: pong})
	}
	if len(b) < 4 {
		return nil
	}
	v := binary.BigEndian.Uint32(b)
	switch m.Type {
	case TypeSetChunkSize:
		return w.in.setChunkSize(v)
	case TypeAbort:
		w.in.abort(v)
	case TypeWindowAckSize:
		w.ackWindow = max(v, minAckWindow)
	case TypeSetPeerBandwidth: // it is answered with the window (RTMP 5.4.5)
		if v != w.window {
			w.window = v
			return w.send(csControl, number(TypeWindowAckSize, v))
		}
	}
	return nil
}

// acknowledge tells the peer how much has come, when it wants to know that by
// now (RTMP 5.4.3).
func (w *wire) acknowledge() error {
	if w.ackWindow == 0 || w.src.total-w.acked < uint64(w.ackWindow) {
		return nil
	}
	w.acked = w.src.total
	return w.send(csControl, number(TypeAck, uint32(w.src.total)))
}

// send writes a message, and whatever was written before it, at once.
func (w *wire) send(csid byte, m Message) error { return w.sendParts(csid, m, nil) }

// sendParts does the same with a body in two pieces.
func (w *wire) sendParts(csid byte, m Message, rest []byte) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	err := w.out.message(csid, m, rest)
	if err == nil {
		err = w.out.flush()
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// announceChunkSize makes the chunks that we write large.
func (w *wire) announceChunkSize() error {
	err := w.send(csControl, number(TypeSetChunkSize, ourChunkSize))
	w.out.chunkSize = ourChunkSize
	return err
}

// number is a control message that holds one number.
func number(t MessageType, v uint32) Message {
	return Message{Type: t, Body: binary.BigEndian.AppendUint32(nil, v)}
}
