package codec

import (
	"errors"
	"fmt"

	"weir/media"
)

// What a decoder has to keep of the pictures before, in luma samples: six of the
// largest pictures of H.265 level 5.2 (23008-2 A.4.2), which covers MaxDpbMbs of
// H.264 level 5.2 (14496-10 table A-1); the second for pictures that only levels
// from 6 on have.
const (
	commonPicture = 4096 * 2304
	heldCommon    = 6 * 8_912_896
	heldLarge     = 6 * 35_651_584
)

// checkHeld wraps ErrTooLarge when a stream wants so many coded pictures kept that
// no level would let it.
func checkHeld(width, height, pictures uint32) error {
	size, most := uint64(width)*uint64(height), uint64(heldCommon)
	if size > commonPicture {
		most = heldLarge
	}
	if size*uint64(pictures) <= most {
		return nil
	}
	return fmt.Errorf("%d reference pictures of %dx%d: %w", pictures, width, height, ErrTooLarge)
}

// CheckInBand looks at the sequence parameter sets that travel in an access unit
// with 4-byte lengths: a decoder obeys them as it does those of the configuration.
// The error wraps ErrTooLarge.
func CheckInBand(c media.Codec, au []byte) error {
	for nal := range NALs(au) {
		var err error
		switch {
		case c == media.H264 && nal[0]&0x1f == nalSPS:
			_, err = ParseSPS(nal)
		case c == media.H265 && nal[0]>>1&0x3f == hevcSPS:
			err = new(HEVCInfo).readSPS(nal)
		}
		if errors.Is(err, ErrTooLarge) {
			return err
		}
	}
	return nil
}
