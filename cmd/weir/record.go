package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"weir/media/hub"
	"weir/packager/archive"
)

// spoolFolder holds what of recordings the object store does not have yet, below the
// data folder.
const spoolFolder = "spool"

// recording is the ID under which a session is recorded, as WEIR_RECORD and its channel
// have it; empty: it is not.
func (p *pipelines) recording(s session) string {
	switch b := s.live; {
	case p.cfg.Live.Record == "off", p.cfg.Live.Record == "channels" && !b.Grant().Record:
		return ""
	case b != nil:
		return b.ID.String()
	}
	id, err := uuid.NewV7()
	if err != nil {
		return ""
	}
	return id.String()
}

// sink is where the segments of a session go: files for rewinding, and the store too
// where it is recorded. A stream that cannot be recorded is served all the same.
func (p *pipelines) sink(s *hub.Stream, of session, epoch string, target int) (files *archive.Files, rec *archive.Recorder) {
	name := s.ID().Name()
	files = &archive.Files{Dir: filepath.Join(p.cfg.Store.DataDir, liveFolder, name, epoch)}
	id := p.recording(of)
	if id == "" {
		return files, nil
	}
	rec, err := p.recordings.Begin(p.ctx, archive.Stream{ID: id, Name: name, Epoch: s.Epoch(), Target: target, Files: *files})
	if err != nil {
		p.log.Error("this stream is NOT recorded", "stream", name, "err", err)
		return files, nil
	}
	p.log.Info("recording", "stream", name, "recording", id)
	return files, rec
}

// drainWithin is how long the end of the process waits for the store to take what is
// left of a recording; the next start stores the rest.
const drainWithin = 10 * time.Second

// finish closes a recording.
func (p *pipelines) finish(rec *archive.Recorder) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.ctx))
	defer cancel()
	late := make(chan *time.Timer, 1)
	stop := context.AfterFunc(p.ctx, func() { late <- time.AfterFunc(drainWithin, cancel) })
	if err := rec.Finish(ctx); err != nil {
		p.log.Warn("a recording is not closed yet", "err", err)
	}
	if !stop() {
		(<-late).Stop()
	}
}

// recorded is told of every recording that is complete.
func (m *mediaRole) recorded(_ context.Context, r archive.Report) error {
	if r.Bytes > 0 {
		m.boards.want(r.ID)
	}
	return nil
}
