package rtc

import (
	"errors"
	"io"
	"testing"

	"github.com/pion/transport/v5/packetio"
)

func TestInboxes(t *testing.T) {
	excess := 0
	in := &inboxes{media: 3000, excess: func() { excess++ }}
	b := in.open(packetio.RTPBufferPacket, 1)
	defer b.Close()
	packet := make([]byte, 1000)
	for i := range 3 {
		if _, err := b.Write(packet[:900+i]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Write(packet); !errors.Is(err, packetio.ErrFull) {
		t.Errorf("a packet more than there is room for: %v", err)
	}
	for i := range 3 {
		if n, err := b.Read(packet); n != 900+i || err != nil {
			t.Errorf("packet %d of %d bytes, %v", i, n, err)
		}
	}
	for range mostInboxes - 1 {
		defer in.open(packetio.RTCPBufferPacket, 1).Close()
	}
	if excess != 0 {
		t.Error("as many as there may be are too many")
	}
	many := in.open(packetio.RTCPBufferPacket, 1)
	if _, err := many.Write(packet); excess != 1 || !errors.Is(err, packetio.ErrFull) {
		t.Errorf("one too many: told %d times, %v", excess, err)
	}
	if _, err := many.Read(packet); !errors.Is(err, io.EOF) {
		t.Errorf("it reads %v", err)
	}
	none := (&inboxes{excess: t.FailNow}).open(packetio.RTPBufferPacket, 1)
	if _, err := none.Write(packet); !errors.Is(err, packetio.ErrFull) {
		t.Errorf("a viewer's media: %v", err)
	}
}
