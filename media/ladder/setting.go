package ladder

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrSetting is wrapped by every error of ParseSetting.
var ErrSetting = errors.New("ladder setting")

// Rung is one wish: a picture whose shorter side is Height samples.
type Rung struct {
	Height  int // samples of the shorter side, even
	Bitrate int // bit/s
}

// Name is the rendition's name, "720p".
func (r Rung) Name() string { return strconv.Itoa(r.Height) + "p" }

// Setting is a parsed WEIR_LADDER: the wished rungs, highest first. The zero
// value asks for none.
type Setting struct{ Rungs []Rung }

// Off tells that nothing is to be re-encoded.
func (s Setting) Off() bool { return len(s.Rungs) == 0 }

// Auto is what WEIR_LADDER=auto means.
func Auto() Setting {
	return Setting{Rungs: []Rung{{1080, 5_000_000}, {720, 2_800_000}, {480, 1_400_000}, {360, 800_000}}}
}

const (
	minHeight, maxHeight   = 96, 4320
	minBitrate, maxBitrate = 50_000, 100_000_000
	maxRungs               = 8
)

// ParseSetting reads "auto", "off" or a list such as "720p:2800k,480p:1400k".
// The empty text means auto. Rates are bit/s with an optional k or M.
func ParseSetting(text string) (Setting, error) {
	switch text = strings.TrimSpace(text); text {
	case "", "auto":
		return Auto(), nil
	case "off":
		return Setting{}, nil
	}
	var s Setting
	for item := range strings.SplitSeq(text, ",") {
		r, err := parseRung(strings.TrimSpace(item))
		if err != nil {
			return Setting{}, err
		}
		if slices.ContainsFunc(s.Rungs, func(o Rung) bool { return o.Height == r.Height }) {
			return Setting{}, fmt.Errorf("%w: %s is there twice", ErrSetting, r.Name())
		}
		s.Rungs = append(s.Rungs, r)
	}
	if len(s.Rungs) > maxRungs {
		return Setting{}, fmt.Errorf("%w: more than %d rungs", ErrSetting, maxRungs)
	}
	slices.SortFunc(s.Rungs, func(a, b Rung) int { return b.Height - a.Height })
	return s, nil
}

func parseRung(item string) (Rung, error) {
	height, rate, ok := strings.Cut(item, ":")
	digits, isP := strings.CutSuffix(height, "p")
	h, err := strconv.Atoi(digits)
	if !ok || !isP || err != nil {
		return Rung{}, fmt.Errorf("%w: %q is not like 720p:2800k", ErrSetting, item)
	}
	if h < minHeight || h > maxHeight || h%2 != 0 {
		return Rung{}, fmt.Errorf("%w: the height of %q is not an even number from %d to %d", ErrSetting, item, minHeight, maxHeight)
	}
	b, err := parseBitrate(rate)
	if err != nil {
		return Rung{}, fmt.Errorf("%w: the rate of %q is not like 2800k", ErrSetting, item)
	}
	if b < minBitrate || b > maxBitrate {
		return Rung{}, fmt.Errorf("%w: the rate of %q is not from 50k to 100M", ErrSetting, item)
	}
	return Rung{Height: h, Bitrate: b}, nil
}

func parseBitrate(text string) (int, error) {
	unit := 1.0
	if t, ok := strings.CutSuffix(text, "k"); ok {
		text, unit = t, 1000
	} else if t, ok := strings.CutSuffix(text, "M"); ok {
		text, unit = t, 1e6
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= maxBitrate) {
		return 0, ErrSetting
	}
	return int(v*unit + 0.5), nil
}

// String is the setting in the form that ParseSetting reads.
func (s Setting) String() string {
	if s.Off() {
		return "off"
	}
	var b strings.Builder
	for i, r := range s.Rungs {
		if i > 0 {
			b.WriteByte(',')
		}
		if r.Bitrate%1000 == 0 {
			fmt.Fprintf(&b, "%s:%dk", r.Name(), r.Bitrate/1000)
		} else {
			fmt.Fprintf(&b, "%s:%d", r.Name(), r.Bitrate)
		}
	}
	return b.String()
}
