package codec

import (
	"bytes"
	"testing"

	"weir/media"
)

func FuzzParseSPS(f *testing.F) {
	for _, r := range records {
		info, _ := ParseAVCC(unhex(f, r.hex))
		f.Add(info.SPS[0])
	}
	f.Fuzz(func(t *testing.T, nal []byte) {
		s, err := ParseSPS(nal)
		if err != nil {
			return
		}
		if s.Width <= 0 || s.Height <= 0 || s.Width > maxSide || s.Height > maxSide {
			t.Errorf("size %dx%d", s.Width, s.Height)
		}
		if s.FrameRate.Den != 0 && (s.FrameRate.Float() < 1 || s.FrameRate.Float() > 301) {
			t.Errorf("rate %v", s.FrameRate)
		}
	})
}

func FuzzParseAVCC(f *testing.F) {
	for _, r := range records {
		f.Add(unhex(f, r.hex))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		info, err := ParseAVCC(config)
		if err != nil {
			return
		}
		again, err := ParseAVCC(BuildAVCC(info.SPS, info.PPS))
		if err != nil || again.SPSInfo != info.SPSInfo || len(again.SPS) != len(info.SPS) || len(again.PPS) != len(info.PPS) {
			t.Errorf("%+v, rebuilt %+v, %v", info, again, err)
		}
	})
}

func FuzzParseASC(f *testing.F) {
	for _, s := range []string{"1190", "119056e500", "2b118800", "eb098800", "1780560890", "118004c80500010880024142", "130856e59d4880"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		a, err := ParseASC(config)
		if err != nil {
			return
		}
		if a.SampleRate <= 0 || a.Channels < 0 || a.OutputRate < a.SampleRate {
			t.Errorf("%+v", a)
		}
		built := BuildASC(a)
		if built == nil {
			return
		}
		if again, err := ParseASC(built); err != nil || again.SampleRate != a.SampleRate || again.Channels != a.Channels {
			t.Errorf("%+v, rebuilt %+v, %v", a, again, err)
		}
	})
}

func FuzzNormalize(f *testing.F) {
	f.Add(au, 4)
	f.Add(annexB, 4)
	f.Add([]byte{0, 2, 9, 0xf0, 0, 1, 0x65}, 2)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0x65, 0, 0, 0, 0}, 4)
	f.Fuzz(func(t *testing.T, data []byte, lengthSize int) {
		got, err := Normalize(data, lengthSize)
		if err != nil {
			return
		}
		if len(got) > 5*len(data) {
			t.Errorf("%d bytes became %d", len(data), len(got))
		}
		units := 0
		for range NALs(got) {
			units++
		}
		if units == 0 {
			t.Error("no units")
		}
		IsKey(got)
		IsKeyHEVC(got)
		ParameterSets(got)
		if same, err := Normalize(got, 4); err != nil || !bytes.Equal(same, got) {
			t.Errorf("not stable: %v", err)
		}
	})
}

// FuzzRecords covers the other configuration records.
func FuzzRecords(f *testing.F) {
	f.Add(unhex(f, hvcMain))
	f.Add(unhex(f, hvcMain10))
	f.Add(unhex(f, av1Main))
	f.Add(unhex(f, "0015820202020000"))
	f.Add(unhex(f, "000201380000bb80000000"))
	f.Fuzz(func(t *testing.T, config []byte) {
		for c := media.H264; c <= media.FLAC; c++ {
			track, err := NewTrack(c, config)
			if err == nil && (track.Width < 0 || track.Width > maxSide || track.Height < 0 || track.Height > maxSide) {
				t.Errorf("%v: %dx%d", c, track.Width, track.Height)
			}
			Codecs(&media.Track{Codec: c, Config: config})
		}
	})
}
