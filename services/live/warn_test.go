package live

import (
	"strings"
	"testing"
)

// good is a stream with nothing wrong.
func good() Health {
	return Health{State: OnAir, Seconds: 10, Bitrate: 3_000_000, FPS: 30, KeyInterval: 2, Lag: 0.2,
		Source: Source{Video: "avc1.64001f", Width: 1280, Height: 720, FPS: 30, Audio: "mp4a.40.2", SampleRate: 48000, Channels: 2},
		Sound:  &Loudness{Mean: -20, Peak: -6}}
}

func TestWarnings(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(h *Health, l *Limits)
		want   string // code: words, for each
	}{
		"all is well":       {func(*Health, *Limits) {}, ""},
		"nothing known yet": {func(h *Health, _ *Limits) { *h = Health{State: Starting, Source: h.Source} }, ""},
		"starting":          {func(h *Health, _ *Limits) { *h = Health{State: Starting, Source: h.Source, starting: 4} }, ""},
		"never starts": {func(h *Health, _ *Limits) { *h = Health{State: Starting, Source: h.Source, starting: 8.2} },
			"not_playable: viewers cannot start: nothing that they could play has come for 8 s"},
		"key frames 8 s apart":      {func(h *Health, _ *Limits) { h.KeyInterval = 8.0007 }, "key_frames_far: key frames are 8 s apart: latency will be 8 s"},
		"key frames 4 s apart":      {func(h *Health, _ *Limits) { h.KeyInterval = 4.004 }, ""},
		"no key frames of sound":    {func(h *Health, _ *Limits) { h.Source.Video, h.KeyInterval, h.FPS = "", 8, 0 }, ""},
		"no sound":                  {func(h *Health, _ *Limits) { h.Source.Audio, h.Sound = "", nil }, "no_sound: the publisher sends no sound"},
		"sound stops":               {func(h *Health, _ *Limits) { h.SoundStops = true }, "sound_stops: no sound comes any more"},
		"silent":                    {func(h *Health, _ *Limits) { h.Sound = &Loudness{Mean: -120, Peak: -120, Silent: true} }, "sound_silent: the sound is silent"},
		"clips":                     {func(h *Health, _ *Limits) { h.Sound = &Loudness{Mean: -3, Peak: 0, Clips: true} }, "sound_clips: the sound is too loud: it clips"},
		"frame rate":                {func(h *Health, _ *Limits) { h.Varies = true }, "frame_rate_varies: the frame rate varies: playback may stutter"},
		"frames missing":            {func(h *Health, _ *Limits) { h.FPS = 21.44 }, "frames_missing: 21.4 of 30 frames per second arrive: the encoder cannot keep up"},
		"29.97 is 30":               {func(h *Health, _ *Limits) { h.FPS = 29.97 }, ""},
		"no rate said":              {func(h *Health, _ *Limits) { h.FPS, h.Source.FPS = 12, 0 }, ""},
		"no picture any more":       {func(h *Health, _ *Limits) { h.FPS = 0 }, "picture_stops: no picture comes"},
		"young":                     {func(h *Health, _ *Limits) { h.Seconds, h.FPS, h.SoundStops = 3, 15, true }, ""},
		"3 times the limit":         {func(_ *Health, l *Limits) { l.Bitrate = 1_000_000 }, "bitrate_high: the bit rate is 3 times the channel's limit of 1000 kbit/s: the stream will be ended"},
		"above the limit":           {func(_ *Health, l *Limits) { l.Bitrate = 2_900_000 }, "bitrate_high: the bit rate is above the channel's limit of 2900 kbit/s: the stream will be ended"},
		"near the limit":            {func(_ *Health, l *Limits) { l.Bitrate = 3_100_000 }, "bitrate_near: the bit rate is near the channel's limit of 3100 kbit/s"},
		"below the limit":           {func(_ *Health, l *Limits) { l.Bitrate = 6_000_000 }, ""},
		"stamps jump":               {func(h *Health, _ *Limits) { h.Jumps = 1 }, "timestamps_jump: the time stamps jump: viewers see an interruption each time"},
		"dropped":                   {func(h *Health, _ *Limits) { h.Dropped = 31 }, "packets_dropped: 31 packets of the last half minute could not be used"},
		"few dropped":               {func(h *Health, _ *Limits) { h.Dropped = 3 }, ""},
		"five sounds":               {func(h *Health, _ *Limits) { h.SpareAudio = 1 }, "tracks_left_out: the publisher sends 1 track of sound that nobody gets: the first picture and the first four sounds are taken, if they are there when the stream begins"},
		"its own ladder":            {func(h *Health, _ *Limits) { h.SpareVideo, h.SpareAudio = 3, 1 }, "tracks_left_out: the publisher sends 3 tracks of the picture and 1 track of sound that nobody gets: the first picture and the first four sounds are taken, if they are there when the stream begins"},
		"shed":                      {func(h *Health, _ *Limits) { h.Shed, h.Lag = []string{"720p"}, 3 }, "server_slow: the server's encoder cannot keep up: 720p left out"},
		"lag":                       {func(h *Health, _ *Limits) { h.Lag = 2.5 }, "server_late: the server's encoder is 2.5 s behind"},
		"4 s behind":                {func(h *Health, _ *Limits) { h.Behind = 4.2 }, "publisher_behind: the publisher sends 4 s behind: viewers see jumps"},
		"gone":                      {func(h *Health, _ *Limits) { h.State, h.FPS, h.SoundStops = Reconnecting, 0, true }, "publisher_gone: the publisher has dropped and is waited for"},
		"much at once, worst first": {func(h *Health, _ *Limits) { h.Behind, h.KeyInterval, h.Jumps = 1, 10, 2 }, "publisher_behind: the publisher sends 1 s behind: viewers see jumps\nkey_frames_far: key frames are 10 s apart: latency will be 10 s\ntimestamps_jump: the time stamps jump: viewers see an interruption each time"},
	} {
		t.Run(name, func(t *testing.T) {
			h, l := good(), Limits{}
			tt.change(&h, &l)
			var lines []string
			for _, w := range warnings(&h, l) {
				lines = append(lines, w.Code+": "+w.Words)
				if w.Advice == "" {
					t.Errorf("%s: no advice", w.Code)
				}
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}
