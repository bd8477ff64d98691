package ladder

import "weir/media"

// Plan gives the renditions to be encoded of a source beside its own, highest
// first: each wished rung whose height is below the source's shorter side. It is
// empty for a source without a picture or of unknown size.
func Plan(source *media.Track, setting Setting) []media.Rendition {
	if source == nil || source.Kind != media.Video {
		return nil
	}
	short := min(source.Width, source.Height)
	var out []media.Rendition
	for _, r := range setting.Rungs {
		if r.Height >= short {
			continue
		}
		w, h := Fit(source.Width, source.Height, r.Height)
		out = append(out, media.Rendition{
			Name: r.Name(), Width: w, Height: h, Bitrate: r.Bitrate, FrameRate: source.FrameRate, Encode: true,
		})
	}
	return out
}

// Source is the rendition that shows the publisher's own picture re-encoded at
// its own size. Its bit rate is the measured one of the publisher within bounds
// that suit the size; measured may be 0, unknown.
func Source(source *media.Track, measured int) media.Rendition {
	w, h := max(2, source.Width&^1), max(2, source.Height&^1)
	usual := usualBitrate(w * h)
	rate := usual
	if measured > 0 {
		rate = min(max(measured, usual/2), usual*3/2)
	}
	return media.Rendition{
		Name: media.SourceName, Width: w, Height: h, Bitrate: rate, FrameRate: source.FrameRate, Encode: true,
	}
}

// Fit scales width x height so that the shorter side is short samples, keeping
// the shape; both results are even and at least 2.
func Fit(width, height, short int) (w, h int) {
	if width <= 0 || height <= 0 {
		return 0, 0
	}
	if width >= height {
		return even(width, short, height), short &^ 1
	}
	return short &^ 1, even(height, short, width)
}

// even is side*num/den rounded to the nearest even number, ties upwards.
func even(side, num, den int) int {
	return max(2, (side*num+den)/(2*den)*2)
}

// usualBitrate is what a picture of that many samples takes with x264 veryfast
// at 30 frames a second, by the rungs of Auto and the same slope beyond them.
func usualBitrate(samples int) int {
	table := []struct{ samples, rate int }{
		{3840 * 2160, 16_000_000}, {2560 * 1440, 8_000_000}, {1920 * 1080, 5_000_000},
		{1280 * 720, 2_800_000}, {854 * 480, 1_400_000}, {640 * 360, 800_000},
	}
	for _, t := range table {
		if samples >= t.samples*9/10 {
			return t.rate
		}
	}
	return 500_000
}
