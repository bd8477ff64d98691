package live

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"weir/services/backing/db"
	"weir/services/live/pass"
	"weir/services/live/upkeep"
	"weir/services/seal"
)

const (
	// passKeyLife is how long a key signs.
	passKeyLife = 7 * 24 * time.Hour
	// passKeyAhead is how long before its first use a new key is there, so that every node
	// has it by then.
	passKeyAhead = 10 * time.Minute
	// passKeyKept is how long an old key is kept after its successor began: longer than
	// any pass or cookie lives.
	passKeyKept = 26 * time.Hour
	// everyPassKey is how often keys are read.
	everyPassKey = time.Minute
)

// passes is what this process needs to make and to check passes.
type passes struct {
	ring    pass.Ring
	revoked revoked
	replays replays
	since   time.Time   // revocations are known from before then on; of RunPasses
	running atomic.Bool // RunPasses
}

// OpenPasses reads the keys of passes and what was taken back, and makes the first key. It
// also seals anew what this service has sealed with an old key of the Box.
// Without it nobody gets a pass, and none holds. seal.ErrOtherKey: the processes that
// share the database do not share the Box.
func (s *Service) OpenPasses(ctx context.Context) error {
	if s.box == nil {
		return errors.New("live: passes need a box")
	}
	if err := s.turnPassKeys(ctx); err != nil {
		return err
	}
	if err := s.resealPassKeys(ctx); err != nil {
		return err
	}
	for _, t := range []upkeep.Table{digests(), passphrases()} {
		if err := t.Reseal(ctx, s.db, s.box); err != nil {
			return err
		}
	}
	return s.readRevocations(ctx)
}

// RunPasses keeps keys and revocations as the database has them until ctx ends. A process
// needs it once; a second call only waits. While the database is away what is known
// counts: nothing can be taken back meanwhile.
func (s *Service) RunPasses(ctx context.Context) error {
	if s.box == nil || !s.passes.running.CompareAndSwap(false, true) {
		<-ctx.Done()
		return nil
	}
	defer s.passes.running.Store(false)
	look, keys := time.NewTicker(everyRevocation), time.NewTicker(everyPassKey)
	defer look.Stop()
	defer keys.Stop()
	var ill illness
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			ill.log(s, "revoked passes are not read", s.readRevocations(ctx))
		case <-keys.C:
			ill.log(s, "keys of passes are not read", s.turnPassKeys(ctx))
			s.passes.revoked.prune(s.now())
		}
	}
}

// readRevocations takes in what is new.
func (s *Service) readRevocations(ctx context.Context) error {
	p := &s.passes
	now := s.now()
	since := p.since.Add(-revocationOverlap)
	if p.since.IsZero() {
		since = now.Add(-revocationLife)
	}
	for {
		list, err := s.store().revocations(ctx, since)
		if err != nil {
			return faultOf(err)
		}
		p.revoked.add(list)
		if len(list) < revocationBatch || !list[len(list)-1].until.After(since) {
			break
		}
		since = list[len(list)-1].until
	}
	p.since = now
	return nil
}

// turnPassKeys reads the keys; it adds one and drops old ones when it is time.
func (s *Service) turnPassKeys(ctx context.Context) error {
	keys, err := readPassKeys(ctx, s.db, s.box)
	if err != nil {
		return err
	}
	now := s.stamp()
	switch {
	case len(keys) == 0:
		err = s.addPassKey(ctx, 1, now)
	case now.Sub(keys[0].Created) >= passKeyLife-passKeyAhead:
		err = s.addPassKey(ctx, keys[0].Number+1, now.Add(passKeyAhead))
	}
	if err == nil {
		_, err = s.db.Exec(ctx, `DELETE FROM live_pass_keys WHERE EXISTS
  (SELECT 1 FROM live_pass_keys n WHERE n.number = live_pass_keys.number + 1 AND n.created_at < $1)`, now.Add(-passKeyKept))
	}
	if err == nil {
		keys, err = readPassKeys(ctx, s.db, s.box)
	}
	if err == nil {
		err = s.passes.ring.Set(keys...)
	}
	if err != nil {
		return fmt.Errorf("live: keys of passes: %w", err)
	}
	return nil
}

// addPassKey stores a key. When another process was faster, its key is the one.
func (s *Service) addPassKey(ctx context.Context, number uint32, from time.Time) error {
	_, err := s.db.Exec(ctx, `INSERT INTO live_pass_keys (number, secret, created_at) VALUES ($1,$2,$3) ON CONFLICT (number) DO NOTHING`,
		int64(number), sealPassKey(s.box, number, pass.NewSecret()), from)
	return err
}

func sealPassKey(box *seal.Box, number uint32, secret []byte) string {
	return box.Seal(secret, "live_pass_keys", fmt.Sprint(number))
}

// readPassKeys gives the keys, newest first.
func readPassKeys(ctx context.Context, q db.Q, box *seal.Box) ([]pass.Key, error) {
	rows, err := q.Query(ctx, `SELECT number, secret, created_at FROM live_pass_keys ORDER BY number DESC LIMIT 16`)
	keys, err := db.Collect(rows, err, func(r db.Row) (k pass.Key, err error) {
		var number int64
		var sealed string
		if err := r.Scan(&number, &sealed, &k.Created); err != nil {
			return k, err
		}
		k.Number = uint32(number) //nolint:gosec // one that we counted
		if k.Secret, err = box.Open(sealed, "live_pass_keys", fmt.Sprint(number)); err != nil {
			err = fmt.Errorf("key %d in the database cannot be used (its row in live_pass_keys may be deleted: viewers of channels that are not public get a new pass): %w", number, err)
		}
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("live: keys of passes: %w", err)
	}
	return keys, nil
}

// CheckSealed reads the keys of passes: seal.ErrOtherKey when the processes that share the
// database do not share box.
func CheckSealed(ctx context.Context, d *db.DB, box *seal.Box) error {
	_, err := readPassKeys(ctx, d, box)
	return err
}

// resealPassKeys seals anew what is not sealed with the present key of the box.
func (s *Service) resealPassKeys(ctx context.Context) error {
	keys, err := readPassKeys(ctx, s.db, s.box)
	if err != nil {
		return err
	}
	for _, k := range keys {
		_, err := s.db.Exec(ctx, `UPDATE live_pass_keys SET secret=$1 WHERE number=$2 AND secret NOT LIKE $3`,
			sealPassKey(s.box, k.Number, k.Secret), int64(k.Number), s.box.Prefix()+"%")
		if err != nil {
			return faultOf(err)
		}
	}
	return nil
}
