package live

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/live/pass"
)

// Role is what a user may do in a channel.
type Role string

// The roles, each holding the rights of the one before.
const (
	Moderator Role = "moderator" // sees how the stream does, and may end it
	Manager   Role = "manager"   // changes the channel and its keys
	Owner     Role = "owner"     // names managers, and deletes it
)

func (r Role) atLeast(least Role) bool {
	ranks := []Role{Moderator, Manager, Owner}
	return slices.Index(ranks, r) >= slices.Index(ranks, least)
}

// Member is a user with a role in a channel.
type Member struct {
	User  uuid.UUID `json:"user_id"`
	Role  Role      `json:"role" enum:"manager,moderator"`
	Since time.Time `json:"since"`
}

// access returns a channel if who may act in it as least. A channel that who may not
// know of, or has no part in, is not found.
func (s *Service) access(ctx context.Context, st Store, who auth.Identity, id uuid.UUID, least Role) (*Channel, error) {
	c, err := st.channel(ctx, id)
	if err != nil {
		return nil, notFound(err, "channel")
	}
	role, err := s.roleOf(ctx, st, who, c)
	switch {
	case err != nil:
		return nil, faultOf(err)
	case role == "" && c.Visibility == Public && c.Banned == nil:
		return nil, fault.New(fault.Denied, "this is not your channel")
	case role == "":
		return nil, noSuch("channel")
	case !role.atLeast(least):
		return nil, fault.Newf(fault.Denied, "this needs the role %s in the channel", least)
	}
	return c, nil
}

// roleOf is what who is in a channel: admins are owners everywhere, moderators of the
// installation moderators.
func (s *Service) roleOf(ctx context.Context, st Store, who auth.Identity, c *Channel) (Role, error) {
	if who.Role.AtLeast(auth.Admin) || c.Owner != nil && *c.Owner == who.User {
		return Owner, nil
	}
	role, err := st.role(ctx, c.ID, who.User)
	if err == nil && role == "" && who.Role.AtLeast(auth.Moderator) {
		role = Moderator
	}
	return role, err
}

// hold is access for a change in the transaction of st.
func (s *Service) hold(ctx context.Context, st Store, who auth.Identity, id uuid.UUID, least Role) (*Channel, error) {
	if _, err := s.access(ctx, st, who, id, least); err != nil {
		return nil, err
	}
	c, err := st.held(ctx, id)
	if err != nil {
		return nil, notFound(err, "channel")
	}
	return c, nil
}

// Manages is nil when who manages the channel, in the transaction of q, or outside of
// one. hold keeps the channel as it is until the transaction ends. It is for what
// belongs to channels in packages below this one.
func (s *Service) Manages(ctx context.Context, q db.Q, who auth.Identity, channel uuid.UUID, hold bool) error {
	do := s.access
	if hold {
		do = s.hold
	}
	_, err := do(ctx, Store{q}, who, channel, Manager)
	return err
}

// CreateChannel makes a channel of the caller's. conflict: the name is taken, or was.
func (s *Service) CreateChannel(ctx context.Context, who auth.Identity, name string, x Changes) (View, error) {
	if !ValidName(name) {
		return View{}, fault.Bad("body.name", "must be "+strings.TrimPrefix(ErrName.Error(), "a name is "))
	}
	c := &Channel{Visibility: Public, Record: true}
	if err := c.apply(x); err != nil {
		return View{}, err
	}
	owner := who.User
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		n, err := st.countOwned(ctx, owner)
		if err != nil {
			return err
		}
		if n >= PerOwner && !who.Role.AtLeast(auth.Admin) {
			return fault.Newf(fault.Conflict, "you have %d channels, which is the most; delete one first", n)
		}
		return s.add(ctx, st, c, name, &owner)
	})
	return c.view(Owner), err
}

// add inserts a channel with defaults where c says nothing.
func (s *Service) add(ctx context.Context, st Store, c *Channel, name string, owner *uuid.UUID) error {
	var err error
	if c.ID, err = newID(); err != nil {
		return err
	}
	c.Name, c.Owner, c.Version, c.Created = name, owner, 1, s.stamp()
	c.Updated = c.Created
	free, err := st.insert(ctx, c)
	if err == nil && !free {
		err = &fault.Error{Code: fault.Conflict, Detail: "the name is taken: choose another one",
			Fields: []fault.Field{{Name: "body.name", Problem: "is taken: choose another one"}}}
	}
	return err
}

