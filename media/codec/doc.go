// Package codec reads and writes the small bit-streams that say how a picture
// or a sound is coded: parameter sets, decoder configuration records, NAL unit
// framing and RFC 6381 codec strings.
//
// It stands between the wire formats (ingest/rtmp, ingest/mpegts, ...) and the
// media.Track that everything else looks at; packager/cmaf and the manifests
// ask it once more for what players want to know.
//
// All input is taken to be hostile: every loop is bounded by the length of the
// input or by a limit of the specification, nothing panics, nothing allocates
// more than a small multiple of what it was given. Results alias the input
// where the comment says so. Nothing here decodes samples, keeps state or reads
// a clock.
package codec
