package live

import (
	"context"

	"github.com/google/uuid"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/live/pass"
)

// Subscription is what this service wants to hear: accounts that may publish no more, and
// roles that change.
func (s *Service) Subscription() bus.Subscription {
	g := event.LiveGroup()
	return bus.Subscription{Group: g.Name, Types: g.Types, Handle: s.handle}
}

func (s *Service) handle(ctx context.Context, q db.Q, e event.Event) error {
	st := Store{q}
	switch e.Type {
	case event.UserDeleted{}.EventType():
		return s.ownerDeleted(ctx, st, e)
	case event.UserSecurity{}.EventType():
		return s.roleChanged(ctx, st, e)
	}
	d, err := event.Decode[event.UserSuspended](e)
	if err != nil {
		return err
	}
	if err := st.setOwner(ctx, d.UserID, d.Suspended, d.Until, false); err != nil || !d.Suspended {
		return err
	}
	if err := s.revokePasses(ctx, st, subject{uuid.Nil, pass.User, d.UserID}, ""); err != nil {
		return err
	}
	channels, err := st.owned(ctx, d.UserID)
	if err != nil {
		return err
	}
	for _, id := range channels {
		if _, err := st.order(ctx, id, errSuspended.Words); err != nil {
			return err
		}
	}
	return nil
}

// roleChanged takes back the passes of an account whose role on the installation is another
// one: it may have got them as a moderator, for channels that it may not watch now.
func (s *Service) roleChanged(ctx context.Context, st Store, e event.Event) error {
	d, err := event.Decode[event.UserSecurity](e)
	if err != nil || d.Kind != event.RoleChanged {
		return err
	}
	return s.revokePasses(ctx, st, subject{uuid.Nil, pass.User, d.UserID}, "")
}

// ownerDeleted deletes the channels of an account that is gone, and its roles in others.
func (s *Service) ownerDeleted(ctx context.Context, st Store, e event.Event) error {
	d, err := event.Decode[event.UserDeleted](e)
	if err != nil {
		return err
	}
	if err := st.setOwner(ctx, d.UserID, false, nil, true); err != nil {
		return err
	}
	channels, err := st.owned(ctx, d.UserID)
	if err != nil {
		return err
	}
	for _, id := range channels {
		c, err := st.held(ctx, id)
		if missing(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.remove(ctx, st, c); err != nil {
			return err
		}
	}
	if err := s.revokePasses(ctx, st, subject{uuid.Nil, pass.User, d.UserID}, ""); err != nil {
		return err
	}
	for _, sql := range []string{
		`DELETE FROM live_members WHERE user_id=$1`, `DELETE FROM live_guests WHERE user_id=$1`,
		`UPDATE live_links SET created_by=NULL WHERE created_by=$1`, `UPDATE live_recordings SET created_by=NULL WHERE created_by=$1`,
	} {
		if _, err := st.q.Exec(ctx, sql, d.UserID); err != nil {
			return err
		}
	}
	return nil
}
