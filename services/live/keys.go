package live

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/fault"
)

// Key is what is kept of a stream key; the key itself is shown once, when it is made.
type Key struct {
	ID      uuid.UUID  `json:"id"`
	Label   string     `json:"label" doc:"What its owner calls it"`
	Created time.Time  `json:"created_at"`
	Expires *time.Time `json:"expires_at,omitempty" doc:"When it ends by itself; absent: never"`
	Used    *time.Time `json:"used_at,omitempty" doc:"When somebody published with it last, to the minute"`
}

// NewKey is a key with its secret.
type NewKey struct {
	Key
	Secret string `json:"stream_key" doc:"What the encoder is given. Shown this once; only a hash is kept"`
}

// KeyOf is a key with the name of its channel.
type KeyOf struct {
	Key
	Name string
}

// Keys are the keys of a channel that are not revoked, oldest first.
func (s *Service) Keys(ctx context.Context, who auth.Identity, channel uuid.UUID) ([]Key, error) {
	if _, err := s.access(ctx, s.store(), who, channel, Manager); err != nil {
		return nil, err
	}
	list, err := s.store().keys(ctx, channel)
	return list, faultOf(err)
}

// CreateKey makes a key for a channel; expires may be nil.
func (s *Service) CreateKey(ctx context.Context, who auth.Identity, channel uuid.UUID, label string, expires *time.Time) (NewKey, error) {
	var made NewKey
	clean, problem := checkText(label, 60, false)
	if problem != "" {
		return made, fault.Bad("body.label", problem)
	}
	if expires != nil && !expires.After(s.now()) {
		return made, fault.Bad("body.expires_at", "must be in the future")
	}
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Manager)
		if err != nil {
			return err
		}
		made, err = s.mint(ctx, st, c, clean, expires)
		return err
	})
	return made, err
}

// RotateKey replaces a key by a new one with the same label and end: the old one is
// revoked, and who publishes with it is sent away within a second. A key that has ended
// is followed by one that lives as long again.
func (s *Service) RotateKey(ctx context.Context, who auth.Identity, channel, key uuid.UUID) (NewKey, error) {
	var made NewKey
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Manager)
		if err != nil {
			return err
		}
		old, err := st.revoke(ctx, channel, key, s.stamp())
		if err != nil {
			return notFound(err, "key")
		}
		expires := old.Expires
		if now := s.stamp(); expires != nil && !expires.After(now) {
			again := now.Add(expires.Sub(old.Created))
			expires = &again
		}
		if made, err = s.mint(ctx, st, c, old.Label, expires); err != nil {
			return err
		}
		return emit(ctx, st, event.KeyRotated{ChannelID: channel, Name: c.Name, OldKeyID: key, KeyID: made.ID, ByUserID: who.User})
	})
	return made, err
}

// RevokeKey ends a key; who publishes with it is sent away within a second.
func (s *Service) RevokeKey(ctx context.Context, who auth.Identity, channel, key uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.hold(ctx, st, who, channel, Manager); err != nil {
			return err
		}
		_, err := st.revoke(ctx, channel, key, s.stamp())
		return notFound(err, "key")
	})
}

// mint makes a key in the transaction of st, for a channel that the caller holds.
func (s *Service) mint(ctx context.Context, st Store, c *Channel, label string, expires *time.Time) (NewKey, error) {
	list, err := st.keys(ctx, c.ID)
	if err != nil {
		return NewKey{}, err
	}
	if len(list) >= keysEach {
		return NewKey{}, fault.Newf(fault.Conflict, "a channel has at most %d keys; revoke one first", keysEach)
	}
	id, err := newID()
	if err != nil {
		return NewKey{}, err
	}
	k := NewKey{Key: Key{ID: id, Label: label, Created: s.stamp(), Expires: expires}, Secret: newSecret()}
	return k, st.insertKey(ctx, c.ID, k.Key, hashOf(k.Secret), s.sealDigest(id, c.Name, k.Secret))
}

// newSecret has 192 random bits in 32 characters.
func newSecret() string {
	var raw [24]byte
	rand.Read(raw[:]) // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// IssueKey makes a key for a name, and the operator's channel where there is none. It
// is for the operator's commands.
func (s *Service) IssueKey(ctx context.Context, name, label string) (NewKey, error) {
	c, err := s.Ensure(ctx, name, nil, true)
	if err != nil {
		return NewKey{}, err
	}
	var made NewKey
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		held, err := st.held(ctx, c.ID)
		if err != nil {
			return notFound(err, "channel")
		}
		made, err = s.mint(ctx, st, held, label, nil)
		return err
	})
	return made, err
}

