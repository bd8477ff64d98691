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

// newCheckpointStore is Redis where other nodes read it, else the data folder, which a killed
// process leaves.
func newCheckpointStore(r *redis.Client, dataDir string) checkpointStore {
	if r.Embedded() {
		return newCheckpointFiles(filepath.Join(dataDir, checkpointFolder))
	}
	return checkpointRedis{r}
}

// checkpointRedis keeps checkpoints in Redis, where they end by themselves.
type checkpointRedis struct{ redis *redis.Client }

const checkpointPrefix = "weir:live:checkpoint:"

func (s checkpointRedis) put(ctx context.Context, texts map[string][]byte, life time.Duration) error {
	_, err := s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for name, text := range texts {
			p.Set(ctx, checkpointPrefix+name, text, life)
		}
		return nil
	})
	return err
}

func (s checkpointRedis) get(ctx context.Context, name string) ([]byte, error) {
	text, err := s.redis.Get(ctx, checkpointPrefix+name).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return text, err
}

func (s checkpointRedis) drop(ctx context.Context, names []string) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = checkpointPrefix + name
	}
	return s.redis.Del(ctx, keys...).Err()
}

// checkpointMost bounds the names that are listed.
const checkpointMost = 10_000

func (s checkpointRedis) list(ctx context.Context) (names []string, err error) {
	all := s.redis.Scan(ctx, 0, checkpointPrefix+"*", 1000).Iterator()
	for len(names) < checkpointMost && all.Next(ctx) {
		names = append(names, strings.TrimPrefix(all.Val(), checkpointPrefix))
	}
	return names, all.Err()
}

// checkpointFolder holds what streams leave, below the data folder.
const checkpointFolder = "resume"

// checkpointFiles keeps each in a file of its own, as its first line. They are written in
// place: to make a new file each time, once a segment, took a twentieth of the CPU of a
// stream that passes through. Who is killed meanwhile leaves the one or the other, and of
// a line that lies on two pages, in a moment that rare, nothing good: a new stream begins.
type checkpointFiles struct {
	dir string
	mu  *sync.RWMutex // of what is written, against who reads
}

func newCheckpointFiles(dir string) checkpointFiles { return checkpointFiles{dir, new(sync.RWMutex)} }

const checkpointEnd = ".json"

func (s checkpointFiles) path(name string) string { return filepath.Join(s.dir, name+checkpointEnd) }

func (s checkpointFiles) put(_ context.Context, texts map[string][]byte, _ time.Duration) error {
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

// checkpointSize bounds a file that is read.
const checkpointSize = 64 << 10

func (s checkpointFiles) get(_ context.Context, name string) ([]byte, error) {
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
	text, err := io.ReadAll(io.LimitReader(f, checkpointSize))
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return line, err
}

func (s checkpointFiles) drop(_ context.Context, names []string) error {
	for _, name := range names {
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s checkpointFiles) list(context.Context) (names []string, err error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), checkpointEnd); ok && live.ValidName(name) && len(names) < checkpointMost {
			names = append(names, name)
		}
	}
	return names, err
}
