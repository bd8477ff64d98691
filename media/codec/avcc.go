package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxParameterSet bounds one parameter set, in bytes; the real ones have tens.
const maxParameterSet = 4096

// AVCInfo is the content of an AVCDecoderConfigurationRecord. The embedded
// SPSInfo is that of the first SPS.
type AVCInfo struct {
	SPSInfo
	LengthSize int      // bytes of the length before each NAL unit: 1, 2 or 4
	SPS, PPS   [][]byte // NAL units with their headers; they alias the record
}

// ParseAVCC reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1),
// which is the body of an FLV AVC sequence header and of an avcC box. A record
// without an SPS is an error; one without a PPS is not.
func ParseAVCC(config []byte) (AVCInfo, error) {
	var info AVCInfo
	if len(config) < 7 {
		return info, fmt.Errorf("avcC: %w", ErrTruncated)
	}
	info.LengthSize = int(config[4]&3) + 1
	if config[0] != 1 || info.LengthSize == 3 {
		return AVCInfo{}, fmt.Errorf("avcC: %w", ErrInvalid)
	}
	sps, rest, err := readSets(config[6:], int(config[5]&0x1f))
	if err != nil {
		return AVCInfo{}, err
	}
	if len(sps) == 0 {
		return AVCInfo{}, fmt.Errorf("avcC: no sps: %w", ErrInvalid)
	}
	if len(rest) == 0 {
		return AVCInfo{}, fmt.Errorf("avcC: %w", ErrTruncated)
	}
	pps, _, err := readSets(rest[1:], int(rest[0]))
	if err != nil {
		return AVCInfo{}, err
	}
	for _, more := range sps[1:] {
		if _, err := ParseSPS(more); errors.Is(err, ErrTooLarge) {
			return AVCInfo{}, err
		}
	}
	info.SPSInfo, err = ParseSPS(sps[0])
	if err != nil {
		return AVCInfo{}, fmt.Errorf("avcC: %w", err)
	}
	info.SPS, info.PPS = sps, pps
	return info, nil
}

// readSets reads n parameter sets with 16-bit lengths; empty ones are left out.
func readSets(data []byte, n int) (sets [][]byte, rest []byte, err error) {
	for range n {
		if len(data) < 2 {
			return nil, nil, fmt.Errorf("avcC: %w", ErrTruncated)
		}
		size := int(binary.BigEndian.Uint16(data))
		data = data[2:]
		if size > len(data) {
			return nil, nil, fmt.Errorf("avcC: %w", ErrTruncated)
		}
		if size > 0 {
			sets = append(sets, data[:size:size])
		}
		data = data[size:]
	}
	return sets, data, nil
}

// BuildAVCC makes the record for 4-byte lengths from whole NAL units. It is nil
// when there is no SPS, when the first cannot be parsed, or when there are more
// or longer sets than the record can hold (31 SPS, 255 PPS, 65,535 bytes each).
func BuildAVCC(sps, pps [][]byte) []byte {
	if len(sps) == 0 || len(sps) > 31 || len(pps) > 255 {
		return nil
	}
	info, err := ParseSPS(sps[0])
	if err != nil {
		return nil
	}
	b := []byte{1, info.Profile, info.Compat, info.Level, 0xfc | 3, 0xe0 | byte(len(sps))}
	b = appendSets(b, sps)
	if b == nil {
		return nil
	}
	b = appendSets(append(b, byte(len(pps))), pps)
	if b == nil || !hasChromaInfo(info.Profile) {
		return b
	}
	return append(b, 0xfc|byte(info.ChromaFormat), 0xf8|byte(info.BitDepth-8), 0xf8|byte(info.ChromaDepth-8), 0)
}

func appendSets(b []byte, sets [][]byte) []byte {
	for _, s := range sets {
		if len(s) > 0xffff {
			return nil
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	return b
}
