package live

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/live/pass"
)

// Playback is what a player needs to watch a channel.
type Playback struct {
	Pass    string     `json:"pass,omitempty" doc:"Opens the addresses below; a secret of this viewer. Absent: none is needed, or there is nothing that you may watch"`
	Expires *time.Time `json:"expires_at,omitempty" doc:"When the pass ends: ask again before"`
	Viewer  string     `json:"viewer,omitempty" doc:"Names the viewer of this pass, to end it"`
	HLS     string     `json:"hls" doc:"Path of LL-HLS" example:"/live/anna/index.m3u8"`
	DASH    string     `json:"dash" doc:"Path of DASH"`
	Thumb   string     `json:"thumb" doc:"Path of a picture of now"`
	Replay  string     `json:"replay" doc:"Path of the channel's recordings: the id of one and /index.m3u8 follow" example:"/vod/"`
	Channel *View      `json:"channel,omitempty" doc:"What the pass opens; absent without one"`
	Showing *Showing   `json:"showing,omitempty" doc:"What is on the air; absent without a pass"`
}

// Showing is what viewers of a channel have before them.
type Showing struct {
	Started time.Time `json:"started_at" doc:"When viewers could begin"`
	Source  Source    `json:"source"`
	Viewers int64     `json:"viewers" doc:"When this was answered"`
}

// playbackAt are the addresses of a name, with a pass where it is not empty.
func playbackAt(name, text string) Playback {
	between := ""
	if text != "" {
		between = "~" + text + "/"
	}
	live := "/live/" + between + name
	return Playback{Pass: text, HLS: live + "/index.m3u8", DASH: live + "/manifest.mpd", Thumb: live + "/thumb.jpg", Replay: "/vod/" + between}
}

// Asking is what somebody shows who wants to watch.
type Asking struct {
	Link  string     // the secret of a share link; empty: none
	Bound bool       // the pass is to hold at From only
	From  netip.Addr // the zero Addr when that is not known
}

// Playback gives the addresses at which the caller, who may be nobody, can watch a channel,
// with a pass where it is not public. What the caller may not know of looks as if nobody
// had the name. denied: the share link does not hold.
func (s *Service) Playback(ctx context.Context, who auth.Identity, name string, ask Asking) (Playback, error) {
	if !ValidName(name) {
		return Playback{}, fault.Bad("path.name", ErrName.Error())
	}
	c, err := s.store().byName(ctx, name)
	if err != nil && !missing(err) {
		return Playback{}, faultOf(err)
	}
	if c != nil && c.door() == Public {
		return playbackAt(name, ""), nil
	}
	var link *ShareLink
	if ask.Link != "" {
		if link, err = s.openLink(ctx, c, ask); err != nil {
			return Playback{}, err
		}
	}
	if c == nil {
		return playbackAt(name, ""), nil
	}
	p := pass.Pass{Channel: c.ID, Name: c.Name, Viewer: pass.NewViewer()}
	if ask.Bound {
		if p.Network, err = onlyAt(ask.From); err != nil {
			return Playback{}, err
		}
	}
	for _, h := range rightsOf(who, link) {
		may, err := s.grantPass(ctx, who, c.ID, h, link, &p)
		if err != nil {
			return Playback{}, err
		}
		if may {
			return s.signed(ctx, p, c)
		}
	}
	return playbackAt(name, ""), nil
}

// rightsOf are the rights by which somebody might watch, the best first.
func rightsOf(who auth.Identity, link *ShareLink) (list []pass.Holder) {
	if who.User != uuid.Nil {
		list = append(list, pass.Holder{Kind: pass.User, ID: who.User})
	}
	if link != nil {
		list = append(list, pass.Holder{Kind: pass.Link, ID: link.ID})
	}
	return append(list, pass.Holder{})
}

