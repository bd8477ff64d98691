package live

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
	"weir/services/httpd"
)

// State is how far a session is.
type State string

// The states of a session, in their order; live and reconnecting may alternate.
const (
	Starting     State = "starting"     // the publisher sends, viewers cannot watch yet
	OnAir        State = "live"         // viewers can watch
	Reconnecting State = "reconnecting" // the publisher dropped and is waited for
	Ended        State = "ended"
)

// Stats are what is known of a session, at its end or so far.
type Stats struct {
	Bytes      int64   `json:"bytes" doc:"What the publisher sent"`
	Frames     int64   `json:"frames"`
	Bitrate    int64   `json:"bitrate" doc:"Mean bit/s"`
	FPS        float64 `json:"fps" doc:"Mean frames per second"`
	Dropped    int64   `json:"dropped" doc:"Packets that weir was too slow for"`
	Reconnects int64   `json:"reconnects" doc:"How often the publisher dropped and came back"`
	Lag        float64 `json:"encoder_lag" doc:"Most seconds that the ladder was behind"`
	Peak       int64   `json:"peak" doc:"Most viewers at once"`
	Average    float64 `json:"average" doc:"Mean viewers"`
	Unique     int64   `json:"unique" doc:"Different viewers"`
}

// SessionView is one session of a channel.
type SessionView struct {
	ID       uuid.UUID  `json:"id"`
	Channel  uuid.UUID  `json:"channel_id"`
	State    State      `json:"state" enum:"starting,live,reconnecting,ended"`
	Title    string     `json:"title" doc:"Of the channel when it ended"`
	Protocol string     `json:"protocol" example:"rtmp"`
	Encoder  string     `json:"encoder,omitempty" doc:"What the publisher calls itself"`
	Source   Source     `json:"source" doc:"What it sends"`
	Began    time.Time  `json:"began_at" doc:"The first packet"`
	Started  *time.Time `json:"started_at,omitempty" doc:"When viewers could begin"`
	Ended    *time.Time `json:"ended_at,omitempty"`
	Reason   string     `json:"end_reason,omitempty" doc:"Why it ended, in words"`
	Stats    Stats      `json:"stats" doc:"Final once it has ended"`

	key  *uuid.UUID
	node string
}

const sessionColumns = `s.id, s.channel_id, s.key_id, s.node, s.state, s.title, s.protocol, s.encoder, s.began_at, s.started_at, s.ended_at, s.end_reason, s.stats, s.source`

func scanSession(r db.Row) (SessionView, error) {
	var v SessionView
	var stats, source json.RawMessage
	err := r.Scan(&v.ID, &v.Channel, &v.key, &v.node, &v.State, &v.Title, &v.Protocol, &v.Encoder, &v.Began, &v.Started, &v.Ended, &v.Reason, &stats, &source)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(stats, &v.Stats); err != nil {
		return v, fmt.Errorf("stats of session %s: %w", v.ID, err)
	}
	if err := json.Unmarshal(source, &v.Source); err != nil {
		return v, fmt.Errorf("source of session %s: %w", v.ID, err)
	}
	return v, nil
}

// encode is what of a session is stored as JSON.
func (v *SessionView) encode() (stats, source json.RawMessage, err error) {
	if stats, err = json.Marshal(v.Stats); err != nil {
		return nil, nil, err
	}
	source, err = json.Marshal(v.Source)
	return stats, source, err
}

// Sessions are those of a channel, newest first, for those who work for it.
func (s *Service) Sessions(ctx context.Context, who auth.Identity, channel uuid.UUID, after string, limit int) (httpd.Page[SessionView], error) {
	var none httpd.Page[SessionView]
	if _, err := s.access(ctx, s.store(), who, channel, Moderator); err != nil {
		return none, err
	}
	from, err := httpd.After(after, uuid.Max)
	if err != nil {
		return none, err
	}
	limit = httpd.PageSize(limit)
	list, err := s.store().sessions(ctx, channel, from, limit+1)
	if err != nil {
		return none, faultOf(err)
	}
	return httpd.PageByID(list, limit, func(v SessionView) uuid.UUID { return v.ID }), nil
}

// Session is one of a channel.
func (s *Service) Session(ctx context.Context, who auth.Identity, channel, id uuid.UUID) (SessionView, error) {
	if _, err := s.access(ctx, s.store(), who, channel, Moderator); err != nil {
		return SessionView{}, err
	}
	v, err := s.store().session(ctx, id)
	if err == nil && v.Channel != channel {
		err = db.ErrNotFound
	}
	return v, notFound(err, "session")
}

// End ends the session of a channel that is on the air: the publisher is told the
// reason and sent away. not_found: none is on the air.
func (s *Service) End(ctx context.Context, who auth.Identity, channel uuid.UUID, reason string) error {
	clean, problem := checkText(reason, 200, false)
	if problem != "" {
		clean = ""
	}
	if clean == "" {
		clean = "ended by the channel"
	}
	if _, err := s.access(ctx, s.store(), who, channel, Moderator); err != nil {
		return err
	}
	n, err := s.store().order(ctx, channel, clean)
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "the channel has nothing on the air")
	}
	return faultOf(err)
}

// Refusals are why publishers with a key of the channel were turned away, newest first.
func (s *Service) Refusals(ctx context.Context, who auth.Identity, channel uuid.UUID) ([]RefusedView, error) {
	if _, err := s.access(ctx, s.store(), who, channel, Moderator); err != nil {
		return nil, err
	}
	list, err := s.store().refusals(ctx, channel)
	return list, faultOf(err)
}

