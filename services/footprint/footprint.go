package footprint

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Shrink collects garbage, gives the free heap back and lets the pages of the
// program's file go. It takes some milliseconds. After an error, as where there is no
// /proc, some or all of the file's pages stay, which harms nothing.
func Shrink() error {
	debug.FreeOSMemory()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	return release(program)
}

// release unmaps the pages of a file wherever this process only reads them.
func release(file string) error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	found, err := mappings(f, file)
	for _, m := range found {
		if !m.clean() {
			continue
		}
		if _, _, e := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); e != 0 {
			err = errors.Join(err, fmt.Errorf("madvise: %w", e))
		}
	}
	return err
}

// mapping is a piece of a file in the memory of this process.
type mapping struct {
	start, end uintptr
	access     string // as in rw-p
	own        int64  // kB that were written and are the process's own
	resident   int64  // kB
}

// clean tells whether all that is mapped can be read from the file again. Without
// own pages: relocations, for one, were written before the mapping became read-only.
func (m mapping) clean() bool {
	return m.own == 0 && strings.HasPrefix(m.access, "r-") && strings.HasSuffix(m.access, "p")
}

// mappings reads what proc_pid_smaps(5) describes and returns those of a file.
func mappings(smaps io.Reader, file string) (found []mapping, err error) {
	var last *mapping // of the file, else nil
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if field, ok := strings.CutSuffix(name, ":"); ok {
			if last != nil {
				err = errors.Join(err, last.set(field, value))
			}
			continue
		}
		last = nil
		m, path, e := header(name, value)
		if e != nil {
			return nil, e
		}
		if path == file {
			found = append(found, m)
			last = &found[len(found)-1]
		}
	}
	return found, errors.Join(err, lines.Err())
}

// header reads `START-END ACCESS OFFSET DEVICE INODE PATH`; a path may hold spaces.
func header(span, rest string) (m mapping, path string, err error) {
	from, to, _ := strings.Cut(span, "-")
	start, e1 := strconv.ParseUint(from, 16, 64)
	end, e2 := strconv.ParseUint(to, 16, 64)
	if err := errors.Join(e1, e2); err != nil {
		return m, "", fmt.Errorf("smaps: %w", err)
	}
	m.start, m.end = uintptr(start), uintptr(end)
	m.access, rest, _ = strings.Cut(rest, " ")
	for range 3 {
		_, rest, _ = strings.Cut(rest, " ")
	}
	return m, strings.TrimLeft(rest, " "), nil
}

// set takes a line of the mapping's account.
func (m *mapping) set(field, value string) (err error) {
	kb := strings.TrimSuffix(strings.TrimSpace(value), " kB")
	switch field {
	case "Rss":
		m.resident, err = strconv.ParseInt(kb, 10, 64)
	case "Anonymous":
		m.own, err = strconv.ParseInt(kb, 10, 64)
	}
	return err
}
