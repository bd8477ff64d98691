package cmaf

import (
	"encoding/binary"
	"time"
)

func u32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func u64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// head appends a box header (ISO/IEC 14496-12 4.2).
func head(b []byte, size int, name string) []byte {
	return append(u32(b, uint32(size)), name...)
}

// Sizes of the boxes that do not depend on their content, in bytes.
const (
	stypSize = 32
	prftSize = 32
	mfhdSize = 16
	tfdtSize = 20
	headSize = 8
)

// AppendStyp appends the segment type box (14496-12 8.16.2) with which a segment
// begins: only its first chunk has one.
func AppendStyp(dst []byte) []byte {
	dst = head(dst, stypSize, "styp")
	return append(dst, "msdh\x00\x00\x00\x00msdhmsixcmfscmf2"...)
}

// AppendPrft appends a producer reference time box (14496-12 8.16.5), version 1,
// flags 24: the sample at mediaTime (in the track's time scale) was captured at
// the wall-clock instant at.
func AppendPrft(dst []byte, trackID uint32, at time.Time, mediaTime uint64) []byte {
	dst = head(dst, prftSize, "prft")
	dst = u32(dst, 1<<24|24)
	dst = u32(dst, trackID)
	dst = u64(dst, ntp(at))
	return u64(dst, mediaTime)
}

// ntp is t as a 64-bit NTP timestamp (RFC 5905 6): seconds since 1900, modulo
// 2^32, and 32 bits of fraction.
func ntp(t time.Time) uint64 {
	const epoch = 2_208_988_800
	return uint64(t.Unix()+epoch)<<32 | (uint64(t.Nanosecond())<<32+500_000_000)/1_000_000_000
}

// Event is a message that travels with the media (emsg version 1, ISO/IEC
// 23009-1 5.10.3.3). Time and Duration count in Scale units per second on the
// track's presentation time line; Duration 0xffffffff means unknown. Neither
// Scheme nor Value may contain a zero byte.
type Event struct {
	Scheme, Value string
	Scale         uint32
	Time          uint64
	Duration, ID  uint32
	Data          []byte
}

func (e *Event) size() int { return 34 + len(e.Scheme) + len(e.Value) + len(e.Data) }

// AppendEmsg appends an event message box; it belongs before a moof.
func AppendEmsg(dst []byte, e *Event) []byte {
	dst = head(dst, e.size(), "emsg")
	dst = u32(dst, 1<<24)
	dst = u32(dst, e.Scale)
	dst = u64(dst, e.Time)
	dst = u32(dst, e.Duration)
	dst = u32(dst, e.ID)
	dst = append(append(dst, e.Scheme...), 0)
	dst = append(append(dst, e.Value...), 0)
	return append(dst, e.Data...)
}
