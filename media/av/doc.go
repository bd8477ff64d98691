// Package av is the one door to libav (FFmpeg): decoders, scalers, resamplers
// and encoders with weir's own types at the border. It is the only package with
// cgo; without cgo it is empty, and so is what imports it.
//
// Time crosses the border as media.Time and comes back as the same number:
// decoders carry it as an opaque stamp, encoders keep it in a table beside them,
// since their own clocks cannot hold it.
//
// Ownership: a Frame is a reference to a picture or to samples that libav counts.
// Whoever has one frees it or hands it on, exactly once; Ref makes another. A
// frame is never written to after it was made. Everything else is closed by whom
// it was opened. None of the types but Frame may be used by two goroutines at a
// time; Frames may be handed between goroutines. Live tells what was not given
// back, which the tests hold at zero. Its counters are the package's only state.
//
// # The settings of the live encoder
//
// x264, preset veryfast, profile high, no B-frames, no scene cut, one thread
// (frame threads would add a frame of delay each), constant frame rate input (the
// variable one adds a frame), no sync-lookahead, VBV of 1.07 x the rate over 1.5 s.
// From a frame handed in to its packet (TestEncoderDelay), and what the test card
// then takes at 720p30 (BenchmarkEncoder; CPU seconds per second, on one core of
// a 2-core machine, are the same for all within the noise):
//
//	rc-lookahead   delay                      rate     CPU
//	           0   none                       1555 k   0.26   macroblock tree off
//	           5    5 frames, 167 ms at 30/s  1305 k   0.24
//	          10   10 frames, 333 ms at 30/s  1168 k   0.27
//	          20   20 frames, 667 ms at 30/s   910 k   0.25
//
// media/transcode takes none: what a rung is behind the source, its viewers are
// behind too, and a player that begins with a rung is so for good.
package av
