package srt

import "encoding/binary"

const (
	headSize    = 16
	maxPayload  = 1456          // of an Ethernet frame, less the heads of IP, UDP and SRT
	maxDatagram = 1500 - 20 - 8 // that a caller may send
)

// Control packets (3.2, table 1).
const (
	ctrlHandshake = 0
	ctrlKeepAlive = 1
	ctrlACK       = 2
	ctrlNAK       = 3
	ctrlShutdown  = 5
	ctrlACKACK    = 6
	ctrlDropReq   = 7
	ctrlUser      = 0x7fff
)

// head is the first 16 bytes of a datagram (3), whose last two words are the same in data
// and control packets.
type head struct {
	control bool
	kind    uint16 // of a control packet
	sub     uint16
	info    uint32 // type-specific information

	seq     uint32 // of a data packet
	key     byte   // KK: 0 plain, 1 even, 2 odd
	again   bool   // R: sent again
	message uint32

	stamp uint32 // microseconds since the sender's start
	to    uint32 // socket ID
}

// parseHead reads the head of a datagram; the rest is behind headSize.
func parseHead(b []byte) (h head, ok bool) {
	if len(b) < headSize {
		return h, false
	}
	first, second := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	h.stamp, h.to = binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	if first>>31 == 1 {
		h.control, h.kind, h.sub, h.info = true, uint16(first>>16&0x7fff), uint16(first), second
		return h, true
	}
	h.seq, h.key, h.again, h.message = first, byte(second>>27&3), second>>26&1 == 1, second&(1<<26-1)
	return h, true
}

// appendControl begins a control packet.
func appendControl(b []byte, kind, sub uint16, info, stamp, to uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, 1<<31|uint32(kind)<<16|uint32(sub))
	b = binary.BigEndian.AppendUint32(b, info)
	b = binary.BigEndian.AppendUint32(b, stamp)
	return binary.BigEndian.AppendUint32(b, to)
}

// Sequence numbers have 31 bits and begin anew (3.1).
const seqMask = 1<<31 - 1

// after is how far a lies behind b; negative: before it.
func after(a, b uint32) int { return int(int32((a-b)<<1) >> 1) }

func next(seq uint32) uint32 { return (seq + 1) & seqMask }

// plus is the number n behind seq.
func plus(seq uint32, n int) uint32 { return (seq + uint32(n)) & seqMask }
