package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
	"weir/services/live"
)

// newLegacyStore is Redis where other nodes read it, else the data folder, which a killed
// process leaves.
func newLegacyStore(r *redis.Client, dataDir string) legacyStore {
	if r.Embedded() {
		return legacyFiles{filepath.Join(dataDir, legacyFolder)}
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

// legacyFiles keeps each in a file of its own.
type legacyFiles struct{ dir string }

const legacyEnd = ".json"

func (s legacyFiles) path(name string) string { return filepath.Join(s.dir, name+legacyEnd) }

func (s legacyFiles) put(_ context.Context, texts map[string][]byte, _ time.Duration) error {
	err := os.MkdirAll(s.dir, 0o750)
	for name, text := range texts {
		if err == nil {
			err = os.WriteFile(s.path(name)+".part", text, 0o640)
		}
		if err == nil {
			err = os.Rename(s.path(name)+".part", s.path(name))
		}
	}
	return err
}

// legacySize bounds a file that is read.
const legacySize = 64 << 10

func (s legacyFiles) get(_ context.Context, name string) ([]byte, error) {
	f, err := os.Open(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, legacySize))
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
