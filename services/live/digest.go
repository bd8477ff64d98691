package live

import (
	"context"
	"crypto/md5" //nolint:gosec // the digest that encoders know
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/live/upkeep"
)

// Realm is what publishers are asked to make digests for. It is in what the database
// keeps of keys, so that another one would make those useless.
const Realm = "weir"

// Proof shows that a publisher has a stream key that it does not send (RFC 7616, 3.4.1,
// without qop).
type Proof struct {
	Name     string // of the channel
	User     string // one of digestUsers
	SHA256   bool   // else MD5
	Rest     string // nonce:H(A2), which the caller has made sure of
	Response string // in hex: H(H(A1):Rest), where A1 is User:Realm:key
}

const (
	md5Size    = md5.Size
	digestSize = md5.Size + sha256.Size // of a user
	proofKeys  = 60                     // of a channel that are tried: those that hold, and some that do not any more
)

// digestUsers are the names that a publisher may have in its digest.
func digestUsers(channel string) []string { return []string{channel, "weir", "x"} }

// digestOf is what is kept of a key, sealed, so that digests of it can be checked: H(A1)
// by MD5 and by SHA-256 for each of digestUsers. The key cannot be had from it.
func digestOf(channel, key string) []byte {
	var all []byte
	for _, user := range digestUsers(channel) {
		a1 := []byte(user + ":" + Realm + ":" + key)
		short, long := md5.Sum(a1), sha256.Sum256(a1) //nolint:gosec // see above
		all = append(append(all, short[:]...), long[:]...)
	}
	return all
}

// fits tells whether p was made of the key of a digest.
func (p Proof) fits(digest []byte) bool {
	i := slices.Index(digestUsers(p.Name), p.User)
	if i < 0 || len(digest) < (i+1)*digestSize {
		return false
	}
	one := digest[i*digestSize:][:digestSize]
	var want string
	if p.SHA256 {
		sum := sha256.Sum256([]byte(hex.EncodeToString(one[md5Size:]) + ":" + p.Rest))
		want = hex.EncodeToString(sum[:])
	} else {
		sum := md5.Sum([]byte(hex.EncodeToString(one[:md5Size]) + ":" + p.Rest)) //nolint:gosec // see above
		want = hex.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(p.Response))) == 1
}

// digests is where they are.
func digests() upkeep.Table {
	return upkeep.Table{Kind: "key", Name: "live_keys", ID: "id", Sealed: "digest"}
}

// sealDigest is what the row of a key has; empty without a Box.
func (s *Service) sealDigest(id uuid.UUID, channel, key string) string {
	if s.box == nil {
		return ""
	}
	return digests().Seal(s.box, id, string(digestOf(channel, key)))
}

// proven finds the hash of the key that a proof was made of. ErrDenied: there is none, or
// one of which no digest is kept.
func (s *Service) proven(ctx context.Context, p Proof) (hash string, err error) {
	if s.box == nil {
		return "", ErrDenied
	}
	list, err := s.store().proofs(ctx, p.Name)
	if err != nil {
		return "", faultOf(err)
	}
	for _, k := range list {
		digest, err := digests().Open(s.box, k.id, k.digest)
		if err == nil && p.fits([]byte(digest)) {
			return k.hash, nil
		}
	}
	return "", ErrDenied
}

// learn keeps the digest of a key that was made without, or whose digest this process
// cannot open, now that the key is there. What fails is done the next time.
func (s *Service) learn(ctx context.Context, d *door, key string) {
	if s.box == nil || strings.HasPrefix(d.digest, s.box.Prefix()) {
		return
	}
	if err := s.store().setDigest(ctx, d.key.ID, s.sealDigest(d.key.ID, d.channel.Name, key)); err != nil {
		s.log.Debug("digests of a stream key cannot be checked yet", "stream", d.channel.Name, "err", err)
	}
}

// proofKey is a key by which a proof may have been made.
type proofKey struct {
	id           uuid.UUID
	hash, digest string
}

// proofs are the keys of a channel that have a digest: those that hold first, then the
// newest.
func (s Store) proofs(ctx context.Context, name string) ([]proofKey, error) {
	rows, err := s.q.Query(ctx, `SELECT k.id, k.key_hash, k.digest FROM live_keys k JOIN live_channels c ON c.id=k.channel_id
WHERE c.name=$1 AND c.deleted_at IS NULL AND k.digest<>'' ORDER BY CASE WHEN k.revoked_at IS NULL THEN 0 ELSE 1 END, k.id DESC LIMIT $2`, name, proofKeys)
	return db.Collect(rows, err, func(r db.Row) (k proofKey, err error) { err = r.Scan(&k.id, &k.hash, &k.digest); return k, err })
}

func (s Store) setDigest(ctx context.Context, key uuid.UUID, digest string) error {
	_, err := s.q.Exec(ctx, `UPDATE live_keys SET digest=$1 WHERE id=$2`, digest, key)
	return err
}
