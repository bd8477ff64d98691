// Package progressive makes one MP4 file with its index in front out of stored CMAF
// segments, by copying (ISO/IEC 14496-12 8.5 to 8.8).
//
// Each segment is shown to a File twice: AddSegment reads what is in it, without the
// media, and after Header was written CopyMedia copies the media, in the same order.
// A File holds about 8 bytes for a sample, and no media.
//
// Time keeps its holes: the sample before one lasts until its end, so that picture and
// sound stay together. A change of coding becomes another sample description.
//
// It knows no storage and no HTTP.
package progressive
