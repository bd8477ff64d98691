package live

import (
	"fmt"
	"math"
	"strings"
)

// Warning is something wrong with a stream as it arrives.
type Warning struct {
	Code   string `json:"code" doc:"For programs; never renamed" example:"key_frames_far"`
	Words  string `json:"words" doc:"What is wrong" example:"key frames are 8 s apart: latency will be 8 s"`
	Advice string `json:"advice" doc:"What to do about it" example:"set the key frame interval to 1 or 2 s in the encoder"`
}

// Where warnings begin.
const (
	keysFar     = 4.2  // seconds between key frames: two segments, and what encoders round
	lateFrom    = 0.75 // seconds that the publisher is late
	fewFrames   = 0.9  // of the frame rate that the encoder says
	manyDropped = 25   // packets, in half a minute
	lagFrom     = 2.0  // seconds that our encoders are behind
	settled     = 5    // seconds before a rate tells anything
	startsLate  = 6.0  // seconds until viewers can start
)

// warnings are all that is wrong with what was measured, the worst for viewers first.
func warnings(h *Health, l Limits) []Warning {
	out := []Warning{}
	add := func(is bool, code, words, advice string) {
		if is {
			out = append(out, Warning{code, words, advice})
		}
	}
	picture, flowing := h.Source.Video != "", h.State != Reconnecting && h.Seconds >= settled
	add(h.State == Reconnecting, "publisher_gone", "the publisher has dropped and is waited for", "check the encoder and its connection")
	add(h.starting >= startsLate, "not_playable", fmt.Sprintf("viewers cannot start: nothing that they could play has come for %s s", seconds(h.starting)),
		"restart the encoder's output, with a key frame interval of 1 or 2 s and a constant frame rate; if it stays, use another encoder or version")
	add(flowing && picture && h.FPS == 0, "picture_stops", "no picture comes", "check the encoder's camera or scene, and its connection")
	add(h.Behind >= lateFrom, "publisher_behind", fmt.Sprintf("the publisher sends %s s behind: viewers see jumps", seconds(h.Behind)),
		"lower the bit rate, or the encoder's preset; prefer a cable to wireless")
	add(flowing && picture && h.FPS > 0 && h.Source.FPS > 0 && h.FPS < fewFrames*h.Source.FPS, "frames_missing",
		fmt.Sprintf("%s of %s frames per second arrive: the encoder cannot keep up", short(h.FPS), short(h.Source.FPS)), "lower the picture's size, the frame rate or the preset in the encoder")
	addKeys(add, h, picture)
	addRate(add, h, l, flowing)
	addSound(add, h, flowing)
	add(flowing && picture && h.FPS > 0 && h.Varies, "frame_rate_varies", "the frame rate varies: playback may stutter", "set a constant frame rate in the encoder")
	add(h.Jumps > 0, "timestamps_jump", "the time stamps jump: viewers see an interruption each time", "let the encoder's output run on; do not change scenes' clocks or restart sources")
	add(h.Dropped >= manyDropped, "packets_dropped", fmt.Sprintf("%d packets of the last half minute could not be used", h.Dropped), "restart the encoder's output; if it stays, use another encoder or version")
	add(h.SpareVideo+h.SpareAudio > 0, "tracks_left_out", "the publisher sends "+spare(h)+" that nobody gets: the first picture and the first four sounds are taken, if they are there when the stream begins", "put what viewers are to see and hear first in the encoder; the rest only costs its network")
	add(len(h.Shed) > 0, "server_slow", "the server's encoder cannot keep up: "+strings.Join(h.Shed, ", ")+" left out", "use fewer or smaller renditions (WEIR_LADDER), or a faster machine")
	add(len(h.Shed) == 0 && h.Lag >= lagFrom, "server_late", fmt.Sprintf("the server's encoder is %s s behind", seconds(h.Lag)), "use fewer or smaller renditions (WEIR_LADDER), or a faster machine")
	return out
}

// spare are the tracks that nobody gets, in words.
func spare(h *Health) string {
	kinds := func(n int, of string) string {
		if n == 1 {
			return "1 track of " + of
		}
		return fmt.Sprintf("%d tracks of %s", n, of)
	}
	switch {
	case h.SpareAudio == 0:
		return kinds(h.SpareVideo, "the picture")
	case h.SpareVideo == 0:
		return kinds(h.SpareAudio, "sound")
	}
	return kinds(h.SpareVideo, "the picture") + " and " + kinds(h.SpareAudio, "sound")
}

type adder func(is bool, code, words, advice string)

func addKeys(add adder, h *Health, picture bool) {
	n := seconds(h.KeyInterval)
	add(picture && h.KeyInterval >= keysFar, "key_frames_far", fmt.Sprintf("key frames are %s s apart: latency will be %s s", n, n), "set the key frame interval to 1 or 2 s in the encoder")
}

func addRate(add adder, h *Health, l Limits, flowing bool) {
	if l.Bitrate == 0 || !flowing {
		return
	}
	times := float64(h.Bitrate) / float64(l.Bitrate)
	limit := fmt.Sprintf("the channel's limit of %d kbit/s", l.Bitrate/1000)
	advice := "lower the bit rate in the encoder"
	add(times >= 2, "bitrate_high", fmt.Sprintf("the bit rate is %s times %s: the stream will be ended", short(times), limit), advice)
	add(times > 1 && times < 2, "bitrate_high", "the bit rate is above "+limit+": the stream will be ended", advice)
	add(times >= 0.9 && times <= 1, "bitrate_near", "the bit rate is near "+limit, advice)
}

func addSound(add adder, h *Health, flowing bool) {
	add(h.Source.Audio == "", "no_sound", "the publisher sends no sound", "add a source of sound in the encoder, if there is to be any")
	add(flowing && h.Source.Audio != "" && h.SoundStops, "sound_stops", "no sound comes any more", "check the encoder's sources of sound")
	if h.Sound == nil || h.SoundStops || !flowing {
		return
	}
	add(h.Sound.Silent, "sound_silent", "the sound is silent", "check that the microphone is on and not muted in the encoder")
	add(h.Sound.Clips, "sound_clips", "the sound is too loud: it clips", "turn the microphone down until the encoder's meter stays below red")
}

// seconds is a time in words: whole where it is long.
func seconds(s float64) string {
	if s >= 3 {
		return fmt.Sprintf("%.0f", s)
	}
	return short(s)
}

// short is a number with one digit behind the point, if that tells something.
func short(x float64) string {
	if r := math.Round(x); math.Abs(x-r) < 0.05 {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.1f", x)
}
