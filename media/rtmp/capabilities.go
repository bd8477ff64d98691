package rtmp

import (
	"maps"
	"slices"
)

// FourCC names a codec in Enhanced RTMP: four ASCII letters, the first in the
// highest byte.
type FourCC uint32

// The codecs of Enhanced RTMP v2.
const (
	FourCCAVC  FourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | '1'
	FourCCHEVC FourCC = 'h'<<24 | 'v'<<16 | 'c'<<8 | '1'
	FourCCAV1  FourCC = 'a'<<24 | 'v'<<16 | '0'<<8 | '1'
	FourCCVP8  FourCC = 'v'<<24 | 'p'<<16 | '0'<<8 | '8'
	FourCCVP9  FourCC = 'v'<<24 | 'p'<<16 | '0'<<8 | '9'
	FourCCAAC  FourCC = 'm'<<24 | 'p'<<16 | '4'<<8 | 'a'
	FourCCOpus FourCC = 'O'<<24 | 'p'<<16 | 'u'<<8 | 's'
	FourCCFLAC FourCC = 'f'<<24 | 'L'<<16 | 'a'<<8 | 'C'
	FourCCAC3  FourCC = 'a'<<24 | 'c'<<16 | '-'<<8 | '3'
	FourCCEAC3 FourCC = 'e'<<24 | 'c'<<16 | '-'<<8 | '3'
	FourCCMP3  FourCC = '.'<<24 | 'm'<<16 | 'p'<<8 | '3'
)

func (f FourCC) String() string {
	b := [4]byte{byte(f >> 24), byte(f >> 16), byte(f >> 8), byte(f)}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b[:])
}

// Bits of Capabilities.CapsEx.
const (
	CapReconnect       = 1
	CapMultitrack      = 2
	CapModEx           = 4
	CapTimestampOffset = 8
)

// Bits of what can be done with a codec.
const (
	CanDecode  = 1
	CanEncode  = 2
	CanForward = 4
)

// Capabilities is what one side tells the other in the connect command and its
// answer (Enhanced RTMP v2, "Enhancing NetConnection connect Command"). The zero
// value says nothing, as classic peers do.
type Capabilities struct {
	CapsEx     uint32
	FourCCList []string          // "*" stands for all
	VideoInfo  map[string]uint32 // by FourCC or "*": CanDecode and so on
	AudioInfo  map[string]uint32
}

// readCapabilities takes the capabilities out of a connect command's object.
func readCapabilities(o Object) Capabilities {
	c := Capabilities{
		VideoInfo: infoMap(o.Get("videoFourCcInfoMap")),
		AudioInfo: infoMap(o.Get("audioFourCcInfoMap")),
	}
	if f, ok := o.Number("capsEx"); ok && f >= 0 && f < 1<<32 {
		c.CapsEx = uint32(f)
	}
	list, _ := o.Get("fourCcList").([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			c.FourCCList = append(c.FourCCList, s)
		}
	}
	return c
}

func infoMap(v any) map[string]uint32 {
	var m map[string]uint32
	for _, p := range Properties(v) {
		if f, ok := p.Value.(float64); ok && f >= 0 && f < 1<<32 {
			if m == nil {
				m = make(map[string]uint32)
			}
			m[p.Name] = uint32(f)
		}
	}
	return m
}

// properties is c as it stands in a connect command or its answer.
func (c Capabilities) properties() Object {
	var o Object
	if c.CapsEx != 0 {
		o = append(o, Property{"capsEx", float64(c.CapsEx)})
	}
	if len(c.FourCCList) > 0 {
		list := make([]any, len(c.FourCCList))
		for i, s := range c.FourCCList {
			list[i] = s
		}
		o = append(o, Property{"fourCcList", list})
	}
	if len(c.VideoInfo) > 0 {
		o = append(o, Property{"videoFourCcInfoMap", infoObject(c.VideoInfo)})
	}
	if len(c.AudioInfo) > 0 {
		o = append(o, Property{"audioFourCcInfoMap", infoObject(c.AudioInfo)})
	}
	return o
}

func infoObject(m map[string]uint32) Object {
	o := make(Object, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		o = append(o, Property{name, float64(m[name])})
	}
	return o
}
