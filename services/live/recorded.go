package live

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/event"
)

// Taken is a recording that begins.
type Taken struct {
	ID   uuid.UUID // of the session, where that is kept; the objects are below it
	Name string    // of the stream
	At   time.Time // about the first picture
	Of   *Broadcast
	// Again: another process began it, and this one goes on.
	Again bool
}

// Stored is what became of a recording.
type Stored struct {
	ID         uuid.UUID
	Name       string // of the stream
	Started    time.Time
	Duration   time.Duration
	Bytes      int64 // 0: nothing was stored
	Renditions []string
	Lost       int // segments
}

// Record says that a recording begins. It does not block: the row is written by RunNode,
// and again until that has worked.
func (s *Service) Record(x Taken) {
	r := &Recording{ID: x.ID, Name: x.Name, Store: s.shelf.name, Kind: Whole, State: Being, Started: x.At.UTC().Truncate(time.Microsecond), Version: 1, Created: s.stamp(),
		Cut: Cut{Node: s.node}, again: x.Again}
	if x.Of != nil {
		channel, session := x.Of.grant.Channel, x.Of.ID
		r.Channel, r.Session = &channel, &session
	}
	s.air.mu.Lock()
	s.air.recordings = append(s.air.recordings, r)
	s.air.mu.Unlock()
	s.air.wake()
}

// flushRecordings writes the recordings that have begun.
func (s *Service) flushRecordings(ctx context.Context) error {
	s.air.recording.Lock()
	defer s.air.recording.Unlock()
	s.air.mu.Lock()
	list := s.air.recordings
	s.air.mu.Unlock()
	for i, r := range list {
		err := s.within(ctx, func(ctx context.Context, st Store) error {
			if err := s.title(ctx, st, r); err != nil {
				return err
			}
			added, err := st.addRecording(ctx, r)
			if err == nil && !added && r.again {
				err = st.reopen(ctx, r)
			}
			return err
		})
		if err != nil {
			s.forgetTaken(i)
			return err
		}
	}
	s.forgetTaken(len(list))
	return nil
}

// forgetTaken lets go of the first n recordings that had to be written.
func (s *Service) forgetTaken(n int) {
	s.air.mu.Lock()
	defer s.air.mu.Unlock()
	s.air.recordings = s.air.recordings[n:]
	if len(s.air.recordings) == 0 {
		s.air.recordings = nil
	}
}

// title gives a recording the title that its session had; one whose channel is gone is to
// be deleted.
func (s *Service) title(ctx context.Context, st Store, r *Recording) error {
	if r.Channel == nil {
		return nil
	}
	c, err := st.anyChannel(ctx, *r.Channel)
	if missing(err) || err == nil && c.Deleted != nil {
		r.State, r.Reason = Deleting, "the channel is deleted"
		return nil
	}
	if err != nil {
		return err
	}
	r.Title = c.Title
	if r.Session == nil {
		return nil
	}
	v, err := st.session(ctx, *r.Session)
	if err == nil && v.Ended != nil {
		r.Title = v.Title
	}
	if *r.Session != r.ID { // another node had the beginning
		r.Title += " (continued)"
	}
	if missing(err) {
		err = nil
	}
	return err
}

// Recorded says that a recording is whole, or that nothing came of it. It may be told
// again; events tell of it once. The error means that it is not written.
func (s *Service) Recorded(ctx context.Context, x Stored) error {
	if err := s.flushRecordings(ctx); err != nil {
		return err
	}
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		r, err := s.known(ctx, st, x)
		if err != nil {
			return err
		}
		if x.Bytes == 0 {
			_, err := st.dropRecording(ctx, r.ID)
			return err
		}
		return s.closed(ctx, st, r, x)
	})
	s.shelf.wake()
	return err
}

// known is the row of a recording, held; it is made where there is none: its beginning
// was never written, or an older version made it.
func (s *Service) known(ctx context.Context, st Store, x Stored) (*Recording, error) {
	r, err := st.heldRecording(ctx, x.ID)
	if !missing(err) {
		return r, err
	}
	r = &Recording{ID: x.ID, Name: x.Name, Store: s.shelf.name, Kind: Whole, State: Being, Started: x.Started, Version: 1, Created: s.stamp()}
	v, err := st.session(ctx, x.ID)
	switch {
	case err == nil:
		r.Channel, r.Session = &v.Channel, &v.ID
	case !missing(err):
		return nil, err
	default:
		if r.Channel, err = st.idOf(ctx, x.Name); err != nil {
			return nil, err
		}
	}
	_, err = st.addRecording(ctx, r)
	return r, err
}

// closed makes a recording ready and tells of it, unless it is to be deleted.
func (s *Service) closed(ctx context.Context, st Store, r *Recording, x Stored) error {
	was := r.State
	if r.Kind == Whole && r.Version == 1 {
		if err := s.title(ctx, st, r); err != nil {
			return err
		}
	}
	at := s.stamp()
	r.Started, r.Duration, r.Bytes, r.Renditions, r.Lost = x.Started.UTC().Truncate(time.Microsecond), x.Duration, x.Bytes, x.Renditions, int64(x.Lost)
	r.Closed = &at
	if r.State != Deleting {
		r.State = Ready
	}
	if err := st.closeRecording(ctx, r); err != nil || r.State != Ready || was == Ready || r.Channel == nil {
		return err
	}
	c, err := st.anyChannel(ctx, *r.Channel)
	if err != nil {
		return err
	}
	public := c.Visibility == Public
	if r.Kind == Clip {
		return emit(ctx, st, event.ClipReady{ClipID: r.ID, ChannelID: c.ID, SourceID: valueOf(r.Cut.Source), ByUserID: valueOf(r.Cut.By), Name: c.Name, Title: r.Title,
			Public: public, StartedAt: r.Started, Milliseconds: r.Duration.Milliseconds(), Bytes: r.Bytes})
	}
	return emit(ctx, st, event.RecordingReady{RecordingID: r.ID, ChannelID: c.ID, SessionID: valueOf(r.Session), Name: c.Name, Title: r.Title,
		Public: public, StartedAt: r.Started, Milliseconds: r.Duration.Milliseconds(), Bytes: r.Bytes, Renditions: r.Renditions})
}

func valueOf(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
