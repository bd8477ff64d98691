package target

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/redis"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/live/upkeep"
	"weir/services/seal"
)

const (
	// PerChannel is how many targets a channel may have.
	PerChannel = 10

	labelMax = 60  // characters
	urlMax   = 500 // bytes
	keyMax   = 500 // bytes
)

// Channels says who manages a channel. hold keeps the channel from being deleted until
// the transaction of q ends. Errors are faults.
type Channels interface {
	Manages(ctx context.Context, q db.Q, who auth.Identity, channel uuid.UUID, hold bool) error
}

// Config says what a Service works with.
type Config struct {
	DB       *db.DB        // migrated with live.Migrations
	Redis    *redis.Client // how targets do
	Box      *seal.Box     // seals stream keys
	Channels Channels
	// Check says what is wrong with the address of a target, in words that follow its
	// name, or nothing.
	Check func(url string) (problem string)
	Log   *slog.Logger // nil: none
	Now   func() time.Time
}

// Service is the targets of all channels. Its methods may be called from any goroutine
// and block on the database and Redis until ctx ends; their errors are faults.
type Service struct {
	c      Config
	things upkeep.Things[TargetStatus]
}

// Open does no I/O and starts nothing.
func Open(c Config) (*Service, error) {
	if c.DB == nil || c.Redis == nil || c.Box == nil || c.Channels == nil || c.Check == nil {
		return nil, errors.New("target: a database, Redis, a box, channels and a check are needed")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	table := upkeep.Table{Kind: "target", Name: "live_targets", ID: "id", Sealed: "stream_key"}
	return &Service{c, upkeep.Things[TargetStatus]{Table: table, DB: c.DB, Redis: c.Redis, Box: c.Box, Log: c.Log}}, nil
}

// Target is a server that a channel's streams are sent to.
type Target struct {
	ID      uuid.UUID     `json:"id"`
	Channel uuid.UUID     `json:"channel_id"`
	Label   string        `json:"label" doc:"What you call it"`
	URL     string        `json:"url" doc:"rtmp://host/app or rtmps://host/app" example:"rtmps://live.example.org/app"`
	Enabled bool          `json:"enabled" doc:"Whether streams are sent there; it counts within a second"`
	Created time.Time     `json:"created_at"`
	Version int64         `json:"version" doc:"Grows with each change; the ETag"`
	Status  *TargetStatus `json:"status,omitempty" doc:"How it does; absent: nothing is sent there now"`

	key string // sealed
}

// TargetChanges are what a Target is made of, and what of it can change; what is absent stays.
type TargetChanges struct {
	Label   *string `json:"label,omitempty" maxLength:"240" doc:"At most 60 characters"`
	URL     *string `json:"url,omitempty" maxLength:"500" doc:"rtmp://host/app or rtmps://host/app, without the key; a new one needs the key again"`
	Key     *string `json:"stream_key,omitempty" maxLength:"500" doc:"What the target calls the stream; never shown again"`
	Enabled *bool   `json:"enabled,omitempty"`
}

// apply checks the changes, all of them, and makes them.
func (s *Service) apply(t *Target, x TargetChanges) error {
	var bad fault.Problems
	if x.Label != nil {
		t.Label = strings.TrimSpace(*x.Label)
		if !plain(t.Label) || utf8.RuneCountInString(t.Label) > labelMax {
			bad.Note("label", fmt.Sprintf("must be one line of at most %d characters", labelMax))
		}
	}
	if x.URL != nil {
		before := t.URL
		t.URL = strings.TrimSpace(*x.URL)
		problem := s.c.Check(t.URL)
		if len(t.URL) > urlMax || !plain(t.URL) {
			problem = "is too long, or has characters that are not allowed"
		}
		bad.Note("url", problem)
		if t.URL != before && x.Key == nil { // else whoever changes it could have the key sent to a server of theirs
			bad.Note("stream_key", "must be given again when the address changes")
		}
	}
	if x.Key != nil {
		if key := *x.Key; key == "" || len(key) > keyMax || !plain(key) || strings.ContainsAny(key, " \t") {
			bad.Note("stream_key", "must be there, without blanks")
		} else {
			t.key = s.things.Seal(t.ID, key)
		}
	}
	if x.Enabled != nil {
		t.Enabled = *x.Enabled
	}
	return bad.Err()
}

func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	})
}

