// Package transcode makes renditions of a live stream: one source in, N streams
// out, each a stream of the hub under "NAME/RENDITION", and "NAME/audio" where
// the source's own sound is not what viewers get.
//
// The picture is decoded once, scaled in a cascade from the largest size to the
// smallest, and encoded once for each rung, one goroutine a rung behind a short
// queue. Where a source packet begins a segment, the frame of that packet becomes
// an IDR picture in every rung, at the same Time: all renditions are cut alike.
// Packets carry the marks, the duration and the arrival time of the source packet
// that their frame came from.
//
// Nothing waits for this package: its reader has a bounded ring in the hub and
// loses packets up to a key frame when it cannot keep up. Before it comes to that
// the largest rungs are shed, and taken up again when there is time for them.
//
// It does not decide where segments begin (media/cut does) nor which sizes there
// are (media/ladder does), and it packages nothing.
package transcode
