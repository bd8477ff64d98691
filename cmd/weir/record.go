package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"weir/packager"
	"weir/packager/archive"
	"weir/packager/window"
	"weir/services/live"
)

// spoolFolder holds what of recordings the object store does not have yet, below the
// data folder.
const spoolFolder = "spool"

// recordedAs says which store has the recording of a stream that goes on elsewhere, and
// under which ID.
type recordedAs struct {
	ID    string `json:"id"`
	Store string `json:"store"` // as the database calls it
}

// recording is the ID under which a session is recorded, as WEIR_RECORD and its channel
// have it; the nil UUID: it is not. joins tells that the process before recorded it to the
// same store: it is one recording.
func (p *pipelines) recording(pl *pipeline) (id uuid.UUID, joins bool) {
	b := pl.session.live
	switch {
	case p.cfg.Live.Record == "off", p.cfg.Live.Record == "channels" && !b.Grant().Record:
		return uuid.Nil, false
	case pl.from != nil:
		if x := pl.from.Recorded; x != nil && x.Store == p.store {
			if id, err := uuid.Parse(x.ID); err == nil {
				return id, true
			}
		}
	case b != nil:
		return b.ID, false
	}
	return newRecording(), false
}

// newRecording is an ID of its own.
func newRecording() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil
	}
	return id
}

// sink is where the segments of a session go: files for rewinding, and the store too
// where it is recorded. A stream that cannot be recorded is served all the same.
func (p *pipelines) sink(pl *pipeline, epoch string, target int) (files *archive.Files, rec *archive.Recorder) {
	s, of := pl.source, pl.session
	name := s.ID().Name()
	files = &archive.Files{
		Dir:   filepath.Join(p.cfg.Store.DataDir, liveFolder, name, epoch),
		Spare: func() bool { return pl.pack.Spare() },
	}
	id, joins := p.recording(pl)
	if id == uuid.Nil {
		return files, nil
	}
	if err := p.room(1); err != nil {
		p.log.Error("THE DISK IS NEARLY FULL: this stream is NOT recorded; delete recordings, or bound them with WEIR_RECORD_QUOTA_GB", "stream", name, "err", err)
		return files, nil
	}
	x := archive.Stream{ID: id.String(), Name: name, Epoch: s.Epoch(), Target: target, Files: *files, Joins: joins}
	rec, err := p.recordings.Begin(p.ctx, x)
	if joins && err != nil {
		p.log.Warn("the recording goes on as another one", "stream", name, "recording", id, "err", err)
		id, joins = newRecording(), false
		x.ID, x.Joins = id.String(), false
		rec, err = p.recordings.Begin(p.ctx, x)
	}
	if err != nil {
		p.log.Error("this stream is NOT recorded", "stream", name, "err", err)
		return files, nil
	}
	p.control.live.Record(live.Taken{ID: id, Name: name, At: s.Epoch(), Of: of.live, Again: joins})
	p.log.Info("recording", "stream", name, "recording", id, "goes_on", joins)
	return files, rec
}

// pastWithin bounds the look at what a recording has of the window before.
const pastWithin = 3 * time.Second

// past are the segments that viewers can go back to of a stream that another process had, where
// its recording goes on here.
func (p *pipelines) past(pl *pipeline, pack *packager.Config) map[string][]window.Segment {
	if pl.from == nil || pl.from.Recorded == nil || pl.from.Recorded.ID != pl.rec.ID() {
		return nil
	}
	var names []string
	for _, in := range pack.Pictures {
		names = append(names, in.Name)
	}
	for _, in := range pack.Sounds {
		names = append(names, in.Name)
	}
	ctx, cancel := context.WithTimeout(p.ctx, pastWithin)
	defer cancel()
	list, err := p.recordings.Reader(pl.rec.ID()).Since(ctx, names, pack.From.Oldest)
	if err != nil {
		p.log.Warn("the recording cannot be read: viewers can go back to this moment only", "stream", pack.Name, "err", err)
	}
	return list
}

// recorded is what a stream leaves of its recording; nil: it has none.
func (p *pipeline) recorded() *recordedAs {
	if p.rec == nil || p.rec.Stopped() {
		return nil
	}
	return &recordedAs{ID: p.rec.ID(), Store: p.store}
}

// room says that recordings on files have less than a share of the room with which they
// may begin.
func (p *pipelines) room(share uint64) error { return roomIn(p.cfg, share) }

// roomIn is room, for clips too.
func roomIn(cfg Config, share uint64) error {
	least := uint64(cfg.Live.RecordFreeGB) << 30 / share
	if least == 0 || cfg.Store.S3Endpoint != "" {
		return nil
	}
	var st unix.Statfs_t
	if err := unix.Statfs(cfg.Store.DataDir, &st); err != nil {
		return err
	}
	if free := st.Bavail * uint64(st.Bsize); free < least {
		return fmt.Errorf("%d MB are free in %s, at least %d are wanted (WEIR_RECORD_FREE_GB)", free>>20, cfg.Store.DataDir, least>>20)
	}
	return nil
}

// bound ends a recording that takes more than all of its channel may, or the last of the
// disk; the stream goes on.
func (p *pipelines) bound(pl *pipeline) {
	if pl.rec == nil {
		return
	}
	err := p.room(2)
	most := p.control.live.KeepOf(pl.session.live.Grant()).Bytes
	if n := pl.rec.Bytes(); err == nil && most > 0 && n > most {
		err = fmt.Errorf("it has %d MB, all recordings of the channel may have %d (WEIR_RECORD_QUOTA_GB, or keep of the channel)", n>>20, most>>20)
	}
	if err != nil && pl.rec.Stop() {
		p.log.Error("this stream is NOT recorded any more", "stream", pl.stream.Name, "err", err)
	}
}

// drainWithin is how long the end of the process waits for the store to take what is
// left of a recording; the next start stores the rest.
const drainWithin = 10 * time.Second

// finish closes a recording. One that another node goes on with, or may, waits for that
// to be over; the next start closes it where this process ends before.
func (p *pipelines) finish(rec *archive.Recorder, parted bool) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.ctx))
	defer cancel()
	late := make(chan *time.Timer, 1)
	stop := context.AfterFunc(p.ctx, func() { late <- time.AfterFunc(drainWithin, cancel) })
	end := rec.Finish
	if parted {
		end = rec.Leave
	}
	err := end(ctx)
	if !stop() {
		(<-late).Stop()
	}
	if parted && err == nil {
		err = p.recordings.Close(p.ctx, rec.ID())
	}
	if err != nil {
		p.log.Warn("a recording is not closed yet", "err", err)
	}
}