func (s Store) session(ctx context.Context, id uuid.UUID) (SessionView, error) {
	return scanSession(s.q.QueryRow(ctx, `SELECT `+sessionColumns+` FROM live_sessions s WHERE s.id=$1`, id))
}

// ordered is session with the order to end it, empty for none.
func (s Store) ordered(ctx context.Context, id uuid.UUID) (v SessionView, order string, err error) {
	if err := s.q.QueryRow(ctx, `SELECT order_reason FROM live_sessions WHERE id=$1`, id).Scan(&order); err != nil {
		return v, "", err
	}
	v, err = s.session(ctx, id)
	return v, order, err
}

func (s Store) sessions(ctx context.Context, channel, before uuid.UUID, limit int) ([]SessionView, error) {
	rows, err := s.q.Query(ctx, `SELECT `+sessionColumns+` FROM live_sessions s WHERE s.channel_id=$1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3`, channel, before, limit)
	return db.Collect(rows, err, scanSession)
}

// open is the newest session of a channel that has not ended, or nil.
func (s Store) open(ctx context.Context, channel uuid.UUID) (*SessionView, error) {
	rows, err := s.q.Query(ctx, `SELECT `+sessionColumns+` FROM live_sessions s WHERE s.channel_id=$1 AND s.ended_at IS NULL ORDER BY s.id DESC LIMIT 1`, channel)
	list, err := db.Collect(rows, err, scanSession)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// order tells the nodes to end what a channel has on the air, and returns how many that is.
func (s Store) order(ctx context.Context, channel uuid.UUID, reason string) (int64, error) {
	return s.q.Exec(ctx, `UPDATE live_sessions SET order_reason=$1 WHERE channel_id=$2 AND ended_at IS NULL`, reason, channel)
}

// opened are the sessions that have not ended, of one node or, with "", of all.
func (s Store) opened(ctx context.Context, node string) ([]SessionView, error) {
	rows, err := s.q.Query(ctx, `SELECT `+sessionColumns+` FROM live_sessions s WHERE s.ended_at IS NULL AND ($1=$2 OR s.node=$1) ORDER BY s.id LIMIT 10000`, node, "")
	return db.Collect(rows, err, scanSession)
}

// begin writes a session once, however often it is called; order, when not empty, ends it.
func (s Store) begin(ctx context.Context, v SessionView, order string) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_sessions (id, channel_id, key_id, node, state, title, protocol, encoder, began_at, end_reason, order_reason, stats, source)
VALUES ($1,$2,$3,$4,$5,'',$6,$7,$8,'',$10,$9,$9) ON CONFLICT (id) DO NOTHING`,
		v.ID, v.Channel, v.key, v.node, string(Starting), v.Protocol, v.Encoder, v.Began, json.RawMessage(`{}`), order)
	return err
}

// adopt makes a session that another node had this one's.
func (s Store) adopt(ctx context.Context, v SessionView) error {
	_, err := s.q.Exec(ctx, `UPDATE live_sessions SET node=$1 WHERE id=$2 AND ended_at IS NULL`, v.node, v.ID)
	return err
}

// advance writes the state, if the session has not ended and is v.node's; it reports
// whether it did.
func (s Store) advance(ctx context.Context, v SessionView) (bool, error) {
	stats, source, err := v.encode()
	if err != nil {
		return false, err
	}
	n, err := s.q.Exec(ctx, `UPDATE live_sessions SET state=$1, started_at=$2, ended_at=$3, end_reason=$4, stats=$5, key_id=$6, title=$7, encoder=$8, source=$9 WHERE id=$10 AND ended_at IS NULL AND node=$11`,
		string(v.State), v.Started, v.Ended, v.Reason, stats, v.key, v.Title, v.Encoder, source, v.ID, v.node)
	return n == 1, err
}

// standing is what a node is to know of a session of its own.
type standing struct {
	id      uuid.UUID
	order   string     // not empty: end it, and why
	revoked *time.Time // its key
	expired bool       // its key
	barred  bool       // its owner may not publish
	channel *Channel
}

// why is the reason for which the session is to end, empty for none. The order alone
// would miss what was done between the gate's answer and the first row of the session.
func (x *standing) why() string {
	switch {
	case x.order != "":
		return x.order
	case x.channel.Deleted != nil:
		return "the channel is deleted"
	case x.channel.Banned != nil:
		return banned(x.channel).Error()
	case x.revoked != nil:
		return errRevoked.Words
	case x.expired:
		return errExpired.Words
	case x.barred:
		return errSuspended.Words
	}
	return ""
}

func (s Store) standings(ctx context.Context, node string, now time.Time) ([]standing, error) {
	rows, err := s.q.Query(ctx, `SELECT s.id, s.order_reason, k.revoked_at, COALESCE(k.expires_at <= $2, $3), `+ownerBarred+`, `+channelColumns+` FROM live_sessions s JOIN live_channels c ON c.id=s.channel_id
LEFT JOIN live_keys k ON k.id=s.key_id LEFT JOIN live_owners o ON o.user_id=c.owner_id WHERE s.node=$1 AND s.ended_at IS NULL ORDER BY s.id LIMIT 10000`, node, now, false)
	return db.Collect(rows, err, func(r db.Row) (standing, error) {
		st := standing{channel: &Channel{}}
		var tags, limits json.RawMessage
		if err := r.Scan(append([]any{&st.id, &st.order, &st.revoked, &st.expired, &st.barred}, st.channel.fields(&tags, &limits)...)...); err != nil {
			return st, err
		}
		return st, st.channel.decode(tags, limits)
	})
}
