package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"weir/services/backing/db"
	"weir/services/live"
	"weir/services/seal"
	"weir/services/user"
)

// secretFile is the key that seals secrets in the database, in the data folder, when
// WEIR_SECRET_KEY is empty.
const secretFile = "secret.key"

// openSeal gives the Box of the settings. Without one it makes the key once, in the
// data folder, which exists.
func openSeal(cfg *Settings) (*seal.Box, error) {
	if cfg.Store.SecretKey != "" {
		return sealOf(cfg, cfg.Store.SecretKey)
	}
	key, err := seal.KeyFile(filepath.Join(cfg.Store.DataDir, secretFile))
	if err != nil {
		return nil, err
	}
	return sealWith(cfg, key)
}

// knownSeal is openSeal for commands: where there is no key yet it is nil, and none is
// made, which would be another than that of the servers.
func knownSeal(cfg *Settings) (*seal.Box, error) {
	if cfg.Store.SecretKey == "" {
		if _, err := os.Stat(filepath.Join(cfg.Store.DataDir, secretFile)); err != nil {
			return nil, nil //nolint:nilerr // what it would seal is learnt later
		}
	}
	return openSeal(cfg)
}

func sealOf(cfg *Settings, text string) (*seal.Box, error) {
	key, err := seal.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("WEIR_SECRET_KEY: %w", err)
	}
	return sealWith(cfg, key)
}

func sealWith(cfg *Settings, key []byte) (*seal.Box, error) {
	if cfg.Store.SecretKeyOld == "" {
		return seal.New(key)
	}
	old, err := seal.ParseKey(cfg.Store.SecretKeyOld)
	if err != nil {
		return nil, fmt.Errorf("WEIR_SECRET_KEY_OLD: %w", err)
	}
	return seal.New(key, old)
}

// sealError says what to do when two processes do not have the same key.
func sealError(err error) error {
	if !errors.Is(err, seal.ErrOtherKey) {
		return err
	}
	return fmt.Errorf("%w: give all processes that share the database the same WEIR_SECRET_KEY (%s in the data folder of the first), or set WEIR_SECRET_KEY_OLD to the key before", err, secretFile)
}

// checkKeys says which keys in the settings are none.
func (s *Settings) checkKeys(bad func(name, format string, args ...any)) {
	for _, key := range [][2]string{{"WEIR_SECRET_KEY", s.Store.SecretKey}, {"WEIR_SECRET_KEY_OLD", s.Store.SecretKeyOld}} {
		if key[1] == "" {
			continue
		}
		if _, err := seal.ParseKey(key[1]); err != nil {
			bad(key[0], "%v", err)
		}
	}
}

// checkSeal looks, without making anything, whether what the database keeps can be
// opened with the key that this process has.
func checkSeal(ctx context.Context, cfg *Settings) []finding {
	named := false
	cfg.checkKeys(func(string, string, ...any) { named = true })
	if named {
		return nil // as wrong, already
	}
	f := finding{what: "WEIR_SECRET_KEY"}
	file := filepath.Join(cfg.Store.DataDir, secretFile)
	_, missing := os.Stat(file)
	var box *seal.Box
	switch {
	case cfg.Store.SecretKey == "" && missing != nil:
		f.remark = "none yet: the first start makes " + file
		box, f.err = seal.New(seal.NewKey()) // opens nothing
	default:
		box, f.err = openSeal(cfg)
		if f.err == nil && cfg.Store.SecretKey == "" {
			f.remark = fmt.Sprintf("%s has the key %s; processes elsewhere that share the database need it in their settings", file, box)
		} else if f.err == nil {
			f.remark = "the key is " + box.ID()
		}
	}
	if f.err != nil {
		return []finding{f}
	}
	lite := filepath.Join(cfg.Store.DataDir, databaseFile)
	if _, err := os.Stat(lite); cfg.Store.DatabaseURL == "" && err != nil {
		return []finding{f}
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	d, err := db.Open(ctx, db.Config{URL: cfg.Store.DatabaseURL, Path: lite})
	if err != nil {
		return []finding{f} // said elsewhere
	}
	defer d.Close()
	if err := errors.Join(user.CheckSealed(ctx, d, box), live.CheckSealed(ctx, d, box)); errors.Is(err, seal.ErrOtherKey) || errors.Is(err, seal.ErrDamaged) {
		f.err = sealError(err)
	}
	return []finding{f}
}
