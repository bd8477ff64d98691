package fileblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"weir/services/backing/blob"
)

// batch is how many entries of a folder are read at once, and how many names are kept
// of each level.
const batch = 512

// List implements blob.Blob.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error) {
	if err := errors.Join(blob.CheckPrefix(prefix), blob.CheckPrefix(after)); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > blob.MaxList {
		limit = blob.MaxList
	}
	w := walk{store: s, prefix: prefix, after: after, limit: limit}
	if err := w.folder(ctx, ""); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	return w.found, nil
}

// walk collects objects in the order of their keys.
type walk struct {
	store         *Store
	prefix, after string
	limit         int
	found         []blob.Info
}

// folder adds the objects whose keys begin with at, which is "" or ends with "/".
func (w *walk) folder(ctx context.Context, at string) error {
	last := ""
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, err := w.page(at, last)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := w.entry(ctx, key); err != nil || len(w.found) == w.limit {
				return err
			}
		}
		if len(keys) < batch {
			return nil
		}
		last = keys[len(keys)-1]
	}
}

// entry adds one object, or what is in one folder.
func (w *walk) entry(ctx context.Context, key string) error {
	if strings.HasSuffix(key, "/") {
		return w.folder(ctx, key)
	}
	f, info, err := w.store.open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, errDamaged) {
		return nil // deleted since, or not ours
	}
	if err != nil {
		return err
	}
	f.Close()
	info.ContentType = ""
	w.found = append(w.found, info)
	return nil
}

// page returns the first entries of a folder that are wanted and come after last, in
// order: keys, and the beginnings of keys, which end with "/". With the slash they are
// ordered as the keys in them are.
func (w *walk) page(at, last string) ([]string, error) {
	name := "."
	if at != "" {
		name = strings.TrimSuffix(at, "/")
	}
	dir, err := w.store.root.Open(name)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var keys []string
	for {
		entries, err := dir.ReadDir(batch)
		full := len(keys) == batch
		for _, e := range entries {
			key := keyOf(at, e)
			if key <= last || full && key > keys[batch-1] || !w.wants(key) || !valid(key) {
				continue
			}
			keys = append(keys, key)
		}
		keys = least(keys)
		if errors.Is(err, io.EOF) || missing(err) { // removed while it was read
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// least keeps the first batch of the keys. One that was moved in while it was replaced
// has two files for a moment.
func least(keys []string) []string {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), batch)]
}

// keyOf returns the key of a file, or the beginning of the keys in a folder with its
// "/", or "" for what is neither.
func keyOf(at string, e os.DirEntry) string {
	if e.IsDir() {
		return at + e.Name() + "/"
	}
	name, ok := strings.CutSuffix(e.Name(), suffix)
	if !ok {
		name, ok = strings.CutSuffix(e.Name(), bare)
		ok = ok && mayBeBare(name)
	}
	if !ok || !e.Type().IsRegular() {
		return ""
	}
	return at + name
}

func valid(key string) bool { return blob.CheckKey(strings.TrimSuffix(key, "/")) == nil }

// wants says whether key is listed, or whether a key that begins with it may be.
func (w *walk) wants(key string) bool {
	if !strings.HasSuffix(key, "/") {
		return key > w.after && strings.HasPrefix(key, w.prefix)
	}
	within := strings.HasPrefix(key, w.prefix) || strings.HasPrefix(w.prefix, key)
	return within && (key > w.after || strings.HasPrefix(w.after, key))
}
