package rtc

import (
	"encoding/binary"
	"time"

	"weir/media/rtc/congestion"
)

// What a viewer says (RFC 3550 6.1, RFC 4585 6.1).
const (
	rtcpHead       = 4   // bytes
	rtcpSSRCs      = 8   // after it, in feedback
	rtcpTransport  = 205 // feedback of the transport
	rtcpPayload    = 206 // feedback of the picture
	formMissing    = 1   // RFC 4585 6.2.1
	formArrivals   = 15
	formPicture    = 1 // RFC 4585 6.3.1
	formFullIntra  = 4 // RFC 5104 4.3.1
	missingEntries = 4 // bytes of each
)

// listen takes a compound packet of a viewer, and tells whether a key frame is wanted. What
// it does not know, or what is cut off, is left out.
func (s *sender) listen(b []byte) (wantKey bool) {
	for len(b) >= rtcpHead {
		size := rtcpHead + 4*int(binary.BigEndian.Uint16(b[2:]))
		if b[0]>>6 != 2 || len(b) < size {
			return wantKey
		}
		form, kind, body := b[0]&0x1f, b[1], b[rtcpHead:size]
		b = b[size:]
		switch {
		case len(body) < rtcpSSRCs:
		case kind == rtcpTransport && form == formArrivals:
			_ = s.came(body[rtcpSSRCs:]) // the next one may be better
		case kind == rtcpTransport && form == formMissing:
			ssrc := binary.BigEndian.Uint32(body[4:])
			for m := body[rtcpSSRCs:]; len(m) >= missingEntries; m = m[missingEntries:] {
				s.missing(ssrc, binary.BigEndian.Uint16(m), binary.BigEndian.Uint16(m[2:]))
			}
		case kind == rtcpPayload && (form == formPicture || form == formFullIntra):
			wantKey = true
		}
	}
	return wantKey
}

// came takes the viewer's message of which packets have come.
func (s *sender) came(b []byte) error {
	a, err := parseArrivals(b)
	if err != nil || a.count > sentPackets {
		return errArrivals
	}
	now := time.Since(s.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	since := a.since
	if s.some {
		since = s.since + int64(int32(uint32(a.since-s.since)<<8)>>8) // it has 24 bits
	}
	zero := time.Duration(since) * arrivalsTick
	s.told = s.told[:0]
	err = a.each(func(number uint16, came time.Duration, lost bool) {
		if p := s.sent[number%sentPackets]; p.size > 0 && p.number == number {
			s.told = append(s.told, congestion.Packet{Size: p.size, Sent: p.at, Came: zero + came, Lost: lost})
		}
	})
	if err != nil {
		return err
	}
	_ = a.each(func(number uint16, _ time.Duration, lost bool) {
		if p := &s.sent[number%sentPackets]; !lost && p.number == number {
			p.size = 0 // told of once
		}
	})
	s.since, s.some = since, true
	s.estimate.Feedback(now, s.told)
	s.rate.Store(int64(s.estimate.Rate()))
	s.congested.Store(s.estimate.Congested())
	return nil
}