// First makes a key for name, and its channel with owner, if this installation never
// had any key; otherwise key is empty.
func (s *Service) First(ctx context.Context, name string, owner *uuid.UUID) (key string, err error) {
	if some, err := s.store().anyKey(ctx); err != nil || some {
		return "", faultOf(err)
	}
	c, err := s.Ensure(ctx, name, owner, true)
	if err != nil {
		return "", err
	}
	var made NewKey
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		held, err := st.held(ctx, c.ID)
		if err != nil {
			return notFound(err, "channel")
		}
		if some, err := st.anyKey(ctx); err != nil || some { // another process was first
			return err
		}
		made, err = s.mint(ctx, st, held, "", nil)
		return err
	})
	return made.Secret, err
}

// AllKeys are the keys of all channels, for the operator: at most a thousand.
func (s *Service) AllKeys(ctx context.Context) ([]KeyOf, error) {
	list, err := s.store().allKeys(ctx)
	return list, faultOf(err)
}

// Revoke ends the key with that ID, for the operator; not_found: there is none.
func (s *Service) Revoke(ctx context.Context, key uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		_, err := st.revoke(ctx, uuid.Nil, key, s.stamp())
		return notFound(err, "key")
	})
}

// lent are keys that only this process knows and that end with it.
type lent struct {
	mu     sync.Mutex
	byHash map[string]string // hash -> name
}

// Lend makes a key for a name that is no row in the database, until giveBack is called.
func (s *Service) Lend(name string) (key string, giveBack func()) {
	key = newSecret()
	hash := hashOf(key)
	s.lent.mu.Lock()
	defer s.lent.mu.Unlock()
	s.lent.byHash[hash] = name
	return key, func() {
		s.lent.mu.Lock()
		defer s.lent.mu.Unlock()
		delete(s.lent.byHash, hash)
	}
}

func (l *lent) find(hash string) (name string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name, ok = l.byHash[hash]
	return name, ok
}

func (s Store) insertKey(ctx context.Context, channel uuid.UUID, k Key, hash, digest string) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_keys (id, channel_id, label, key_hash, digest, created_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		k.ID, channel, k.Label, hash, digest, k.Created, k.Expires)
	return err
}

const keyColumns = `k.id, k.label, k.created_at, k.expires_at, k.used_at`

func (k *Key) fields() []any { return []any{&k.ID, &k.Label, &k.Created, &k.Expires, &k.Used} }

func (s Store) keys(ctx context.Context, channel uuid.UUID) ([]Key, error) {
	rows, err := s.q.Query(ctx, `SELECT `+keyColumns+` FROM live_keys k WHERE k.channel_id=$1 AND k.revoked_at IS NULL ORDER BY k.id LIMIT 1000`, channel)
	return db.Collect(rows, err, func(r db.Row) (k Key, err error) { err = r.Scan(k.fields()...); return k, err })
}

func (s Store) allKeys(ctx context.Context) ([]KeyOf, error) {
	rows, err := s.q.Query(ctx, `SELECT `+keyColumns+`, c.name FROM live_keys k JOIN live_channels c ON c.id=k.channel_id
WHERE k.revoked_at IS NULL ORDER BY k.id LIMIT 1000`)
	return db.Collect(rows, err, func(r db.Row) (k KeyOf, err error) { err = r.Scan(append(k.fields(), &k.Name)...); return k, err })
}

func (s Store) anyKey(ctx context.Context) (bool, error) {
	var id uuid.UUID
	err := s.q.QueryRow(ctx, `SELECT id FROM live_keys LIMIT 1`).Scan(&id)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// revoke ends a key of a channel, of any channel for the nil UUID. The node where it is
// in use sees that (standing.why). db.ErrNotFound: there is no such key.
func (s Store) revoke(ctx context.Context, channel, key uuid.UUID, now time.Time) (Key, error) {
	var k Key
	err := s.q.QueryRow(ctx, `UPDATE live_keys SET revoked_at=$1 WHERE id=$2 AND (channel_id=$3 OR $3=$4) AND revoked_at IS NULL
RETURNING id, label, created_at, expires_at, used_at`, now, key, channel, uuid.Nil).Scan(k.fields()...)
	return k, err
}

func (s Store) revokeAll(ctx context.Context, channel uuid.UUID, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_keys SET revoked_at=$1 WHERE channel_id=$2 AND revoked_at IS NULL`, now, channel)
	return err
}

// touch notes that a key was used, at most once a minute.
func (s Store) touch(ctx context.Context, key uuid.UUID, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_keys SET used_at=$1 WHERE id=$2 AND (used_at IS NULL OR used_at <= $3)`, now, key, now.Add(-time.Minute))
	if err != nil {
		return fmt.Errorf("note the use of a key: %w", err)
	}
	return nil
}
