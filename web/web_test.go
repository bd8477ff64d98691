package web

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestBuiltSaysWhatIsThere holds with and without a build in dist.
func TestBuiltSaysWhatIsThere(t *testing.T) {
	t.Parallel()
	_, err := fs.Stat(FS(), "index.html")
	if got, want := Built(), err == nil; got != want {
		t.Fatalf("Built() = %v, index.html present = %v", got, want)
	}
}

// TestPlaceholderIsEmbedded guards the plain `go build` of a fresh checkout.
func TestPlaceholderIsEmbedded(t *testing.T) {
	t.Parallel()
	if _, err := fs.Stat(FS(), ".gitkeep"); err != nil {
		t.Fatalf("the placeholder is gone, a fresh checkout would not build: %v", err)
	}
}

var (
	hashed = regexp.MustCompile(`^assets/[A-Za-z0-9_.-]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$`)
	inline = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(>|\s+[^>]*>)\s*[^<\s]`)
)

// TestBuildKeepsItsPromises checks the build, where there is one, against the
// invariants that doc.go gives to the server.
func TestBuildKeepsItsPromises(t *testing.T) {
	t.Parallel()
	if !Built() {
		t.Log("no build in dist: nothing to check")
		return
	}
	for _, name := range []string{"index.html", "watch.html"} {
		page, err := fs.ReadFile(FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		if m := inline.Find(page); m != nil {
			t.Errorf("%s has inline code that the policy forbids: %q", name, m)
		}
	}
	err := fs.WalkDir(FS(), "assets", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !hashed.MatchString(path) {
			t.Errorf("%s has no content hash in its name", path)
		}
		if strings.HasSuffix(path, ".map") {
			t.Errorf("%s: source maps do not belong into the binary", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
