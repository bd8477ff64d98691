package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built application: index.html at the root, and under
// assets/ the files whose names carry a hash of their content, which may be
// cached for ever. It is read-only, needs no closing and may be used by any
// number of goroutines. When Built is false it holds no index.html.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only on a path that is not valid; "dist" is.
		return dist
	}
	return sub
}

// Built reports whether the application was built before the binary was. It
// is false for a plain `go build` of a fresh checkout, where only the
// placeholder that keeps the folder in git is embedded; the server then has
// its API and its media, and should say how to get the pages.
func Built() bool {
	info, err := fs.Stat(dist, "dist/index.html")
	return err == nil && info.Mode().IsRegular()
}
