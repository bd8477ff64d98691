package s3blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"

	"weir/services/backing/blob"
)

// PartSize is the size of the parts of a multipart upload, in bytes, and with MaxParts
// the limit of an object: 78 GiB.
const (
	PartSize = 8 << 20
	MaxParts = 10_000 // of the protocol
)

// firstRoom is the memory that a body of unknown size begins with, in bytes.
const firstRoom = 64 << 10

// abortTimeout bounds the removal of the parts of an upload that failed.
const abortTimeout = 15 * time.Second

// Put implements blob.Blob.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, o blob.PutOptions) (blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	o, err := o.Check()
	if err != nil {
		return blob.Info{}, err
	}
	if o.Size > PartSize*MaxParts {
		return blob.Info{}, fmt.Errorf("%w: at most %d bytes", blob.ErrSize, int64(PartSize*MaxParts))
	}
	info, err := s.put(ctx, key, blob.Body(ctx, r, o.Size), o)
	if err != nil {
		return blob.Info{}, failed("put", key, err)
	}
	info.Key, info.ContentType = key, o.ContentType
	return info, nil
}

// put sends a body that fits one part in one request.
func (s *Store) put(ctx context.Context, key string, body io.Reader, o blob.PutOptions) (blob.Info, error) {
	first, err := begin(body, o.Size)
	if err != nil {
		return blob.Info{}, err
	}
	if len(first) == PartSize {
		return s.upload(ctx, key, first, body, o)
	}
	n := int64(len(first))
	var done minio.UploadInfo
	err = undenied(ctx, func() error {
		done, err = s.core.PutObject(ctx, s.bucket, key, bytes.NewReader(first), n, "", "", minio.PutObjectOptions{ContentType: o.ContentType})
		return err
	})
	if err != nil {
		return blob.Info{}, err
	}
	return blob.Info{Size: n, ETag: done.ETag, ModTime: done.LastModified.UTC()}, nil
}

// deniedPause grows with each try of undenied.
const deniedPause = 50 * time.Millisecond

// undenied repeats what puts an object in its place, up to Attempts, when that is denied:
// MinIO denies it also when another request removes the last object beside it, and with it
// the folder on MinIO's disk, at that moment.
func undenied(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || n == Attempts || minio.ToErrorResponse(err).Code != minio.AccessDenied {
			return err
		}
		timer := time.NewTimer(time.Duration(n) * deniedPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// begin reads the first part, in memory that grows with it to PartSize and no further.
func begin(body io.Reader, size int64) ([]byte, error) {
	room := int64(firstRoom)
	if size > 0 {
		room = size + 1 // the end shows only in a read that has room
	}
	part := make([]byte, 0, min(room, PartSize))
	for len(part) < PartSize {
		if len(part) == cap(part) {
			more := make([]byte, len(part), min(2*cap(part), PartSize))
			copy(more, part)
			part = more
		}
		n, err := body.Read(part[len(part):cap(part)])
		part = part[:len(part)+n]
		if err == io.EOF { // an error that wraps it is no end
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return part, nil
}

// upload is a multipart upload of the part, whose memory it uses again, and the rest.
func (s *Store) upload(ctx context.Context, key string, part []byte, rest io.Reader, o blob.PutOptions) (info blob.Info, err error) {
	id, err := s.core.NewMultipartUpload(ctx, s.bucket, key, minio.PutObjectOptions{ContentType: o.ContentType})
	if err != nil {
		return blob.Info{}, err
	}
	complete := false
	defer func() {
		if !complete { // also when the source panics
			err = errors.Join(err, s.abort(ctx, key, id))
		}
	}()
	var parts []minio.CompletePart
	for len(part) > 0 {
		if len(parts) == MaxParts {
			return blob.Info{}, fmt.Errorf("%w: more than %d bytes", blob.ErrSize, int64(PartSize*MaxParts))
		}
		p, err := s.core.PutObjectPart(ctx, s.bucket, key, id, len(parts)+1, bytes.NewReader(part), int64(len(part)), minio.PutObjectPartOptions{})
		if err != nil {
			return blob.Info{}, err
		}
		info.Size += int64(len(part))
		parts = append(parts, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag})
		n, err := io.ReadFull(rest, part[:PartSize])
		if err != nil && !ended(err) {
			return blob.Info{}, err
		}
		part = part[:n]
	}
	var done minio.UploadInfo
	err = undenied(ctx, func() error {
		done, err = s.core.CompleteMultipartUpload(ctx, s.bucket, key, id, parts, minio.PutObjectOptions{})
		return err
	})
	if err != nil {
		return blob.Info{}, err
	}
	complete = true
	info.ETag, info.ModTime = done.ETag, done.LastModified.UTC()
	return info, nil
}

// ended says whether io.ReadFull came to the end: blob.Body's own errors are never
// these two themselves, and those that wrap them are no end.
func ended(err error) bool {
	return err == io.EOF || err == io.ErrUnexpectedEOF //nolint:errorlint // see above
}

// abort removes the parts, whether ctx has ended or not.
func (s *Store) abort(ctx context.Context, key, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	err := s.core.AbortMultipartUpload(ctx, s.bucket, key, id)
	if err == nil || minio.ToErrorResponse(err).Code == minio.NoSuchUpload {
		return nil
	}
	return fmt.Errorf("the parts of the upload are left in the bucket: %w", err)
}
