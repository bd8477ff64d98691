// Package archive keeps finished segments: on files for rewinding, and, where a
// stream is recorded, in an object store for good.
//
// Files is the packager's Sink for rewinding alone; a Recorder is one that records
// too. Recordings is what this process knows of recordings: it begins them, closes
// those that a killed process left open, finds, cuts and deletes them.
//
// A recording is a folder of objects that describes itself:
//
//	recordings/ID/stream.json              what it is: an Index without segments
//	recordings/ID/stream-P.json            the same, of a process that went on with it
//	recordings/ID/RENDITION/initI.mp4      initialisation segments
//	recordings/ID/RENDITION/M-S-D-I-F.m4s  segments; see segmentName
//	recordings/ID/index.json               the Index, written last
//
// What a segment needs is stored before it. So after a crash the list of keys is the
// index, and a recording is complete when index.json is there. A clip is a recording
// that was cut out of another one, in whole segments.
//
// Several processes may make a recording, one after the other: Begin with Joins goes on,
// Leave gives it away, Close and Recover wait until nobody makes it any more.
//
// Invariants:
//
//   - Put never waits for the store. What is not stored yet lies in the spool, a
//     folder of hard links to the files that rewinding reads; an object leaves the
//     spool after the store has it.
//   - The spool is bounded. What is too much is dropped, the oldest first, and said
//     loudly; the index has a hole there.
//   - Segments of a rendition are stored in order.
//
// Playing recordings is packager/vod.
package archive
