package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"weir/services/backing/blob"
)

// Attempts is how often a request is sent at most; between two are 200 ms to 1 s.
const Attempts = 4

// Errors of Open.
var (
	// ErrConfig: a setting is missing or wrong.
	ErrConfig = errors.New("object storage settings")
	// ErrDenied: the keys are wrong, or allow less than is needed.
	ErrDenied = errors.New("the object storage refused the access key")
)

// Config says which bucket. All but Region is needed.
type Config struct {
	// Endpoint is http://host:port or https://host, without a path.
	Endpoint string
	Bucket   string
	// AccessKey and SecretKey are long-lived keys of a user of the server.
	AccessKey, SecretKey string
	// Region is "us-east-1" when empty, which is MinIO's.
	Region string
}

// Store is a bucket.
type Store struct {
	core      *minio.Core
	transport *http.Transport
	bucket    string
	parts     parts
}

var _ blob.Blob = (*Store)(nil)

// Open connects to the server and makes the bucket when it is not there. Without the
// right to make it the error is ErrDenied and says what to do.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := connect(c)
	if err != nil {
		return nil, err
	}
	if err := s.ensure(ctx, c.Region); err != nil {
		s.transport.CloseIdleConnections()
		return nil, fmt.Errorf("bucket %s at %s: %w", c.Bucket, s.core.EndpointURL().Host, err)
	}
	return s, nil
}

// Ask signs in and changes nothing: it says whether the bucket is there, which Open
// would make. The errors are those of Open.
func Ask(ctx context.Context, c Config) (there bool, err error) {
	s, err := connect(c)
	if err != nil {
		return false, err
	}
	defer s.transport.CloseIdleConnections()
	there, err = s.exists(ctx)
	if err != nil {
		return false, fmt.Errorf("bucket %s at %s: %w", c.Bucket, s.core.EndpointURL().Host, err)
	}
	return there, nil
}

func connect(c Config) (*Store, error) {
	if c.Bucket == "" || c.AccessKey == "" || c.SecretKey == "" {
		return nil, fmt.Errorf("%w: the bucket, the access key and the secret key are needed", ErrConfig)
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: the endpoint is not http://host:port or https://host", ErrConfig)
	}
	secure := u.Scheme == "https"
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure:       secure,
		Transport:    transport,
		Region:       region(c.Region),
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return &Store{core: core, transport: transport, bucket: c.Bucket}, nil
}

func region(r string) string {
	if r == "" {
		return "us-east-1"
	}
	return r
}

// ensure makes the bucket unless it is there.
func (s *Store) ensure(ctx context.Context, where string) error {
	there, err := s.exists(ctx)
	if there || err != nil {
		return err
	}
	err = s.core.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: region(where)})
	switch code := minio.ToErrorResponse(err).Code; {
	case err == nil, code == minio.BucketAlreadyOwnedByYou:
		return nil
	case denied(err):
		return fmt.Errorf("%w: there is no such bucket and the key may not make it; make it, or allow s3:CreateBucket: %w", ErrDenied, err)
	}
	return err
}

func (s *Store) exists(ctx context.Context) (bool, error) {
	there, err := s.core.BucketExists(ctx, s.bucket)
	if denied(err) {
		return false, fmt.Errorf("%w: check both keys, and that they may see, read and write this bucket: %w", ErrDenied, err)
	}
	return there, err
}

func denied(err error) bool {
	r := minio.ToErrorResponse(err)
	return err != nil && (r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized || r.Code == minio.AccessDenied)
}

// Close closes the idle connections. Calls under way go on.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Get implements blob.Blob.
func (s *Store) Get(ctx context.Context, key string, rng blob.Range) (io.ReadCloser, blob.Info, error) {
	if err := errors.Join(blob.CheckKey(key), rng.Check(), ctx.Err()); err != nil {
		return nil, blob.Info{}, err
	}
	var o minio.GetObjectOptions
	whole := rng == blob.Range{}
	if !whole {
		o.Set("Range", header(rng))
	}
	body, info, h, err := s.core.GetObject(ctx, s.bucket, key, o)
	if err != nil {
		return nil, blob.Info{}, failed("get", key, err)
	}
	if !whole {
		if info.Size, err = total(h); err != nil {
			body.Close()
			return nil, blob.Info{}, failed("get", key, err)
		}
	}
	return body, infoOf(key, info), nil
}

