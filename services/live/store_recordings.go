package live

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

const recordingColumns = `r.id, r.channel_id, r.session_id, r.name, r.store, r.kind, r.state, r.title, r.description, r.started_at, r.duration_ms, r.bytes,
  r.renditions, r.lost, r.source_id, r.source_start_ms, r.source_length_ms, r.created_by, r.node, r.reason, r.version, r.created_at, r.closed_at`

func scanRecording(row db.Row) (*Recording, error) {
	var r Recording
	var duration, start, length int64
	var renditions json.RawMessage
	err := row.Scan(&r.ID, &r.Channel, &r.Session, &r.Name, &r.Store, &r.Kind, &r.State, &r.Title, &r.Description, &r.Started, &duration, &r.Bytes,
		&renditions, &r.Lost, &r.Cut.Source, &start, &length, &r.Cut.By, &r.Cut.Node, &r.Reason, &r.Version, &r.Created, &r.Closed)
	if err != nil {
		return nil, err
	}
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	r.Duration, r.Cut.Start, r.Cut.Length = ms(duration), ms(start), ms(length)
	if err := json.Unmarshal(renditions, &r.Renditions); err != nil {
		return nil, fmt.Errorf("renditions of recording %s: %w", r.ID, err)
	}
	return &r, nil
}

func (s Store) recording(ctx context.Context, id uuid.UUID) (*Recording, error) {
	return scanRecording(s.q.QueryRow(ctx, `SELECT `+recordingColumns+` FROM live_recordings r WHERE r.id=$1`, id))
}

// heldRecording is recording, kept from other transactions until this one ends.
func (s Store) heldRecording(ctx context.Context, id uuid.UUID) (*Recording, error) {
	var got uuid.UUID
	if err := s.q.QueryRow(ctx, `SELECT id FROM live_recordings WHERE id=$1 `+db.Hold(s.q), id).Scan(&got); err != nil {
		return nil, err
	}
	return s.recording(ctx, id)
}

// recordings are those of a channel, newest first; ready leaves out all that are not.
func (s Store) recordings(ctx context.Context, channel uuid.UUID, kind Kind, ready bool, before uuid.UUID, limit int) ([]*Recording, error) {
	rows, err := s.q.Query(ctx, `SELECT `+recordingColumns+` FROM live_recordings r
WHERE r.channel_id=$1 AND r.id < $2 AND ($3=$4 OR r.kind=$3) AND (r.state=$5 OR $6) ORDER BY r.id DESC LIMIT $7`,
		channel, before, string(kind), "", string(Ready), !ready, limit)
	return db.Collect(rows, err, scanRecording)
}

// addRecording writes a recording that begins; false: there is one of that id.
func (s Store) addRecording(ctx context.Context, r *Recording) (bool, error) {
	renditions, err := r.encoded()
	if err != nil {
		return false, err
	}
	n, err := s.q.Exec(ctx, `INSERT INTO live_recordings (id, channel_id, session_id, name, store, kind, state, title, description, started_at, duration_ms, bytes,
  renditions, lost, source_id, source_start_ms, source_length_ms, created_by, node, reason, version, created_at, closed_at)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.Channel, r.Session, r.Name, r.Store, string(r.Kind), string(r.State), r.Title, r.Description, r.Started, r.Duration.Milliseconds(), r.Bytes,
		renditions, r.Lost, r.Cut.Source, r.Cut.Start.Milliseconds(), r.Cut.Length.Milliseconds(), r.Cut.By, r.Cut.Node, r.Reason, r.Version, r.Created, r.Closed)
	return n == 1, err
}

// reopen makes a recording that another node began the one of r's node.
func (s Store) reopen(ctx context.Context, r *Recording) error {
	_, err := s.q.Exec(ctx, `UPDATE live_recordings SET node=$1, state=$2, closed_at=NULL WHERE id=$3 AND kind=$4 AND state IN ($2, $5)`,
		r.Cut.Node, string(Being), r.ID, string(Whole), string(Ready))
	return err
}

func (r *Recording) encoded() (json.RawMessage, error) {
	list := r.Renditions
	if list == nil {
		list = []string{}
	}
	return json.Marshal(list)
}

// closeRecording writes what became of a recording that the caller holds.
func (s Store) closeRecording(ctx context.Context, r *Recording) error {
	renditions, err := r.encoded()
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `UPDATE live_recordings SET state=$1, title=$2, started_at=$3, duration_ms=$4, bytes=$5, renditions=$6, lost=$7, reason=$8, closed_at=$9 WHERE id=$10`,
		string(r.State), r.Title, r.Started, r.Duration.Milliseconds(), r.Bytes, renditions, r.Lost, r.Reason, r.Closed, r.ID)
	return err
}

// describe writes what people may change of a recording.
func (s Store) describe(ctx context.Context, r *Recording) error {
	_, err := s.q.Exec(ctx, `UPDATE live_recordings SET title=$1, description=$2, version=$3 WHERE id=$4`, r.Title, r.Description, r.Version, r.ID)
	return err
}

// condemn marks a recording whose objects are to be removed.
func (s Store) condemn(ctx context.Context, id uuid.UUID, reason string) error {
	_, err := s.q.Exec(ctx, `UPDATE live_recordings SET state=$1, reason=$2 WHERE id=$3`, string(Deleting), reason, id)
	return err
}

// condemnAll is condemn for all of a channel.
func (s Store) condemnAll(ctx context.Context, channel uuid.UUID, reason string) error {
	_, err := s.q.Exec(ctx, `UPDATE live_recordings SET state=$1, reason=$2 WHERE channel_id=$3 AND state<>$1`, string(Deleting), reason, channel)
	return err
}

// idOf is the channel that has, or had, a name; nil: none.
func (s Store) idOf(ctx context.Context, name string) (*uuid.UUID, error) {
	rows, err := s.q.Query(ctx, `SELECT id FROM live_channels WHERE name=$1`, name)
	ids, err := db.Collect(rows, err, scanID)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return &ids[0], nil
}

// dropRecording forgets a recording; false: it was gone.
func (s Store) dropRecording(ctx context.Context, id uuid.UUID) (bool, error) {
	n, err := s.q.Exec(ctx, `DELETE FROM live_recordings WHERE id=$1`, id)
	return n == 1, err
}
