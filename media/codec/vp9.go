package codec

import "fmt"

// VP9Info is what the header of a key frame, or a VPCodecConfigurationRecord, tells.
type VP9Info struct {
	Profile   byte
	Level     byte // 10 times the level; of a frame the least that its size needs
	BitDepth  int
	Chroma    byte // chroma_subsampling: 0 and 1 are 4:2:0
	FullRange bool
	Colour    [3]byte // primaries, transfer, matrix (ISO/IEC 23091-4)

	Width, Height int // of a frame; a record has none
}

// Values of VP9 that matter here.
const (
	vp9SyncCode  = 0x498342
	vp9SpaceRGB  = 7
	vp9Space709  = 2
	chroma420    = 1
	chroma422    = 2
	chroma444    = 3
	unspecified  = 2
	colourBT709  = 1
	vp9FrameMark = 2
)

// ParseVP9 reads the uncompressed header of a frame (VP9 bitstream specification 6.2)
// as far as the size of a key frame. It is zero, with key false, for other frames.
func ParseVP9(frame []byte) (info VP9Info, key bool, err error) {
	r := &bitReader{data: frame}
	if r.u(2) != vp9FrameMark {
		return info, false, fmt.Errorf("vp9 frame: %w", ErrInvalid)
	}
	info.Profile = byte(r.u(1) | r.u(1)<<1)
	if info.Profile == 3 {
		r.skip(1)
	}
	shownAgain, inter := r.flag(), r.flag()
	if shownAgain || inter || r.short {
		return VP9Info{}, false, nil
	}
	r.skip(2) // show_frame, error_resilient_mode
	if r.u(24) != vp9SyncCode {
		return VP9Info{}, false, fmt.Errorf("vp9 frame: %w", ErrInvalid)
	}
	if err := info.readColour(r); err != nil {
		return VP9Info{}, false, err
	}
	info.Width, info.Height = int(r.u(16))+1, int(r.u(16))+1
	if r.short {
		return VP9Info{}, false, fmt.Errorf("vp9 frame: %w", ErrTruncated)
	}
	if info.Width > maxSide || info.Height > maxSide {
		return VP9Info{}, false, fmt.Errorf("vp9 frame: %w", ErrInvalid)
	}
	info.Level = vp9Level(info.Width * info.Height)
	return info, true, nil
}

// readColour reads color_config (6.2.2).
func (v *VP9Info) readColour(r *bitReader) error {
	v.BitDepth = 8
	if v.Profile >= 2 {
		v.BitDepth = 10
		if r.flag() {
			v.BitDepth = 12
		}
	}
	space := r.u(3)
	v.Chroma, v.Colour = chroma420, [3]byte{unspecified, unspecified, unspecified}
	if space == vp9Space709 {
		v.Colour = [3]byte{colourBT709, colourBT709, colourBT709}
	}
	more := v.Profile&1 != 0 // other samplings than 4:2:0
	if space == vp9SpaceRGB {
		if !more {
			return fmt.Errorf("vp9 frame: %w", ErrInvalid)
		}
		v.FullRange, v.Chroma = true, chroma444
		r.skip(1)
		return nil
	}
	v.FullRange = r.flag()
	if more {
		x, y := r.flag(), r.flag()
		r.skip(1)
		switch {
		case !x && !y:
			v.Chroma = chroma444
		case !y:
			v.Chroma = chroma422
		default: // 4:4:0 has no name in the record
			return fmt.Errorf("vp9 frame: %w", ErrInvalid)
		}
	}
	return nil
}

// vpccSize is that of a record without initialisation data, of which VP9 has none.
const vpccSize = 8

// BuildVPCC makes the VPCodecConfigurationRecord (VP codec ISO binding 1.0), without
// the header of its full box.
func BuildVPCC(v VP9Info) []byte {
	packed := byte(v.BitDepth)<<4 | v.Chroma<<1
	if v.FullRange {
		packed |= 1
	}
	return []byte{v.Profile, v.Level, packed, v.Colour[0], v.Colour[1], v.Colour[2], 0, 0}
}

// ParseVPCC reads a VPCodecConfigurationRecord. Some senders put the header of the full
// box before it (version 1), which no record begins with.
func ParseVPCC(config []byte) (VP9Info, error) {
	if len(config) >= 4 && [4]byte(config) == [4]byte{1, 0, 0, 0} {
		config = config[4:]
	}
	if len(config) < vpccSize {
		return VP9Info{}, fmt.Errorf("vpcC: %w", ErrTruncated)
	}
	v := VP9Info{
		Profile: config[0], Level: config[1], BitDepth: int(config[2] >> 4), Chroma: config[2] >> 1 & 7,
		FullRange: config[2]&1 != 0, Colour: [3]byte(config[3:6]),
	}
	if v.Profile > 3 || v.BitDepth != 8 && v.BitDepth != 10 && v.BitDepth != 12 || v.Chroma > chroma444 {
		return VP9Info{}, fmt.Errorf("vpcC: %w", ErrInvalid)
	}
	return v, nil
}
