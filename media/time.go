package media

import "time"

// Time is a point on, or a distance along, a stream's own time line, in ticks
// of 1/705,600,000 s. That clock ("flicks") is a whole number for every frame
// rate in use (24, 25, 30, 50, 60 and their 1000/1001 forms), for every audio
// sample rate (8 to 192 kHz), for milliseconds and for the 90 kHz clock of
// MPEG, so that nothing drifts by rounding. An int64 of it spans 414 years.
//
// Tick zero of a stream is the wall-clock instant that its session calls its
// epoch; conversions live in media/timing and in the methods below.
type Time int64

// TicksPerSecond is the rate of Time.
const TicksPerSecond = 705_600_000

// Common distances.
const (
	Millisecond Time = TicksPerSecond / 1000
	Second      Time = TicksPerSecond
)

// Duration converts t to nanoseconds, rounding down.
func (t Time) Duration() time.Duration {
	s, r := int64(t)/TicksPerSecond, int64(t)%TicksPerSecond
	return time.Duration(s)*time.Second + time.Duration(r*625/441)
}

// Seconds is t as a floating point number, for logs and metrics only.
func (t Time) Seconds() float64 { return float64(t) / TicksPerSecond }

// FromDuration converts d, rounding to the nearest tick.
func FromDuration(d time.Duration) Time {
	s, r := int64(d/time.Second), int64(d%time.Second)
	return Time(s*TicksPerSecond + (r*441+312)/625)
}

// In gives t in units of 1/scale s, rounded to the nearest; scale is positive.
func (t Time) In(scale int64) int64 {
	s, r := int64(t)/TicksPerSecond, int64(t)%TicksPerSecond
	if r < 0 { // floor, so that rounding is the same on both sides of zero
		s, r = s-1, r+TicksPerSecond
	}
	return s*scale + (r*scale+TicksPerSecond/2)/TicksPerSecond
}

// FromScale converts v units of 1/scale s to Time, rounded to the nearest.
func FromScale(v, scale int64) Time {
	s, r := v/scale, v%scale
	if r < 0 {
		s, r = s-1, r+scale
	}
	return Time(s*TicksPerSecond + (r*TicksPerSecond+scale/2)/scale)
}

// Rational is a frame rate or ratio as two integers; the zero value is "unknown".
type Rational struct{ Num, Den int }

// Float is the value, 0 when unknown.
func (r Rational) Float() float64 {
	if r.Den == 0 {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// Interval is the distance between two frames at rate r, 0 when unknown.
func (r Rational) Interval() Time {
	if r.Num <= 0 || r.Den <= 0 {
		return 0
	}
	return Time(int64(r.Den) * TicksPerSecond / int64(r.Num))
}
