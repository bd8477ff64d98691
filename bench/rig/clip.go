package rig

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"weir/media/rtmp"
)

// Clip is a recorded FLV file in memory, without B-frames.
type Clip struct {
	headers []flvTag // metadata is left out; the sequence headers
	frames  []flvTag
	Length  time.Duration
	FPS     int
	Path    string
}

type flvTag struct {
	video bool
	at    time.Duration
	tag   rtmp.Tag
}

// ClipConfig says what a clip shows. Sound is always there, AAC stereo.
type ClipConfig struct {
	Width, Height int
	FPS           int
	Keys          int    // frames from one key frame to the next
	Bitrate       string // such as 3M, constant
	SampleRate    int    // zero means 48000
	Seconds       int
}

// OpenClip makes a clip by the ffmpeg program, once for ever in the user's cache
// folder, and reads it.
func OpenClip(ctx context.Context, c ClipConfig) (*Clip, error) {
	if c.SampleRate == 0 {
		c.SampleRate = 48000
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "weir-bench")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("%dx%d-%dfps-%dkeys-%s-%d-%ds.flv", c.Width, c.Height, c.FPS, c.Keys, c.Bitrate, c.SampleRate, c.Seconds))
	if _, err := os.Stat(path); err != nil {
		if err := c.record(ctx, path); err != nil {
			return nil, err
		}
	}
	return readClip(path, c)
}

func (c ClipConfig) record(ctx context.Context, path string) error {
	temporary := path + ".new"
	args := []string{
		"-y", "-v", "error", "-nostdin",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%dx%d:r=%d:d=%d,noise=alls=12:allf=t", c.Width, c.Height, c.FPS, c.Seconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=r=%d:d=%d", c.SampleRate, c.Seconds),
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", fmt.Sprint(c.Keys), "-sc_threshold", "0",
		"-b:v", c.Bitrate, "-minrate", c.Bitrate, "-maxrate", c.Bitrate, "-bufsize", c.Bitrate, "-x264-params", "nal-hrd=cbr",
		"-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv", temporary,
	}
	if out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("the ffmpeg program is needed to record a clip: %w: %s", err, out)
	}
	return os.Rename(temporary, path)
}

var errFLV = errors.New("not an FLV file of this program")

// readClip takes an FLV file apart (FLV annex E.3, E.4.1).
func readClip(path string, c ClipConfig) (*Clip, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) < 13 || !strings.HasPrefix(string(data), "FLV") {
		return nil, errFLV
	}
	clip := &Clip{FPS: c.FPS, Length: time.Duration(c.Seconds) * time.Second, Path: path}
	for data = data[13:]; len(data) >= 15; {
		size := int(binary.BigEndian.Uint32(data) & 0xffffff)
		at := binary.BigEndian.Uint32(data[4:])>>8 | uint32(data[7])<<24
		if len(data) < 15+size {
			return nil, errFLV
		}
		if err := clip.add(data[0], time.Duration(at)*time.Millisecond, data[11:11+size]); err != nil {
			return nil, err
		}
		data = data[15+size:]
	}
	return clip, nil
}

func (c *Clip) add(kind byte, at time.Duration, body []byte) (err error) {
	var tags []rtmp.Tag
	switch kind {
	case byte(rtmp.TypeVideo):
		tags, err = rtmp.AppendVideoTags(nil, body)
	case byte(rtmp.TypeAudio):
		tags, err = rtmp.AppendAudioTags(nil, body)
	}
	for _, t := range tags {
		f := flvTag{kind == byte(rtmp.TypeVideo), at, t}
		switch {
		case t.Packet == rtmp.SequenceStart:
			c.headers = append(c.headers, f)
		case t.Packet == rtmp.CodedFrames && at < c.Length:
			c.frames = append(c.frames, f)
		}
	}
	return err
}
