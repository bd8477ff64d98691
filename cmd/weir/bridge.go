package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"weir/packager/archive"
	"weir/services/backing/blob"
)

// This file has the services' object store serve packager's recordings.

// blobStore keeps recordings where the services keep their objects.
type blobStore struct{ blobs blob.Blob }

var (
	_ archive.Store = blobStore{}
	_ archive.Mover = blobStore{}
)

// Put stores an object.
func (s blobStore) Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error {
	_, err := s.blobs.Put(ctx, key, r, blob.PutOptions{ContentType: contentType, Size: size})
	return err
}

// Move takes a file in, where the store can.
func (s blobStore) Move(ctx context.Context, key, path, contentType string) error {
	m, ok := s.blobs.(mover)
	if !ok {
		return errors.ErrUnsupported
	}
	err := m.Move(ctx, key, path, contentType)
	if errors.Is(err, blob.ErrUnsupported) {
		err = fmt.Errorf("%w (%w)", errors.ErrUnsupported, err)
	}
	return err
}

// mover is a fileblob.Store.
type mover interface {
	Move(ctx context.Context, key, path, contentType string) error
}

// Get gives a range of an object.
func (s blobStore) Get(ctx context.Context, key string, from, length int64) (io.ReadCloser, int64, error) {
	body, info, err := s.blobs.Get(ctx, key, blob.Range{From: from, Length: length})
	if errors.Is(err, blob.ErrNotFound) {
		err = fmt.Errorf("%w (%w)", archive.ErrNotFound, err)
	}
	return body, info.Size, err
}

// List gives the next objects.
func (s blobStore) List(ctx context.Context, prefix, after string, limit int) ([]archive.Object, error) {
	infos, err := s.blobs.List(ctx, prefix, after, limit)
	list := make([]archive.Object, len(infos))
	for i, x := range infos {
		list[i] = archive.Object{Key: x.Key, Size: x.Size}
	}
	return list, err
}

// Delete removes objects.
func (s blobStore) Delete(ctx context.Context, keys ...string) error {
	return s.blobs.Delete(ctx, keys...)
}
