package s3blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	first, err := s.parts.read(body, o.Size)
	defer s.parts.give(first)
	if err != nil {
		return blob.Info{}, err
	}
	if len(first) == PartSize {
		return s.upload(ctx, key, first, body, o)
	}
	l, sum := lend(first), s.sum(first)
	defer l.end()
	var done minio.UploadInfo
	err = undenied(ctx, func() error {
		done, err = s.core.PutObject(ctx, s.bucket, key, l, l.Size(), "", sum, minio.PutObjectOptions{ContentType: o.ContentType, DisableContentSha256: true})
		return err
	})
	if err != nil {
		return blob.Info{}, err
	}
	return blob.Info{Size: l.Size(), ETag: done.ETag, ModTime: done.LastModified.UTC()}, nil
}

// sum is what the signature of a request holds of its body, which the server checks:
// nothing where TLS keeps it whole.
func (s *Store) sum(body []byte) string {
	if s.core.EndpointURL().Scheme == "https" {
		return ""
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
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
		l := lend(part)
		p, err := s.core.PutObjectPart(ctx, s.bucket, key, id, len(parts)+1, l, l.Size(), minio.PutObjectPartOptions{Sha256Hex: s.sum(part), DisableContentSha256: true})
		l.end()
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
