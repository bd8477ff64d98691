package codec

import (
	"bytes"
	"errors"
	"testing"

	"github.com/Eyevinn/mp4ff/aac"

	"weir/media"
)

func TestParseASC(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      ASCInfo
		codecs    string
	}{
		{"lc 48 stereo", "1190", ASCInfo{2, 48000, 2, false, false, 48000, 1024}, "mp4a.40.2"},
		{"lc 48 stereo, sync extension without sbr", "119056e500", ASCInfo{2, 48000, 2, false, false, 48000, 1024}, "mp4a.40.2"},
		{"lc 44.1 mono", "120856e500", ASCInfo{2, 44100, 1, false, false, 44100, 1024}, "mp4a.40.2"},
		{"lc 48 5.1", "11b056e500", ASCInfo{2, 48000, 6, false, false, 48000, 1024}, "mp4a.40.2"},
		{"he-aac in front", "2b118800", ASCInfo{2, 24000, 2, true, false, 48000, 1024}, "mp4a.40.5"},
		{"he-aac v2 in front", "eb098800", ASCInfo{2, 24000, 1, true, true, 48000, 1024}, "mp4a.40.29"},
		{"he-aac in a sync extension", "131056e598", ASCInfo{2, 24000, 2, true, false, 48000, 1024}, "mp4a.40.5"},
		{"he-aac v2 in a sync extension", "130856e59d4880", ASCInfo{2, 24000, 1, true, true, 48000, 1024}, "mp4a.40.29"},
		{"explicit rate", "1780560890", ASCInfo{2, 44049, 2, false, false, 44049, 1024}, "mp4a.40.2"},
		{"960 samples", "1194", ASCInfo{2, 48000, 2, false, false, 48000, 960}, "mp4a.40.2"},
		{"7.1", "11b8", ASCInfo{2, 48000, 8, false, false, 48000, 1024}, "mp4a.40.2"},
		{"channels in a program config element", "118004c80500010880024142", ASCInfo{2, 48000, 6, false, false, 48000, 1024}, "mp4a.40.2"},
		{"program config element missing", "1180", ASCInfo{2, 48000, 0, false, false, 48000, 1024}, "mp4a.40.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := unhex(t, c.hex)
			got, err := ParseASC(config)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if s := Codecs(&media.Track{Codec: media.AAC, Config: config}); s != c.codecs {
				t.Errorf("codecs %s", s)
			}
			if got.Channels == 0 {
				return
			}
			again, err := ParseASC(BuildASC(got))
			if err != nil || again != got {
				t.Errorf("built %x: %+v, %v", BuildASC(got), again, err)
			}
		})
	}
}

func TestOracleASC(t *testing.T) {
	for _, rate := range aacRates() {
		for _, a := range []ASCInfo{{SampleRate: rate, Channels: 1}, {SampleRate: rate, Channels: 2}, {SampleRate: rate, Channels: 6},
			{SampleRate: rate, Channels: 2, SBR: true}, {SampleRate: rate, Channels: 1, SBR: true, PS: true}} {
			if a.SBR && rate > 48000 {
				continue
			}
			o, err := aac.DecodeAudioSpecificConfig(bytes.NewReader(BuildASC(a)))
			if err != nil {
				t.Fatalf("%+v: %v", a, err)
			}
			if o.SamplingFrequency != rate || int(o.ChannelConfiguration) != a.Channels || o.SBRPresentFlag != a.SBR || o.PSPresentFlag != a.PS {
				t.Errorf("%+v: oracle %+v", a, o)
			}
			if a.SBR && o.ExtensionFrequency != 2*rate {
				t.Errorf("%+v: oracle %+v", a, o)
			}
		}
	}
}

func TestParseASCRefuses(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"empty", "", ErrTruncated},
		{"one byte", "11", ErrTruncated},
		{"object type 0", "0190", ErrInvalid},
		{"reserved rate", "1690", ErrInvalid},
		{"reserved channels", "11c8", ErrInvalid},
		{"rate 0", "1780000010", ErrInvalid},
		{"he-aac cut", "2b11", ErrTruncated},
	} {
		if got, err := ParseASC(unhex(t, c.hex)); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if BuildASC(ASCInfo{SampleRate: 48000, Channels: 9}) != nil || BuildASC(ASCInfo{Channels: 2}) != nil {
		t.Error("built nonsense")
	}
}
