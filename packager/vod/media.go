package vod

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/packager/archive"
)

// media answers for initialisation segments and segments.
func (h *Handler) media(w http.ResponseWriter, r *http.Request, e *entry, in *archive.Rendition, file string) {
	if n, ok := number(file, "init", ".mp4"); ok && n < uint64(len(in.Inits)) {
		h.small(w, r, e.index.ID, archive.InitFile(in.Name, int(n)), mimeMP4)
		return
	}
	n, ok := number(file, "", ".m4s")
	if !ok || n >= uint64(len(e.runs)) {
		notFound(w)
		return
	}
	list := in.Run(e.runs[n])
	if list == nil {
		notFound(w)
		return
	}
	p := &pieces{ctx: r.Context(), from: h.Recordings, id: e.index.ID, rendition: in.Name, list: list}
	defer p.Close()
	whole := r.Method == http.MethodGet && r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == ""
	if whole {
		if err := p.begin(); err != nil {
			h.fail(w, r, e.index.ID, err)
			return
		}
	}
	head := w.Header()
	head["Content-Type"] = mimeMP4
	head["Cache-Control"] = forEver
	// the bytes never change: the name of the first stored segment stands for them
	head["Etag"] = []string{strconv.Quote(strconv.FormatUint(list[0].MSN, 36) + "-" + strconv.FormatInt(p.size(), 36))}
	deadline(w)
	if whole {
		head["Accept-Ranges"] = []string{"bytes"}
		head["Content-Length"] = []string{strconv.FormatInt(p.size(), 10)}
		_, _ = p.WriteTo(w) // a viewer that leaves, or a store that fails, ends the answer early
		return
	}
	if strings.Contains(r.Header.Get("Range"), ",") {
		// Many ranges would read the store once for each; a server may ignore them (RFC 9110, 14.2).
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, p)
}

// number reads the decimal between prefix and suffix, as it is written in manifests:
// no sign, no leading zero.
func number(text, prefix, suffix string) (uint64, bool) {
	text, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return 0, false
	}
	if text, ok = strings.CutSuffix(text, suffix); !ok || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return n, err == nil
}

// maxSmall bounds a file that is not a segment.
const maxSmall = 8 << 20

// small sends a file that is never large, as it is.
func (h *Handler) small(w http.ResponseWriter, r *http.Request, id, file string, mime []string) {
	body, size, err := h.Recordings.Open(r.Context(), id, file, 0, 0)
	if err == nil && size > maxSmall {
		body.Close()
		err = errors.New("the file is too large")
	}
	if err != nil {
		h.fail(w, r, id, err)
		return
	}
	defer body.Close()
	head := w.Header()
	head["Content-Type"] = mime
	head["Cache-Control"] = forEver
	head["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	if r.Method == http.MethodHead {
		return
	}
	deadline(w)
	_, _ = io.Copy(w, body)
}

// pieces are stored segments as one, read from the store as they are asked for. It
// implements io.ReadSeeker.
type pieces struct {
	ctx       context.Context
	from      *archive.Recordings
	id        string
	rendition string
	list      archive.Segments

	at   int64 // position in the whole
	body io.ReadCloser
	left int64 // bytes of body that are still to come
}

func (p *pieces) size() (n int64) {
	for _, s := range p.list {
		n += s.Size
	}
	return n
}

// Close lets go of the store.
func (p *pieces) Close() {
	if p.body != nil {
		p.body.Close()
		p.body = nil
	}
}

// Seek implements io.Seeker: within what is open where that can, without asking the
// store.
func (p *pieces) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.size()
	}
	if offset < 0 {
		return 0, errors.New("seek to before the beginning")
	}
	if offset == p.at {
		return offset, nil
	}
	if s, ok := p.body.(io.Seeker); ok && offset > p.at && offset-p.at < p.left {
		if _, err := s.Seek(offset-p.at, io.SeekCurrent); err != nil {
			return 0, err
		}
		p.left -= offset - p.at
	} else {
		p.Close()
	}
	p.at = offset
	return offset, nil
}

// begin opens the stored segment at the position, io.EOF behind the last.
func (p *pieces) begin() error {
	if p.body != nil && p.left > 0 {
		return nil
	}
	p.Close()
	skip := p.at
	for _, s := range p.list {
		if skip >= s.Size {
			skip -= s.Size
			continue
		}
		body, size, err := p.from.Open(p.ctx, p.id, archive.SegmentFile(p.rendition, s), skip, 0)
		if err != nil {
			return err
		}
		if size != s.Size {
			body.Close()
			return errors.New("a stored segment has another size than the index says")
		}
		p.body, p.left = body, s.Size-skip
		return nil
	}
	return io.EOF
}

// Read implements io.Reader.
func (p *pieces) Read(b []byte) (int, error) {
	if err := p.begin(); err != nil {
		return 0, err
	}
	n, err := p.body.Read(b)
	p.at += int64(n)
	p.left -= int64(n)
	if err == io.EOF {
		err = nil
		if p.left > 0 && n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// WriteTo implements io.WriterTo; files go out by the system where they can.
func (p *pieces) WriteTo(w io.Writer) (sum int64, err error) {
	for {
		if err := p.begin(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return sum, err
		}
		n, err := io.Copy(w, p.body)
		sum, p.at, p.left = sum+n, p.at+n, p.left-n
		if err == nil && p.left != 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return sum, err
		}
	}
}
