// Package blobtest holds every blob.Blob to one behaviour, and gives other packages'
// tests a fresh one: a folder always, and a bucket of the server of
// WEIR_TEST_S3_ENDPOINT when that is set.
//
// The bucket is a new one beside WEIR_TEST_S3_BUCKET, with a random end to its name; it
// is emptied and removed after the test. WEIR_TEST_S3_ACCESS_KEY and
// WEIR_TEST_S3_SECRET_KEY have to allow that. For tests only.
package blobtest
