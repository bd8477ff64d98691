package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// carry stores what comes into a lane until nothing more will come.
func (r *Recorder) carry(l *lane) {
	for {
		it, ok := r.head(l)
		if !ok {
			return
		}
		err := r.all.persist(r.ctx, "store a segment", r.id, func(ctx context.Context) error { return r.store(ctx, it) })
		if err != nil {
			return // what is in the spool stays there
		}
		r.done(l, it)
	}
}

// head waits for the first item of a lane.
func (r *Recorder) head(l *lane) (item, bool) {
	for {
		r.mu.Lock()
		if len(l.queue) > 0 {
			it := l.queue[0]
			r.mu.Unlock()
			return it, true
		}
		over := r.over
		r.mu.Unlock()
		if over {
			return item{}, false
		}
		select {
		case <-l.more:
		case <-r.ctx.Done():
			return item{}, false
		}
	}
}

// store stores one file of the spool, after the stream.json that it needs.
func (r *Recorder) store(ctx context.Context, it item) error {
	if it.segment != nil {
		if err := r.reveal(ctx, it.revision); err != nil {
			return err
		}
	}
	return r.all.putFile(ctx, r.id, it.file)
}

// reveal stores stream.json, if that was not done since it changed.
func (r *Recorder) reveal(ctx context.Context, revision int) error {
	r.publish.Lock()
	defer r.publish.Unlock()
	if r.revealed >= revision {
		return nil
	}
	if r.joins && !r.joined {
		if err := r.join(ctx); err != nil {
			return err
		}
	}
	r.mu.Lock()
	now := r.revision
	text, err := r.index.bare().encode()
	r.mu.Unlock()
	if err == nil {
		err = r.all.Put(ctx, r.id, r.index.metaFile(), text, "application/json")
	}
	if err == nil {
		r.revealed = now
	}
	return err
}

// done accounts for a stored item and takes it out of the spool.
func (r *Recorder) done(l *lane, it item) {
	r.mu.Lock()
	l.queue = l.queue[1:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	if it.segment != nil {
		in := r.index.Rendition(l.name)
		if n := len(in.Segments); n == 0 || in.Segments[n-1].MSN < it.segment.MSN { // else join found it
			in.Segments = append(in.Segments, *it.segment)
		}
	}
	r.mu.Unlock()
	r.all.waiting.Add(-it.size)
	if it.segment != nil {
		r.all.stored.Add(1)
		r.all.bytes.Add(uint64(it.size))
	}
	if err := ignoreMissing(os.Remove(filepath.Join(r.all.path(r.id), it.file))); err != nil {
		r.all.cfg.Log.Warn("cannot remove a stored segment from the spool", "recording", r.id, "err", err)
	}
}

// putFile stores a file of the spool. One that is gone was stored before.
func (r *Recordings) putFile(ctx context.Context, id, file string) error {
	path := filepath.Join(r.path(id), file)
	if m, ok := r.cfg.Store.(Mover); ok {
		err := m.Move(ctx, Key(id, file), path, contentType(file))
		if !errors.Is(err, errors.ErrUnsupported) {
			return ignoreMissing(err)
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return r.cfg.Store.Put(ctx, Key(id, file), f, st.Size(), contentType(file))
}

func contentType(file string) string {
	if strings.HasSuffix(file, ".json") {
		return "application/json"
	}
	return "video/mp4"
}

// spooled lists the files of a spool that a killed process left, in the order in which
// they are to be stored.
func (r *Recordings) spooled(id string) (inits, segments []string, err error) {
	root := os.DirFS(r.path(id))
	err = fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rendition, name, ok := cutLast(file)
		if !ok || !validName(rendition) {
			return nil
		}
		if _, ok := parseInit(name); ok {
			inits = append(inits, file)
		}
		if _, ok := ParseSegment(name); ok {
			segments = append(segments, file)
		}
		return nil
	})
	return inits, segments, err
}

func cutLast(path string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
