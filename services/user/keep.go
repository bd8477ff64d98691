package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
)

const (
	// everyRevocation is how often Run looks for ended sessions that Redis was not told of.
	everyRevocation = time.Second
	// everyKeep is how often it does the rest.
	everyKeep = time.Minute
	// everyMedia is how often it looks for exports to make and objects to remove.
	everyMedia = 5 * time.Second
	// auditLife is how long the audit log reaches back.
	auditLife = 365 * 24 * time.Hour
	// endedLife is how long a session that has ended or expired stays in the database.
	endedLife = 7 * 24 * time.Hour

	purgeBatch = 500  // follows of a deleted account in one transaction
	dropBatch  = 5000 // rows that are too old in one statement
)

// Run does the housekeeping until ctx ends: the keys' rotation, what Redis was not told,
// the follows of deleted accounts, exports, objects that are not needed, and what is too old. Several processes may do it at
// once. It returns nil; what fails is logged and tried again.
func (s *Service) Run(ctx context.Context) error {
	revocations, keep := time.NewTicker(everyRevocation), time.NewTicker(everyKeep)
	defer revocations.Stop()
	defer keep.Stop()
	if s.blobs != nil {
		media := make(chan struct{})
		go func() {
			defer close(media)
			s.runMedia(ctx)
		}()
		defer func() { <-media }()
	}
	s.keep(ctx)
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-revocations.C:
			err = s.sendRevocations(ctx, false)
		case <-keep.C:
			s.keep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("ended sessions are told later", "err", err)
		}
	}
}

// runMedia does, until ctx ends, what waits for blob: the rest must not wait with it.
func (s *Service) runMedia(ctx context.Context) {
	tick := time.NewTicker(everyMedia)
	defer tick.Stop()
	for {
		s.media(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// media is one round of it.
func (s *Service) media(ctx context.Context) {
	for _, job := range []struct {
		name string
		do   func(context.Context) error
	}{{"objects to remove", s.sweep}, {"exports", s.makeExports}} {
		if err := job.do(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("housekeeping", "what", job.name, "err", err)
		}
	}
}

// keep is one round of what is not urgent.
func (s *Service) keep(ctx context.Context) {
	for _, job := range []struct {
		name string
		do   func(context.Context) error
	}{{"signing keys", s.keys.refresh}, {"deleted accounts", s.purge}, {"old rows", s.drop}, {"old exports", s.dropOldExports}} {
		if err := job.do(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("housekeeping", "what", job.name, "err", err)
		}
	}
}

// purge removes what is left of deleted accounts, in small transactions.
func (s *Service) purge(ctx context.Context) error {
	rows, err := s.db.Query(ctx, `SELECT id FROM users WHERE deleted_at IS NOT NULL AND purged_at IS NULL ORDER BY deleted_at LIMIT 100`)
	ids, err := db.Collect(rows, err, scanID)
	if err != nil {
		return faultOf(err)
	}
	for _, id := range ids {
		for done := false; !done; {
			err := s.within(ctx, func(ctx context.Context, st Store) error {
				n, err := st.unfollowSome(ctx, id, purgeBatch)
				if err != nil || n == purgeBatch {
					return err
				}
				done = true
				return st.purged(ctx, id, s.stamp())
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// purged ends what is kept of a deleted account: the numbers, where it signed in from.
func (s Store) purged(ctx context.Context, id uuid.UUID, now time.Time) error {
	for _, statement := range []string{
		`UPDATE user_counts SET followers=0, following=0 WHERE user_id=$1`,
		`UPDATE user_security_events SET address='', user_agent='', detail='' WHERE user_id=$1`,
		`DELETE FROM user_sessions WHERE user_id=$1`,
	} {
		if _, err := s.q.Exec(ctx, statement, id); err != nil {
			return err
		}
	}
	_, err := s.q.Exec(ctx, `UPDATE users SET purged_at=$1 WHERE id=$2`, now, id)
	return err
}

// drop removes rows that nobody can use any more, a bounded number of each kind.
func (s *Service) drop(ctx context.Context) error {
	now := s.stamp()
	for _, d := range []struct {
		sql    string
		before time.Time
	}{
		{`DELETE FROM user_sessions WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, now.Add(-endedLife)},
		{`DELETE FROM user_mail_tokens WHERE token_hash IN (SELECT token_hash FROM user_mail_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, now},
		{`DELETE FROM user_challenges WHERE token_hash IN (SELECT token_hash FROM user_challenges WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, now},
		{`DELETE FROM user_api_tokens WHERE id IN (SELECT id FROM user_api_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, now},
		{`DELETE FROM user_revocations WHERE id IN (SELECT id FROM user_revocations WHERE revoked_at < $1 ORDER BY revoked_at LIMIT $2)`, now.Add(-2 * auth.MaxLife)},
	} {
		if _, err := s.db.Exec(ctx, d.sql, d.before, dropBatch); err != nil {
			return faultOf(err)
		}
	}
	_, err := s.store().dropSecurityEvents(ctx, now.Add(-auditLife), dropBatch)
	return faultOf(err)
}
