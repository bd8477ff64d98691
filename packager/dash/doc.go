// Package dash renders MPEG-DASH manifests (MPD, ISO/IEC 23009-1) over the CMAF
// files that LL-HLS uses too.
//
// The origin fills in a Presentation from packager/window, or packager/vod from
// a finished recording, and serves the bytes. It is pure: no clock, no state, no
// knowledge of URLs beyond the templates it is given.
//
// The stream's own time line is the media time line of every Period: a Period's
// start is its media time, rounded down to milliseconds, and each
// presentationTimeOffset is that same instant. So the wall clock of media time t
// is availabilityStartTime + t in all Periods, and chunks need no rewriting at a
// discontinuity.
//
// It does not decide where Periods and segments begin, nor when segment numbers
// may be computed by $Number$ arithmetic: with Timing.Segment they are, with
// Timing.Timeline they are listed.
package dash
