package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// recordingIDs lists the recordings below a data folder.
func recordingIDs(t *testing.T, dir string) (ids []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, blobFolder, "recordings"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids
}

// recorded waits for a recording to be complete and gives one of its playlists.
func (s *station) recorded(ctx context.Context, t *testing.T, id, rendition string) *playlist.Media {
	t.Helper()
	m := new(playlist.Media)
	eventually(t, "a complete recording "+id, func() bool {
		status, text, err := s.get(ctx, "/vod/"+id+"/"+rendition+"/index.m3u8")
		if err != nil {
			t.Fatal(err)
		}
		*m = playlist.Media{}
		if status == 200 {
			if err := m.Unmarshal([]byte(text)); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
		}
		return m.Endlist
	})
	return m
}

// TestRecording records a session with a reconnection in it and plays it.
func TestRecording(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_RECORD=all"), limited(t)
	first := air(t, s, "kept")
	v, err := s.view(ctx, "kept")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(7)); err != nil {
		t.Fatal(err)
	}
	first.vanish()
	second := air(t, s, "kept")
	live, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool {
		return discontinuities(m) == 1 && m.Segments[len(m.Segments)-3].DateTime != nil && m.MediaSequence+len(m.Segments) > 14
	})
	if err != nil {
		t.Fatal(err)
	}
	newest := live.Segments[len(live.Segments)-1]
	bytes, err := s.must(ctx, resolve(v.pictures[0], newest.URI))
	if err != nil {
		t.Fatal(err)
	}
	if err := second.leave(); err != nil {
		t.Fatal(err)
	}
	ids := recordingIDs(t, s.dir)
	if len(ids) != 1 {
		t.Fatalf("recordings: %v", ids)
	}
	base := s.web + "/vod/" + ids[0]
	m := s.recorded(ctx, t, ids[0], "source")
	if discontinuities(m) != 1 || length(m) < 8*time.Second {
		t.Errorf("%d discontinuities in %v", discontinuities(m), length(m))
	}
	found := false
	for _, x := range m.Segments {
		text, err := s.must(ctx, base+"/source/"+x.URI)
		if err != nil {
			t.Error(err)
		}
		found = found || text == bytes
	}
	if !found {
		t.Errorf("segment %s of the live stream is not in the recording", newest.URI)
	}
	for _, file := range []string{"index.m3u8", "manifest.mpd"} {
		out, err := runTool("ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", base+"/"+file)
		if err != nil || !strings.Contains(out, "h264,") || !strings.Contains(out, "aac,") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
	out, err := runTool("ffmpeg", "-v", "error", "-i", base+"/download.mp4", "-f", "null", "-")
	if err != nil || out != "" {
		t.Errorf("download.mp4: %v\n%s", err, out)
	}
	eventually(t, "a storyboard", func() bool { return status(ctx, s, base+"/storyboard.vtt") == 200 })
	for _, file := range []string{"thumb.jpg", "storyboard0.jpg"} {
		if text, err := s.must(ctx, base+"/"+file); err != nil || !strings.HasPrefix(text, "\xff\xd8\xff") {
			t.Errorf("%s: %v %.10q", file, err, text)
		}
	}
	empty(t, filepath.Join(s.dir, spoolFolder))
	metrics, err := s.must(ctx, s.admin+"/metrics")
	if err != nil || !strings.Contains(metrics, "\nweir_archive_spool_bytes 0\n") || !strings.Contains(metrics, "\nweir_archive_recordings 0\n") || strings.Contains(metrics, "\nweir_archive_stored_segments_total 0\n") {
		t.Errorf("%v\n%s", err, metrics)
	}
}

func status(ctx context.Context, s *station, u string) int {
	code, _, err := s.get(ctx, u)
	if err != nil {
		return 0
	}
	return code
}

// empty waits until a folder has no files.
func empty(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "an empty folder "+dir, func() bool { return len(filesBelow(t, dir)) == 0 })
}

// filesBelow lists files, by paths from dir, while others may be removed.
func filesBelow(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRecordingKilled kills weir at random moments of recordings. The next start
// closes them, with all that viewers could have seen whole. No session waits for its
// publisher: nothing goes on with them.
func TestRecordingKilled(t *testing.T) {
	t.Parallel()
	killRecordings(t, 5)
}

func killRecordings(t *testing.T, times int) {
	dir := filepath.Join(t.TempDir(), "data")
	settings := []string{"WEIR_RECORD=all", "WEIR_RECONNECT=0s", "WEIR_SEGMENT=640ms", "WEIR_DATA_DIR=" + dir}
	known := map[string]int{} // recordings, and how many segments they have
	c := startChild(t, nil, settings...)
	for range times {
		ctx := limited(t)
		air(t, c.station, "kept")
		v, err := c.view(ctx, "kept")
		if err != nil {
			t.Fatal(err)
		}
		n := 3 + rand.IntN(12)
		live, err := v.until(ctx, v.pictures[0], closedSegments(n))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.stop()
		c = startChild(t, nil, settings...)
		checkKilled(ctx, t, c, dir, known, live)
	}
	if len(known) != times {
		t.Errorf("%d recordings of %d", len(known), times)
	}
	if r := c.stop(); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// checkKilled holds a recording that was left against what was seen of the stream.
func checkKilled(ctx context.Context, t *testing.T, c *child, dir string, known map[string]int, live *playlist.Media) {
	t.Helper()
	for _, id := range recordingIDs(t, dir) {
		m := c.recorded(ctx, t, id, "source")
		if n, old := known[id]; old {
			if len(m.Segments) != n {
				t.Errorf("%s has %d segments, %d were there before", id, len(m.Segments), n)
			}
			continue
		}
		known[id] = len(m.Segments)
		// the newest was seen the moment before, when it was still being written
		last := live.Segments[len(live.Segments)-2]
		if want := last.DateTime.Add(last.Duration).Sub(*m.Segments[0].DateTime); length(m) < want-10*time.Millisecond {
			t.Errorf("%v are recorded, %v could be seen whole", length(m), want)
		}
		for i, s := range m.Segments {
			if s.Gap || i > 0 && s.Discontinuity {
				t.Errorf("segment %d: %+v", i, s)
			}
			if _, err := c.must(ctx, fmt.Sprintf("/vod/%s/source/%s", id, s.URI)); err != nil {
				t.Error(err)
			}
		}
		out, err := runTool("ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", c.web+"/vod/"+id+"/index.m3u8")
		if err != nil || !strings.Contains(out, "h264,") || strings.Contains(out, "rror") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	empty(t, filepath.Join(dir, spoolFolder))
	// pictures may just be written
	eventually(t, "no orphans", func() bool { return len(orphans(t, dir)) == 0 })
}

// orphans lists the objects that belong to no complete recording.
func orphans(t *testing.T, dir string) (left []string) {
	t.Helper()
	files := filesBelow(t, filepath.Join(dir, blobFolder))
	complete := map[string]bool{}
	for _, path := range files {
		if id, ok := strings.CutSuffix(path, "/index.json+blob"); ok {
			complete[id] = true
		}
	}
	for _, path := range files {
		parts := strings.Split(path, "/")
		if len(parts) < 3 || !complete[parts[0]+"/"+parts[1]] {
			left = append(left, path)
		}
	}
	return left
}
