package whep

import (
	"encoding/binary"

	"weir/media"
	"weir/media/codec"
)

// maxPayload is the most bytes of one RTP payload: with headers, extensions, SRTP and
// a relay around it, it passes networks of 1280 bytes.
const maxPayload = 1170

// Types of NAL units and of RTP payloads (ISO/IEC 14496-10 table 7-1, RFC 6184 5.4).
const (
	nalSPS    = 7
	nalPPS    = 8
	nalAUD    = 9
	nalEndSeq = 10
	nalEnd    = 11
	nalFiller = 12
	rtpSTAPA  = 24
	rtpFUA    = 28
)

// sets are the parameter sets of a track as one payload, made once for each track.
type sets struct {
	track   *media.Track
	payload []byte // a STAP-A; nil when the configuration cannot be read or is too large
	each    [][]byte
}

// of gives the payloads with t's parameter sets.
func (s *sets) of(t *media.Track) [][]byte {
	if s.track == t {
		return s.each
	}
	*s = sets{track: t}
	info, err := codec.ParseAVCC(t.Config)
	if err != nil {
		return nil
	}
	nals := append(append([][]byte{}, info.SPS...), info.PPS...)
	s.payload = stapA(nals)
	if s.payload != nil {
		s.each = [][]byte{s.payload}
		return s.each
	}
	for _, nal := range nals {
		s.each = appendNAL(s.each, nal)
	}
	return s.each
}

// stapA puts small NAL units into one payload (RFC 6184 5.7.1), nil if they do not fit.
func stapA(nals [][]byte) []byte {
	out := []byte{rtpSTAPA}
	for _, nal := range nals {
		out[0] |= nal[0] & 0x60 // the highest nal_ref_idc; all sets have the same
		out = binary.BigEndian.AppendUint16(out, uint16(len(nal)))
		out = append(out, nal...)
		if len(out) > maxPayload {
			return nil
		}
	}
	return out
}

// picture cuts an access unit with 4-byte lengths into payloads (RFC 6184,
// packetization-mode 1). Those of small NAL units alias au. Key frames have their
// parameter sets before them.
func (s *sets) picture(p *media.Packet) [][]byte {
	out := make([][]byte, 0, 2+len(p.Data)/(maxPayload-2)+4)
	if p.Key {
		if sps, _ := codec.ParameterSets(p.Data); len(sps) == 0 {
			out = append(out, s.of(p.Track)...)
		}
	}
	for nal := range codec.NALs(p.Data) {
		switch nal[0] & 0x1f {
		case nalAUD, nalEndSeq, nalEnd, nalFiller:
		default:
			out = appendNAL(out, nal)
		}
	}
	return out
}

// appendNAL appends one NAL unit, in fragments (FU-A, RFC 6184 5.8) where it is large.
func appendNAL(out [][]byte, nal []byte) [][]byte {
	if len(nal) <= maxPayload {
		return append(out, nal)
	}
	const start, end = 0x80, 0x40
	head, kind := nal[0]&0xe0|rtpFUA, nal[0]&0x1f
	rest := nal[1:]
	n := (len(rest) + maxPayload - 3) / (maxPayload - 2)
	buf := make([]byte, 0, len(rest)+2*n)
	for first := true; len(rest) > 0; first = false {
		size := min(len(rest), maxPayload-2)
		flags := kind
		if first {
			flags |= start
		}
		if size == len(rest) {
			flags |= end
		}
		at := len(buf)
		buf = append(append(buf, head, flags), rest[:size]...)
		out = append(out, buf[at:len(buf):len(buf)])
		rest = rest[size:]
	}
	return out
}
