package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keyFile is where stream keys were before there were channels.
const keyFile = "keys.json"

// Import takes the stream keys of a data folder's keys.json into the database, as keys of
// the operator's channels of those names, and renames the file, so that it is done once.
// Keys go on working. Without the file it does nothing.
func (s *Service) Import(ctx context.Context, dir string) error {
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stream keys: %w", err)
	}
	var old struct {
		Keys []struct {
			Name    string    `json:"name"`
			Hash    string    `json:"hash"`
			Created time.Time `json:"created"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(text, &old); err != nil {
		return fmt.Errorf("%s is damaged: mend it or move it away: %w", path, err)
	}
	for _, k := range old.Keys {
		c, err := s.Ensure(ctx, k.Name, nil, true)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		id, err := newID()
		if err != nil {
			return err
		}
		_, err = s.db.Exec(ctx, `INSERT INTO live_keys (id, channel_id, label, key_hash, created_at) VALUES ($1,$2,'',$3,$4) ON CONFLICT (key_hash) DO NOTHING`,
			id, c.ID, k.Hash, k.Created.UTC())
		if err != nil {
			return faultOf(err)
		}
	}
	s.log.Info("stream keys are in the database now", "keys", len(old.Keys))
	return os.Rename(path, path+".imported")
}