func (s *Service) within(ctx context.Context, do func(ctx context.Context, st store) error) error {
	return db.Fault("target", s.c.DB.Tx(ctx, func(ctx context.Context, q db.Q) error { return do(ctx, store{q}) }))
}

func (s *Service) stamp() time.Time { return s.c.Now().UTC().Truncate(time.Microsecond) }

func noSuch(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return fault.New(fault.NotFound, "there is no such target")
	}
	return db.Fault("target", err)
}

// Targets are those of a channel, oldest first, with how they do.
func (s *Service) Targets(ctx context.Context, who auth.Identity, channel uuid.UUID) ([]Target, error) {
	if err := s.c.Channels.Manages(ctx, s.c.DB, who, channel, false); err != nil {
		return nil, err
	}
	list, err := store{s.c.DB}.targets(ctx, channel)
	if err != nil {
		return nil, db.Fault("target", err)
	}
	s.statuses(ctx, list)
	return list, nil
}

// Target is one of Targets.
func (s *Service) Target(ctx context.Context, who auth.Identity, channel, id uuid.UUID) (Target, error) {
	if err := s.c.Channels.Manages(ctx, s.c.DB, who, channel, false); err != nil {
		return Target{}, err
	}
	t, err := store{s.c.DB}.target(ctx, channel, id, false)
	if err != nil {
		return t, noSuch(err)
	}
	one := []Target{t}
	s.statuses(ctx, one)
	return one[0], nil
}

// Create makes a target, which is enabled unless x says otherwise.
func (s *Service) Create(ctx context.Context, who auth.Identity, channel uuid.UUID, x TargetChanges) (Target, error) {
	t := Target{Channel: channel, Enabled: true, Version: 1, Created: s.stamp()}
	var err error
	if t.ID, err = uuid.NewV7(); err != nil {
		return t, err
	}
	err = s.within(ctx, func(ctx context.Context, st store) error {
		if err := s.c.Channels.Manages(ctx, st.q, who, channel, true); err != nil {
			return err
		}
		if x.URL == nil || x.Key == nil {
			return fault.Bad("body", "must have url and stream_key")
		}
		if err := s.apply(&t, x); err != nil {
			return err
		}
		list, err := st.targets(ctx, channel)
		if err != nil {
			return err
		}
		if len(list) >= PerChannel {
			return fault.Newf(fault.Conflict, "there are %d targets, which is the most; delete one first", len(list))
		}
		return st.insert(ctx, t)
	})
	return t, err
}

// Update changes what x names, if the target still has that version; 0 takes any. What
// is sent there now is sent by the new row within a second.
func (s *Service) Update(ctx context.Context, who auth.Identity, channel, id uuid.UUID, version int64, x TargetChanges) (Target, error) {
	var t Target
	err := s.within(ctx, func(ctx context.Context, st store) error {
		err := s.c.Channels.Manages(ctx, st.q, who, channel, false)
		if err != nil {
			return err
		}
		if t, err = st.target(ctx, channel, id, true); err != nil {
			return noSuch(err)
		}
		if version != 0 && version != t.Version {
			return httpd.Changed()
		}
		if err := s.apply(&t, x); err != nil {
			return err
		}
		t.Version++
		return st.update(ctx, t, s.stamp())
	})
	return t, err
}

// Delete removes a target; what is sent there ends within a second.
func (s *Service) Delete(ctx context.Context, who auth.Identity, channel, id uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st store) error {
		if err := s.c.Channels.Manages(ctx, st.q, who, channel, false); err != nil {
			return err
		}
		n, err := st.q.Exec(ctx, `DELETE FROM live_targets WHERE id=$1 AND channel_id=$2`, id, channel)
		if err == nil && n == 0 {
			err = noSuch(db.ErrNotFound)
		}
		return err
	})
}
