package srt

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	srt "github.com/datarhei/gosrt"

	"weir/ingest/ingesttest"
	"weir/media"
	"weir/media/mediatest/relay"
)

// openRelay puts a bad network before a server.
func openRelay(t *testing.T, server net.Addr, cfg relay.Config) *relay.Relay {
	t.Helper()
	r, err := relay.Open(server, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// TestLossyNetwork: with 2 % loss and 40 ms of jitter nothing is missing after recovery.
func TestLossyNetwork(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, _ := start(t, r, func(c *Config) { c.Latency = 800 * time.Millisecond })
	way := openRelay(t, s.Addr(), relay.Config{Loss: 0.02, Jitter: 40 * time.Millisecond})
	const publishers = 3
	ts := record(t, "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-b:v", "1M")
	var all sync.WaitGroup
	for i := range publishers {
		all.Go(func() {
			var c srt.Conn
			var err error
			for range 40 { // a handshake may get lost, and where its answer was, the name is taken for a while
				if c, err = dial(way.Addr().String(), "publish:live"+string(rune('a'+i)), nil); err == nil {
					break
				}
				<-time.After(500 * time.Millisecond)
			}
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			send(t, c, ts, 8*time.Millisecond)
			<-time.After(1500 * time.Millisecond) // for what has to come again
		})
	}
	all.Wait()
	for range publishers {
		stream := r.Next(t)
		if n := len(stream.Wait(t, media.Video, 99)); n < 99 { // the end of the last is not known
			t.Errorf("%d of 100 pictures", n)
		}
	}
}

// TestFarAhead: packets that are dated half an hour ahead are not kept without end.
func TestFarAhead(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.MaxWaiting = 700 })
	way := openRelay(t, s.Addr(), relay.Config{Change: func(b []byte) bool {
		if len(b) > 1000 { // a data packet: its time stamp
			binary.BigEndian.PutUint32(b[8:], 1_500_000_000)
		}
		return true
	}})
	c, err := dial(way.Addr().String(), "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	junk := make([]byte, 1316)
	for range 4 << 20 / len(junk) {
		if _, err := c.Write(junk); err != nil {
			break // sent away
		}
		<-time.After(100 * time.Microsecond)
	}
	log.Await(t, errFlood.Words, 1)
}

// TestLossyFFmpeg: the same with Haivision's library, encrypted.
func TestLossyFFmpeg(t *testing.T) {
	const secret = "correct horse battery"
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.Passphrase, c.Latency = secret, 3*time.Second })
	way := openRelay(t, s.Addr(), relay.Config{Loss: 0.02, Jitter: 40 * time.Millisecond})
	url := "srt://" + way.Addr().String() + "?mode=caller&streamid=publish:key&passphrase=" + secret
	args := append([]string{"-re"}, picture("4")...)
	if out, err := ingesttest.FFmpeg(t, append(args, "-b:v", "2M", "-f", "mpegts", url)...); err != nil {
		t.Fatalf("ffmpeg: %v\n%s\n%s", err, out, log)
	}
	stream := r.Next(t)
	<-stream.Done()
	if n := len(stream.Packets(media.Video)); n < 60 { // ffmpeg leaves without waiting for what was lost at the end
		t.Errorf("%d of 100 pictures", n)
	}
	log.Await(t, "holes=0", 1)
}
