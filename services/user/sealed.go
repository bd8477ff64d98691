package user

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/seal"
)

// What the database must not tell is sealed for its row. Rows that are in clear, from
// before there was a Box, or sealed with an old key are sealed anew at each start.

func sealTOTP(box *seal.Box, user uuid.UUID, secret string) string {
	return box.Seal([]byte(secret), "user_totp", user.String())
}

func unsealTOTP(box *seal.Box, user uuid.UUID, stored string) (string, error) {
	if !seal.Sealed(stored) {
		return stored, nil
	}
	secret, err := box.Open(stored, "user_totp", user.String())
	if err != nil {
		return "", fmt.Errorf("user: the second factor of %s: %w", user, err)
	}
	return string(secret), nil
}

func sealSeed(box *seal.Box, kid string, key ed25519.PrivateKey) string {
	return box.Seal(key.Seed(), "user_signing_keys", kid)
}

func unsealSeed(box *seal.Box, kid, stored string) (ed25519.PrivateKey, error) {
	var seed []byte
	var err error
	if seal.Sealed(stored) {
		seed, err = box.Open(stored, "user_signing_keys", kid)
	} else {
		seed, err = base64.RawStdEncoding.DecodeString(stored)
	}
	if err == nil && len(seed) != ed25519.SeedSize {
		err = seal.ErrDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("key %s in the database cannot be used (its row in user_signing_keys may be deleted: who is signed in gets a new token): %w", kid, err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// CheckSealed reads the signing keys: seal.ErrOtherKey when the processes that share
// the database do not share box.
func CheckSealed(ctx context.Context, d *db.DB, box *seal.Box) error {
	_, err := readKeys(ctx, d, box)
	return err
}

const sealBatch = 500 // rows in one read

// sealRows seals anew what is not sealed with the present key. Second factors that
// cannot be opened stay as they are and are logged: the others work.
func (s *Service) sealRows(ctx context.Context) error {
	if err := s.sealSeeds(ctx); err != nil {
		return err
	}
	lost := 0
	for after, n := uuid.Nil, sealBatch; n == sealBatch; {
		rows, err := s.db.Query(ctx, `SELECT user_id, secret FROM user_totp WHERE user_id > $1 AND secret NOT LIKE $2 ORDER BY user_id LIMIT $3`, after, s.box.Prefix()+"%", sealBatch)
		list, err := db.Collect(rows, err, scanSealed)
		if err != nil {
			return fmt.Errorf("user: %w", err)
		}
		n = len(list)
		for _, row := range list {
			after = row.user
			secret, err := unsealTOTP(s.box, row.user, row.stored)
			if errors.Is(err, seal.ErrOtherKey) || errors.Is(err, seal.ErrDamaged) {
				lost++
				continue
			}
			if err != nil {
				return err
			}
			_, err = s.db.Exec(ctx, `UPDATE user_totp SET secret=$1 WHERE user_id=$2 AND secret=$3`, sealTOTP(s.box, row.user, secret), row.user, row.stored)
			if err != nil {
				return fmt.Errorf("user: %w", err)
			}
		}
	}
	if lost > 0 {
		s.log.Error("second factors cannot be read: they were sealed with another key, or are damaged; bring the key back, or turn them off with `weir user reset-totp`", "accounts", lost)
	}
	return nil
}

// sealedRow is a user_totp row that is not sealed with the present key.
type sealedRow struct {
	user   uuid.UUID
	stored string
}

func scanSealed(r db.Row) (row sealedRow, err error) {
	err = r.Scan(&row.user, &row.stored)
	return row, err
}

func (s *Service) sealSeeds(ctx context.Context) error {
	rows, err := s.db.Query(ctx, `SELECT kid, seed FROM user_signing_keys WHERE seed NOT LIKE $1`, s.box.Prefix()+"%")
	list, err := db.Collect(rows, err, func(r db.Row) (row [2]string, err error) {
		err = r.Scan(&row[0], &row[1])
		return row, err
	})
	if err != nil {
		return fmt.Errorf("user: signing keys: %w", err)
	}
	for _, row := range list {
		kid, stored := row[0], row[1]
		key, err := unsealSeed(s.box, kid, stored)
		if err != nil {
			return fmt.Errorf("user: signing keys: %w", err)
		}
		if _, err := s.db.Exec(ctx, `UPDATE user_signing_keys SET seed=$1 WHERE kid=$2 AND seed=$3`, sealSeed(s.box, kid, key), kid, stored); err != nil {
			return fmt.Errorf("user: signing keys: %w", err)
		}
	}
	return nil
}
