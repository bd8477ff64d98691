package archive_test

import (
	"strings"
	"testing"

	"weir/packager/archive"
)

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"0197f3a0-1111-7000-8000-0123456789ab": true, "a": true, strings.Repeat("a", 64): true,
		"": false, "-a": false, "A": false, "a_b": false, "a/b": false, "..": false, "a.b": false, strings.Repeat("a", 65): false, "a\n": false,
	} {
		if archive.ValidID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func FuzzSegmentName(f *testing.F) {
	f.Add("0000000012-16934400000-1411200000-0-kd.m4s")
	f.Add("0000000000-0-0-0-n.m4s")
	f.Add("00000000000-00-0-0-n.m4s")
	f.Fuzz(func(t *testing.T, name string) {
		s, ok := archive.ParseSegment(name)
		if !ok {
			return
		}
		again, ok := archive.ParseSegment(strings.TrimPrefix(archive.SegmentFile("a", s), "a/"))
		if !ok || again != s {
			t.Fatalf("%q: %+v and %+v", name, s, again)
		}
	})
}
