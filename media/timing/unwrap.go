package timing

// Unwrapper continues a counter of Bits bits beyond its range. A step of less
// than half the range counts in the direction it went, so that a small step
// back stays a step back. The zero value of all but Bits is ready for use.
type Unwrapper struct {
	Bits uint // 32 for RTMP milliseconds, 33 for MPEG-TS; at most 62

	last    int64
	started bool
}

// Unwrap returns v continued from the values seen before. The first one is taken
// as it is.
func (u *Unwrapper) Unwrap(v uint64) int64 {
	span := int64(1) << u.Bits
	raw := int64(v) & (span - 1)
	if !u.started {
		u.started, u.last = true, raw
		return raw
	}
	step := (raw - u.last) & (span - 1)
	if step >= span/2 {
		step -= span
	}
	u.last += step
	return u.last
}
