package rtsp

import (
	"errors"
	"slices"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// maxElement bounds an AudioMuxElement, in bytes.
const maxElement = 64 << 10

var errLATM = errors.New("the sound in LATM is not as its lengths say")

// latm takes AAC out of LATM (RFC 6416).
type latm struct {
	frames int  // of an element
	spare  bool // something else follows them
	part   []byte
	next   uint16 // number of the packet that goes on with part
}

// latm makes l one of AAC in LATM; false: it cannot be, such as where the configuration is
// not in the description.
func (l *lane) latm(f *format.MPEG4AudioLATM) bool {
	c := f.StreamMuxConfig
	if f.CPresent || c == nil || len(c.Programs) != 1 || len(c.Programs[0].Layers) != 1 {
		return false
	}
	layer := c.Programs[0].Layers[0]
	if layer.FrameLengthType != 0 || layer.AudioSpecificConfig == nil {
		return false // frames without lengths: not AAC
	}
	config, err := layer.AudioSpecificConfig.Marshal()
	if err != nil || !l.configureAAC(config) {
		return false
	}
	x := &latm{frames: int(c.NumSubFrames) + 1, spare: c.OtherDataPresent}
	l.unpack = x.unpack
	return true
}

// unpack collects the fragments of an element, and returns its frames with the last.
func (x *latm) unpack(p *rtp.Packet) ([][]byte, error) {
	if len(x.part) > 0 && p.SequenceNumber != x.next {
		x.part = nil // what has lost a piece is lost
	}
	x.next = p.SequenceNumber + 1
	if len(x.part)+len(p.Payload) > maxElement {
		x.part = nil
		return nil, errLATM
	}
	if !p.Marker {
		x.part = append(x.part, p.Payload...)
		return nil, nil
	}
	element := p.Payload
	if len(x.part) > 0 {
		element = slices.Concat(x.part, element)
	}
	x.part = nil
	return x.split(element)
}

// split finds the frames of an element without a configuration (ISO 14496-3, table 1.44):
// before each is its length, in bytes that are added up as long as they are 255.
func (x *latm) split(element []byte) ([][]byte, error) {
	list := make([][]byte, 0, x.frames)
	for range x.frames {
		size, more := 0, true
		for more {
			if len(element) == 0 {
				return nil, errLATM
			}
			size, more = size+int(element[0]), element[0] == 255
			element = element[1:]
		}
		if size == 0 || size > len(element) {
			return nil, errLATM
		}
		list = append(list, element[:size:size])
		element = element[size:]
	}
	if len(element) > 0 && !x.spare {
		return nil, errLATM
	}
	return list, nil
}
