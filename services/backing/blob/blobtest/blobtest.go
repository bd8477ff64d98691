package blobtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"weir/services/backing/blob"
	"weir/services/backing/blob/fileblob"
	"weir/services/backing/blob/s3blob"
)

// Env names the variable with the address of a real server.
const Env = "WEIR_TEST_S3_ENDPOINT"

// Each runs f as a subtest on a fresh folder, and as another one on a fresh bucket of
// the server of Env, if that is set.
func Each(t *testing.T, f func(t *testing.T, b blob.Blob)) {
	t.Helper()
	t.Run("blob=files", func(t *testing.T) { f(t, Files(t)) })
	if os.Getenv(Env) != "" {
		t.Run("blob="+Env, func(t *testing.T) { f(t, S3(t)) })
	}
}

// Files returns a Blob on a fresh folder, closed and removed after the test.
func Files(t testing.TB) *fileblob.Store {
	t.Helper()
	s, err := fileblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// S3 returns a Blob on a fresh bucket of the server of Env; it fails the test when the
// variables are not set.
func S3(t testing.TB) *s3blob.Store {
	t.Helper()
	c := Config(t)
	s, err := s3blob.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		remove(t, c)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Config returns the settings of a bucket that does not exist, on the server of Env.
func Config(t testing.TB) s3blob.Config {
	t.Helper()
	c := s3blob.Config{
		Endpoint:  os.Getenv(Env),
		Bucket:    os.Getenv("WEIR_TEST_S3_BUCKET"),
		AccessKey: os.Getenv("WEIR_TEST_S3_ACCESS_KEY"),
		SecretKey: os.Getenv("WEIR_TEST_S3_SECRET_KEY"),
	}
	if c.Endpoint == "" || c.Bucket == "" || c.AccessKey == "" || c.SecretKey == "" {
		t.Fatalf("%s, _BUCKET, _ACCESS_KEY and _SECRET_KEY are needed", Env)
	}
	c.Bucket += "-" + strings.ToLower(rand.Text()[:12])
	return c
}

// Bucket returns the settings of a bucket that is removed after the test, which somebody
// else opens.
func Bucket(t testing.TB) s3blob.Config {
	t.Helper()
	c := Config(t)
	t.Cleanup(func() { remove(t, c) })
	return c
}

// Admin returns a client of the server, for what a Blob does not do.
func Admin(t testing.TB, c s3blob.Config) *minio.Core {
	t.Helper()
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := minio.DefaultTransport(u.Scheme == "https")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: u.Scheme == "https",
		Region: "us-east-1", BucketLookup: minio.BucketLookupPath, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// remove empties and removes the bucket.
func remove(t testing.TB, c s3blob.Config) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	core := Admin(t, c)
	for o := range core.ListObjectsIter(ctx, c.Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Error(o.Err)
			return
		}
		if err := core.RemoveObject(ctx, c.Bucket, o.Key, minio.RemoveObjectOptions{}); err != nil {
			t.Error(err)
		}
	}
	if err := core.RemoveBucket(ctx, c.Bucket); err != nil {
		t.Error(err)
	}
}
