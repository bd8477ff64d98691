package rtsp

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/ingest"
)

// What waits for a publisher's goroutine at most. Over TCP a packet may have 64 KiB, and
// whoever sends more waits; over UDP it has a datagram's size, and what is more is lost.
const (
	piecesTCP = 64
	piecesUDP = 2048
)

// lookEvery is how often it is looked whether a publisher still sends.
const lookEvery = time.Second

// piece is something that came for one lane: a packet or a report.
type piece struct {
	lane   *lane
	packet *rtp.Packet
	report *rtcp.SenderReport
	at     time.Time
}

// feed is where packets wait between the library's goroutines and that of the publisher.
type feed struct {
	now    func() time.Time
	pieces chan piece
	over   chan struct{} // closed when nothing more is to come
	once   sync.Once
	lost   atomic.Uint64
}

func newFeed(now func() time.Time, pieces int) *feed {
	return &feed{now: now, pieces: make(chan piece, pieces), over: make(chan struct{})}
}

// wait hands a piece to the publisher's goroutine, and blocks its connection while that
// is busy.
func (f *feed) wait(p piece) {
	select {
	case f.pieces <- p:
	case <-f.over:
	}
}

// drop is wait for a socket that many share, which nobody may block.
func (f *feed) drop(p piece) {
	select {
	case f.pieces <- p:
	default:
		f.lost.Add(1)
	}
}

// leave says that nothing more will come. It may be called from anywhere, more than once.
func (f *feed) leave() { f.once.Do(func() { close(f.over) }) }

// carry carries pieces to the session until one side ends it; nil: the publisher went.
func (f *feed) carry(ctx context.Context, m *mapper, session ingest.Hold, idle time.Duration) error {
	look := time.NewTicker(min(lookEvery, idle/4))
	defer look.Stop()
	for {
		select {
		case p := <-f.pieces:
			if err := f.piece(m, p); err != nil {
				return err
			}
		case <-look.C:
			if f.now().Sub(m.heard) > idle {
				return ingest.ErrIdle
			}
		case <-session.Done():
			return session.Err()
		case <-ctx.Done():
			return ingest.ErrClosing
		case <-f.over:
			return f.rest(m)
		}
	}
}

// rest takes what had come when the publisher went.
func (f *feed) rest(m *mapper) error {
	for {
		select {
		case p := <-f.pieces:
			if err := f.piece(m, p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (f *feed) piece(m *mapper, p piece) error {
	if p.report != nil {
		m.report(p.lane, p.report)
		return nil
	}
	return m.packet(p.lane, p.packet, p.at)
}
