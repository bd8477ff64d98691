package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed 404.html
var notFoundPage []byte

// contentSecurity lets pages run only what weir itself serves. Players feed video
// from blobs and run their demuxers in workers made of blobs.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

// The addresses that the web app finds pages for: web/src/route.ts.
var (
	watchPath   = regexp.MustCompile(`^/watch/[a-z0-9][a-z0-9_-]{0,62}$`)
	studioPath  = regexp.MustCompile(`^/studio(/[a-z0-9][a-z0-9_-]{0,62}(/(recordings|channel|people|restream|webhooks|history))?)?$`)
	replayPath  = regexp.MustCompile(`^/replay/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	accountPath = regexp.MustCompile(`^/(u/[a-z0-9][a-z0-9_-]{0,62}|sign-in|sign-up|forgot-password|verify-email|reset-password|settings(/(account|security|tokens))?|admin/(users|webhooks))$`)
)

// isPage says whether the web app has a page at a path.
func isPage(path string) bool {
	return path == "/" || watchPath.MatchString(path) || accountPath.MatchString(path) || studioPath.MatchString(path) || replayPath.MatchString(path)
}

// pages is the web app: a file is looked up by its whole path among those that were
// there at the start, so no request can name anything else.
type pages struct {
	files map[string]*page // by URL path
	index *page            // nil when there is no web app
	watch *page            // index, which tells of the player too; may be the same
	icon  *page            // for browsers that ask for /favicon.ico unasked; may be nil
}

// page is one file, which stays where it is: embedded ones are part of the program's
// file. Its compressed form is made when it is first asked for, and kept.
type page struct {
	web         fs.FS
	file        string // in web
	size        int
	gzipped     []byte // nil when it could not be made
	etag        string
	contentType string
	immutable   bool // its name has a hash in it
	once        sync.Once
}

func loadPages(web fs.FS) (*pages, error) {
	p := &pages{files: map[string]*page{}}
	if web == nil {
		return p, nil
	}
	err := fs.WalkDir(web, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		p.files["/"+name], err = newPage(name, web, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("web app: %w", err)
	}
	p.index = p.files["/index.html"]
	if p.watch = p.files["/watch.html"]; p.watch == nil {
		p.watch = p.index
	}
	delete(p.files, "/index.html")
	delete(p.files, "/watch.html")
	if p.icon, err = p.findIcon(); err != nil {
		return nil, fmt.Errorf("web app: %w", err)
	}
	return p, nil
}

// findIcon looks for the app's icon, whose name may have a hash in it.
func (p *pages) findIcon() (*page, error) {
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		f := p.files[name]
		if base := path.Base(name); strings.HasPrefix(base, "favicon") && strings.HasPrefix(f.contentType, "image/") {
			return newPage(base, f.web, f.file)
		}
	}
	return nil, nil
}

// serveIcon answers /favicon.ico: that there is no icon is no error.
func (p *pages) serveIcon(w http.ResponseWriter, r *http.Request) {
	if p.icon == nil {
		w.Header().Set("Cache-Control", "no-cache")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p.icon.serve(w, r)
}

// newPage is a file of web under a name, by which its kind is told.
func newPage(name string, web fs.FS, file string) (*page, error) {
	body, err := fs.ReadFile(web, file)
	if err != nil {
		return nil, err
	}
	ct := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // the same on every machine, whatever its mime.types says
	case ".js", ".mjs":
		ct = "text/javascript; charset=utf-8"
	case ".css":
		ct = "text/css; charset=utf-8"
	case ".html":
		ct = "text/html; charset=utf-8"
	case ".svg":
		ct = "image/svg+xml"
	case ".woff2":
		ct = "font/woff2"
	case ".webmanifest":
		ct = "application/manifest+json"
	case ".map", ".json":
		ct = "application/json"
	case "":
		ct = "application/octet-stream"
	}
	return &page{web: web, file: file, size: len(body), etag: etagOf(body), contentType: ct, immutable: strings.HasPrefix(name, "assets/")}, nil
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// pageAt is what the web app has at a path where it has a page.
func (p *pages) pageAt(path string) *page {
	if watchPath.MatchString(path) {
		return p.watch
	}
	return p.index
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !getOnly(w, r) {
		return
	}
	if p.index != nil && isPage(r.URL.Path) {
		p.pageAt(r.URL.Path).serve(w, r)
		return
	}
	if f := p.files[r.URL.Path]; f != nil {
		f.serve(w, r)
		return
	}
	if r.URL.Path == "/favicon.ico" {
		p.serveIcon(w, r)
		return
	}
	p.notFound(w, r)
}

func (p *pages) notFound(w http.ResponseWriter, r *http.Request) {
	if !getOnly(w, r) {
		return
	}
	h := w.Header()
	pageHeaders(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		w.Write(notFoundPage)
	}
}

func (f *page) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.HasPrefix(f.contentType, "text/html") {
		pageHeaders(h)
	}
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("ETag", f.etag)
	if f.compressible() {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) && r.Header.Get("Range") == "" && f.compressed() {
			h.Set("ETag", f.etag[:len(f.etag)-1]+`-gz"`)
			h.Set("Content-Encoding", "gzip")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.gzipped))
			return
		}
	}
	file, err := f.open()
	if err != nil {
		problem(w, http.StatusInternalServerError, "This file cannot be read.")
		return
	}
	defer file.Close()
	http.ServeContent(w, r, "", time.Time{}, file)
}

// open fails for file systems whose files cannot seek, unlike those of embed and os.
func (f *page) open() (io.ReadSeekCloser, error) {
	file, err := f.web.Open(f.file)
	if err != nil {
		return nil, err
	}
	seeker, ok := file.(io.ReadSeekCloser)
	if !ok {
		_ = file.Close()
		return nil, fs.ErrInvalid
	}
	return seeker, nil
}

func (f *page) compressible() bool {
	for _, kind := range []string{"text/", "application/json", "application/manifest+json", "image/svg+xml"} {
		if strings.HasPrefix(f.contentType, kind) {
			return f.size >= 512
		}
	}
	return false
}

// compressed says whether there is a compressed form, after making it.
func (f *page) compressed() bool {
	f.once.Do(f.compress)
	return f.gzipped != nil
}

func (f *page) compress() {
	body, err := fs.ReadFile(f.web, f.file)
	if err != nil {
		return // it is sent as it is, or what is wrong shows there
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(body) // a bytes.Buffer takes everything
	_ = z.Close()
	f.gzipped = out.Bytes()
}

// acceptsGzip reads Accept-Encoding, RFC 9110 section 12.5.3, as far as one
// encoding needs it: gzip or *, unless with q=0.
func acceptsGzip(r *http.Request) bool {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		if coding = strings.TrimSpace(strings.ToLower(coding)); coding != "gzip" && coding != "*" {
			continue
		}
		q := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		return strings.Trim(q, "0.") != "" || q == ""
	}
	return false
}

// pageHeaders are those of everything that a browser shows as a page.
func pageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurity)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
}
