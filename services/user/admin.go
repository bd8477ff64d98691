package user

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/httpd"
)

// ReasonMax is how long the reason of a suspension may be, in characters.
const ReasonMax = 500

// List is the users that the filter chooses, oldest first, for admins.
func (s *Service) List(ctx context.Context, who auth.Identity, f Filter, after string, limit int) (httpd.Page[Own], error) {
	var page httpd.Page[Own]
	if err := needs(who, auth.Admin); err != nil {
		return page, err
	}
	from, err := httpd.After(after, uuid.Nil)
	if err != nil {
		return page, err
	}
	limit = httpd.PageSize(limit)
	f.Prefix = strings.ToLower(f.Prefix)
	list, err := s.store().list(ctx, f, from, s.stamp(), limit+1)
	if err != nil {
		return page, faultOf(err)
	}
	for _, a := range list {
		page.Items = append(page.Items, a.own(s.now()))
	}
	page.Cut(limit, func(o Own) string { return httpd.Place(o.ID) })
	return page, nil
}

// Inspect is all that is known of one account, deleted ones too, for admins.
func (s *Service) Inspect(ctx context.Context, who auth.Identity, id uuid.UUID) (Own, error) {
	if err := needs(who, auth.Admin); err != nil {
		return Own{}, err
	}
	a, err := s.store().account(ctx, id)
	if err != nil {
		return Own{}, notFound(err, "user")
	}
	return a.own(s.now()), nil
}

// Suspend keeps a user from signing in, until a time or until it is lifted (nil), and
// ends their sessions and API tokens. The last admin cannot be suspended.
func (s *Service) Suspend(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID, until *time.Time, reason string) (Own, error) {
	now := s.stamp()
	reason, problem := plainText(reason, ReasonMax, true)
	switch {
	case problem == "" && reason == "":
		return Own{}, fault.Bad("body.reason", "is missing: say why, the owner reads it")
	case problem != "":
		return Own{}, fault.Bad("body.reason", problem)
	case until != nil && (!until.After(now) || until.Year() > 9999):
		return Own{}, fault.Bad("body.until", "must be in the future")
	}
	sus := &Suspension{Since: now, Reason: reason}
	if until != nil {
		end := until.UTC().Truncate(time.Microsecond)
		sus.Until = &end
	}
	return s.administer(ctx, who, id, true, func(ctx context.Context, st Store, a *Account) error {
		if err := st.setSuspension(ctx, id, sus, now); err != nil {
			return err
		}
		a.Suspension = sus
		if err := st.endAccess(ctx, id, kindSuspended, now); err != nil {
			return err
		}
		if err := s.note(ctx, st, from, act{user: id, actor: who.User, kind: kindSuspended, detail: reason}); err != nil {
			return err
		}
		return emit(ctx, st, event.UserSuspended{UserID: id, Suspended: true, Reason: reason, Until: sus.Until, ByUserID: who.User})
	})
}

// Unsuspend lifts a suspension; that there is none is no error.
func (s *Service) Unsuspend(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID) (Own, error) {
	return s.administer(ctx, who, id, false, func(ctx context.Context, st Store, a *Account) error {
		if a.Suspension == nil {
			return nil
		}
		a.Suspension = nil
		if err := st.setSuspension(ctx, id, nil, s.stamp()); err != nil {
			return err
		}
		if err := s.note(ctx, st, from, act{user: id, actor: who.User, kind: kindUnsuspended}); err != nil {
			return err
		}
		return emit(ctx, st, event.UserSuspended{UserID: id, ByUserID: who.User})
	})
}