// Ensure returns the operator's channel of that name, or whosever it is, and makes it
// where there is none, with owner, who may be nil. It is for the operator's commands.
func (s *Service) Ensure(ctx context.Context, name string, owner *uuid.UUID, record bool) (*Channel, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var c *Channel
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		var err error
		if c, err = st.byName(ctx, name); !errors.Is(err, db.ErrNotFound) {
			return err
		}
		c = &Channel{Visibility: Public, Record: record}
		err = s.add(ctx, st, c, name, owner)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		other, again := st.byName(ctx, name) // made meanwhile by another process
		if again == nil {
			c, err = other, nil
		}
		return err
	})
	return c, err
}

// Channel is what the caller, who may be nobody, sees of a channel.
func (s *Service) Channel(ctx context.Context, who auth.Identity, id uuid.UUID) (View, error) {
	c, err := s.store().channel(ctx, id)
	return s.seen(ctx, who, c, err)
}

// ByName is Channel by the name.
func (s *Service) ByName(ctx context.Context, who auth.Identity, name string) (View, error) {
	c, err := s.store().byName(ctx, name)
	return s.seen(ctx, who, c, err)
}

func (s *Service) seen(ctx context.Context, who auth.Identity, c *Channel, err error) (View, error) {
	if err != nil {
		return View{}, notFound(err, "channel")
	}
	var role Role
	if who.User != uuid.Nil {
		if role, err = s.roleOf(ctx, s.store(), who, c); err != nil {
			return View{}, faultOf(err)
		}
	}
	known := role != "" || c.door() != Private
	if !known && c.Banned == nil && who.User != uuid.Nil {
		if known, err = s.store().invited(ctx, c.ID, who.User); err != nil {
			return View{}, faultOf(err)
		}
	}
	if !known {
		return View{}, noSuch("channel")
	}
	return c.view(role), nil
}

// Channels are those that everybody may find.
func (s *Service) Channels(ctx context.Context, after string, limit int) (httpd.Page[View], error) {
	return s.page(after, limit, func(from uuid.UUID, n int) ([]*Channel, error) { return s.store().listed(ctx, from, n) }, "")
}

// ChannelsOf are those of Channels that a user owns.
func (s *Service) ChannelsOf(ctx context.Context, owner uuid.UUID, after string, limit int) (httpd.Page[View], error) {
	return s.page(after, limit, func(from uuid.UUID, n int) ([]*Channel, error) { return s.store().listedOf(ctx, owner, from, n) }, "")
}

// Mine are the channels that the caller owns or works for.
func (s *Service) Mine(ctx context.Context, who auth.Identity, after string, limit int) (httpd.Page[View], error) {
	return s.page(after, limit, func(from uuid.UUID, n int) ([]*Channel, error) { return s.store().ofUser(ctx, who.User, from, n) }, Moderator)
}

func (s *Service) page(after string, limit int, read func(uuid.UUID, int) ([]*Channel, error), role Role) (httpd.Page[View], error) {
	from, err := httpd.After(after, uuid.Nil)
	if err != nil {
		return httpd.Page[View]{}, err
	}
	limit = httpd.PageSize(limit)
	list, err := read(from, limit+1)
	if err != nil {
		return httpd.Page[View]{}, faultOf(err)
	}
	views := make([]View, len(list))
	for i, c := range list {
		views[i] = c.view(role)
	}
	return httpd.PageByID(views, limit, func(v View) uuid.UUID { return v.ID }), nil
}

// UpdateChannel changes what x names, if the channel still has that version; 0 takes
// any. precondition_failed: it has changed.
func (s *Service) UpdateChannel(ctx context.Context, who auth.Identity, id uuid.UUID, version int64, x Changes) (View, error) {
	return s.change(ctx, who, id, Manager, func(c *Channel) error {
		if version != 0 && version != c.Version {
			return httpd.Changed()
		}
		return c.apply(x)
	})
}

// change holds a channel, changes and stores it, and tells viewers of a stream.
func (s *Service) change(ctx context.Context, who auth.Identity, id uuid.UUID, least Role, do func(*Channel) error) (View, error) {
	var view View
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, id, least)
		if err != nil {
			return err
		}
		before := c.door()
		if err := do(c); err != nil {
			return err
		}
		if err := st.update(ctx, c, s.stamp()); err != nil {
			return err
		}
		if c.door() != before {
			if err := s.closeDoor(ctx, st, c); err != nil {
				return err
			}
		}
		role, err := s.roleOf(ctx, st, who, c)
		if err != nil {
			return err
		}
		view = c.view(role)
		open, err := st.open(ctx, c.ID)
		if err != nil || open == nil || open.Started == nil {
			return err
		}
		return emit(ctx, st, event.StreamUpdated{SessionID: open.ID, ChannelID: c.ID, Name: c.Name, Title: c.Title, Category: c.Category, Tags: c.Tags, Language: c.Language, Mature: c.Mature})
	})
	return view, err
}

