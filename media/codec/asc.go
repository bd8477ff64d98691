package codec

import "fmt"

// AAC object types (ISO/IEC 14496-3 table 1.17) that have a name here.
const (
	aacLC  = 2
	aacSBR = 5
	aacPS  = 29
)

// aacRates are the rates in Hz by samplingFrequencyIndex (14496-3 table 1.18).
func aacRates() [13]int {
	return [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
}

// ASCInfo is the content of an AudioSpecificConfig.
type ASCInfo struct {
	ObjectType int  // of the core coder: 2 for AAC-LC, HE-AAC and HE-AACv2
	SampleRate int  // Hz of the core coder; a frame has FrameSamples of them
	Channels   int  // of the core coder; 0 when not told
	SBR, PS    bool // spectral band replication, parametric stereo; only if signalled

	OutputRate   int // Hz after SBR; SampleRate without
	FrameSamples int // 1024 or 960
}

// ParseASC reads an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), with explicit
// rates, both explicit ways of signalling HE-AAC, and a program config element
// in place of a channel configuration. Object types beyond the general audio
// coders are read up to the channel configuration.
func ParseASC(config []byte) (ASCInfo, error) {
	if len(config) > 1024 {
		return ASCInfo{}, fmt.Errorf("AudioSpecificConfig: %w", ErrInvalid)
	}
	r := &bitReader{data: config}
	a := ASCInfo{ObjectType: readObjectType(r), FrameSamples: 1024}
	a.SampleRate = readRate(r)
	a.OutputRate = a.SampleRate
	channels := r.u(4)
	a.Channels = channelCount(channels)
	if a.ObjectType == aacSBR || a.ObjectType == aacPS {
		a.SBR, a.PS = true, a.ObjectType == aacPS
		a.OutputRate = readRate(r)
		a.ObjectType = readObjectType(r)
		if a.ObjectType == 22 {
			r.skip(4)
		}
	}
	if r.short {
		return ASCInfo{}, fmt.Errorf("AudioSpecificConfig: %w", ErrTruncated)
	}
	if a.ObjectType == 0 || a.SampleRate < 1000 || a.SampleRate > 192000 ||
		a.OutputRate < a.SampleRate || a.OutputRate > 192000 || (channels != 0 && a.Channels == 0) {
		return ASCInfo{}, fmt.Errorf("AudioSpecificConfig: %w", ErrInvalid)
	}
	if isGeneralAudio(a.ObjectType) {
		a.readGeneral(r, channels)
	}
	return a, nil
}

// readGeneral reads GASpecificConfig (14496-3 4.4.1) and what follows it. Many
// encoders cut it short, so that missing bits are taken for zeros.
func (a *ASCInfo) readGeneral(r *bitReader, channels uint32) {
	if r.flag() { // frameLengthFlag
		a.FrameSamples = 960
	}
	if r.flag() { // dependsOnCoreCoder
		r.skip(14)
	}
	extension := r.flag()
	if channels == 0 {
		a.Channels = readPCE(r)
	}
	if a.ObjectType == 6 || a.ObjectType == 20 {
		r.skip(3) // layerNr
	}
	if extension {
		switch a.ObjectType {
		case 22:
			r.skip(16)
		case 17, 19, 20, 23:
			r.skip(3)
		}
		r.skip(1)
	}
	if !a.SBR && r.left() >= 16 && r.u(11) == 0x2b7 {
		a.readSyncExtension(r)
	}
}

// readSyncExtension reads the backward compatible signalling of SBR and PS.
func (a *ASCInfo) readSyncExtension(r *bitReader) {
	if readObjectType(r) != aacSBR || !r.flag() {
		return
	}
	out := readRate(r)
	if r.short || out < a.SampleRate || out > 192000 {
		return
	}
	a.SBR, a.OutputRate = true, out
	if r.left() >= 12 && r.u(11) == 0x548 {
		a.PS = r.flag()
	}
}

func readObjectType(r *bitReader) int {
	t := int(r.u(5))
	if t == 31 {
		t = 32 + int(r.u(6))
	}
	return t
}

// readRate reads a sampling frequency index or the explicit rate; 0 if reserved.
func readRate(r *bitReader) int {
	i := int(r.u(4))
	if i == 15 {
		return int(r.u(24))
	}
	rates := aacRates()
	if i >= len(rates) {
		return 0
	}
	return rates[i]
}

func isGeneralAudio(objectType int) bool {
	switch objectType {
	case 1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23:
		return true
	}
	return false
}

// channelCount is the number of channels of a channelConfiguration (14496-3
// table 1.19), 0 when it is reserved or told by a program config element.
func channelCount(config uint32) int {
	counts := [16]int{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0}
	return counts[config&15]
}

// readPCE counts the channels of a program_config_element (14496-3 4.4.1.1).
func readPCE(r *bitReader) int {
	r.skip(10)
	front, side, back := int(r.u(4)), int(r.u(4)), int(r.u(4))
	lfe, assoc, coupling := int(r.u(2)), int(r.u(3)), int(r.u(4))
	for _, n := range [...]int{4, 4, 3} { // mono, stereo and matrix mixdown
		if r.flag() {
			r.skip(n)
		}
	}
	channels := lfe
	for range front + side + back {
		channels++
		if r.flag() { // a pair
			channels++
		}
		r.skip(4)
	}
	r.skip(4*(lfe+assoc) + 5*coupling)
	r.skip(-r.pos & 7)
	r.skip(8 * int(r.u(8))) // comment
	if r.short {
		return 0
	}
	return channels
}

// BuildASC makes an AudioSpecificConfig. ObjectType 0 means AAC-LC; SBR and PS
// are signalled explicitly at the front (OutputRate 0 means twice SampleRate).
// It is nil when the channel count has no channelConfiguration or a rate does
// not fit.
func BuildASC(a ASCInfo) []byte {
	channels := uint32(0)
	for c := uint32(1); c <= 7; c++ {
		if channelCount(c) == a.Channels {
			channels = c
		}
	}
	if a.Channels == 7 {
		channels = 11
	}
	if channels == 0 || a.SampleRate < 1000 || a.SampleRate > 192000 || a.OutputRate > 192000 {
		return nil
	}
	if a.ObjectType == 0 {
		a.ObjectType = aacLC
	}
	if a.OutputRate == 0 {
		a.OutputRate = 2 * a.SampleRate
	}
	w := &bitWriter{}
	switch {
	case a.PS:
		writeObjectType(w, aacPS)
	case a.SBR:
		writeObjectType(w, aacSBR)
	default:
		writeObjectType(w, a.ObjectType)
	}
	writeRate(w, a.SampleRate)
	w.u(channels, 4)
	if a.SBR || a.PS {
		writeRate(w, a.OutputRate)
		writeObjectType(w, a.ObjectType)
	}
	if a.FrameSamples == 960 {
		w.u(1, 1)
	} else {
		w.u(0, 1)
	}
	w.u(0, 2)
	return w.data
}

func writeObjectType(w *bitWriter, t int) {
	if t >= 31 {
		w.u(31, 5)
		w.u(uint32(t-32), 6)
		return
	}
	w.u(uint32(t), 5)
}

func writeRate(w *bitWriter, rate int) {
	for i, known := range aacRates() {
		if known == rate {
			w.u(uint32(i), 4)
			return
		}
	}
	w.u(15, 4)
	w.u(uint32(rate), 24)
}