// SetRole changes what a user may do. Their access tokens end, their sessions go on: a
// refresh gives tokens with the new role. The last admin stays one.
func (s *Service) SetRole(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID, role auth.Role) (Own, error) {
	if !role.Valid() {
		return Own{}, fault.Bad("body.role", "must be user, moderator or admin")
	}
	return s.administer(ctx, who, id, role != auth.Admin, func(ctx context.Context, st Store, a *Account) error {
		if a.Role == role {
			return nil
		}
		now := s.stamp()
		if err := st.setRole(ctx, id, role, now); err != nil {
			return err
		}
		detail := fmt.Sprintf("%s to %s", a.Role, role)
		a.Role, a.Version, a.Updated = role, a.Version+1, now
		if err := st.revoke(ctx, auth.Revocation{User: id, At: now}); err != nil {
			return err
		}
		if err := s.note(ctx, st, from, act{user: id, actor: who.User, kind: kindRole, detail: detail}); err != nil {
			return err
		}
		return emit(ctx, st, a.updated())
	})
}

// Delete is DeleteMe by an admin.
func (s *Service) Delete(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID) error {
	_, err := s.administer(ctx, who, id, true, func(ctx context.Context, st Store, a *Account) error {
		return s.bury(ctx, st, from, a, who.User)
	})
	return err
}

// DeleteMe ends the caller's account: what is personal is gone at once, who follows whom
// soon after, a tombstone keeps the id and the username from being given to another.
func (s *Service) DeleteMe(ctx context.Context, who auth.Identity, from Peer, password string) error {
	checked, err := s.password(ctx, who, password)
	if err != nil {
		return err
	}
	return s.endAll(ctx, func(ctx context.Context, st Store) error {
		if err := s.notLastAdmin(ctx, st, who.User); err != nil {
			return err
		}
		if _, err := s.stillSame(ctx, st, checked); err != nil {
			return err
		}
		return s.bury(ctx, st, from, checked, who.User)
	})
}

func (s *Service) bury(ctx context.Context, st Store, from Peer, a *Account, actor uuid.UUID) error {
	now := s.stamp()
	if err := st.lockCounts(ctx, a.ID); err != nil {
		return err
	}
	if err := st.endAccess(ctx, a.ID, kindDeleted, now); err != nil {
		return err
	}
	if _, err := st.dropTOTP(ctx, a.ID); err != nil {
		return err
	}
	if err := st.dropMailTokens(ctx, a.ID, ""); err != nil {
		return err
	}
	if err := st.dropIdentities(ctx, a.ID); err != nil {
		return err
	}
	if err := st.dropMedia(ctx, a, now); err != nil {
		return err
	}
	if err := st.bury(ctx, a.ID, now); err != nil {
		return err
	}
	if err := s.note(ctx, st, from, act{user: a.ID, actor: actor, kind: kindDeleted}); err != nil {
		return err
	}
	return emit(ctx, st, event.UserDeleted{UserID: a.ID})
}

// administer runs what an admin does to an account that is there; guarded: not to the
// last admin.
func (s *Service) administer(ctx context.Context, who auth.Identity, id uuid.UUID, guarded bool, do func(context.Context, Store, *Account) error) (Own, error) {
	if err := needs(who, auth.Admin); err != nil {
		return Own{}, err
	}
	var a *Account
	err := s.endAll(ctx, func(ctx context.Context, st Store) error {
		if guarded {
			if err := s.notLastAdmin(ctx, st, id); err != nil {
				return err
			}
		}
		var err error
		if a, err = st.held(ctx, id); err != nil {
			return notFound(err, "user")
		}
		if a.Deleted != nil {
			return fault.New(fault.NotFound, "this user was deleted")
		}
		return do(ctx, st, a)
	})
	if err != nil {
		return Own{}, err
	}
	return a.own(s.now()), nil
}

// notLastAdmin holds all admins, so that two of them cannot remove each other at once.
func (s *Service) notLastAdmin(ctx context.Context, st Store, id uuid.UUID) error {
	admins, err := st.admins(ctx, s.stamp())
	if err != nil {
		return err
	}
	if len(admins) == 1 && slices.Contains(admins, id) {
		return fault.New(fault.Conflict, "this is the last admin: make another one first")
	}
	return nil
}
