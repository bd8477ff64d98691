package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// complete writes the index of a recording that has all its segments in the store,
// reports it, and forgets its spool.
func (r *Recordings) complete(ctx context.Context, x *Index, lost int) error {
	err := r.persist(ctx, "store the index", x.ID, func(ctx context.Context) error { return r.write(ctx, x) })
	if err == nil {
		err = r.tell(ctx, x, lost)
	}
	if err != nil {
		return fmt.Errorf("recording %s is left to the next start: %w", x.ID, err)
	}
	return r.forget(x.ID)
}

// write stores the index of a recording; of one without media nothing is kept.
func (r *Recordings) write(ctx context.Context, x *Index) error {
	if x.Size() == 0 {
		return r.remove(ctx, x.ID)
	}
	text, err := x.encode()
	if err != nil {
		return err
	}
	return r.Put(ctx, x.ID, indexName, text, "application/json")
}

// tell reports a recording that is whole: it is read in the store from now on, though its
// spool is not empty yet.
func (r *Recordings) tell(ctx context.Context, x *Index, lost int) error {
	r.mu.Lock()
	r.busy[x.ID] = nil
	r.mu.Unlock()
	x.Complete = true
	report := x.report()
	report.Lost = lost
	if r.cfg.Done != nil {
		err := r.persist(ctx, "report the recording", x.ID, func(ctx context.Context) error { return r.cfg.Done(ctx, report) })
		if err != nil {
			return err
		}
	}
	r.cfg.Log.Info("recorded", "stream", x.Name, "recording", x.ID, "duration", report.Duration.Round(time.Millisecond), "bytes", report.Bytes, "lost", lost)
	return nil
}

// forget removes the spool of a recording.
func (r *Recordings) forget(id string) error {
	if err := os.RemoveAll(r.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("spool of recording %s: %w", id, err)
	}
	r.release(id)
	return nil
}

// conclude is complete for a recording that several processes made, of which x is this
// one's. The others may do the same at this moment: whoever writes the index looks again,
// so that the last index has all that is stored. Where this one is not the last that went
// on, it reports what it adds alone.
func (r *Recordings) conclude(ctx context.Context, x *Index, lost int, last bool) error {
	all, known := x, false
	for n := 0; n < rounds && !known; n++ {
		err := r.persist(ctx, "list the recording", x.ID, func(ctx context.Context) (err error) {
			all, known, err = r.compare(ctx, x)
			return err
		})
		if err == nil && !known {
			err = r.persist(ctx, "store the index", x.ID, func(ctx context.Context) error { return r.write(ctx, all) })
			last, known = true, all.Size() == 0
		}
		if err != nil {
			return fmt.Errorf("recording %s is left to the next start: %w", x.ID, err)
		}
	}
	if last {
		if err := r.tell(ctx, all, lost); err != nil {
			return fmt.Errorf("recording %s is left to the next start: %w", x.ID, err)
		}
	}
	return r.forget(x.ID)
}

// compare is a recording as the store has it; known tells that the index there has as much.
func (r *Recordings) compare(ctx context.Context, x *Index) (all *Index, known bool, err error) {
	all, err = r.gather(ctx, x.ID)
	if errors.Is(err, ErrNotFound) {
		return x.bare(), false, nil
	}
	if err != nil {
		return nil, false, err
	}
	was, err := r.read(ctx, x.ID, indexName)
	if errors.Is(err, ErrNotFound) {
		return all, false, nil
	}
	return all, err == nil && was.count() == all.count(), err
}

// absorb takes in the renditions and initialisation segments of another description of the
// same recording, and who went on last.
func (x *Index) absorb(o *Index) {
	x.Part = max(x.Part, o.Part)
	for _, in := range o.Renditions {
		if x.Rendition(in.Name) == nil {
			x.add(Rendition{Name: in.Name, Kind: in.Kind, Inits: []Init{}, Segments: Segments{}})
		}
		mine := x.Rendition(in.Name)
		for n, d := range in.Inits {
			if d != (Init{}) && !mine.known(n) {
				mine.learn(n, d)
			}
		}
	}
}

// count is how many segments there are.
func (x *Index) count() (n int) {
	for _, in := range x.Renditions {
		n += len(in.Segments)
	}
	return n
}

