package user

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/httpd"
)

// Follow makes the caller a follower of a channel; doing it again changes nothing.
func (s *Service) Follow(ctx context.Context, who auth.Identity, channel uuid.UUID) error {
	if who.User == channel {
		return fault.New(fault.Invalid, "you cannot follow yourself")
	}
	if err := s.limits.allow(ctx, "follow", who.User.String(), s.limits.Follow); err != nil {
		return err
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		// Before the write, so that what does not exist leaves no trace ...
		if err := s.there(ctx, st, channel); err != nil {
			return err
		}
		done, err := st.follow(ctx, who.User, channel, s.stamp())
		if err != nil || !done {
			return err
		}
		// ... and after it, when the rows of both counts are held, as they are by who
		// deletes an account: a follow of a tombstone would never be purged.
		if err := s.there(ctx, st, channel); err != nil {
			return err
		}
		if err := s.there(ctx, st, who.User); err != nil {
			return err
		}
		return emit(ctx, st, event.UserFollowed{UserID: who.User, ChannelID: channel})
	})
}

// Unfollow ends it; doing it again changes nothing.
func (s *Service) Unfollow(ctx context.Context, who auth.Identity, channel uuid.UUID) error {
	if err := s.limits.allow(ctx, "follow", who.User.String(), s.limits.Follow); err != nil {
		return err
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		done, err := st.unfollow(ctx, who.User, channel)
		if err != nil || !done {
			return err
		}
		return emit(ctx, st, event.UserUnfollowed{UserID: who.User, ChannelID: channel})
	})
}

// there refuses ids of no account and of deleted ones.
func (s *Service) there(ctx context.Context, st Store, id uuid.UUID) error {
	exists, err := st.exists(ctx, id)
	if err == nil && !exists {
		return fault.New(fault.NotFound, "there is no such user")
	}
	return err
}

// Follows says since when the caller follows a channel; not_found: not at all.
func (s *Service) Follows(ctx context.Context, who auth.Identity, channel uuid.UUID) (time.Time, error) {
	since, err := s.store().follows(ctx, who.User, channel)
	if errors.Is(err, db.ErrNotFound) {
		return since, fault.New(fault.NotFound, "you do not follow this channel")
	}
	return since, faultOf(err)
}

// Followers is who follows a channel, newest first, for everybody. after is the Next of
// the page before.
func (s *Service) Followers(ctx context.Context, channel uuid.UUID, after string, limit int) (httpd.Page[Followed], error) {
	return s.follows(ctx, channel, after, limit, Store.followers)
}

// Following is what a user follows, newest first, for that user and for admins: what
// somebody likes to watch is their own business.
func (s *Service) Following(ctx context.Context, who auth.Identity, user uuid.UUID, after string, limit int) (httpd.Page[Followed], error) {
	if err := selfOrAdmin(who, user); err != nil {
		return httpd.Page[Followed]{}, err
	}
	return s.follows(ctx, user, after, limit, Store.following)
}

type followList func(st Store, ctx context.Context, of uuid.UUID, after place, limit int) ([]Followed, error)

func (s *Service) follows(ctx context.Context, of uuid.UUID, after string, limit int, list followList) (httpd.Page[Followed], error) {
	var page httpd.Page[Followed]
	from, err := parsePlace(after)
	if err != nil {
		return page, err
	}
	if err := s.there(ctx, s.store(), of); err != nil {
		return page, faultOf(err)
	}
	limit = httpd.PageSize(limit)
	if page.Items, err = list(s.store(), ctx, of, from, limit+1); err != nil {
		return page, faultOf(err)
	}
	page.Cut(limit, func(f Followed) string { return place{at: f.Since, id: f.ID}.String() })
	return page, nil
}

// selfOrAdmin hides what is of somebody else: that it exists is not told either.
func selfOrAdmin(who auth.Identity, user uuid.UUID) error {
	if who.User != user && !who.Role.AtLeast(auth.Admin) {
		return fault.New(fault.NotFound, "there is no such user, or it is not you")
	}
	return nil
}
