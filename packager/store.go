package packager

import (
	"weir/media"
	"weir/packager/window"
)

// memory is how many target durations of the live edge stay in memory.
const memory = 3

// stored trims the window and queues a closed segment for storage. Files are written
// and removed by storeLoop: nobody who writes to a stream waits for a disk.
func (p *Packager) stored(r *rendition, s *window.Segment) {
	target := media.Time(p.cfg.Target) * media.Second
	gone := r.track.Trim(window.Keep{Playlist: max(p.cfg.Rewind, memory*target), Memory: memory * target, Parts: p.parts(), Minis: (memory + 1) * target})
	for _, g := range gone {
		if g.Path != "" {
			p.gone = append(p.gone, g.Path)
		}
	}
	p.gone = append(p.gone, p.letGo(r.track, p.cfg.Local)...)
	p.forget()
	if s.Gap {
		return
	}
	select {
	case p.stores <- stored{r, s, p.gone}:
		p.gone, p.full = nil, false
	default:
		r.track.Stored(s, "")
		if !p.full {
			p.cfg.Log.Warn("storage is too slow; the rewind window gets shorter", "stream", p.cfg.Name)
		}
		p.full = true
	}
}

// parts is how much of the live edge has parts.
func (p *Packager) parts() media.Time {
	return 3 * memory * media.Time(p.cfg.Target) * media.Second
}

// letGo lets go of files behind local of which the Sink keeps the segments.
func (p *Packager) letGo(t *window.Track, local media.Time) []string {
	k, ok := p.cfg.Sink.(Keeper)
	if !ok || p.cfg.Local == 0 {
		return nil
	}
	return t.Release(max(local, p.parts()), func(msn uint64) bool { return k.Keeps(t.Name, msn) })
}

// Spare removes all files that the stream can do without, and reports whether there were
// any: for a Sink that has no room.
func (p *Packager) Spare() bool {
	var paths []string
	for _, t := range p.win.Tracks() {
		paths = append(paths, p.letGo(t, 0)...)
	}
	p.remove(paths)
	return len(paths) > 0
}

// forget drops the cuts and DASH marks that no rendition needs any more.
func (p *Packager) forget() {
	first, oldest := p.cuts.next(), p.cuts.next()
	each := func(r *rendition) {
		first = min(first, r.msn)
		r.track.View(func(v *window.View) {
			if len(v.Segments) > 0 {
				oldest = min(oldest, v.Segments[0].MSN)
			}
		})
	}
	for _, r := range p.pictures {
		each(r)
	}
	for _, r := range p.sounds {
		each(r)
	}
	if first > 0 {
		p.cuts.forget(first - 1)
	}
	p.win.DropMarks(oldest)
}

// storeLoop writes closed segments until the queue is closed. A segment that
// cannot be stored is lost to rewinding; the stream goes on.
func (p *Packager) storeLoop() {
	failing := false
	for st := range p.stores {
		path, err := p.cfg.Sink.Put(st.r.track.Finished(st.s))
		if err != nil && !failing {
			p.cfg.Log.Warn("cannot store segments; the rewind window gets shorter", "stream", p.cfg.Name, "rendition", st.r.track.Name, "err", err)
		}
		failing = err != nil
		st.r.track.Stored(st.s, path)
		p.remove(st.gone)
	}
}

func (p *Packager) remove(paths []string) {
	for _, path := range paths {
		if err := p.cfg.Sink.Remove(path); err != nil {
			p.cfg.Log.Warn("cannot remove old segment", "stream", p.cfg.Name, "err", err)
		}
	}
}
