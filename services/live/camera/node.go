package camera

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// lease is how long a node pulls a camera that says no more that it does.
const lease = 10 * time.Second

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

// Why says, for the history of a channel, why a node is not to pull its camera any more.
func (s *Service) Why(ctx context.Context, channel uuid.UUID) (string, error) {
	c, err := store{s.c.DB}.camera(ctx, channel, false)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return "the camera was deleted", nil
	case err != nil:
		return "", db.Fault("camera", err)
	case !c.Enabled:
		return "the camera was turned off", nil
	case c.Mode == Watched:
		return "nobody watched the camera any more", nil
	}
	return "the camera is not fetched here any more", nil
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
	text, err := s.things.Open(c.Channel, c.sealed)
	user, password, _ = strings.Cut(text, ":")
	return user, password, err
}

// Report tells how cameras do; it is called every second.
func (s *Service) Report(ctx context.Context, all map[uuid.UUID]CameraStatus) error {
	return s.things.Report(ctx, all)
}

// Run seals anew what an old key of the server sealed, and drops the cameras of channels
// that are deleted, until ctx ends. Several processes may do it.
func (s *Service) Run(ctx context.Context) error { return s.things.Run(ctx) }
