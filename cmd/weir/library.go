package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"weir/media"
	"weir/packager/archive"
	"weir/packager/window"
	"weir/services/live"
)

// library is the recordings of this process's store: packager/archive has their media,
// the live-service what is known of them.
type library struct {
	cfg        Config
	recordings *archive.Recordings
	store      string // what has them, as the database calls it
	channels   *live.Service
	media      *mediaRole // nil without the role
}

var _ live.Vault = (*library)(nil)

// openLibrary finds what a process before this one left in the spool; blobs is where
// recordings are, name what the database calls it.
func openLibrary(cfg Config, store archive.Store, name string, log *slog.Logger) (*library, error) {
	l := &library{cfg: cfg, store: name}
	var err error
	l.recordings, err = archive.Open(archive.Config{
		Store: store, Dir: filepath.Join(cfg.Store.DataDir, spoolFolder), Limit: int64(cfg.Live.SpoolMB) << 20, Log: log,
		Done: l.recorded, Goes: l.goes,
	})
	return l, err
}

// recorded is told of every recording that is complete.
func (l *library) recorded(ctx context.Context, r archive.Report) error {
	x, err := reported(r)
	if err == nil {
		err = l.channels.Recorded(ctx, x)
	}
	if err == nil && r.Bytes > 0 && l.media != nil {
		l.media.boards.want(r.ID)
	}
	return err
}

// goes says whether a recording of a stream goes on, or may.
func (l *library) goes(ctx context.Context, id, stream string) (bool, error) {
	if l.media == nil {
		return false, nil
	}
	return l.media.control.checkpoints.record(ctx, stream, id)
}

// reported is a report as the live-service takes it.
func reported(r archive.Report) (live.Stored, error) {
	id, err := uuid.Parse(r.ID)
	return live.Stored{ID: id, Name: r.Name, Started: r.Started, Duration: r.Duration, Bytes: r.Bytes, Renditions: r.Renditions, Lost: r.Lost}, err
}

// busy makes the archive's error the live-service's.
func busy(err error) error {
	if errors.Is(err, archive.ErrRunning) {
		err = fmt.Errorf("%w (%w)", live.ErrBusy, err)
	}
	return err
}

// Remove is live.Vault.
func (l *library) Remove(ctx context.Context, id uuid.UUID) error {
	return busy(l.recordings.Delete(ctx, id.String()))
}

// Stored is live.Vault.
func (l *library) Stored(ctx context.Context, after string, limit int) ([]string, error) {
	return l.recordings.IDs(ctx, after, limit)
}

// Close is live.Vault.
func (l *library) Close(ctx context.Context, id uuid.UUID) (live.Stored, error) {
	r, err := l.recordings.Seal(ctx, id.String())
	if err != nil {
		return live.Stored{}, busy(err)
	}
	return reported(r)
}

// Cut is live.Vault: what is on the air here comes from its window, if that reaches back
// so far; all else from the store.
func (l *library) Cut(ctx context.Context, id uuid.UUID, c live.Cut) (live.Stored, error) {
	if err := roomIn(l.cfg, 1); err != nil {
		return live.Stored{}, fmt.Errorf("%w (%w)", live.ErrFull, err)
	}
	r, err := l.cut(ctx, id.String(), c)
	switch {
	case errors.Is(err, archive.ErrNoMedia), errors.Is(err, archive.ErrNotFound):
		return live.Stored{}, fmt.Errorf("%w (%w)", live.ErrNothing, err)
	case err != nil:
		return live.Stored{}, busy(err)
	}
	if l.media != nil {
		l.media.boards.want(r.ID)
	}
	return reported(r)
}

func (l *library) cut(ctx context.Context, id string, c live.Cut) (archive.Report, error) {
	source := c.Source.String()
	if c.Node == "" {
		return l.recordings.Clip(ctx, id, source, c.Start, c.Length)
	}
	if l.media != nil {
		if p := l.media.pipelines.of(*c.Source); p != nil && (p.rec == nil || reaches(p.stream.Window, media.FromDuration(c.Start))) {
			s := archive.Stream{ID: id, Name: p.stream.Name, Epoch: p.source.Epoch(), Target: p.stream.Target}
			return l.recordings.ClipLive(ctx, s, p.stream.Window, source, p.source.Epoch().Add(c.Start), c.Length)
		}
	}
	return l.recordings.ClipSince(ctx, id, source, c.Start, c.Length)
}

// reaches says whether a window has all from a time on.
func reaches(w *window.Window, from media.Time) bool {
	for _, t := range w.Tracks() {
		here := false
		t.View(func(v *window.View) {
			first := v.Foreign() // what another process had is not here
			here = len(v.Segments) > first && v.Segments[first].Start <= from
		})
		if !here {
			return false
		}
	}
	return true
}

// of is the stream of a session, while it is on the air here.
func (p *pipelines) of(session uuid.UUID) *pipeline {
	for _, pl := range p.list() {
		if b := pl.session.live; b != nil && b.ID == session {
			return pl
		}
	}
	return nil
}

// removalsOf are the metrics of what is cleared away.
func removalsOf(s *live.Service) []prometheus.Collector {
	count := func(name, help string, of func() uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(of()) })
	}
	return []prometheus.Collector{
		count("weir_live_removed_recordings_total", "Recordings and clips whose objects were removed.", func() uint64 { n, _ := s.Removed(); return n }),
		count("weir_live_removed_orphans_total", "Remains in the store that nothing was known of, and that were removed.", func() uint64 { _, n := s.Removed(); return n }),
	}
}

// storeFile names the objects of a data folder for those who share its database.
const storeFile = "store.id"

// storeName is what the store of the settings is called in the database: processes with
// files of their own must not take what others have for gone.
func storeName(cfg Config) (string, error) {
	if cfg.Store.S3Endpoint != "" {
		return "s3:" + cfg.Store.S3Bucket, nil
	}
	path := filepath.Join(cfg.Store.DataDir, storeFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var id [8]byte
		rand.Read(id[:]) // never fails, says crypto/rand
		text = []byte("files:" + hex.EncodeToString(id[:]))
		err = os.WriteFile(path, text, 0o640)
	}
	if err != nil {
		return "", fmt.Errorf("the name of the store: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// keepOf is what the settings keep of every channel.
func keepOf(cfg LiveConfig) live.Keep {
	return live.Keep{Days: int((cfg.RecordKeep + 24*time.Hour - 1) / (24 * time.Hour)), Bytes: int64(cfg.RecordQuotaGB) << 30}
}
