package user

import (
	"context"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/httpd"
)

// User is the public view of a user; not_found for one that was deleted.
func (s *Service) User(ctx context.Context, id uuid.UUID) (Public, error) {
	p, _, err := s.user(ctx, id)
	return p, err
}

// ByUsername is User by the name.
func (s *Service) ByUsername(ctx context.Context, name string) (Public, error) {
	p, _, err := s.byUsername(ctx, name)
	return p, err
}

func (s *Service) user(ctx context.Context, id uuid.UUID) (Public, int64, error) {
	return visible(s.store().account(ctx, id))
}

func (s *Service) byUsername(ctx context.Context, name string) (Public, int64, error) {
	if checkForm(name) != "" { // nobody has it
		return Public{}, 0, fault.New(fault.NotFound, "there is no such user")
	}
	return visible(s.store().byUsername(ctx, name))
}

// visible is what everybody sees of an account, and its version.
func visible(a *Account, err error) (Public, int64, error) {
	if err != nil {
		return Public{}, 0, notFound(err, "user")
	}
	if a.Deleted != nil {
		return Public{}, 0, fault.New(fault.NotFound, "there is no such user")
	}
	return a.public(), a.Version, nil
}

// Me is what the caller sees of themselves.
func (s *Service) Me(ctx context.Context, who auth.Identity) (Own, error) {
	a, err := s.store().account(ctx, who.User)
	if err != nil {
		return Own{}, notFound(err, "user")
	}
	return a.own(s.now()), nil
}

// Update changes the caller's profile if it still has the version that was read; 0
// stands for whichever it has. precondition_failed: somebody else changed it.
func (s *Service) Update(ctx context.Context, who auth.Identity, version int64, c Changes) (Own, error) {
	if err := s.limits.allow(ctx, "change", who.User.String(), s.limits.Change); err != nil {
		return Own{}, err
	}
	var a *Account
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		var err error
		if a, err = st.heldUser(ctx, who.User); err != nil {
			return err
		}
		if version != 0 && a.Version != version {
			return httpd.Changed()
		}
		next, bad := c.apply(a.Profile)
		if err := bad.Err(); err != nil {
			return err
		}
		now := s.stamp()
		done, err := st.setProfile(ctx, a.ID, next, a.Version, now)
		if err != nil {
			return err
		}
		if !done {
			return httpd.Changed()
		}
		a.Profile, a.Version, a.Updated = next, a.Version+1, now
		return emit(ctx, st, a.updated())
	})
	if err != nil {
		return Own{}, err
	}
	return a.own(s.now()), nil
}

// updated is the event that tells others what is public of an account.
func (a *Account) updated() event.UserUpdated {
	return event.UserUpdated{
		UserID: a.ID, Username: a.Username, DisplayName: a.Profile.DisplayName, AvatarURL: Avatar.url(a.ID, a.avatar, ""), Role: string(a.Role),
		Language: a.Profile.Language, TimeZone: a.Profile.TimeZone, Version: a.Version,
	}
}
