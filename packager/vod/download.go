package vod

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"weir/media"
	"weir/media/seats"
	"weir/packager/archive"
	"weir/packager/progressive"
)

// download sends a recording as one MP4 file: a rendition and the sounds. Its segments
// are read twice, once for the index that goes first; nothing but that is held.
func (h *Handler) download(w http.ResponseWriter, r *http.Request, e *entry) {
	if !e.index.Complete {
		w.Header()["Cache-Control"] = brief
		http.Error(w, "the recording is still being made: try again when the stream has ended", http.StatusConflict)
		return
	}
	chosen := choose(e, r.URL.Query().Get("rendition"))
	if len(chosen) == 0 {
		notFound(w)
		return
	}
	head := w.Header()
	head["Content-Type"] = mimeMP4
	head.Set("Accept-Ranges", "none")
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", e.index.Name+"-"+chosen[0].Name+".mp4"))
	if r.Method == http.MethodHead {
		return
	}
	slot, err := h.slots.Take(r.RemoteAddr)
	if err != nil {
		status, words := http.StatusServiceUnavailable, "too many files are being made; try again later"
		if errors.Is(err, seats.ErrEach) {
			status, words = http.StatusTooManyRequests, "your network is getting other files now: wait for one of them"
		}
		head.Del("Content-Disposition")
		head.Set("Retry-After", "10")
		http.Error(w, words, status)
		return
	}
	defer h.slots.Leave(slot)
	d := downloading{h: h, ctx: r.Context(), e: e, chosen: chosen}
	front, size, err := d.describe()
	if err != nil {
		head.Del("Content-Disposition")
		h.fail(w, r, e.index.ID, err)
		return
	}
	head["Cache-Control"] = forEver
	head["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	deadline(w)
	if _, err = w.Write(front); err == nil {
		err = d.copy(w)
	}
	if err != nil && r.Context().Err() == nil {
		h.Log.Warn("a download broke off", "recording", e.index.ID, "err", err)
	}
}

// choose gives the rendition that is asked for, or the best, and the sounds that everybody can
// play; of sounds that is the one alone.
func choose(e *entry, name string) (list []*archive.Rendition) {
	var best *archive.Rendition
	var sounds []*archive.Rendition
	for i := range e.index.Renditions {
		r := &e.index.Renditions[i]
		switch {
		case len(r.Segments) == 0:
		case r.Kind == media.Audio && r.Name == name:
			return []*archive.Rendition{r}
		case r.Kind == media.Audio:
			if _, original := media.SoundOf(r.Name); !original {
				sounds = append(sounds, r)
			}
		case name == "" && (best == nil || latest(r).Height > latest(best).Height), name == r.Name:
			best = r
		}
	}
	switch {
	case best != nil:
		return append([]*archive.Rendition{best}, sounds...)
	case name != "":
		return nil
	}
	return sounds
}

// downloading is one file that is being made.
type downloading struct {
	h      *Handler
	ctx    context.Context
	e      *entry
	chosen []*archive.Rendition
}

// each calls f for every run that a chosen rendition has, in the order of the file.
func (d *downloading) each(f func(i int, list archive.Segments) error) error {
	for _, run := range d.e.runs {
		for i, r := range d.chosen {
			if list := r.Run(run); list != nil {
				if err := f(i, list); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *downloading) open(i int, list archive.Segments) *pieces {
	return &pieces{ctx: d.ctx, from: d.h.Recordings, id: d.e.index.ID, rendition: d.chosen[i].Name, list: list}
}

// describe reads what is in all segments.
func (d *downloading) describe() (front []byte, size int64, err error) {
	var file progressive.File
	tracks := make([]*progressive.Track, len(d.chosen))
	entries := make([]map[int]uint32, len(d.chosen)) // by initialisation segment
	err = d.each(func(i int, list archive.Segments) error {
		init := list[0].Init
		if _, known := entries[i][init]; !known {
			data, err := d.init(i, init)
			if err != nil {
				return err
			}
			if tracks[i] == nil {
				entries[i] = map[int]uint32{init: 1}
				if tracks[i], err = file.AddTrack(data); err == nil {
					d.name(tracks[i], i)
				}
			} else {
				entries[i][init], err = tracks[i].AddInit(data)
			}
			if err != nil {
				return err
			}
		}
		p := d.open(i, list)
		defer p.Close()
		return tracks[i].AddSegment(entries[i][init], p.reader())
	})
	if err != nil {
		return nil, 0, err
	}
	return file.Header()
}

// name tells the sounds apart where there are several.
func (d *downloading) name(t *progressive.Track, i int) {
	r, names := d.chosen[i], soundNames(d.e.index)
	if r.Kind == media.Audio && len(names) > 1 {
		first := i == 0 || d.chosen[i-1].Kind == media.Video
		number, _ := media.SoundOf(r.Name)
		t.Sound(first, latest(r).Language, names[number])
	}
}

func (d *downloading) init(i, n int) ([]byte, error) {
	body, size, err := d.h.Recordings.Open(d.ctx, d.e.index.ID, archive.InitFile(d.chosen[i].Name, n), 0, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > maxSmall {
		return nil, errors.New("an initialisation segment is too large")
	}
	return io.ReadAll(io.LimitReader(body, maxSmall))
}

// copy sends the media.
func (d *downloading) copy(w http.ResponseWriter) error {
	out := &unhurried{w: w, clock: d.h.Now}
	return d.each(func(i int, list archive.Segments) error {
		p := d.open(i, list)
		defer p.Close()
		return progressive.CopyMedia(out, p.reader())
	})
}

// reader hides Seek where the store cannot skip without asking again.
func (p *pieces) reader() io.Reader {
	if p.begin() == nil {
		if _, ok := p.body.(io.Seeker); ok {
			return p
		}
	}
	return struct{ io.Reader }{p}
}