// Ban keeps a channel off the air, and ends its stream; an empty reason lifts it. It
// is for moderators of the installation.
func (s *Service) Ban(ctx context.Context, who auth.Identity, id uuid.UUID, reason string) (View, error) {
	if !who.Role.AtLeast(auth.Moderator) {
		return View{}, fault.New(fault.Denied, "only a moderator may do this")
	}
	clean, problem := checkText(reason, 500, false)
	if problem != "" {
		return View{}, fault.Bad("body.reason", problem)
	}
	view, err := s.change(ctx, who, id, Moderator, func(c *Channel) error {
		c.Banned, c.BanReason = nil, clean
		if clean != "" {
			now := s.stamp()
			c.Banned = &now
		}
		return nil
	})
	if err == nil && clean != "" {
		_, err = s.store().order(ctx, id, "the channel is banned: "+clean)
		err = faultOf(err)
	}
	return view, err
}

// DeleteChannel ends the stream, revokes the keys and hides the channel for ever. Its
// name is not given out again.
func (s *Service) DeleteChannel(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, id, Owner)
		if err != nil {
			return err
		}
		return s.remove(ctx, st, c)
	})
}

func (s *Service) remove(ctx context.Context, st Store, c *Channel) error {
	now := s.stamp()
	*c = Channel{ID: c.ID, Owner: c.Owner, Name: c.Name, Visibility: Unlisted, Version: c.Version, Created: c.Created, Deleted: &now}
	if err := st.update(ctx, c, now); err != nil {
		return err
	}
	if err := s.closeDoor(ctx, st, c); err != nil {
		return err
	}
	if err := st.revokeAll(ctx, c.ID, now); err != nil {
		return err
	}
	if err := st.setPassphrase(ctx, c.ID, ""); err != nil {
		return err
	}
	if err := st.condemnAll(ctx, c.ID, "the channel is deleted"); err != nil {
		return err
	}
	if _, err := st.order(ctx, c.ID, "the channel is deleted"); err != nil {
		return err
	}
	return emit(ctx, st, event.ChannelDeleted{ChannelID: c.ID, Name: c.Name})
}

// Members are the users with a role in a channel, beside its owner.
func (s *Service) Members(ctx context.Context, who auth.Identity, id uuid.UUID) ([]Member, error) {
	if _, err := s.access(ctx, s.store(), who, id, Moderator); err != nil {
		return nil, err
	}
	list, err := s.store().members(ctx, id)
	return list, faultOf(err)
}

// SetMember gives a user a role in a channel. That the user exists is not looked at:
// nobody signs in with an id that does not.
func (s *Service) SetMember(ctx context.Context, who auth.Identity, id, user uuid.UUID, role Role) error {
	if role != Moderator && role != Manager {
		return fault.Bad("body.role", "must be manager or moderator")
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, id, Owner)
		if err != nil {
			return err
		}
		if c.Owner != nil && *c.Owner == user {
			return fault.New(fault.Conflict, "the owner has all rights already")
		}
		list, err := st.members(ctx, id)
		if err != nil {
			return err
		}
		if len(list) >= membersEach && !slices.ContainsFunc(list, func(m Member) bool { return m.User == user }) {
			return fault.Newf(fault.Conflict, "a channel has at most %d members", membersEach)
		}
		return st.setMember(ctx, id, user, role, s.stamp())
	})
}

// RemoveMember takes a role away: the owner from anybody, others from themselves.
func (s *Service) RemoveMember(ctx context.Context, who auth.Identity, id, user uuid.UUID) error {
	least := Owner
	if user == who.User {
		least = Moderator
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.hold(ctx, st, who, id, least); err != nil {
			return err
		}
		n, err := st.removeMember(ctx, id, user)
		if err == nil && n == 0 {
			err = noSuch("member")
		}
		if err != nil {
			return err
		}
		return s.revokePasses(ctx, st, subject{id, pass.User, user}, "")
	})
}
