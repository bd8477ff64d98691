package live

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
	"weir/services/live/pass"
)

const (
	linksEach  = 50  // share links of a channel
	guestsEach = 500 // invited users of a channel
)

// ShareLink lets everybody who has it watch a channel that is not public.
type ShareLink struct {
	ID      uuid.UUID  `json:"id"`
	Label   string     `json:"label" doc:"What you call it"`
	Network string     `json:"network,omitempty" doc:"Where it holds; absent: everywhere"`
	Creator *uuid.UUID `json:"created_by,omitempty" doc:"The user; absent: the account is gone"`
	Created time.Time  `json:"created_at"`
	Expires *time.Time `json:"expires_at,omitempty" doc:"When it ends by itself; absent: never"`
	Used    *time.Time `json:"used_at,omitempty" doc:"When somebody came by it last, to the minute"`

	channel uuid.UUID
	hash    string
	revoked *time.Time
}

// NewShareLink is a share link with its secret.
type NewShareLink struct {
	ShareLink
	Secret string `json:"secret" doc:"What is shown to get a pass. Shown this once; only a hash is kept"`
	Watch  string `json:"watch" doc:"Path of the watch page with the secret behind #, which browsers send to nobody"`
}

func (l *ShareLink) ended(now time.Time) bool {
	return l.revoked != nil || l.Expires != nil && !l.Expires.After(now)
}

func (l *ShareLink) network() netip.Prefix {
	p, err := netip.ParsePrefix(l.Network)
	if err != nil {
		return netip.Prefix{} // it holds everywhere
	}
	return p
}

// openLink finds the link that somebody shows for a channel, nil where there is none.
func (s *Service) openLink(ctx context.Context, c *Channel, ask Asking) (*ShareLink, error) {
	l, err := s.store().link(ctx, hashOf(ask.Link))
	now := s.stamp()
	switch {
	case missing(err) || err == nil && (c == nil || l.channel != c.ID || l.revoked != nil):
		return nil, fault.New(fault.Denied, "this link does not hold: ask who gave it to you for a new one")
	case err != nil:
		return nil, faultOf(err)
	case l.ended(now):
		return nil, fault.New(fault.Denied, "this link has expired: ask who gave it to you for a new one")
	}
	if p := l.network(); p.IsValid() && !p.Contains(ask.From) {
		return nil, fault.New(fault.Denied, "this link is for another network")
	}
	if l.Used == nil || now.Sub(*l.Used) >= time.Minute {
		if err := s.store().touchLink(ctx, l.ID, now); err != nil {
			s.log.Warn("a share link's last use is not noted", "err", err)
		}
	}
	return l, nil
}

// ShareLinks are those of a channel that are not revoked, oldest first.
func (s *Service) ShareLinks(ctx context.Context, who auth.Identity, channel uuid.UUID) ([]ShareLink, error) {
	if _, err := s.access(ctx, s.store(), who, channel, Manager); err != nil {
		return nil, err
	}
	list, err := s.store().links(ctx, channel)
	return list, faultOf(err)
}

// CreateShareLink makes a link to a channel. network, an address or a network, and expires
// may be empty and nil.
func (s *Service) CreateShareLink(ctx context.Context, who auth.Identity, channel uuid.UUID, label, network string, expires *time.Time) (NewShareLink, error) {
	var made NewShareLink
	clean, problem := checkText(label, 60, false)
	if problem != "" {
		return made, fault.Bad("body.label", problem)
	}
	if expires != nil && !expires.After(s.now()) {
		return made, fault.Bad("body.expires_at", "must be in the future")
	}
	if network, problem = checkNetwork(network); problem != "" {
		return made, fault.Bad("body.network", problem)
	}
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Manager)
		if err != nil {
			return err
		}
		list, err := st.links(ctx, channel)
		if err != nil {
			return err
		}
		if len(list) >= linksEach {
			return fault.Newf(fault.Conflict, "a channel has at most %d share links; revoke one first", linksEach)
		}
		made = NewShareLink{ShareLink: ShareLink{Label: clean, Network: network, Creator: &who.User, Created: s.stamp(), Expires: expires, channel: channel}, Secret: newSecret()}
		if made.ID, err = newID(); err != nil {
			return err
		}
		made.hash, made.Watch = hashOf(made.Secret), "/watch/"+c.Name+"#share="+made.Secret
		return st.insertLink(ctx, &made.ShareLink)
	})
	return made, err
}

// checkNetwork takes an address or a network.
func checkNetwork(s string) (network, problem string) {
	if s == "" {
		return "", ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, errAddr := netip.ParseAddr(s)
		if errAddr != nil || a.Zone() != "" {
			return "", "must be an address or a network such as 192.0.2.0/24"
		}
		p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
	}
	return p.Masked().String(), ""
}

