package camera

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

const (
	// lease is how long a node pulls a camera that says no more that it does.
	lease = 10 * time.Second
	// statusLife is how long a CameraStatus is known that nobody tells again.
	statusLife = 10 * time.Second
)

// CameraStatus is how a camera does that is pulled now.
type CameraStatus struct {
	State string    `json:"state" enum:"connecting,live,waiting" doc:"waiting: to try again"`
	Since time.Time `json:"since"`
	Tries int       `json:"tries" doc:"Connections begun"`
	Error string    `json:"error,omitempty" doc:"Why the last connection failed or ended"`
}

// Order is a camera that is to be pulled, with its credentials.
type Order struct {
	Channel        uuid.UUID
	Name           string // of the channel
	Version        int64
	URL            string
	User, Password string
}

// Demand says for a name who asked for it lately: anybody, and somebody with a pass.
type Demand func(name string) (anybody, admitted bool)

// Take is what a node is to pull now: cameras that are always pulled, and those that
// somebody here watches, as far as no other node has them. Credentials that cannot be
// read are logged, and the camera left out.
func (s *Service) Take(ctx context.Context, node string, watched Demand) ([]Order, error) {
	now, st := s.stamp(), store{s.c.DB}
	list, err := st.free(ctx, node, now)
	if err != nil {
		return nil, db.Fault("camera", err)
	}
	var out []Order
	for _, x := range list {
		if !wanted(x, watched) {
			if x.holder == node {
				if err := st.release(ctx, x.Channel, node); err != nil {
					return nil, db.Fault("camera", err)
				}
			}
			continue
		}
		user, password, err := s.credentials(x.Camera)
		if err != nil {
			s.c.Log.Error("the password of a camera cannot be read: give all processes that share the database the same WEIR_SECRET_KEY, or set it again", "stream", x.name, "err", err)
			continue
		}
		if x.holder != node || x.until == nil || x.until.Sub(now) < lease/2 {
			mine, err := st.lease(ctx, x.Channel, node, now, now.Add(lease))
			if err != nil {
				return nil, db.Fault("camera", err)
			}
			if !mine {
				continue
			}
		}
		out = append(out, Order{Channel: x.Channel, Name: x.name, Version: x.Version, URL: x.URL, User: user, Password: password})
	}
	return out, nil
}

func wanted(x claim, watched Demand) bool {
	if x.Mode == Always {
		return true
	}
	anybody, admitted := watched(x.name)
	return admitted || anybody && !x.private
}

// Release lets other nodes pull what this one does not any more.
func (s *Service) Release(ctx context.Context, node string) error {
	_, err := s.c.DB.Exec(ctx, `UPDATE live_cameras SET holder='', held_until=NULL WHERE holder=$1`, node)
	return db.Fault("camera", err)
}

func (s *Service) credentials(c Camera) (user, password string, err error) {
	if c.sealed == "" {
		return "", "", nil
	}
	text, err := s.c.Box.Open(c.sealed, "live_cameras", c.Channel.String())
	user, password, _ = strings.Cut(string(text), ":")
	return user, password, err
}

func statusKey(channel uuid.UUID) string { return "weir:live:camera:" + channel.String() }

// Report tells how cameras do; it is called every second.
func (s *Service) Report(ctx context.Context, all map[uuid.UUID]CameraStatus) error {
	if len(all) == 0 {
		return nil
	}
	p := s.c.Redis.Pipeline()
	for id, x := range all {
		text, err := json.Marshal(x)
		if err != nil {
			return fmt.Errorf("camera: %w", err)
		}
		p.Set(ctx, statusKey(id), text, statusLife)
	}
	_, err := p.Exec(ctx)
	return db.Fault("camera", err)
}

// status fills in how a camera does. Without Redis nothing is known.
func (s *Service) status(ctx context.Context, c *Camera) {
	text, err := s.c.Redis.Get(ctx, statusKey(c.Channel)).Result()
	var x CameraStatus
	if err == nil && c.Enabled && json.Unmarshal([]byte(text), &x) == nil {
		c.Status = &x
	}
}

// tidyEvery is how often Run looks.
const tidyEvery = time.Hour

// Run seals anew what an old key of the server sealed, and drops the cameras of channels
// that are deleted, until ctx ends. Several processes may do it.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("cameras are not tidied; trying again later", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

func (s *Service) tidy(ctx context.Context) error {
	if _, err := s.c.DB.Exec(ctx, `DELETE FROM live_cameras WHERE channel_id IN (SELECT id FROM live_channels WHERE deleted_at IS NOT NULL)`); err != nil {
		return db.Fault("camera", err)
	}
	rows, err := s.c.DB.Query(ctx, `SELECT `+columns+` FROM live_cameras WHERE credentials<>'' AND credentials NOT LIKE $1 ORDER BY channel_id`, s.c.Box.Prefix()+"%")
	list, err := db.Collect(rows, err, scan)
	if err != nil {
		return db.Fault("camera", err)
	}
	for _, c := range list {
		text, err := s.c.Box.Open(c.sealed, "live_cameras", c.Channel.String())
		if err != nil {
			continue // said by Take, when it matters
		}
		if _, err := s.c.DB.Exec(ctx, `UPDATE live_cameras SET credentials=$1 WHERE channel_id=$2 AND credentials=$3`, s.seal(c.Channel, string(text)), c.Channel, c.sealed); err != nil {
			return db.Fault("camera", err)
		}
	}
	return nil
}
