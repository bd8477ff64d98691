package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Server is a weir in a child process, with a data folder of its own.
type Server struct {
	Process
	Web   string        // http://host:port
	RTMP  string        // host:port
	Ready time.Duration // from the start of the process to the first good /readyz

	dir    string
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// Weir is the program that is measured: WEIR_BENCH_BINARY, else bin/weir below the
// working folder.
func Weir() (string, error) {
	path := os.Getenv("WEIR_BENCH_BINARY")
	if path == "" {
		path = filepath.Join("bin", "weir")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no %s: run `make build` first, in the project's folder", path)
	}
	return path, nil
}

// Start runs `weir all` with args and settings (NAME=VALUE), anyone may publish,
// and returns when it is ready. Stop ends it. WEIR_BENCH_ADMIN is an address for its
// operators' port, to look at profiles meanwhile.
func Start(ctx context.Context, args []string, settings ...string) (*Server, error) {
	weir, err := Weir()
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if s.dir, err = os.MkdirTemp("", "weir-bench-"); err != nil {
		return nil, err
	}
	web, rtmp, err := freePorts(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.Web, s.RTMP = "http://"+web, rtmp
	s.cmd = exec.CommandContext(ctx, weir, append([]string{"all"}, args...)...)
	s.cmd.Dir, s.cmd.Stderr = s.dir, &s.stderr
	s.cmd.Env = append(ourEnvironment(), "WEIR_HTTP_ADDR="+web, "WEIR_RTMP_ADDR="+rtmp, "WEIR_SRT_ADDR=", "WEIR_RTSP_ADDR=", "WEIR_WEBRTC_ADDR=", "WEIR_ADMIN_ADDR=127.0.0.1:0",
		"WEIR_DATA_DIR="+filepath.Join(s.dir, "data"), "WEIR_PUBLISH=open", "WEIR_LOG_FORMAT=json")
	s.cmd.Env = append(s.cmd.Env, settings...)
	if admin := os.Getenv("WEIR_BENCH_ADMIN"); admin != "" {
		s.cmd.Env = append(s.cmd.Env, "WEIR_ADMIN_ADDR="+admin)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.Process = Process(s.cmd.Process.Pid)
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.Ready = time.Since(began)
	return s, nil
}

// ourEnvironment leaves settings of weir out.
func ourEnvironment() (out []string) {
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "WEIR_") {
			out = append(out, e)
		}
	}
	return out
}

// freePorts finds two ports that nobody listens on now.
func freePorts(ctx context.Context) (a, b string, err error) {
	var found [2]string
	for i := range found {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer l.Close()
		found[i] = l.Addr().String()
	}
	return found[0], found[1], nil
}

// FreePort is an address of this machine that nobody listens on now.
func FreePort(ctx context.Context) (string, error) {
	a, _, err := freePorts(ctx)
	return a, err
}

func (s *Server) await(ctx context.Context) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if _, err := s.Get(ctx, "/readyz"); err == nil {
			return nil
		}
		if err := Sleep(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("weir is not ready after 20 s")
}

// Stop ends the server, waits for it and removes its data. The error holds its log
// when it did not end well.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	err := s.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("weir ended with %w:\n%s", err, s.stderr.String())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Log is what the server has logged; to be read after Stop.
func (s *Server) Log() string { return s.stderr.String() }

// Get fetches what has to be there. path begins with a slash.
func (s *Server) Get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Web+path, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return string(body), err
}

// Playlist waits for a stream to be live and returns the path of the media
// playlist of its own picture.
func (s *Server) Playlist(ctx context.Context, name string) (string, error) {
	text, err := s.Get(ctx, "/live/"+name+"/index.m3u8")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if strings.HasSuffix(line, "/source/index.m3u8\n") {
			return "/live/" + name + "/" + strings.TrimSpace(line), nil
		}
	}
	return "", fmt.Errorf("no source in\n%s", text)
}
