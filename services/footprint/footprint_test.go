package footprint

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRelease maps a file three times: what was only read goes and comes back as it
// was, what was written stays.
func TestRelease(t *testing.T) {
	const size = 1 << 20
	file := filepath.Join(t.TempDir(), "a file")
	want := bytes.Repeat([]byte("program "), size/8)
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var areas [3][]byte
	for i, access := range []int{unix.PROT_READ, unix.PROT_READ | unix.PROT_WRITE, unix.PROT_READ | unix.PROT_WRITE} {
		if areas[i], err = unix.Mmap(int(f.Fd()), 0, size, access, unix.MAP_PRIVATE); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Munmap(areas[i]); err != nil {
				t.Error(err)
			}
		}()
		if !bytes.Equal(areas[i], want) { // every page is touched
			t.Fatal("the file reads differently")
		}
	}
	relocated, written := areas[1], areas[2]
	copy(relocated[size/2:], "written")
	copy(written[size/2:], "written")
	if err := unix.Mprotect(relocated, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	if before := resident(t, file); !slices.Equal(before, []int64{size >> 10, size >> 10, size >> 10}) {
		t.Fatalf("resident before: %d kB", before)
	}
	if err := release(file); err != nil {
		t.Fatal(err)
	}
	after := resident(t, file)
	slices.Sort(after)
	if !slices.Equal(after, []int64{0, size >> 10, size >> 10}) {
		t.Errorf("resident after: %d kB, want only what was never written to be gone", after)
	}
	if !bytes.Equal(areas[0], want) {
		t.Error("what was released does not come back as it was")
	}
	copy(want[size/2:], "written")
	for _, area := range areas[1:] {
		if !bytes.Equal(area, want) {
			t.Error("what was written is lost")
		}
	}
}

func resident(t *testing.T, file string) (kb []int64) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found, err := mappings(f, file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		kb = append(kb, m.resident)
	}
	return kb
}

// TestShrink goes on with a program whose pages are gone.
func TestShrink(t *testing.T) {
	if err := Shrink(); err != nil {
		t.Fatal(err)
	}
}

func TestMappings(t *testing.T) {
	const text = `00400000-00404000 r-xp 00001000 fe:00 17                           /srv/my weir
Size:                 16 kB
Rss:                  12 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00404000-00405000 r--p 00005000 fe:00 17                           /srv/my weir
Rss:                   4 kB
Anonymous:             4 kB
00405000-00406000 rw-p 00006000 fe:00 17                           /srv/my weir
Rss:                   4 kB
Anonymous:             0 kB
7f0000000000-7f0000001000 r--s 00000000 fe:00 17                   /srv/my weir
Rss:                   4 kB
Anonymous:             0 kB
7f0000001000-7f0000002000 rw-p 00000000 00:00 0 
Rss:                   4 kB
Anonymous:             4 kB
7f0000002000-7f0000003000 r--p 00000000 fe:00 18                   /srv/my weir.so
Rss:                   4 kB
Anonymous:             0 kB
`
	got, err := mappings(strings.NewReader(text), "/srv/my weir")
	want := []mapping{
		{0x400000, 0x404000, "r-xp", 0, 12},
		{0x404000, 0x405000, "r--p", 4, 4},
		{0x405000, 0x406000, "rw-p", 0, 4},
		{0x7f0000000000, 0x7f0000001000, "r--s", 0, 4},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	for i, clean := range []bool{true, false, false, false} {
		if got[i].clean() != clean {
			t.Errorf("%+v: clean is %v", got[i], !clean)
		}
	}
	for _, broken := range []string{"here it is\n", "0-zz r--p 0 0 0 /srv/my weir\n", "0-1 r--p 0 0 0 /srv/my weir\nRss: many kB\n"} {
		if _, err := mappings(strings.NewReader(broken), "/srv/my weir"); err == nil {
			t.Errorf("%q was taken", broken)
		}
	}
}
