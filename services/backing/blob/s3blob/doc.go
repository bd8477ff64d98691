// Package s3blob keeps objects in a bucket of S3 or of a server that speaks its
// protocol, such as MinIO: the blob.Blob of installations with more than one machine.
//
// Invariants:
//
//   - Buckets are addressed by path, so that a server without DNS for them will do.
//   - A Put holds one part of PartSize bytes in memory. Up to that size it is one
//     request, above it a multipart upload; each request can be sent again, and is,
//     Attempts times in all. The memory is used again, by others, after the Put.
//   - Without TLS the signature of a request holds the SHA-256 of its body, which the
//     server checks; with TLS that keeps the body whole.
//   - A multipart upload that fails is aborted, also when the context has ended: parts
//     that nobody sees would be paid for. One whose process is killed stays until the
//     bucket's lifecycle rule ends it (AbortIncompleteMultipartUpload).
//   - A source that breaks off never becomes a shorter object.
//   - When the last answer of a Put is lost on the way, in all attempts, the Put gives
//     an error although the new object is there, whole.
//   - Errors and logs hold neither key.
//
// It makes the bucket when there is none, and sets no policy or lifecycle on it.
package s3blob
