package origin

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"

	"weir/media"
	"weir/packager/hls"
	"weir/packager/window"
)

// directives are the delivery directives of a playlist request (rfc8216bis 6.2.5).
type directives struct {
	block bool
	msn   uint64
	part  int // -1: the whole segment
	skip  bool
}

var errDirectives = errors.New("malformed delivery directive")

// parseDirectives reads a query. Unknown parameters are ignored.
func parseDirectives(query string) (d directives, err error) {
	d.part = -1
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if strings.Contains(value, "%") {
			if value, err = url.QueryUnescape(value); err != nil {
				return d, errDirectives
			}
		}
		switch key {
		case "_HLS_msn":
			d.block = true
			if d.msn, err = strconv.ParseUint(value, 10, 64); err != nil {
				return d, errDirectives
			}
		case "_HLS_part":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return d, errDirectives
			}
			d.part = int(n)
		case "_HLS_skip":
			if value != "YES" && value != "v2" {
				return d, errDirectives
			}
			d.skip = true
		}
	}
	if d.part >= 0 && !d.block {
		return d, errDirectives // _HLS_part without _HLS_msn: MUST be refused
	}
	return d, nil
}

// tooFar tells whether d asks for what lies too far in the future: more than two
// segments, or more parts than the Advance Part Limit (6.2.5.2).
func (d directives) tooFar(v *window.View, target media.Time) bool {
	msn, part := hls.NextPart(v)
	limit := 3
	if target < media.Second {
		limit = int(math.Ceil(3 / target.Seconds()))
	}
	switch {
	case d.msn > msn+1:
		return true
	case d.msn == msn:
		return d.part > part-1+limit
	case d.msn == msn+1:
		return d.part > limit
	}
	return false
}

// Met implements window.Goal: the playlist can be sent, be it that it waited for its first
// segment alone.
func (d directives) Met(v *window.View) bool {
	return v.Ended || hls.Complete(v) > v.Foreign() && (!d.block || d.met(v))
}

// met tells whether the playlist holds what d waits for. A part beyond the last
// of a finished segment is the first of the next one.
func (d directives) met(v *window.View) bool {
	if v.Ended {
		return true
	}
	msn, part := hls.NextPart(v)
	switch {
	case d.msn > msn:
		return false
	case d.part < 0:
		n := hls.Complete(v)
		return n > 0 && d.msn <= v.Segments[n-1].MSN
	case d.msn == msn:
		return d.part < part
	case d.msn+1 < msn:
		return true
	}
	if s := v.Find(d.msn); s == nil || d.part < len(s.Parts) || s.Gap {
		return true
	}
	return part > 0
}
