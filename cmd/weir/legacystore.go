package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
	"weir/services/live"
)

// newLegacyStore is Redis where other nodes read it, else the data folder, which a killed
// process leaves.
func newLegacyStore(r *redis.Client, dataDir string) legacyStore {
	if r.Embedded() {
		return newLegacyFiles(filepath.Join(dataDir, legacyFolder))
	}
	return legacyRedis{r}
}

// legacyRedis keeps legacies in Redis, where they end by themselves.
type legacyRedis struct{ redis *redis.Client }

const legacyPrefix = "weir:live:legacy:"

func (s legacyRedis) put(ctx context.Context, texts map[string][]byte, life time.Duration) error {
	_, err := s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for name, text := range texts {
			p.Set(ctx, legacyPrefix+name, text, life)
		}
		return nil
	})
	return err
}

func (s legacyRedis) get(ctx context.Context, name string) ([]byte, error) {
	text, err := s.redis.Get(ctx, legacyPrefix+name).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return text, err
}

func (s legacyRedis) drop(ctx context.Context, names []string) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = legacyPrefix + name
	}
	return s.redis.Del(ctx, keys...).Err()
}

// legacyMost bounds the names that are listed.
const legacyMost = 10_000

func (s legacyRedis) list(ctx context.Context) (names []string, err error) {
	all := s.redis.Scan(ctx, 0, legacyPrefix+"*", 1000).Iterator()
	for len(names) < legacyMost && all.Next(ctx) {
		names = append(names, strings.TrimPrefix(all.Val(), legacyPrefix))
	}
	return names, all.Err()
}

// legacyFolder holds what streams leave, below the data folder.
const legacyFolder = "resume"

// legacyFiles keeps each in a file of its own, as its first line. They are written in
// place: to make a new file each time, once a segment, took a twentieth of the CPU of a
// stream that passes through. Who is killed meanwhile leaves the one or the other, and of
// a line that lies on two pages, in a moment that rare, nothing good: a new stream begins.
type legacyFiles struct {
	dir string
	mu  *sync.RWMutex // of what is written, against who reads
}

func newLegacyFiles(dir string) legacyFiles { return legacyFiles{dir, new(sync.RWMutex)} }

const legacyEnd = ".json"

func (s legacyFiles) path(name string) string { return filepath.Join(s.dir, name+legacyEnd) }

func (s legacyFiles) put(_ context.Context, texts map[string][]byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := os.MkdirAll(s.dir, 0o750)
	for name, text := range texts {
		if err == nil {
			err = overwrite(s.path(name), append(slices.Clip(text), '\n'))
		}
	}
	return err
}

// overwrite writes the beginning of a file, which is made where there is none. What an older
// and longer text leaves stays behind it.
func overwrite(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// legacySize bounds a file that is read.
const legacySize = 64 << 10

func (s legacyFiles) get(_ context.Context, name string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, err := os.Open(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, legacySize))
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return line, err
}

func (s legacyFiles) drop(_ context.Context, names []string) error {
	for _, name := range names {
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s legacyFiles) list(context.Context) (names []string, err error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), legacyEnd); ok && live.ValidName(name) && len(names) < legacyMost {
			names = append(names, name)
		}
	}
	return names, err
}