// grantPass fills in p if h may watch. What was taken back is read before what h may do:
// who loses a right meanwhile either has it no more, or gets a pass that is older than
// the revocation.
func (s *Service) grantPass(ctx context.Context, who auth.Identity, channel uuid.UUID, h pass.Holder, link *ShareLink, p *pass.Pass) (bool, error) {
	now := s.now().UTC().Truncate(time.Millisecond)
	until, err := s.store().lastRevocation(ctx, channel, h)
	if err != nil {
		return false, faultOf(err)
	}
	c, err := s.store().channel(ctx, channel)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, faultOf(err)
	}
	may := c.door() == Unlisted
	switch h.Kind {
	case pass.User:
		if !may {
			may, err = s.mayEnter(ctx, who, c)
		}
	case pass.Link:
		may = c.Banned == nil
		if again, wrong := s.store().link(ctx, link.hash); wrong != nil || again.ended(now) {
			may = false
		}
	}
	if err != nil || !may {
		return false, err
	}
	p.Holder, p.Issued, p.Expires = h, now, now.Add(passLife)
	if !p.Issued.After(until) {
		p.Issued = until.Add(time.Millisecond)
	}
	if h.Kind == pass.Link {
		if link.Expires != nil && link.Expires.Before(p.Expires) {
			p.Expires = *link.Expires
		}
		if !p.Network.IsValid() {
			p.Network = link.network()
		}
	}
	return true, nil
}

// mayEnter is whether a user may watch a channel that is private or banned.
func (s *Service) mayEnter(ctx context.Context, who auth.Identity, c *Channel) (bool, error) {
	role, err := s.roleOf(ctx, s.store(), who, c)
	if err != nil {
		return false, faultOf(err)
	}
	if role != "" || c.Banned != nil {
		return role != "", nil
	}
	invited, err := s.store().invited(ctx, c.ID, who.User)
	return invited, faultOf(err)
}

// signed is the answer with the pass in it, and with what it opens: nobody who has a
// pass finds that in a list.
func (s *Service) signed(ctx context.Context, p pass.Pass, c *Channel) (Playback, error) {
	text := s.passes.ring.Sign(p, s.now())
	if text == "" {
		return Playback{}, fault.New(fault.Unavailable, "passes cannot be made now: try again")
	}
	out := playbackAt(p.Name, text)
	expires := p.Expires.Truncate(time.Second)
	out.Expires, out.Viewer = &expires, viewerText(p.Viewer)
	view := c.view("")
	out.Channel = &view
	showing, err := s.showing(ctx, c.ID)
	if err != nil {
		s.log.Warn("a viewer is not told what is on the air", "channel", c.Name, "err", err)
	}
	out.Showing = showing
	return out, nil
}

// showing is what a channel has on the air, nil for nothing that can be watched.
func (s *Service) showing(ctx context.Context, channel uuid.UUID) (*Showing, error) {
	v, err := s.store().open(ctx, channel)
	if err != nil || v == nil || v.Started == nil {
		return nil, err
	}
	x := Showing{Started: *v.Started, Source: v.Source}
	if s.redis != nil {
		since := strconv.FormatInt(s.now().Add(-presentFor).UnixMilli(), 10)
		if x.Viewers, err = s.redis.ZCount(ctx, presentKey(v.ID), since, "+inf").Result(); err != nil {
			return nil, fmt.Errorf("viewers: %w", err)
		}
	}
	return &x, nil
}

// onlyAt is the network of one viewer: the address, or the /64 in which IPv6 changes it.
func onlyAt(a netip.Addr) (netip.Prefix, error) {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil || !p.IsValid() {
		return p, fault.Bad("body.bind", "cannot be done: where you come from is not known here")
	}
	return p, nil
}

func viewerText(viewer uint64) string { return fmt.Sprintf("%016x", viewer) }

// viewersAway is how many viewers of a channel can be sent away one by one within the
// life of a pass.
const viewersAway = 1000

// EndPass ends what a viewer watches by the pass that was answered with that name.
// Whoever may have a new one can ask for it.
func (s *Service) EndPass(ctx context.Context, who auth.Identity, channel uuid.UUID, viewer string) error {
	n, err := strconv.ParseUint(viewer, 16, 64)
	if err != nil || viewerText(n) != viewer || n == 0 {
		return fault.Bad("path.viewer", "must be the viewer of a playback")
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Moderator)
		if err != nil {
			return err
		}
		gone, err := st.countViewerRevocations(ctx, channel)
		if err != nil {
			return err
		}
		if gone >= viewersAway {
			return fault.Newf(fault.Conflict, "%d viewers were sent away lately, which is the most: end all passes instead", gone)
		}
		return s.revokePasses(ctx, st, subject{c.ID, ofViewer, viewerID(n)}, "")
	})
}

// EndPasses ends all passes of a channel. Whoever may have a new one can ask for it.
func (s *Service) EndPasses(ctx context.Context, who auth.Identity, channel uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Manager)
		if err != nil {
			return err
		}
		return s.closeDoor(ctx, st, c)
	})
}
