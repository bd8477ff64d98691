package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
)

// NAL unit types of H.264 (ISO/IEC 14496-10 table 7-1) that matter here.
const (
	nalIDR = 5
	nalSPS = 7
	nalPPS = 8
)

// NALs walks the NAL units of an access unit with 4-byte lengths. They alias
// au. It ends without a word where the lengths stop to make sense; use
// Normalize first on bytes from outside.
func NALs(au []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(au) >= 4 {
			n := binary.BigEndian.Uint32(au)
			if uint64(n) > uint64(len(au)-4) {
				return
			}
			if n > 0 && !yield(au[4:4+n:4+n]) {
				return
			}
			au = au[4+n:]
		}
	}
}

// IsKey tells whether an H.264 access unit with 4-byte lengths holds an IDR
// slice. Recovery points (open GOPs, gradual refresh) do not count: players
// cannot start there.
func IsKey(au []byte) bool {
	for nal := range NALs(au) {
		if nal[0]&0x1f == nalIDR {
			return true
		}
	}
	return false
}

// ParameterSets finds the H.264 parameter sets that travel in an access unit
// with 4-byte lengths: at most 31 and 255 of them, none longer than 4096 bytes.
// They alias au.
func ParameterSets(au []byte) (sps, pps [][]byte) {
	for nal := range NALs(au) {
		switch {
		case len(nal) > maxParameterSet:
		case nal[0]&0x1f == nalSPS && len(sps) < 31:
			sps = append(sps, nal)
		case nal[0]&0x1f == nalPPS && len(pps) < 255:
			pps = append(pps, nal)
		}
	}
	return sps, pps
}

// AppendLengthPrefixed appends the NAL units of an Annex B byte stream (ISO/IEC
// 14496-10 annex B) to dst, each behind a 4-byte length. Bytes before the first
// start code, empty units and trailing zeros are left out.
func AppendLengthPrefixed(dst, annexB []byte) []byte {
	for nal := range annexBUnits(annexB) {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(nal)))
		dst = append(dst, nal...)
	}
	return dst
}

const startCode = "\x00\x00\x01"

func annexBUnits(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := bytes.Index(data, []byte(startCode))
		for at >= 0 {
			data = data[at+3:]
			at = bytes.Index(data, []byte(startCode))
			nal := data
			if at >= 0 {
				nal = data[:at]
			}
			for len(nal) > 0 && nal[len(nal)-1] == 0 { // trailing_zero_8bits
				nal = nal[:len(nal)-1]
			}
			if len(nal) > 0 && !yield(nal) {
				return
			}
		}
	}
}

// AppendAnnexB appends an access unit with 4-byte lengths to dst as an Annex B
// byte stream with 4-byte start codes. On error dst is returned as it was.
func AppendAnnexB(dst, au []byte) ([]byte, error) {
	if _, _, ok := measure(au, 4); !ok {
		return dst, fmt.Errorf("nal units: %w", ErrTruncated)
	}
	for nal := range NALs(au) {
		dst = append(dst, 0, 0, 0, 1)
		dst = append(dst, nal...)
	}
	return dst, nil
}

// Normalize gives an access unit whose NAL units have lengths of lengthSize
// bytes (1 to 4) with 4-byte lengths. It returns data itself, untouched, when
// nothing is to be changed, else a copy of at most five times its size. Empty
// units are left out; nothing but empty units, or lengths that do not add up,
// are an error. Data in Annex B form, which some encoders send where lengths
// belong, are recognised and converted.
func Normalize(data []byte, lengthSize int) ([]byte, error) {
	if lengthSize < 1 || lengthSize > 4 {
		return nil, fmt.Errorf("nal units: length size %d: %w", lengthSize, ErrInvalid)
	}
	size, empty, ok := measure(data, lengthSize)
	if !ok {
		return fromAnnexB(data)
	}
	if size == 0 {
		return nil, fmt.Errorf("nal units: none: %w", ErrInvalid)
	}
	if lengthSize == 4 && !empty {
		return data, nil
	}
	out := make([]byte, 0, size)
	for len(data) > 0 {
		n := readLength(data, lengthSize)
		if n > 0 {
			out = binary.BigEndian.AppendUint32(out, uint32(n))
			out = append(out, data[lengthSize:lengthSize+n]...)
		}
		data = data[lengthSize+n:]
	}
	return out, nil
}

func fromAnnexB(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte(startCode)) && !bytes.HasPrefix(data, []byte("\x00"+startCode)) {
		return nil, fmt.Errorf("nal units: %w", ErrTruncated)
	}
	size := 0
	for nal := range annexBUnits(data) {
		size += 4 + len(nal)
	}
	if size == 0 {
		return nil, fmt.Errorf("nal units: none: %w", ErrInvalid)
	}
	return AppendLengthPrefixed(make([]byte, 0, size), data), nil
}

// measure checks the lengths in data and gives the size with 4-byte lengths and
// without empty units, and whether there are any of those.
func measure(data []byte, lengthSize int) (size int, empty, ok bool) {
	for len(data) > 0 {
		if len(data) < lengthSize {
			return 0, false, false
		}
		n := readLength(data, lengthSize)
		if n > len(data)-lengthSize {
			return 0, false, false
		}
		if n == 0 {
			empty = true
		} else {
			size += 4 + n
		}
		data = data[lengthSize+n:]
	}
	return size, empty, true
}

func readLength(data []byte, size int) int {
	n := 0
	for _, b := range data[:size] {
		n = n<<8 | int(b)
	}
	return n
}
