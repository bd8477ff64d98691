package rtsp

import (
	"context"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"

	"weir/media"
	"weir/media/hub"
)

// askEvery is how often viewers are asked for their right, and channels for viewers.
const askEvery = 2 * time.Second

// channel is one live stream while somebody watches it here.
type channel struct {
	source *hub.Stream
	stream *gortsplib.ServerStream

	// under the server's lock
	viewers map[*gortsplib.ServerSession]func() error // asks again
	idle    int                                       // looks without a viewer
}

// newChannel cuts a stream into RTP; nil: none of its tracks can be, or the server ends.
func (s *Server) newChannel(source *hub.Stream) *channel {
	payloads := map[media.Kind]*payload{}
	desc := &description.Session{Title: source.ID().Name()}
	for _, t := range source.Tracks() {
		if x := newPayload(t); x != nil && payloads[t.Kind] == nil {
			payloads[t.Kind] = x
			desc.Medias = append(desc.Medias, x.media)
		}
	}
	if len(desc.Medias) == 0 {
		return nil
	}
	c := &channel{source: source, viewers: map[*gortsplib.ServerSession]func() error{}}
	c.stream = &gortsplib.ServerStream{Server: s.lib, Desc: desc}
	if err := c.stream.Initialize(); err != nil {
		return nil
	}
	off := source.Tap(func(p *media.Packet) {
		if x := payloads[p.Kind()]; x != nil && x.codec == p.Track.Codec {
			c.write(x, p)
		}
	})
	s.work.Go(func() {
		defer c.stream.Close()
		defer off()
		s.watch(s.ctx, c)
	})
	return c
}

// write gives a packet to all viewers. It is called by the writer and waits for nobody.
func (c *channel) write(x *payload, p *media.Packet) {
	list, err := x.cut(p)
	if err != nil {
		return // this one is of no form that RTP has
	}
	at, wall := uint32(p.PTS.In(x.rate)), c.source.Epoch().Add(p.PTS.Duration()) //nolint:gosec // RTP's clock wraps
	for _, one := range list {
		one.Timestamp = at
		_ = c.stream.WritePacketRTPWithNTP(x.media, one, wall) // who is too slow is told to OnStreamWriteError
	}
}

// watch sees to a channel until its stream is over or nobody watches it any more.
func (s *Server) watch(ctx context.Context, c *channel) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-c.source.Done():
		case <-tick.C:
			if s.ask(c) {
				continue
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.channels[c.source] == c {
			delete(s.channels, c.source)
		}
		return
	}
}

// ask sends away who may watch no more; it reports false when nobody has watched for a
// while, and the channel is then forgotten.
func (s *Server) ask(c *channel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session, watching := range c.viewers {
		if watching() != nil {
			session.Close()
		}
	}
	if c.idle++; len(c.viewers) > 0 {
		c.idle = 0
	}
	if c.idle < 5 {
		return true
	}
	delete(s.channels, c.source)
	return false
}
