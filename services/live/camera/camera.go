package camera

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/redis"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/live/upkeep"
	"weir/services/seal"
)

const (
	urlMax        = 500 // bytes
	credentialMax = 200 // bytes of a user or a password
)

// When a camera is pulled.
const (
	Always  = "always"
	Watched = "watched" // while somebody watches
	None    = "none"    // the channel has no camera
)

// Channels says who manages a channel. hold keeps the channel from being deleted until
// the transaction of q ends. Errors are faults.
type Channels interface {
	Manages(ctx context.Context, q db.Q, who auth.Identity, channel uuid.UUID, hold bool) error
}

// Config says what a Service works with.
type Config struct {
	DB       *db.DB        // migrated with live.Migrations
	Redis    *redis.Client // how cameras do
	Box      *seal.Box     // seals users and passwords
	Channels Channels
	// Check says what is wrong with the address of a camera, in words that follow its
	// name, or nothing.
	Check func(url string) (problem string)
	Log   *slog.Logger // nil: none
	Now   func() time.Time
}

// Service is the cameras of all channels. Its methods may be called from any goroutine
// and block on the database and Redis until ctx ends; their errors are faults.
type Service struct {
	c      Config
	things upkeep.Things[CameraStatus]
}

// Open does no I/O and starts nothing.
func Open(c Config) (*Service, error) {
	if c.DB == nil || c.Redis == nil || c.Box == nil || c.Channels == nil || c.Check == nil {
		return nil, errors.New("camera: a database, Redis, a box, channels and a check are needed")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	table := upkeep.Table{Kind: "camera", Name: "live_cameras", ID: "channel_id", Sealed: "credentials"}
	return &Service{c, upkeep.Things[CameraStatus]{Table: table, DB: c.DB, Redis: c.Redis, Box: c.Box, Log: c.Log}}, nil
}

// Camera is what a channel shows.
type Camera struct {
	Channel     uuid.UUID     `json:"channel_id"`
	URL         string        `json:"url" doc:"rtsp:// or rtsps://" example:"rtsp://camera.example.org/stream1"`
	Mode        string        `json:"mode" enum:"always,watched,none" doc:"watched: it is pulled while somebody watches, and half a minute longer; none: the channel has no camera"`
	Enabled     bool          `json:"enabled" doc:"Whether it is pulled; it counts within a second"`
	Credentials bool          `json:"has_credentials" doc:"Whether there are a user and a password, which are shown to nobody"`
	Created     time.Time     `json:"created_at,omitzero" doc:"Absent where there is no camera"`
	Version     int64         `json:"version" doc:"Grows with each change; the ETag"`
	Status      *CameraStatus `json:"status,omitempty" doc:"How it does; absent: no node pulls it now"`

	sealed string // credentials
}

// CameraChanges are what a Camera is made of.
type CameraChanges struct {
	URL      string  `json:"url" maxLength:"500" doc:"rtsp://host/path or rtsps://host/path, without user and password"`
	Username *string `json:"username,omitempty" maxLength:"200" doc:"Absent: those of before stay, if the address does; empty: none"`
	Password *string `json:"password,omitempty" maxLength:"200" doc:"Never shown again"`
	Mode     string  `json:"mode,omitempty" enum:"always,watched" default:"watched"`
	Enabled  *bool   `json:"enabled,omitempty" doc:"True unless it says otherwise"`
}

// apply checks the changes, all of them, and makes them.
func (s *Service) apply(c *Camera, x CameraChanges) error {
	var bad fault.Problems
	before := c.URL
	c.URL, c.Mode, c.Enabled = strings.TrimSpace(x.URL), Watched, x.Enabled == nil || *x.Enabled
	problem := s.c.Check(c.URL)
	if len(c.URL) > urlMax || !plain(c.URL) {
		problem = "is too long, or has characters that are not allowed"
	}
	bad.Note("url", problem)
	switch x.Mode {
	case "", Watched:
	case Always:
		c.Mode = Always
	default:
		bad.Note("mode", "must be always or watched")
	}
	switch {
	case x.Username == nil && x.Password == nil:
		if c.sealed != "" && c.URL != before { // else whoever changes it could have them sent to a server of theirs
			bad.Note("password", "must be given again, with the username, when the address changes")
		}
	case x.Username == nil || *x.Username == "" && x.Password != nil && *x.Password != "":
		bad.Note("username", "must be there with a password")
	case *x.Username == "":
		c.sealed = ""
	default:
		var password string
		if x.Password != nil {
			password = *x.Password
		}
		if !credential(*x.Username) || strings.Contains(*x.Username, ":") || !credential(password) {
			bad.Note("username", "or the password is too long, or has characters that are not allowed")
			break
		}
		c.sealed = s.things.Seal(c.Channel, *x.Username+":"+password)
	}
	c.Credentials = c.sealed != ""
	return bad.Err()
}

func credential(text string) bool { return len(text) <= credentialMax && plain(text) }

func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func (s *Service) within(ctx context.Context, do func(ctx context.Context, st store) error) error {
	return db.Fault("camera", s.c.DB.Tx(ctx, func(ctx context.Context, q db.Q) error { return do(ctx, store{q}) }))
}

func (s *Service) stamp() time.Time { return s.c.Now().UTC().Truncate(time.Microsecond) }

// Camera is a channel's, with how it does; where there is none its mode is None.
func (s *Service) Camera(ctx context.Context, who auth.Identity, channel uuid.UUID) (Camera, error) {
	if err := s.c.Channels.Manages(ctx, s.c.DB, who, channel, false); err != nil {
		return Camera{}, err
	}
	c, err := store{s.c.DB}.camera(ctx, channel, false)
	if errors.Is(err, db.ErrNotFound) {
		return Camera{Channel: channel, Mode: None}, nil
	}
	if err != nil {
		return c, db.Fault("camera", err)
	}
	if c.Enabled {
		c.Status = s.things.News(ctx, channel)[0]
	}
	return c, nil
}

// Absent is the version of a camera that is not there yet.
const Absent = -1

// Set makes a channel's camera, or changes it if it still has that version; 0 takes any,
// Absent none. It counts within a second.
func (s *Service) Set(ctx context.Context, who auth.Identity, channel uuid.UUID, version int64, x CameraChanges) (Camera, error) {
	var c Camera
	err := s.within(ctx, func(ctx context.Context, st store) error {
		err := s.c.Channels.Manages(ctx, st.q, who, channel, true)
		if err != nil {
			return err
		}
		c, err = st.camera(ctx, channel, true)
		if fresh := errors.Is(err, db.ErrNotFound); fresh {
			c, err = Camera{Channel: channel, Created: s.stamp()}, nil
		}
		if err != nil {
			return err
		}
		switch {
		case version == Absent && c.Version > 0:
			_, err = httpd.IfMatch("") // says what to do
			return err
		case version > 0 && version != c.Version:
			return httpd.Changed()
		}
		if err := s.apply(&c, x); err != nil {
			return err
		}
		c.Version++
		return st.put(ctx, c, s.stamp())
	})
	return c, err
}

// Delete removes a channel's camera; what is pulled ends within a second.
func (s *Service) Delete(ctx context.Context, who auth.Identity, channel uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st store) error {
		if err := s.c.Channels.Manages(ctx, st.q, who, channel, false); err != nil {
			return err
		}
		n, err := st.q.Exec(ctx, `DELETE FROM live_cameras WHERE channel_id=$1`, channel)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "this channel has no camera")
		}
		return err
	})
}