// header is the Range of RFC 9110, section 14.1.2.
func header(r blob.Range) string {
	last := r.From + r.Length - 1
	if r.Length == 0 || last < 0 { // to the end; or beyond any
		return fmt.Sprintf("bytes=%d-", r.From)
	}
	return fmt.Sprintf("bytes=%d-%d", r.From, last)
}

// total is the size of the whole object, from "bytes 0-9/100".
func total(h http.Header) (int64, error) {
	_, size, _ := strings.Cut(h.Get("Content-Range"), "/")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("the server answered a range without a Content-Range")
	}
	return n, nil
}

func infoOf(key string, o minio.ObjectInfo) blob.Info {
	return blob.Info{Key: key, Size: o.Size, ModTime: o.LastModified.UTC(), ETag: o.ETag, ContentType: o.ContentType}
}

// Stat implements blob.Blob.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	if err := errors.Join(blob.CheckKey(key), ctx.Err()); err != nil {
		return blob.Info{}, err
	}
	info, err := s.core.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return blob.Info{}, failed("stat", key, err)
	}
	return infoOf(key, info), nil
}

// List implements blob.Blob. Objects of others in the bucket, whose names are no keys,
// are left out.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error) {
	if err := errors.Join(blob.CheckPrefix(prefix), blob.CheckPrefix(after)); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > blob.MaxList {
		limit = blob.MaxList
	}
	noOwner := false
	o := minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, Recursive: true, MaxKeys: limit, FetchOwner: &noOwner}
	var found []blob.Info
	for object := range s.core.ListObjectsIter(ctx, s.bucket, o) {
		if object.Err != nil {
			return nil, failed("list", prefix, object.Err)
		}
		if blob.CheckKey(object.Key) != nil {
			continue
		}
		object.ContentType = ""
		if found = append(found, infoOf(object.Key, object)); len(found) == limit {
			return found, nil
		}
	}
	if err := ctx.Err(); err != nil { // ends the iteration without a word
		return nil, failed("list", prefix, err)
	}
	return found, nil
}

// Delete implements blob.Blob, a thousand keys in a request.
func (s *Store) Delete(ctx context.Context, key ...string) error {
	for _, k := range key {
		if err := blob.CheckKey(k); err != nil {
			return err
		}
	}
	if len(key) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	if len(key) == 1 {
		if err := s.core.RemoveObject(ctx, s.bucket, key[0], minio.RemoveObjectOptions{}); err != nil {
			return failed("delete", key[0], err)
		}
		return nil
	}
	objects := func(yield func(minio.ObjectInfo) bool) {
		slices.Values(key)(func(k string) bool { return yield(minio.ObjectInfo{Key: k}) })
	}
	results, err := s.core.RemoveObjectsWithIter(ctx, s.bucket, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return failed("delete", key[0], err)
	}
	var errs []error
	for r := range results {
		if r.Err != nil {
			errs = append(errs, failed("delete", r.ObjectName, r.Err))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// Presign implements blob.Blob for GET and PUT.
func (s *Store) Presign(ctx context.Context, method, key string, ttl time.Duration) (string, error) {
	if err := blob.CheckKey(key); err != nil {
		return "", err
	}
	if method != http.MethodGet && method != http.MethodPut {
		return "", fmt.Errorf("presign %s: %w", key, blob.ErrUnsupported)
	}
	u, err := s.core.Presign(ctx, method, s.bucket, key, ttl, nil)
	if err != nil {
		return "", failed("presign", key, err)
	}
	return u.String(), nil
}

// failed names the call and the key, and gives the errors of package blob.
func failed(call, key string, err error) error {
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey:
		err = blob.ErrNotFound
	case r.Code == minio.InvalidRange, r.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		err = blob.ErrRange
	}
	return fmt.Errorf("%s %s: %w", call, key, err)
}
