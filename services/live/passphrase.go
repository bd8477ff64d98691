package live

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/live/upkeep"
)

// What SRT wants of a passphrase, in bytes.
const (
	passphraseLeast = 10
	passphraseMost  = 79
)

// passphrases is where they are.
func passphrases() upkeep.Table {
	return upkeep.Table{Kind: "channel", Name: "live_channels", ID: "id", Sealed: "srt_passphrase"}
}

// PassphraseSet says whether a channel has a passphrase of its own for SRT.
func (s *Service) PassphraseSet(ctx context.Context, who auth.Identity, channel uuid.UUID) (bool, error) {
	c, err := s.access(ctx, s.store(), who, channel, Manager)
	if err != nil {
		return false, err
	}
	return c.srt != "", nil
}

// SetPassphrase makes SRT publishers of a channel encrypt with a passphrase from now on;
// empty: with that of the server, if it has one. Nobody is shown it again. Who publishes
// now stays.
func (s *Service) SetPassphrase(ctx context.Context, who auth.Identity, channel uuid.UUID, passphrase string) error {
	if passphrase != "" {
		if problem := checkPassphrase(passphrase); problem != "" {
			return fault.Bad("body.passphrase", problem)
		}
		if s.box == nil {
			return fault.New(fault.Unavailable, "secrets cannot be kept: this process has no key that seals them")
		}
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Manager)
		if err != nil {
			return err
		}
		sealed := ""
		if passphrase != "" {
			sealed = passphrases().Seal(s.box, c.ID, passphrase)
		}
		return st.setPassphrase(ctx, c.ID, sealed)
	})
}

// checkPassphrase takes what every program can be given: ASCII that can be seen.
func checkPassphrase(p string) string {
	if len(p) < passphraseLeast || len(p) > passphraseMost {
		return "must have 10 to 79 characters"
	}
	for _, r := range p {
		if r < '!' || r > '~' {
			return "must be letters, digits and signs of ASCII, without blanks"
		}
	}
	return ""
}

// passphrase is that of a channel; empty: it has none of its own.
func (s *Service) passphrase(c *Channel) (string, error) {
	if c.srt == "" {
		return "", nil
	}
	if s.box == nil {
		return "", fault.Wrap(fault.Internal, "the passphrase of the channel cannot be read", errors.New("live: there is no box"))
	}
	text, err := passphrases().Open(s.box, c.ID, c.srt)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "the passphrase of the channel cannot be read", err)
	}
	return text, nil
}

// PlayPassphrase is what players over SRT of what is live under a name have to encrypt with:
// the passphrase of the channel; empty: it has none, or there is no such channel. Only who may
// watch may learn whether there is one.
func (s *Service) PlayPassphrase(ctx context.Context, name string) (string, error) {
	c, err := s.store().byName(ctx, name)
	switch {
	case missing(err):
		return "", nil
	case err != nil:
		return "", faultOf(err)
	}
	return s.passphrase(c)
}

// grant is what a publisher of a channel may do.
func (s *Service) grant(c *Channel, key uuid.UUID) (Grant, error) {
	passphrase, err := s.passphrase(c)
	return Grant{
		Channel: c.ID, Key: key, Name: c.Name, Record: c.Record, Takeover: c.Takeover, Limits: c.Limits, Passphrase: passphrase, channel: *c,
	}, err
}

func (s Store) setPassphrase(ctx context.Context, channel uuid.UUID, sealed string) error {
	_, err := s.q.Exec(ctx, `UPDATE live_channels SET srt_passphrase=$1 WHERE id=$2`, sealed, channel)
	return err
}
