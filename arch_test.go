// Package weir_test holds the rules of ARCHITECTURE.md that concern the whole
// tree: which folders may import which, and how long a file may be.
package weir_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// longest is how many lines a Go file that is no test may have.
const longest = 500

// forbidden imports, by folder: arrows go media <- ingest, media <- packager, and
// the services stand apart. cmd/weir is where everything meets.
func forbidden() map[string][]string {
	return map[string][]string{
		"media":    {"weir/ingest", "weir/packager", "weir/services", "weir/web", "weir/cmd"},
		"ingest":   {"weir/packager", "weir/services", "weir/web", "weir/cmd"},
		"packager": {"weir/ingest", "weir/services", "weir/web", "weir/cmd"},
		"services": {"weir/media", "weir/ingest", "weir/packager", "weir/cmd"},
		"web":      {"weir"},
	}
}

const astiav = "github.com/asticode/go-astiav"

func TestImportsAndLength(t *testing.T) {
	files := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := len(d.Name()) > 1 && strings.HasPrefix(d.Name(), ".")
			if hidden || d.Name() == "node_modules" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		files++
		checkFile(t, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no Go files were found")
	}
}

func checkFile(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > longest && !strings.HasSuffix(name, "_test.go") {
		t.Errorf("%s has %d lines, more than %d: is there a noun inside that wants its own file?", name, n, longest)
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	pillar, _, _ := strings.Cut(name, "/")
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		for _, no := range forbidden()[pillar] {
			if within(imported, no) {
				t.Errorf("%s imports %s: %s must not import %s", name, imported, pillar, no)
			}
		}
		if within(imported, astiav) && !strings.HasPrefix(name, "media/av/") {
			t.Errorf("%s imports %s: only media/av does", name, imported)
		}
		if sibling, ok := strings.CutPrefix(imported, "weir/services/"); ok && pillar == "services" {
			checkSibling(t, name, sibling)
		}
	}
}

// checkSibling holds that no service imports another one; what all services stand
// on is not one.
func checkSibling(t *testing.T, name, imported string) {
	t.Helper()
	shared := map[string]bool{"run": true, "fault": true, "event": true, "auth": true, "outside": true, "seal": true, "httpd": true, "backing": true, "certificate": true, "proxied": true, "servicetest": true}
	mine, _, _ := strings.Cut(strings.TrimPrefix(name, "services/"), "/")
	other, _, _ := strings.Cut(imported, "/")
	if other != mine && !shared[other] {
		t.Errorf("%s imports the sibling %s", name, imported)
	}
}

func within(imported, tree string) bool {
	return imported == tree || strings.HasPrefix(imported, tree+"/")
}
