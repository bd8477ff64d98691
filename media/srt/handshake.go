package srt

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// Kinds of handshakes (3.2.1, table 4).
const (
	hsInduction  = 1
	hsConclusion = 0xffffffff
)

// Extensions (3.2.1, table 5), and the flags that say which there are.
const (
	extHSReq      = 1
	extHSRsp      = 2
	extKMReq      = 3
	extKMRsp      = 4
	extStreamID   = 5
	extCongestion = 6
	extFilter     = 7

	hasHS = 1
	hasKM = 2
)

// Flags of the handshake extension (3.2.1.1.1).
const (
	flagTSBPDSnd    = 1 << 0
	flagTSBPDRcv    = 1 << 1
	flagCrypt       = 1 << 2
	flagTLPktDrop   = 1 << 3
	flagPeriodicNAK = 1 << 4
	flagRexmit      = 1 << 5
	flagStream      = 1 << 6

	ourFlags = flagTSBPDSnd | flagTSBPDRcv | flagCrypt | flagTLPktDrop | flagPeriodicNAK | flagRexmit
)

const (
	hsSize      = 48
	hsMagic     = 0x4a17 // 4.3.1.1: the listener speaks SRT
	srtVersion  = 1<<16 | 4<<8 | 1
	maxStreamID = 512
)

var errHandshake = errors.New("srt: a handshake that cannot be read")

// handshake is the body of a handshake packet (3.2.1).
type handshake struct {
	version     uint32
	cipher, ext uint16
	isn         uint32 // the first sequence number
	mtu, window uint32
	kind        uint32
	id          uint32 // the sender's socket
	cookie      uint32
	peer        netip.Addr // of the receiver, as the sender sees it

	hello      *hello // HSREQ or HSRSP
	km         []byte // KMREQ or KMRSP
	streamID   string
	congestion string
	filter     bool
}

// hello is the handshake extension (3.2.1.1).
type hello struct {
	version, flags uint32
	receive, send  uint16 // TSBPD delays, milliseconds
}

// parseHandshake reads what follows the head, up to the extensions, which are the rest.
// Those of a stranger are not worth the time.
func parseHandshake(b []byte) (h handshake, rest []byte, err error) {
	if len(b) < hsSize {
		return h, nil, errHandshake
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	h.version, h.cipher, h.ext = word(0), uint16(word(1)>>16), uint16(word(1))
	h.isn, h.mtu, h.window = word(2)&seqMask, word(3), word(4)
	h.kind, h.id, h.cookie = word(5), word(6), word(7)
	return h, b[hsSize:], nil
}

// extensions reads those, which conclusions of version 5 have. The result aliases them.
func (h *handshake) extensions(rest []byte) error {
	if h.kind != hsConclusion || h.version < 5 {
		return nil
	}
	for len(rest) > 0 {
		if len(rest) < 4 {
			return errHandshake
		}
		kind, size := binary.BigEndian.Uint16(rest), 4*int(binary.BigEndian.Uint16(rest[2:]))
		if rest = rest[4:]; size > len(rest) {
			return errHandshake
		}
		if err := h.extension(kind, rest[:size]); err != nil {
			return err
		}
		rest = rest[size:]
	}
	return nil
}

func (h *handshake) extension(kind uint16, b []byte) error {
	switch kind {
	case extHSReq, extHSRsp:
		if len(b) < 12 {
			return errHandshake
		}
		h.hello = &hello{
			version: binary.BigEndian.Uint32(b), flags: binary.BigEndian.Uint32(b[4:]),
			receive: binary.BigEndian.Uint16(b[8:]), send: binary.BigEndian.Uint16(b[10:]),
		}
	case extKMReq, extKMRsp:
		h.km = b
	case extStreamID:
		if len(b) > maxStreamID {
			return errHandshake
		}
		h.streamID = text(b)
	case extCongestion:
		if len(b) > maxStreamID {
			return errHandshake
		}
		h.congestion = text(b)
	case extFilter:
		h.filter = true
	}
	return nil // others are not for us
}

// text reads a string (3.2.1.3): the bytes of each word are the other way round, and the
// last is filled up with zeros.
func text(b []byte) string {
	b = slices.Clone(b)
	for i := 0; i+4 <= len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return strings.TrimRight(string(b), "\x00")
}

// append writes h with the extensions of an answer.
func (h *handshake) append(b []byte) []byte {
	for _, word := range [...]uint32{
		h.version, uint32(h.cipher)<<16 | uint32(h.ext), h.isn, h.mtu, h.window, h.kind, h.id, h.cookie,
	} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	b = appendIP(b, h.peer)
	if h.hello != nil {
		b = appendWords(b, extHSRsp, 12)
		b = binary.BigEndian.AppendUint32(b, h.hello.version)
		b = binary.BigEndian.AppendUint32(b, h.hello.flags)
		b = binary.BigEndian.AppendUint16(b, h.hello.receive)
		b = binary.BigEndian.AppendUint16(b, h.hello.send)
	}
	if h.km != nil {
		b = append(appendWords(b, extKMRsp, len(h.km)), h.km...)
	}
	return b
}

// appendWords begins an extension of size bytes.
func appendWords(b []byte, kind uint16, size int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(kind)<<16|uint32(size/4))
}

// appendIP writes an address in 16 bytes, each word the other way round.
func appendIP(b []byte, a netip.Addr) []byte {
	var ip [16]byte
	if a.Is4() {
		v4 := a.As4()
		copy(ip[:], v4[:])
	} else if a.IsValid() {
		ip = a.As16()
	}
	for i := 0; i < len(ip); i += 4 {
		slices.Reverse(ip[i : i+4])
	}
	return append(b, ip[:]...)
}
