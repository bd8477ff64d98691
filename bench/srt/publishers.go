package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	srt "github.com/datarhei/gosrt"

	"weir/bench/rig"
	"weir/media/mediatest/relay"
)

const (
	seconds = 60      // of the clip
	rate    = 3400000 // bit/s of the transport stream, constant
	payload = 1316    // seven packets of a transport stream
)

// stream is the file with what is published: a clip as a transport stream.
func stream(ctx context.Context) (path string, err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "3M", Seconds: seconds})
	if err != nil {
		return "", err
	}
	path = strings.TrimSuffix(clip.Path, ".flv") + ".ts"
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	args := []string{"-y", "-v", "error", "-nostdin", "-i", clip.Path, "-c", "copy", "-muxrate", fmt.Sprint(rate), "-f", "mpegts", path + ".new"}
	if out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("the ffmpeg program is needed to make a stream: %w: %s", err, out)
	}
	return path, os.Rename(path+".new", path)
}

// crowd publishes until ctx ends. It says "ready" when all do.
func crowd(ctx context.Context, address, file string, publishers int, encrypt bool) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	server, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return err
	}
	network, err := relay.Open(server, relay.Config{Loss: 0.02, Jitter: 40 * time.Millisecond})
	if err != nil {
		return err
	}
	defer network.Close()
	var all sync.WaitGroup
	defer all.Wait()
	fails := make(chan error, publishers)
	for i := range publishers {
		c, err := dial(ctx, network.Addr().String(), fmt.Sprintf("publish:srt-%c", 'a'+i), encrypt)
		if err != nil {
			return err
		}
		all.Go(func() {
			defer func() { _ = c.Close() }() // it never fails
			if err := play(ctx, c, data); err != nil {
				fails <- err
			}
		})
	}
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		return err
	}
	select {
	case err := <-fails:
		return err
	case <-ctx.Done():
		return nil
	}
}

// dial tries until a handshake is not lost.
func dial(ctx context.Context, address, id string, encrypt bool) (c srt.Conn, err error) {
	cfg := srt.DefaultConfig()
	cfg.StreamId = id
	if encrypt {
		cfg.Passphrase, cfg.PBKeylen = secret, 16
	}
	for range 20 {
		if c, err = srt.Dial("srt", address, cfg); err == nil {
			return c, nil
		}
		if err := rig.Sleep(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// play sends data at the pace of the clock until ctx ends.
func play(ctx context.Context, c srt.Conn, data []byte) error {
	began := time.Now()
	for sent := 0; sent+payload <= len(data); sent += payload {
		if early := time.Until(began.Add(time.Duration(sent) * 8 * time.Second / rate)); early > 0 {
			_ = rig.Sleep(ctx, early) // it is cut short at the end, which is seen below
		}
		select {
		case <-ctx.Done():
			return nil
		default:
		}
		if _, err := c.Write(data[sent : sent+payload]); err != nil {
			return err
		}
	}
	return errors.New("the clip is over: measure for less time")
}
