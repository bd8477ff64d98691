// Package cmaf turns tracks and samples into the boxes of CMAF (ISO/IEC
// 23000-19): initialisation segments, and the chunks that are at once the parts
// of LL-HLS and the pieces of a growing LL-DASH segment.
//
// Packets reach it from the packager, which decides where chunks and segments
// begin; what it makes goes into packager/window. Each chunk holds samples of
// one track. A segment is the concatenation of its chunks, byte for byte, so
// that only the first has a styp.
//
// Initialisation segments are rare and made with mp4ff. Chunks are made several
// times a second for each rendition and written by our own code, which appends
// to what the caller allocated and allocates nothing.
//
// Times are converted to the track's time scale one by one and durations are
// the differences of converted times, so that rounding never adds up. There are
// no edit lists: packets carry signed composition offsets with PTS = DTS at key
// frames (brand cmf2). Nothing here reads a clock, keeps state or touches media
// bytes.
package cmaf
