package ffmpeg_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// machine is what build.sh finds: programs that stand in for those of the system.
type machine struct {
	t                 *testing.T
	bin, cache, found string
	script            string
	environ           []string
}

// newMachine has all that a build needs, and nothing that reaches other machines: what
// is not given by program fails.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, bin: t.TempDir(), cache: t.TempDir(), found: t.TempDir(), script: "build.sh"}
	for _, name := range []string{"curl", "wget", "apt-get", "meson", "ninja", "nasm", "yasm", "sudo"} {
		m.program(name, "exit 1")
	}
	m.program("gcc", `echo "$0"`) // where every library is
	m.environ = append(os.Environ(), "PATH="+m.bin+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+m.cache, "PKG_CONFIG_LIBDIR="+m.found, "PKG_CONFIG_PATH=")
	return m
}

func (m *machine) program(name, script string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.bin, name), []byte("#!/bin/bash\n"+script+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// build runs build.sh and returns what it printed.
func (m *machine) build(args ...string) (stdout, stderr string, err error) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "bash", append([]string{m.script}, args...)...)
	cmd.Env = m.environ
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	return out.String(), said.String(), err
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is not installed, and the build needs it", name)
		}
	}
}

// libraries tells pkg-config of an FFmpeg: versions of libavcodec, libavformat,
// libavfilter, libavutil.
func (m *machine) libraries(prefix string, versions [4]string) {
	m.t.Helper()
	for name, version := range map[string]string{
		"libavcodec": versions[0], "libavformat": versions[1], "libavfilter": versions[2], "libavutil": versions[3],
		"libavdevice": "61.3.100", "libswresample": "5.3.100", "libswscale": "8.3.100",
	} {
		text := "prefix=" + prefix + "\nName: " + name + "\nDescription: of FFmpeg\nVersion: " + version + "\n"
		if err := os.WriteFile(filepath.Join(m.found, name+".pc"), []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
}

// A system FFmpeg is used when it is 7.1 and whole, and only then.
func TestSystemFFmpeg(t *testing.T) {
	need(t, "bash", "pkg-config", "flock")
	good := [4]string{"61.19.101", "61.7.100", "10.4.100", "59.39.100"}
	for name, tc := range map[string]struct {
		prefix   string
		versions [4]string
		used     bool
	}{
		"7.1":            {"/usr", good, true},
		"7.0":            {"/usr", [4]string{"61.3.100", "61.1.100", "10.1.100", "59.8.100"}, false},
		"8.0":            {"/usr", [4]string{"62.11.100", "62.3.100", "11.4.100", "60.8.100"}, false},
		"of two":         {"/usr", [4]string{good[0], good[1], "10.1.100", good[3]}, false},
		"one of our own": {"/home/x/.cache/weir/ffmpeg-0123", good, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.program("flock", "exit 1") // where a build would begin
			m.libraries(tc.prefix, tc.versions)
			env, said, err := m.build("env")
			if used := err == nil && strings.Contains(said, "using the system's FFmpeg "+tc.versions[0]); used != tc.used {
				t.Errorf("used: %t, %v\n%s", used, err, said)
			}
			if env != "" {
				t.Errorf("an environment for an FFmpeg of ours: %s", env)
			}
		})
	}
}

// giving is a curl that gives a file for addresses with a word in them.
func giving(word, file string) string {
	return `for a; do case $last in -o) out=$a ;; esac; last=$a; done
case $last in *` + word + `*) cp '` + file + `' "$out" ;; *) exit 22 ;; esac`
}

// pin has the script want a tarball of the test's own as dav1d's, and gives its path;
// Debian's keyring is one of the test's too.
func (m *machine) pin() string {
	m.t.Helper()
	dir := m.t.TempDir()
	write := func(name, text string) string {
		m.t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
		return path
	}
	write("meson.build", "project('dav1d')\n")
	file := filepath.Join(dir, "released.tar.xz")
	if out, err := exec.CommandContext(m.t.Context(), "tar", "-C", dir, "-cJf", file, "meson.build").CombinedOutput(); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	tarball, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	script, err := os.ReadFile("build.sh")
	if err != nil {
		m.t.Fatal(err)
	}
	text := string(script)
	for of, with := range map[*regexp.Regexp]string{
		regexp.MustCompile(`(?m)^dav1d_sum=[0-9a-f]{64}$`):                    fmt.Sprintf("dav1d_sum=%x", sha256.Sum256(tarball)),
		regexp.MustCompile(`/usr/share/keyrings/debian-archive-keyring\.gpg`): write("keyring.gpg", ""),
	} {
		if n := len(of.FindAllString(text, -1)); n != 1 {
			m.t.Fatalf("%v stands in build.sh %d times", of, n)
		}
		text = of.ReplaceAllLiteralString(text, with)
	}
	m.script = write("build.sh", text)
	return file
}

// kept are the sources that a machine has believed.
func (m *machine) kept() []string {
	files, _ := filepath.Glob(filepath.Join(m.cache, "weir", "source", "*.tar.xz"))
	return files
}

// The release's tarball is used when it is the one that was pinned, and nothing else is.
func TestTarball(t *testing.T) {
	need(t, "bash", "flock", "tar", "xz", "sha256sum")
	m := newMachine(t)
	m.program("curl", giving("/dav1d/", m.pin()))
	_, said, err := m.build()
	if err == nil || len(m.kept()) != 1 || !strings.HasPrefix(filepath.Base(m.kept()[0]), "dav1d-") || strings.Contains(said, "dav1d: the release site") {
		t.Errorf("%v, kept %v\n%s", err, m.kept(), said)
	}

	forged := filepath.Join(t.TempDir(), "forged")
	if err := os.WriteFile(forged, []byte("not dav1d"), 0o600); err != nil {
		t.Fatal(err)
	}
	m = newMachine(t)
	m.program("curl", giving("/dav1d/", forged))
	_, said, err = m.build()
	if err == nil || len(m.kept()) != 0 || !strings.Contains(said, "is not what was expected: not used") {
		t.Errorf("forged: %v, kept %v\n%s", err, m.kept(), said)
	}
	left, _ := filepath.Glob(filepath.Join(m.cache, "weir", "ffmpeg-*"))
	for _, name := range left {
		if st, err := os.Stat(name); err == nil && st.IsDir() {
			t.Errorf("%s is left of a build that failed", name)
		}
	}
}

// Where the release site cannot be reached the source is Debian's, of the series that
// is wanted.
func TestDebianSource(t *testing.T) {
	need(t, "bash", "flock", "tar", "xz")
	for name, tc := range map[string]struct{ version, want string }{
		"the series":    {"1.5.9", "no source of ffmpeg"}, // which comes after dav1d
		"another":       {"1.6.0", "Debian 13 has another dav1d than 1.5"},
		"not reachable": {"", "no source of dav1d"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.program("apt-get", `case "$*" in
*indextargets*) echo http://mirror.example/debian ;;
*"source --download-only dav1d"*) [ -n "`+tc.version+`" ] && cp '`+m.pin()+`' dav1d_`+tc.version+`.orig.tar.xz ;;
*update*) grep -q 'http://mirror.example/debian trixie main' sources.list ;;
*) exit 1 ;;
esac`)
			_, said, err := m.build()
			if err == nil || !strings.Contains(said, "dav1d: the release site cannot be reached") || !strings.Contains(said, tc.want) {
				t.Errorf("%v\n%s", err, said)
			}
			if used := len(m.kept()) == 1; used != (name == "the series") {
				t.Errorf("kept %v", m.kept())
			}
		})
	}
}
