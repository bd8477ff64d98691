package codec

import (
	"github.com/Eyevinn/mp4ff/hevc"

	"weir/media"
)

// hevcRate is the frame rate that the VUI of an H.265 SPS tells (23008-2 E.2.1), zero
// where it tells none or the pictures are fields. It is for an SPS that readSPS takes.
func hevcRate(sps []byte) media.Rational {
	s, err := hevc.ParseSPSNALUnit(sps)
	if err != nil || s.VUI == nil || !s.VUI.TimingInfoPresentFlag || s.VUI.FieldSeqFlag {
		return media.Rational{}
	}
	return rate(int(s.VUI.TimeScale), int(s.VUI.NumUnitsInTick)) //nolint:gosec // 32 bits each
}
