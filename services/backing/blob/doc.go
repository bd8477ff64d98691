// Package blob is the port to object storage: segments, uploads, pictures.
//
// Packages that keep large bytes take a Blob. fileblob is the embedded one, on a
// folder; s3blob is the real one, on S3 or MinIO. blobtest holds both to the same
// behaviour, and this package holds what they share: the grammar of keys, ranges, and
// the reader that a Put reads its body through.
//
// Invariants of every Blob:
//
//   - An object is whole or not there. A Put that fails, is cancelled or is killed
//     leaves what was there before; a reader sees the old bytes or the new ones, never
//     both.
//   - A key is checked before anything else happens.
//   - One call holds some megabytes at most, however large the object is.
//   - Any number of goroutines may use a Blob.
//
// It knows no versions, no folders (a "/" in a key is only a name's part) and no
// rights: who may read what is decided above it.
package blob
