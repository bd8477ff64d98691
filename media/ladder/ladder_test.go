package ladder

import (
	"errors"
	"reflect"
	"testing"

	"weir/media"
)

func TestPlan(t *testing.T) {
	rate := media.Rational{Num: 30000, Den: 1001}
	tests := []struct {
		name, setting string
		width, height int
		want          []string
	}{
		{"full HD has three below", "auto", 1920, 1080, []string{"720p 1280x720", "480p 854x480", "360p 640x360"}},
		{"4K has all", "auto", 3840, 2160, []string{"1080p 1920x1080", "720p 1280x720", "480p 854x480", "360p 640x360"}},
		{"720p is not made of 720p", "auto", 1280, 720, []string{"480p 854x480", "360p 640x360"}},
		{"nothing below 360p", "auto", 640, 360, nil},
		{"portrait counts the shorter side", "auto", 1080, 1920, []string{"720p 720x1280", "480p 480x854", "360p 360x640"}},
		{"4:3", "auto", 1440, 1080, []string{"720p 960x720", "480p 640x480", "360p 480x360"}},
		{"wide cinema", "auto", 1920, 800, []string{"720p 1728x720", "480p 1152x480", "360p 864x360"}},
		{"odd size", "auto", 853, 481, []string{"480p 852x480", "360p 638x360"}},
		{"square", "auto", 720, 720, []string{"480p 480x480", "360p 360x360"}},
		{"a list of our own", "240p:300k,720p:2M", 1920, 1080, []string{"720p 1280x720", "240p 426x240"}},
		{"off", "off", 1920, 1080, nil},
		{"unknown size", "auto", 0, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSetting(tt.setting)
			if err != nil {
				t.Fatal(err)
			}
			got := Plan(&media.Track{Kind: media.Video, Width: tt.width, Height: tt.height, FrameRate: rate}, s)
			var names []string
			for _, r := range got {
				names = append(names, r.Name+" "+size(r))
				if r.Width%2 != 0 || r.Height%2 != 0 || !r.Encode || r.FrameRate != rate || r.Bitrate == 0 {
					t.Errorf("bad rendition %+v", r)
				}
			}
			if !reflect.DeepEqual(names, tt.want) {
				t.Errorf("got %v, want %v", names, tt.want)
			}
		})
	}
	if Plan(nil, Auto()) != nil || Plan(&media.Track{Kind: media.Audio}, Auto()) != nil {
		t.Error("a plan without a picture")
	}
}

func TestPlanNeverScalesUp(t *testing.T) {
	for w := 2; w < 4000; w += 37 {
		for h := 2; h < 2300; h += 41 {
			for _, r := range Plan(&media.Track{Kind: media.Video, Width: w, Height: h}, Auto()) {
				if r.Width > w || r.Height > h {
					t.Fatalf("%dx%d of %dx%d", r.Width, r.Height, w, h)
				}
			}
		}
	}
}

func TestSource(t *testing.T) {
	tests := []struct{ width, height, measured, want int }{
		{1920, 1080, 0, 5_000_000},
		{1920, 1080, 6_000_000, 6_000_000},
		{1920, 1080, 40_000_000, 7_500_000},
		{1280, 720, 100_000, 1_400_000},
		{1281, 721, 0, 2_800_000},
		{160, 90, 0, 500_000},
	}
	for _, tt := range tests {
		r := Source(&media.Track{Kind: media.Video, Width: tt.width, Height: tt.height}, tt.measured)
		if r.Bitrate != tt.want || r.Width != tt.width&^1 || r.Height != tt.height&^1 || r.Name != media.SourceName {
			t.Errorf("%dx%d at %d: %+v", tt.width, tt.height, tt.measured, r)
		}
	}
}

func TestParseSetting(t *testing.T) {
	good := map[string]string{
		"":                           Auto().String(),
		"auto":                       "1080p:5000k,720p:2800k,480p:1400k,360p:800k",
		"off":                        "off",
		" 480p:1400k , 720p:2800k ":  "720p:2800k,480p:1400k",
		"720p:2.8M":                  "720p:2800k",
		"720p:2800001":               "720p:2800001",
		"1440p:9M,2160p:20M,96p:50k": "2160p:20000k,1440p:9000k,96p:50k",
	}
	for text, want := range good {
		s, err := ParseSetting(text)
		if err != nil || s.String() != want {
			t.Errorf("%q: %v, %v, want %s", text, s, err, want)
		}
	}
	for _, text := range []string{
		"on", "720:2800k", "720p", "720p:", "720p:k", "721p:1M", "8640p:1M", "720p:1k", "720p:1G", "720p:-1k", "720p:NaN",
		"720p:Inf", "720p:1M,720p:2M", "720p:1M,", "p:1M", "98p:1M,100p:1M,102p:1M,104p:1M,106p:1M,108p:1M,110p:1M,112p:1M,114p:1M",
	} {
		if s, err := ParseSetting(text); !errors.Is(err, ErrSetting) {
			t.Errorf("%q gave %v, %v", text, s, err)
		}
	}
}

func FuzzParseSetting(f *testing.F) {
	for _, s := range []string{"auto", "off", "720p:2800k,480p:1400k", "1p:1", "720p:1e3k"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSetting(text)
		if err != nil {
			return
		}
		again, err := ParseSetting(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q became %q, which became %q, %v", text, s, again, err)
		}
	})
}

func size(r media.Rendition) string {
	digits := func(n int) string {
		var b []byte
		for ; n > 0; n /= 10 {
			b = append([]byte{byte('0' + n%10)}, b...)
		}
		return string(b)
	}
	return digits(r.Width) + "x" + digits(r.Height)
}
