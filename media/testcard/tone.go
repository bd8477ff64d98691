package testcard

import "math"

const (
	toneRate   = 48000
	toneHum    = 220.0 // Hz, all the time, quietly
	toneBeep   = 880.0 // Hz, at the start of each second
	beepLength = toneRate / 10
)

// Tone fills both channels with samples from the first-th on, at 48 kHz: a quiet
// hum, and a beep in the first tenth of each second, each with soft ends. The
// channels are of equal length and get the same.
func Tone(left, right []float32, first int64) {
	for i := range left {
		n := first + int64(i)
		at := int(n % toneRate)
		v := 0.03 * wave(toneHum, at)
		if at < beepLength {
			v += 0.25 * wave(toneBeep, at) * math.Sin(math.Pi*float64(at)/beepLength)
		}
		left[i], right[i] = float32(v), float32(v)
	}
}

// wave is a sine at sample at of a second; whole numbers of Hz meet at its ends.
func wave(hz float64, at int) float64 {
	return math.Sin(2 * math.Pi * hz * float64(at) / toneRate)
}
