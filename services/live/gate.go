package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"weir/services/event"
)

// Attempt is a publisher at the door.
type Attempt struct {
	Key      string // the secret; never logged
	Proof    *Proof // in place of Key: shows that the publisher has one
	Protocol string // "rtmp", ...
	Address  netip.Addr
}

// address is where it comes from, in words; empty when that is not known.
func (a Attempt) address() string {
	if !a.Address.IsValid() {
		return ""
	}
	return a.Address.Unmap().WithZone("").String()
}

// Grant is what a publisher may do.
type Grant struct {
	Channel  uuid.UUID // the nil UUID: there is none, and nothing is kept of the session
	Key      uuid.UUID // the nil UUID: none was needed, or it was lent
	Name     string
	Record   bool
	Takeover bool
	Limits   Limits
	// Passphrase is what the channel's publishers over SRT have to encrypt with; empty: what
	// the server wants counts.
	Passphrase string

	channel Channel // as it was then
}

// Refusal is why a publisher may not publish, in words that the encoder is shown.
type Refusal struct {
	Code  string // bounded: for the API and metrics
	Words string
}

// Error is Words.
func (r *Refusal) Error() string { return r.Words }

// Refusals. ErrDenied is for a key that nobody has, about which nothing is kept.
var (
	ErrDenied     = &Refusal{"bad_key", "stream key is not valid"}
	errExpired    = &Refusal{"key_expired", "this stream key has expired: make a new one"}
	errRevoked    = &Refusal{"key_revoked", "this stream key was revoked: use another one"}
	errSuspended  = &Refusal{"suspended", "the account of this channel is suspended"}
	errConcurrent = &Refusal{"too_many_streams", fmt.Sprintf("the owner of this channel has %d streams on the air, which is the most", Concurrent)}
)

// refused tells of a refusal at most so often for a channel, reason and address.
const refusedPace = time.Minute

// door is all that the decision needs, by one read.
type door struct {
	channel *Channel
	key     Key
	revoked *time.Time
	digest  string
	barred  bool // its owner may not publish
}

// Admit says who may publish and as what. The error is a *Refusal, or a fault when the
// question could not be answered. Refusals about a known channel are kept for its owner.
func (s *Service) Admit(ctx context.Context, a Attempt) (Grant, error) {
	hash := hashOf(a.Key)
	if a.Proof != nil {
		var err error
		if hash, err = s.proven(ctx, *a.Proof); err != nil {
			return Grant{}, err
		}
	} else if name, ok := s.lent.find(hash); ok {
		return Grant{Name: name}, nil
	}
	now := s.stamp()
	d, err := s.store().door(ctx, hash, now)
	if err != nil {
		if missing(err) {
			return Grant{}, ErrDenied
		}
		return Grant{}, faultOf(err)
	}
	if err := s.decide(ctx, d, a, now); err != nil {
		var r *Refusal
		if errors.As(err, &r) {
			s.noteRefusal(ctx, d.channel, a, r, now)
		}
		return Grant{}, err
	}
	if d.key.Used == nil || now.Sub(*d.key.Used) >= time.Minute {
		s.uses.note(d.key.ID, now)
	}
	if a.Proof == nil {
		s.learn(ctx, d, a.Key)
	}
	return s.grant(d.channel, d.key.ID)
}

// AdmitChannel is Admit for what weir fetches itself: no key is needed, and nobody is
// told of a refusal.
func (s *Service) AdmitChannel(ctx context.Context, channel uuid.UUID) (Grant, error) {
	c, barred, err := s.store().published(ctx, channel, s.stamp())
	switch {
	case missing(err):
		return Grant{}, ErrDenied
	case err != nil:
		return Grant{}, faultOf(err)
	case c.Banned != nil:
		return Grant{}, banned(c)
	case barred:
		return Grant{}, errSuspended
	}
	if err := s.room(ctx, c); err != nil {
		return Grant{}, err
	}
	return Grant{Channel: c.ID, Name: c.Name, Record: c.Record, Takeover: false, Limits: c.Limits, channel: *c}, nil
}

// AdmitOpen is Admit where anybody may publish: the key is the name. A banned channel
// stays off the air.
func (s *Service) AdmitOpen(ctx context.Context, a Attempt) (Grant, error) {
	if a.Proof != nil {
		a.Key = a.Proof.Name
	}
	if !ValidName(a.Key) {
		return Grant{}, &Refusal{"bad_name", ErrName.Error()}
	}
	c, err := s.store().byName(ctx, a.Key)
	switch {
	case missing(err):
		gone, err := s.store().nameGone(ctx, a.Key)
		if err != nil {
			return Grant{}, faultOf(err)
		}
		if gone {
			return Grant{}, &Refusal{"deleted", "the channel of this name was deleted: choose another name"}
		}
		return Grant{Name: a.Key}, nil
	case err != nil:
		return Grant{}, faultOf(err)
	case c.Banned != nil:
		return Grant{}, banned(c)
	}
	return s.grant(c, uuid.Nil)
}

func banned(c *Channel) error {
	return &Refusal{"banned", "this channel is banned: " + c.BanReason}
}

// decide is the order in which the reasons count.
func (s *Service) decide(ctx context.Context, d *door, a Attempt, now time.Time) error {
	switch {
	case d.revoked != nil:
		return errRevoked
	case d.key.Expires != nil && !d.key.Expires.After(now):
		return errExpired
	case d.channel.Banned != nil:
		return banned(d.channel)
	case d.barred:
		return errSuspended
	}
	if err := s.room(ctx, d.channel); err != nil {
		return err
	}
	if s.hook != nil {
		return s.hook.ask(ctx, d.channel, a)
	}
	return nil
}

// room is nil when the owner of a channel may have another stream on the air.
func (s *Service) room(ctx context.Context, c *Channel) error {
	if c.Owner == nil {
		return nil
	}
	n, err := s.store().onAir(ctx, *c.Owner, c.ID)
	if err != nil {
		return faultOf(err)
	}
	if n >= Concurrent {
		return errConcurrent
	}
	return nil
}

// noteRefusal keeps why, for "why was I refused". What cannot be kept is logged.
func (s *Service) noteRefusal(ctx context.Context, c *Channel, a Attempt, r *Refusal, now time.Time) {
	address := a.address()
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		tell, err := st.noteRefusal(ctx, c.ID, r, a.Protocol, address, now)
		if err != nil || !tell {
			return err
		}
		return emit(ctx, st, event.PublishRefused{ChannelID: c.ID, Name: c.Name, Reason: r.Code, Words: r.Words, Protocol: a.Protocol, Address: address})
	})
	if err != nil {
		s.log.Warn("a refusal is not kept for the owner", "stream", c.Name, "reason", r.Code, "err", err)
	}
}

// NoteRefusal is for what the media side refuses later, such as a picture that is too
// large for the channel's limits.
func (s *Service) NoteRefusal(ctx context.Context, channel uuid.UUID, a Attempt, code, words string) {
	c, err := s.store().channel(ctx, channel)
	if err != nil {
		return
	}
	s.noteRefusal(ctx, c, a, &Refusal{code, words}, s.stamp())
}
