package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// inherit takes over what a process before this one, or this one, left of the recording in
// the spool. It is called before the lanes run.
func (r *Recorder) inherit() error {
	r.index.Part, r.index.By = 1, strings.ToLower(rand.Text())
	x, err := r.all.spoolMeta(r.id)
	if x == nil || err != nil {
		return err
	}
	r.index.absorb(x)
	r.index.Part = x.Part + 1
	inits, segments, err := r.all.spooled(r.id)
	if err != nil {
		return err
	}
	for _, file := range append(inits, segments...) {
		if err := r.requeue(file); err != nil && !errors.Is(err, fs.ErrNotExist) { // Recover stored it
			return err
		}
	}
	return nil
}

// requeue queues a file of the spool.
func (r *Recorder) requeue(file string) error {
	rendition, name, _ := cutLast(file)
	in := r.index.Rendition(rendition)
	st, err := os.Stat(filepath.Join(r.all.path(r.id), file))
	if in == nil || err != nil {
		return err
	}
	l := r.lanes[rendition]
	if l == nil {
		if l, err = r.open(rendition, in.Kind); err != nil {
			return err
		}
	}
	it := item{file: file, size: st.Size(), revision: r.revision}
	if s, ok := ParseSegment(name); ok {
		s.Size = st.Size()
		it.segment = &s
		r.size.Add(s.Size)
	}
	r.push(l, it)
	return nil
}

// join takes in what others stored of the recording. The caller holds publish.
func (r *Recorder) join(ctx context.Context) error {
	x, err := r.all.gather(ctx, r.id)
	if errors.Is(err, ErrNotFound) {
		x, err = &Index{}, nil
	}
	if err == nil { // whoever closed it did so too early; now it is being made again
		err = r.all.cfg.Store.Delete(ctx, Key(r.id, indexName))
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.index.Part = max(r.index.Part, x.Part+1)
	r.index.absorb(x)
	for _, in := range x.Renditions {
		r.index.Rendition(in.Name).Segments = in.Segments // of this process none is stored yet
	}
	r.size.Add(x.Size())
	r.mu.Unlock()
	r.joined = true
	return r.writeMeta()
}
