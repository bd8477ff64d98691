package user

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/seal"
)

const (
	// keyLife is how long a key signs.
	keyLife = 30 * 24 * time.Hour
	// keyAhead is how long before its first use a new key is published, so that those who
	// keep the JWKS have it by then.
	keyAhead = 10 * time.Minute
	// keyKept is how long an old key stays in the database after its successor began;
	// the ring stops trusting it much earlier.
	keyKept = 24 * time.Hour
	// keySeek is how often a kid that is not in the ring makes us read the database.
	keySeek = 5 * time.Second
)

// keyring is the signing keys in the database and in memory. Several processes may
// share the database: each looks again every minute, and when it meets a kid that it
// does not know.
type keyring struct {
	db   *db.DB
	box  *seal.Box
	now  func() time.Time
	ring *auth.Ring

	mu     sync.Mutex // holds back a second look
	looked time.Time
}

var _ auth.KeySource = (*keyring)(nil)

func openKeys(ctx context.Context, d *db.DB, box *seal.Box, now func() time.Time) (*keyring, error) {
	k := &keyring{db: d, box: box, now: now}
	keys, err := k.turn(ctx)
	if err != nil {
		return nil, fmt.Errorf("user: signing keys: %w", err)
	}
	if k.ring, err = auth.NewRing(now, keys...); err != nil {
		return nil, fmt.Errorf("user: signing keys: %w", err)
	}
	return k, nil
}

// refresh reads the keys again, and adds one or drops some when it is time.
func (k *keyring) refresh(ctx context.Context) error {
	keys, err := k.turn(ctx)
	if err == nil {
		err = k.ring.Set(keys...)
	}
	if err != nil {
		return fmt.Errorf("user: signing keys: %w", err)
	}
	return nil
}

// Key is auth.KeySource. It asks the database when the ring does not know kid, at most
// every five seconds.
func (k *keyring) Key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	key, err := k.ring.Key(ctx, kid)
	if !errors.Is(err, auth.ErrUnknownKey) || !k.mayLook() {
		return key, err
	}
	if err := k.refresh(ctx); err != nil {
		return nil, err
	}
	return k.ring.Key(ctx, kid)
}

func (k *keyring) mayLook() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if !k.looked.IsZero() && now.Sub(k.looked) < keySeek {
		return false
	}
	k.looked = now
	return true
}

// turn does what is due and returns all keys, newest first, at least one.
func (k *keyring) turn(ctx context.Context) ([]auth.SigningKey, error) {
	keys, err := readKeys(ctx, k.db, k.box)
	if err != nil {
		return nil, err
	}
	now := k.now().UTC().Truncate(time.Microsecond)
	switch {
	case len(keys) == 0:
		err = k.add(ctx, 0, now) // the first: used at once
	case now.Sub(keys[0].Created) >= keyLife-keyAhead:
		err = k.add(ctx, keys[0].number, now.Add(keyAhead))
	default:
		return signingKeys(keys), nil
	}
	if err != nil {
		return nil, err
	}
	if err := k.drop(ctx, now); err != nil {
		return nil, err
	}
	keys, err = readKeys(ctx, k.db, k.box)
	return signingKeys(keys), err
}

// add stores the key that follows number last. When another process was faster, its
// key is the one.
func (k *keyring) add(ctx context.Context, last int64, from time.Time) error {
	key, err := auth.NewSigningKey(from)
	if err != nil {
		return err
	}
	_, err = k.db.Exec(ctx, `INSERT INTO user_signing_keys (kid, number, seed, created_at) VALUES ($1,$2,$3,$4) ON CONFLICT (number) DO NOTHING`,
		key.ID, last+1, sealSeed(k.box, key.ID, key.Private), from)
	return err
}

// drop removes the keys that a successor replaced long ago.
func (k *keyring) drop(ctx context.Context, now time.Time) error {
	_, err := k.db.Exec(ctx, `DELETE FROM user_signing_keys WHERE EXISTS
  (SELECT 1 FROM user_signing_keys n WHERE n.number = user_signing_keys.number + 1 AND n.created_at < $1)`, now.Add(-keyKept))
	return err
}

// storedKey is a signing key and its number.
type storedKey struct {
	number int64
	auth.SigningKey
}

func readKeys(ctx context.Context, q db.Q, box *seal.Box) ([]storedKey, error) {
	rows, err := q.Query(ctx, `SELECT kid, number, seed, created_at FROM user_signing_keys ORDER BY number DESC LIMIT 16`)
	return db.Collect(rows, err, func(r db.Row) (storedKey, error) {
		var key storedKey
		var seed string
		if err := r.Scan(&key.ID, &key.number, &seed, &key.Created); err != nil {
			return key, err
		}
		var err error
		key.Private, err = unsealSeed(box, key.ID, seed)
		return key, err
	})
}

func signingKeys(keys []storedKey) []auth.SigningKey {
	out := make([]auth.SigningKey, len(keys))
	for i, k := range keys {
		out[i] = k.SigningKey
	}
	return out
}

// Keys is where a Verifier in this process finds the keys of access tokens.
func (s *Service) Keys() auth.KeySource { return s.keys }

// JWKS is the document of the public keys (RFC 7517), for everybody else. It does not
// block.
func (s *Service) JWKS() ([]byte, error) { return auth.MarshalJWKS(s.keys.ring.Public()) }
