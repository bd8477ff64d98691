package user

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/blob"
	"weir/services/backing/db"
	"weir/services/fault"
)

// Lives of exports.
const (
	ExportLife  = 7 * 24 * time.Hour // a file, once it is ready
	exportPace  = 24 * time.Hour     // between two of an account
	exportClaim = time.Minute        // after the last sign of life it is made anew
	exportBeat  = 20 * time.Second   // between signs of life
	exportTime  = 30 * time.Minute   // one try; shorter than objectGrace
	exportTries = 5
)

// States of an export.
const (
	exportPending = "pending"
	exportReady   = "ready"
	exportFailed  = "failed"
	exportExpired = "expired" // never stored: a ready one whose time is over
)

// ExportView is an export as its owner sees it.
type ExportView struct {
	ID      uuid.UUID  `json:"id"`
	State   string     `json:"state" enum:"pending,ready,failed,expired"`
	Size    int64      `json:"size,omitempty" doc:"Bytes of the file, when it is ready"`
	Created time.Time  `json:"created_at"`
	Ready   *time.Time `json:"ready_at,omitempty"`
	Expires *time.Time `json:"expires_at,omitempty" doc:"When the file is removed"`
}

func (e *export) view(now time.Time) ExportView {
	v := ExportView{ID: e.id, State: e.state, Size: e.size, Created: e.created, Ready: e.ready, Expires: e.expires}
	if e.over(now) {
		v.State, v.Size = exportExpired, 0
	}
	return v
}

func (e *export) over(now time.Time) bool { return e.expires != nil && !now.Before(*e.expires) }

// StartExport has all that is kept of the caller written into a file, which Run does.
// conflict: one is being made; limited: there was one today.
func (s *Service) StartExport(ctx context.Context, who auth.Identity, from Peer) (ExportView, error) {
	if s.blobs == nil {
		return ExportView{}, noBlobs()
	}
	id, err := newID()
	if err != nil {
		return ExportView{}, err
	}
	now := s.stamp()
	e := &export{id: id, user: who.User, state: exportPending, created: now}
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := st.heldUser(ctx, who.User); err != nil { // one after another
			return err
		}
		if err := mayExport(ctx, st, who.User, now); err != nil {
			return err
		}
		if err := st.insertExport(ctx, e); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindExport, detail: id.String()})
	})
	if err != nil {
		return ExportView{}, err
	}
	return e.view(now), nil
}

func mayExport(ctx context.Context, st Store, user uuid.UUID, now time.Time) error {
	last, err := st.lastExport(ctx, user)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil
	case err != nil:
		return err
	case last.state == exportPending:
		return fault.New(fault.Conflict, "an export is being made already: read its state")
	case last.state == exportReady && now.Before(last.created.Add(exportPace)):
		return limited("one export a day is made for an account", last.created.Add(exportPace).Sub(now))
	}
	return nil
}

// Export is the caller's newest export; not_found: there is none.
func (s *Service) Export(ctx context.Context, who auth.Identity) (ExportView, error) {
	e, err := s.store().lastExport(ctx, who.User)
	if err != nil {
		return ExportView{}, notFound(err, "export")
	}
	return e.view(s.now()), nil
}

// OpenExport opens the zip of an export of the caller's; not_found for those of others
// and for what is not ready or no longer there. The reader lives as long as ctx; the
// caller closes it.
func (s *Service) OpenExport(ctx context.Context, who auth.Identity, id uuid.UUID) (io.ReadCloser, int64, error) {
	if s.blobs == nil {
		return nil, 0, noBlobs()
	}
	e, err := s.store().exportOf(ctx, who.User, id)
	if err != nil {
		return nil, 0, notFound(err, "export")
	}
	if e.state != exportReady || e.over(s.now()) {
		return nil, 0, fault.New(fault.NotFound, "this export is not ready, or its time is over")
	}
	r, info, err := s.blobs.Get(ctx, e.key, blob.Range{})
	if errors.Is(err, blob.ErrNotFound) {
		return nil, 0, fault.New(fault.NotFound, "this export is gone: start another one")
	}
	if err != nil {
		return nil, 0, blobsAway(err)
	}
	return r, info.Size, nil
}

// makeExports makes those that wait, one after the other, until there is none.
func (s *Service) makeExports(ctx context.Context) error {
	for ctx.Err() == nil {
		var e *export
		err := s.within(ctx, func(ctx context.Context, st Store) (err error) {
			now := s.stamp()
			e, err = st.claimExport(ctx, now, now.Add(exportClaim))
			return err
		})
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.makeExport(ctx, e); err != nil {
			return fmt.Errorf("export %s, try %d: %w", e.id, e.attempt, err)
		}
	}
	return nil
}

// makeExport makes one that was claimed. An error leaves it claimed: the next try is
// when the claim is over, or, after the last one, never.
func (s *Service) makeExport(ctx context.Context, e *export) error {
	if e.attempt > exportTries {
		e.state = exportFailed
		return s.finish(ctx, e)
	}
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	key := fmt.Sprintf("exports/%s/%d.zip", e.id, e.attempt)
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		return st.removeObjects(ctx, s.stamp().Add(objectGrace), key)
	})
	if err != nil {
		return err
	}
	info, err := s.putExport(ctx, e, key)
	if err != nil {
		return err
	}
	now := s.stamp()
	end := now.Add(ExportLife)
	e.state, e.key, e.size, e.ready, e.expires = exportReady, key, info.Size, &now, &end
	return s.finish(ctx, e)
}

// finish writes the end of an export. A file that nobody waits for any more, since the
// claim was lost or the account deleted, goes with the next sweep.
func (s *Service) finish(ctx context.Context, e *export) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		now := s.stamp()
		done, err := st.finishExport(ctx, e)
		if err != nil || e.key == "" {
			return err
		}
		if !done {
			return st.removeObjects(ctx, now, e.key)
		}
		kept, err := st.delayObject(ctx, e.key, now, *e.expires)
		if err == nil && !kept {
			return fault.New(fault.Unavailable, "the export took too long")
		}
		return err
	})
}

// putExport streams the zip into blob: one goroutine writes it, this one stores it.
func (s *Service) putExport(ctx context.Context, e *export, key string) (blob.Info, error) {
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := &exporter{s: s, e: e, beat: s.now()}
		to.CloseWithError(w.write(ctx, to)) // nil: the end
	}()
	info, err := s.blobs.Put(ctx, key, from, blob.PutOptions{ContentType: "application/zip"})
	from.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // the writer stops, if it has not
	<-done
	return info, err
}

// dropOldExports forgets what no file and no limit depends on any more.
func (s *Service) dropOldExports(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM user_exports WHERE id IN (
  SELECT id FROM user_exports WHERE created_at < $1 AND state <> 'pending' AND (expires_at IS NULL OR expires_at < $2) ORDER BY created_at LIMIT $3)`,
		s.stamp().Add(-2*ExportLife), s.stamp(), dropBatch)
	return faultOf(err)
}
