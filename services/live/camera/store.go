package camera

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// store is the SQL of this package. Its errors are those of package db.
type store struct{ q db.Q }

const columns = `channel_id, url, credentials, mode, enabled, version, created_at`

func (c *Camera) fields() []any {
	return []any{&c.Channel, &c.URL, &c.sealed, &c.Mode, &c.Enabled, &c.Version, &c.Created}
}

func scan(r db.Row) (c Camera, err error) {
	err = r.Scan(c.fields()...)
	c.Credentials = c.sealed != ""
	return c, err
}

// camera is a channel's, held when the caller will change it.
func (s store) camera(ctx context.Context, channel uuid.UUID, hold bool) (Camera, error) {
	end := ""
	if hold {
		end = db.Hold(s.q)
	}
	return scan(s.q.QueryRow(ctx, `SELECT `+columns+` FROM live_cameras WHERE channel_id=$1 `+end, channel))
}

func (s store) put(ctx context.Context, c Camera, now time.Time) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_cameras (channel_id, url, credentials, mode, enabled, version, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
ON CONFLICT (channel_id) DO UPDATE SET url=excluded.url, credentials=excluded.credentials, mode=excluded.mode, enabled=excluded.enabled, version=excluded.version, updated_at=excluded.updated_at`,
		c.Channel, c.URL, c.sealed, c.Mode, c.Enabled, c.Version, c.Created, now)
	return err
}

// claim is a camera that a node may pull.
type claim struct {
	Camera
	name    string
	private bool // who may watch has to show a pass
	holder  string
	until   *time.Time
}

// free are the cameras that no other node pulls.
func (s store) free(ctx context.Context, node string, now time.Time) ([]claim, error) {
	rows, err := s.q.Query(ctx, `SELECT m.channel_id, m.url, m.credentials, m.mode, m.enabled, m.version, m.created_at, c.name, c.visibility, m.holder, m.held_until
FROM live_cameras m JOIN live_channels c ON c.id=m.channel_id
WHERE m.enabled AND c.deleted_at IS NULL AND c.banned_at IS NULL AND (m.holder=$1 OR m.held_until IS NULL OR m.held_until <= $2) ORDER BY m.channel_id LIMIT 10000`, node, now)
	return db.Collect(rows, err, func(r db.Row) (x claim, err error) {
		var visibility string
		err = r.Scan(append(x.fields(), &x.name, &visibility, &x.holder, &x.until)...)
		x.private = visibility == "private"
		return x, err
	})
}

// lease makes a node the one that pulls a camera; false: another one was faster.
func (s store) lease(ctx context.Context, channel uuid.UUID, node string, now, until time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE live_cameras SET holder=$1, held_until=$2 WHERE channel_id=$3 AND (holder=$1 OR held_until IS NULL OR held_until <= $4)`, node, until, channel, now)
	return n == 1, err
}

// release lets another node pull a camera.
func (s store) release(ctx context.Context, channel uuid.UUID, node string) error {
	_, err := s.q.Exec(ctx, `UPDATE live_cameras SET holder='', held_until=NULL WHERE channel_id=$1 AND holder=$2`, channel, node)
	return err
}