// Recover closes the recordings that processes before this one left in the spool:
// stores what is missing and, once nobody goes on with them, writes their indices and
// reports them. It returns when all are closed or ctx is done.
func (r *Recordings) Recover(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	r.running.Add(int64(len(r.left)))
	for _, id := range r.left {
		err := r.restore(ctx, id)
		if err != nil {
			r.running.Add(-1)
			r.failed(ctx, id, err)
			continue
		}
		wait.Go(func() {
			defer r.running.Add(-1)
			r.failed(ctx, id, r.Close(ctx, id))
		})
	}
}

func (r *Recordings) failed(ctx context.Context, id string, err error) {
	if err != nil && ctx.Err() == nil {
		r.cfg.Log.Error("cannot close a recording that was left", "recording", id, "err", err)
	}
}

// restore stores what a process before this one left in the spool.
func (r *Recordings) restore(ctx context.Context, id string) error {
	x, err := r.spoolMeta(id)
	if x == nil || err != nil || !r.toClose(id) { // in the last case it may be of who goes on
		return err
	}
	inits, segments, err := r.spooled(id)
	if err != nil {
		return err
	}
	put := func(files []string) error {
		for _, file := range files {
			err := r.persist(ctx, "store a segment", id, func(ctx context.Context) error { return r.putFile(ctx, id, file) })
			if err != nil {
				return err
			}
			_ = os.Remove(filepath.Join(r.path(id), file)) // it would only be stored again
		}
		return nil
	}
	if err := put(inits); err != nil {
		return err
	}
	err = r.persist(ctx, "describe the recording", id, func(ctx context.Context) error {
		text, err := x.encode()
		if err != nil {
			return err
		}
		return r.Put(ctx, id, x.metaFile(), text, "application/json")
	})
	if err != nil {
		return err
	}
	return put(segments)
}

// spoolMeta is the stream.json of the spool; nil: the recording was just begun, and nothing
// of it is stored.
func (r *Recordings) spoolMeta(id string) (*Index, error) {
	text, err := os.ReadFile(filepath.Join(r.path(id), metaName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decode(bytes.TrimSpace(text), id)
}

// Close completes a recording that Leave, or a process before, left to be closed, once
// nobody else makes it any more; it does nothing where this process goes on with it
// meanwhile. It blocks until then, or until ctx is done.
func (r *Recordings) Close(ctx context.Context, id string) error {
	x, err := r.spoolMeta(id)
	if err != nil {
		return err
	}
	if x == nil {
		if r.claim(id) {
			return r.forget(id)
		}
		return nil
	}
	last, err := r.await(ctx, x)
	if err != nil || !r.claim(id) {
		return err
	}
	return r.conclude(ctx, x, 0, last)
}

// claim makes a recording that waits to be closed the caller's.
func (r *Recordings) claim(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.waits[id]
	delete(r.waits, id)
	return was
}

func (r *Recordings) toClose(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits[id]
}

// await blocks until nobody goes on with a recording, and tells whether x is of the process
// that had it last. If not, it waits for that one to close it, a minute at most.
func (r *Recordings) await(ctx context.Context, x *Index) (last bool, err error) {
	err = r.until(ctx, x.ID, "learn who goes on with a recording", func(ctx context.Context) (bool, error) {
		if r.cfg.Goes == nil || !r.toClose(x.ID) {
			return true, nil
		}
		goes, err := r.cfg.Goes(ctx, x.ID, x.Name)
		return !goes, err
	})
	if err != nil || !r.toClose(x.ID) {
		return false, err
	}
	err = r.persist(ctx, "learn who had a recording last", x.ID, func(ctx context.Context) error {
		all, err := r.gather(ctx, x.ID)
		last = err != nil || all.Part <= x.Part
		return ignoreNotFound(err)
	})
	if err != nil || last {
		return last, err
	}
	begun := time.Now()
	err = r.until(ctx, x.ID, "learn whether a recording is closed", func(ctx context.Context) (bool, error) {
		last = time.Since(begun) > time.Minute // the other one will not come back
		_, err := r.read(ctx, x.ID, indexName)
		return last || err == nil, ignoreNotFound(err)
	})
	return last, err
}

// until asks over and over again whether something is so.
func (r *Recordings) until(ctx context.Context, id, what string, ask func(ctx context.Context) (bool, error)) error {
	for {
		so := false
		err := r.persist(ctx, what, id, func(ctx context.Context) (err error) {
			so, err = ask(ctx)
			return err
		})
		if err != nil || so {
			return err
		}
		t := time.NewTimer(r.cfg.Look)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
