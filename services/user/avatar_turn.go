package user

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
)

func jpegYCbCr() color.Model { return color.YCbCrModel }
func jpegGray() color.Model  { return color.GrayModel }

// orientation is how a camera was held: the tag of that name in the Exif part of a JPEG,
// 1 to 8 (Exif 2.3, 4.6.4 A). What is missing or not understood is 1, upright. The
// picture is drawn upright, as the tag is not kept.
func orientation(format string, upload []byte) int {
	if format != "JPEG" {
		return 1
	}
	for rest := upload[2:]; len(rest) >= 4 && rest[0] == 0xff; {
		marker, length := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if marker == 0xda || length < 2 || len(rest) < 2+length { // what is compressed begins
			return 1
		}
		body := rest[4 : 2+length]
		if tiff, found := bytes.CutPrefix(body, []byte("Exif\x00\x00")); marker == 0xe1 && found {
			return tiffOrientation(tiff)
		}
		rest = rest[2+length:]
	}
	return 1
}

// tiffOrientation looks through the first directory (TIFF 6.0, section 2).
func tiffOrientation(b []byte) int {
	const tag, short, entry = 0x0112, 3, 12
	var order binary.ByteOrder
	switch {
	case len(b) < 8:
		return 1
	case string(b[:4]) == "II*\x00":
		order = binary.LittleEndian
	case string(b[:4]) == "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	list := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(list) < entry {
			return 1
		}
		if order.Uint16(list) == tag {
			v := int(order.Uint16(list[8:]))
			if order.Uint16(list[2:]) != short || v < 1 || v > 8 {
				return 1
			}
			return v
		}
		list = list[entry:]
	}
	return 1
}

// upright turns a picture as its orientation says.
func upright(src *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	ow, oh := w, h
	if turn >= 5 {
		ow, oh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range oh {
		for x := range ow {
			sx, sy := x, y
			if turn >= 5 {
				sx, sy = y, x
			}
			if turn == 2 || turn == 3 || turn == 7 || turn == 8 {
				sx = w - 1 - sx
			}
			if turn == 3 || turn == 4 || turn == 6 || turn == 7 {
				sy = h - 1 - sy
			}
			copy(out.Pix[out.PixOffset(x, y):][:4], src.Pix[src.PixOffset(sx, sy):][:4])
		}
	}
	return out
}
