package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/redis"
	"weir/services/fault"
	"weir/services/user/oidc"
)

// Lives of a sign-in at a provider.
const (
	AttemptLife = 10 * time.Minute // from the start to the way back
	PendingLife = 10 * time.Minute // from there to the proof of the account that has the address
)

// attempt is a sign-in at a provider that has begun. It is kept in Redis under the hash
// of its state, and taken out once: when Redis loses it, the person begins again.
type attempt struct {
	Provider string    `json:"provider"`
	Browser  string    `json:"browser"` // hash of what the browser keeps in a cookie
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	ReturnTo string    `json:"return_to"` // path in the web app; checked
	User     uuid.UUID `json:"user"`      // who wants to link; uuid.Nil: a sign-in
	Session  uuid.UUID `json:"session"`   // of User; has to last until the way back
	Expires  time.Time `json:"expires"`
}

// pending is an identity that will be linked to User when somebody signs in there.
type pending struct {
	User     uuid.UUID   `json:"user"`
	Provider string      `json:"provider"`
	Person   oidc.Person `json:"person"`
	Expires  time.Time   `json:"expires"`
}

func attemptKey(state string) string { return "weir:user:oidc:" + hashText(state) }
func pendingKey(token string) string { return "weir:user:link:" + hashText(token) }

// keepOnce stores what takeOnce takes.
func (s *Service) keepOnce(ctx context.Context, key string, v any, life time.Duration) error {
	if s.redis == nil {
		return errors.New("user: there is no Redis to keep a sign-in in")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	if err := s.redis.Set(ctx, key, text, life).Err(); err != nil {
		return attemptsAway(err)
	}
	return nil
}

// takeOnce reads and removes in one step; false when there is nothing.
func (s *Service) takeOnce(ctx context.Context, key string, v any) (bool, error) {
	if s.redis == nil {
		return false, nil
	}
	text, err := s.redis.GetDel(ctx, key).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return false, nil
	case err != nil:
		return false, attemptsAway(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("user: a sign-in in Redis cannot be read: %w", err)
	}
	return true, nil
}

func attemptsAway(err error) error {
	e := fault.Wrap(fault.Unavailable, "signing in elsewhere does not work at the moment; try again in a few seconds", fmt.Errorf("redis: %w", err))
	e.RetryAfter = 5 * time.Second
	return e
}
