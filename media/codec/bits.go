package codec

import "bytes"

// bitReader reads big-endian bit fields. Past the end it yields zeros and
// remembers that in short, so that callers check once at the end.
type bitReader struct {
	data  []byte
	pos   int // in bits
	short bool
}

// left is the number of bits not read yet.
func (r *bitReader) left() int { return len(r.data)*8 - r.pos }

// u reads n bits, n <= 32.
func (r *bitReader) u(n int) uint32 {
	if n > r.left() {
		r.pos, r.short = len(r.data)*8, true
		return 0
	}
	var v uint32
	for n > 0 {
		free := 8 - r.pos&7
		take := min(free, n)
		b := r.data[r.pos>>3] >> (free - take) & (1<<take - 1)
		v = v<<take | uint32(b)
		r.pos += take
		n -= take
	}
	return v
}

func (r *bitReader) flag() bool { return r.u(1) == 1 }

// skip passes over n bits.
func (r *bitReader) skip(n int) {
	if n > r.left() {
		r.pos, r.short = len(r.data)*8, true
		return
	}
	r.pos += n
}

// ue reads an unsigned Exp-Golomb code (ISO/IEC 14496-10 9.1) of at most 32
// leading zeros.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.flag() {
		zeros++
		if zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// se reads a signed Exp-Golomb code.
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v>>1) + 1
	}
	return -int32(v >> 1)
}

// bitWriter is the other direction, for configurations that we build.
type bitWriter struct {
	data []byte
	free int // unused low bits of the last byte
}

// u appends the low n bits of v.
func (w *bitWriter) u(v uint32, n int) {
	for n > 0 {
		if w.free == 0 {
			w.data, w.free = append(w.data, 0), 8
		}
		take := min(w.free, n)
		part := v >> (n - take) & (1<<take - 1)
		w.data[len(w.data)-1] |= byte(part << (w.free - take))
		w.free -= take
		n -= take
	}
}

// unescape removes the emulation prevention bytes of a NAL unit (14496-10
// 7.4.1). The result is a copy when there are any.
func unescape(nal []byte) []byte {
	at := bytes.Index(nal, []byte{0, 0, 3})
	if at < 0 {
		return nal
	}
	out := make([]byte, 0, len(nal))
	for at >= 0 {
		out = append(out, nal[:at+2]...)
		nal = nal[at+3:]
		at = bytes.Index(nal, []byte{0, 0, 3})
	}
	return append(out, nal...)
}