// RevokeShareLink ends a link, and what is watched by it within a second.
func (s *Service) RevokeShareLink(ctx context.Context, who auth.Identity, channel, link uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.hold(ctx, st, who, channel, Manager); err != nil {
			return err
		}
		n, err := st.q.Exec(ctx, `UPDATE live_links SET revoked_at=$1 WHERE id=$2 AND channel_id=$3 AND revoked_at IS NULL`, s.stamp(), link, channel)
		if err == nil && n == 0 {
			err = noSuch("share link")
		}
		if err != nil {
			return err
		}
		return s.revokePasses(ctx, st, subject{channel, pass.Link, link}, "")
	})
}

// Guest is a user who may watch a private channel.
type Guest struct {
	User  uuid.UUID `json:"user_id"`
	Since time.Time `json:"since"`
}

// Guests are the users who may watch a private channel beside those who work for it.
func (s *Service) Guests(ctx context.Context, who auth.Identity, channel uuid.UUID) ([]Guest, error) {
	if _, err := s.access(ctx, s.store(), who, channel, Manager); err != nil {
		return nil, err
	}
	list, err := s.store().guests(ctx, channel)
	return list, faultOf(err)
}

// AddGuest lets a user watch a private channel. As for members, that the user exists is
// not looked at.
func (s *Service) AddGuest(ctx context.Context, who auth.Identity, channel, user uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.hold(ctx, st, who, channel, Manager); err != nil {
			return err
		}
		invited, err := st.invited(ctx, channel, user)
		if err != nil || invited {
			return err
		}
		list, err := st.guests(ctx, channel)
		if err != nil {
			return err
		}
		if len(list) >= guestsEach {
			return fault.Newf(fault.Conflict, "a channel has at most %d guests; make a share link instead", guestsEach)
		}
		_, err = st.q.Exec(ctx, `INSERT INTO live_guests (channel_id, user_id, added_at) VALUES ($1,$2,$3) ON CONFLICT (channel_id, user_id) DO NOTHING`, channel, user, s.stamp())
		return err
	})
}

// RemoveGuest takes that back; what the user watches ends within a second.
func (s *Service) RemoveGuest(ctx context.Context, who auth.Identity, channel, user uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.hold(ctx, st, who, channel, Manager); err != nil {
			return err
		}
		n, err := st.q.Exec(ctx, `DELETE FROM live_guests WHERE channel_id=$1 AND user_id=$2`, channel, user)
		if err == nil && n == 0 {
			err = noSuch("guest")
		}
		if err != nil {
			return err
		}
		return s.revokePasses(ctx, st, subject{channel, pass.User, user}, "")
	})
}

const linkColumns = `id, channel_id, label, link_hash, network, created_by, created_at, expires_at, used_at, revoked_at`

func scanLink(r db.Row) (l ShareLink, err error) {
	err = r.Scan(&l.ID, &l.channel, &l.Label, &l.hash, &l.Network, &l.Creator, &l.Created, &l.Expires, &l.Used, &l.revoked)
	return l, err
}

func (s Store) link(ctx context.Context, hash string) (*ShareLink, error) {
	l, err := scanLink(s.q.QueryRow(ctx, `SELECT `+linkColumns+` FROM live_links WHERE link_hash=$1`, hash))
	if err != nil {
		return nil, err
	}
	return &l, nil
}

func (s Store) links(ctx context.Context, channel uuid.UUID) ([]ShareLink, error) {
	rows, err := s.q.Query(ctx, `SELECT `+linkColumns+` FROM live_links WHERE channel_id=$1 AND revoked_at IS NULL ORDER BY id LIMIT 1000`, channel)
	return db.Collect(rows, err, scanLink)
}

func (s Store) insertLink(ctx context.Context, l *ShareLink) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_links (id, channel_id, label, link_hash, network, created_by, created_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`,
		l.ID, l.channel, l.Label, l.hash, l.Network, l.Creator, l.Created, l.Expires)
	return err
}

// touchLink notes that a link was used, at most once a minute.
func (s Store) touchLink(ctx context.Context, link uuid.UUID, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_links SET used_at=$1 WHERE id=$2 AND (used_at IS NULL OR used_at <= $3)`, now, link, now.Add(-time.Minute))
	if err != nil {
		return fmt.Errorf("note the use of a share link: %w", err)
	}
	return nil
}

func (s Store) guests(ctx context.Context, channel uuid.UUID) ([]Guest, error) {
	rows, err := s.q.Query(ctx, `SELECT user_id, added_at FROM live_guests WHERE channel_id=$1 ORDER BY added_at, user_id LIMIT 1000`, channel)
	return db.Collect(rows, err, func(r db.Row) (g Guest, err error) { err = r.Scan(&g.User, &g.Since); return g, err })
}

func (s Store) invited(ctx context.Context, channel, user uuid.UUID) (bool, error) {
	var n int
	err := s.q.QueryRow(ctx, `SELECT COUNT(*) FROM live_guests WHERE channel_id=$1 AND user_id=$2`, channel, user).Scan(&n)
	return n > 0, err
}
