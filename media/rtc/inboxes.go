package rtc

import (
	"io"
	"sync/atomic"

	"github.com/pion/transport/v5/packetio"
)

const (
	mostInboxes = 32        // eight tracks, what repairs them, and the reports of both
	reportsRoom = 32 << 10  // bytes of RTCP that wait to be read
	mediaRoom   = 1_000_000 // bytes of a publisher's RTP
)

// inboxes are where a peer's packets wait to be read. pion makes one for each SSRC that a
// packet names, and keeps it as long as the connection: twelve bytes of RTCP with an SSRC that
// is not there cost kilobytes. So a peer that names too many has to go.
type inboxes struct {
	media  int    // bytes of RTP that one holds; 0: it is thrown away
	excess func() // called with each one too many; it must not wait
	made   atomic.Int32
}

// open is called by pion, from several goroutines.
func (in *inboxes) open(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	room := reportsRoom
	if kind == packetio.RTPBufferPacket {
		room = in.media
	}
	if in.made.Add(1) > mostInboxes {
		in.excess()
		return nowhere{}
	}
	if room == 0 {
		return nowhere{}
	}
	b := packetio.NewBuffer()
	b.SetLimitSize(room)
	return inbox{b}
}

// inbox holds packets. What comes while it is full is lost.
type inbox struct{ *packetio.Buffer }

// Read waits for the next packet.
func (b inbox) Read(p []byte) (int, error) {
	n, _, err := b.Buffer.Read(p, nil)
	return n, err
}

// Write takes a packet; the error is packetio.ErrFull where there is no room.
func (b inbox) Write(p []byte) (int, error) { return b.Buffer.Write(p, nil) }

// nowhere is an inbox that is full and never has anything.
type nowhere struct{}

// Read has nothing.
func (nowhere) Read([]byte) (int, error) { return 0, io.EOF }

// Write has no room.
func (nowhere) Write([]byte) (int, error) { return 0, packetio.ErrFull }

// Close has nothing to do.
func (nowhere) Close() error { return nil }
