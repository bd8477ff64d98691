package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"weir/packager/window"
)

// Reader has the segments of a recording for those who rewind a stream that is on the air:
// as packager/origin asks for them. Its errors wrap fs.ErrNotExist where there is none.
type Reader struct {
	all *Recordings
	id  string
}

// Reader reads a recording that may be running.
func (r *Recordings) Reader(id string) *Reader { return &Reader{r, id} }

// Segment gives length bytes of a segment from the position on, or, with both 0, all of it.
func (r *Reader) Segment(ctx context.Context, rendition string, s window.Segment, from, length int64) (io.ReadCloser, error) {
	body, _, err := r.open(ctx, SegmentFile(rendition, Segment{MSN: s.MSN, Start: s.Start, Duration: s.Duration, Init: s.Init, Flags: flagsOf(&s)}), from, length)
	return body, err
}

// maxInit bounds an initialisation segment that is read.
const maxInit = 1 << 20

// Init gives an initialisation segment.
func (r *Reader) Init(ctx context.Context, rendition string, n int) ([]byte, error) {
	body, size, err := r.open(ctx, InitFile(rendition, n), 0, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > maxInit {
		return nil, fmt.Errorf("an initialisation segment of %d bytes", size)
	}
	return io.ReadAll(body)
}

// open opens a file of the recording where it is: in the spool until the store has it.
func (r *Reader) open(ctx context.Context, file string, from, length int64) (io.ReadCloser, int64, error) {
	body, size, err := spooledFile(filepath.Join(r.all.path(r.id), file), from, length)
	if errors.Is(err, fs.ErrNotExist) {
		body, size, err = r.all.Open(ctx, r.id, file, from, length)
	}
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	return body, size, err
}

// part is a piece of a file.
type part struct {
	io.Reader
	io.Closer
}

func spooledFile(path string, from, length int64) (io.ReadCloser, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err == nil {
		_, err = f.Seek(from, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	if length == 0 {
		length = st.Size() - from
	}
	return part{io.LimitReader(f, length), f}, st.Size(), nil
}

// mostSince bounds the segments of a rendition that Since gives.
const mostSince = 1 << 16

// Since gives the segments of renditions from an MSN on that the store or the spool has, in
// order, as a window lists what is Away.
func (r *Reader) Since(ctx context.Context, renditions []string, from uint64) (map[string][]window.Segment, error) {
	out := map[string][]window.Segment{}
	add := func(rendition string, s Segment) {
		if s.MSN >= from && s.Size > 0 && slices.Contains(renditions, rendition) {
			out[rendition] = append(out[rendition], s.away())
		}
	}
	_, waiting, err := r.all.spooled(r.id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, file := range waiting {
		rendition, name, _ := cutLast(file)
		s, _ := ParseSegment(name)
		if st, err := os.Stat(filepath.Join(r.all.path(r.id), file)); err == nil {
			s.Size = st.Size()
		}
		add(rendition, s)
	}
	for _, name := range renditions {
		if err := r.listed(ctx, name, from, func(s Segment) { add(name, s) }); err != nil {
			return nil, err
		}
		slices.SortStableFunc(out[name], func(a, b window.Segment) int { return cmp.Compare(a.MSN, b.MSN) })
		out[name] = slices.CompactFunc(out[name], func(a, b window.Segment) bool { return a.MSN == b.MSN })
	}
	return out, nil
}

// listed calls f for the segments of a rendition that the store has from an MSN on.
func (r *Reader) listed(ctx context.Context, rendition string, from uint64, f func(Segment)) error {
	prefix := Key(r.id, rendition+"/")
	after := fmt.Sprintf("%s%010d", prefix, from)
	for n := 0; n < mostSince; {
		page, err := r.all.cfg.Store.List(ctx, prefix, after, 0)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, o := range page {
			s, ok := ParseSegment(o.Key[len(prefix):])
			if !ok {
				return nil // initialisation segments come last
			}
			s.Size = o.Size
			f(s)
		}
		n, after = n+len(page), page[len(page)-1].Key
	}
	return nil
}

// away is s as a window lists it.
func (s Segment) away() window.Segment {
	key := s.Flags&Independent != 0
	return window.Segment{
		MSN: s.MSN, Start: s.Start, Duration: s.Duration, Init: s.Init, Key: key,
		Discontinuity: s.Flags&Discontinuity != 0, Mini: s.Flags&Mini != 0, Away: true,
		Parts: []window.Part{{Size: int(s.Size), Duration: s.Duration, Independent: key}},
	}
}

// Keeps says whether the store has a segment of the recording.
func (r *Recorder) Keeps(rendition string, msn uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.index.Rendition(rendition)
	if in == nil {
		return false
	}
	i := in.Segments.Find(msn)
	return i < len(in.Segments) && in.Segments[i].MSN == msn
}
