package whep

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/media"
)

// track sends one kind of media to one viewer. It is pion's webrtc.TrackLocal; the
// viewer's goroutines alone use it beside pion.
type track struct {
	kind media.Kind
	rate int64 // of the RTP clock, Hz

	mu      sync.Mutex
	writer  webrtc.TrackLocalWriter // nil while not connected
	header  rtp.Header              // of the next packet
	base    uint32                  // RTP time of media time 0
	last    int64                   // RTP time of the newest frame, without base
	some    bool                    // last is valid
	packets uint32
	octets  uint32
}

var _ webrtc.TrackLocal = (*track)(nil)

func newTrack(k media.Kind) *track {
	var random [6]byte
	rand.Read(random[:]) // RFC 3550 5.1: both begin anywhere
	t := &track{kind: k, rate: 90000, base: binary.BigEndian.Uint32(random[2:])}
	t.header = rtp.Header{Version: 2, SequenceNumber: binary.BigEndian.Uint16(random[:])}
	if k == media.Audio {
		t.rate = 48000
	}
	return t
}

var errNoCodec = errors.New("no codec in common")

// Bind is called by pion when the connection stands.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	mime := webrtc.MimeTypeH264
	if t.kind == media.Audio {
		mime = webrtc.MimeTypeOpus
	}
	for _, p := range c.CodecParameters() {
		if strings.EqualFold(p.MimeType, mime) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.writer = c.WriteStream()
			t.header = rtp.Header{Version: 2, SequenceNumber: t.header.SequenceNumber, SSRC: uint32(c.SSRC()), PayloadType: uint8(p.PayloadType)}
			return p, nil
		}
	}
	return webrtc.RTPCodecParameters{}, errNoCodec
}

// Unbind is called by pion when the connection ends.
func (t *track) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer = nil
	return nil
}

// ID is the name of the MediaStreamTrack.
func (t *track) ID() string { return t.kind.String() }

// StreamID is the name of the MediaStream: one for both tracks, so that players keep
// them in sync.
func (t *track) StreamID() string { return "weir" }

// RID is empty: there is one layer.
func (t *track) RID() string { return "" }

// Kind is video or audio.
func (t *track) Kind() webrtc.RTPCodecType {
	if t.kind == media.Audio {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

// catchUp is how far apart frames are dated that are older than what was sent before,
// as those of a slower encoder are after a change of feeds; in 1/90,000 s.
const catchUp = 90

// send writes one frame. An error is the connection's.
func (t *track) send(f *frame) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil {
		return nil
	}
	at := f.pts.In(t.rate)
	if t.some && at <= t.last {
		at = t.last + catchUp
	}
	t.last, t.some = at, true
	h := &t.header
	h.Timestamp = t.base + uint32(at)
	for i, p := range f.payloads {
		h.Marker = t.kind == media.Video && i == len(f.payloads)-1
		t.packets++
		t.octets += uint32(len(p))
		_, err := t.writer.WriteRTP(h, p)
		h.SequenceNumber++
		if err != nil {
			return err
		}
	}
	return nil
}

// ntpEpoch is 1900 in Unix time, seconds.
const ntpEpoch = 2_208_988_800

// report ties the track's clock to the wall clock (RFC 3550 6.4.1): both by the
// stream's clock, which all tracks share. It is nil before the first frame.
func (t *track) report(epoch, now time.Time) *rtcp.SenderReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.packets == 0 {
		return nil
	}
	at := media.FromDuration(now.Sub(epoch)).In(t.rate)
	second, nanos := uint64(now.Unix()+ntpEpoch), uint64(now.Nanosecond())
	return &rtcp.SenderReport{
		SSRC: t.header.SSRC, NTPTime: second<<32 | nanos<<32/1e9, RTPTime: t.base + uint32(at),
		PacketCount: t.packets, OctetCount: t.octets,
	}
}
