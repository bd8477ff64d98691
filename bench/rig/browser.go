package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Browser is one headless Chromium, driven by web/e2e/play.mjs.
type Browser struct {
	cmd *exec.Cmd
	in  io.WriteCloser

	mu      sync.Mutex
	next    int
	waiting map[int]*Watching
	done    chan struct{}
}

// View asks for a viewer: Watch is the address of a watch page, or URL that of a
// playlist or MPD for the Player hls or dash.
type View struct {
	ID      int    `json:"id"`
	URL     string `json:"url,omitempty"`
	Watch   string `json:"watch,omitempty"`
	Player  string `json:"player,omitempty"`
	Height  int    `json:"height,omitempty"` // force a level of so many lines
	Seconds int    `json:"seconds"`          // to watch, from the first frame
	Warmup  int    `json:"warmup"`           // seconds of them that do not count
	Tab     bool   `json:"tab,omitempty"`    // wait in an empty tab until Go
}

// Seen is the report of a viewer; times are in ms, moments since 1970.
type Seen struct {
	Event      string   `json:"event"`
	ID         int      `json:"id"`
	Failed     string   `json:"failed"`
	FirstFrame int64    `json:"first_frame"` // 0 when none came
	Glass      *float64 `json:"glass_ms"`
	GlassP95   *float64 `json:"glass_p95_ms"`
	Frames     int      `json:"frames"`
	Unread     int      `json:"unread"`
	Dropped    int      `json:"dropped"`
	Stalls     int      `json:"stalls"`
	StallTime  float64  `json:"stall_ms"`
	Sizes      []struct {
		Size string  `json:"size"`
		At   float64 `json:"at"`
	} `json:"sizes"`
	Fatal   []string `json:"fatal"`
	Console []string `json:"console"`
}

// Watching is a viewer at work.
type Watching struct {
	id   int
	Open chan struct{} // closed when the page waits for the stream
	done chan Seen
}

// OpenBrowser starts it; Close ends it.
func OpenBrowser(ctx context.Context) (*Browser, error) {
	b := &Browser{waiting: make(map[int]*Watching), done: make(chan struct{})}
	b.cmd = exec.CommandContext(ctx, "node", filepath.Join("web", "e2e", "play.mjs"), "--stdin")
	b.cmd.Stderr = os.Stderr
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go b.read(out)
	return b, nil
}

func (b *Browser) read(out io.Reader) {
	defer close(b.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s Seen
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			s.Failed = err.Error()
		}
		b.mu.Lock()
		w := b.waiting[s.ID]
		b.mu.Unlock()
		switch {
		case w == nil:
		case s.Event == "open":
			close(w.Open)
		default:
			w.done <- s
		}
	}
}

// Watch begins with a viewer.
func (b *Browser) Watch(v View) (*Watching, error) {
	b.mu.Lock()
	b.next++
	v.ID = b.next
	w := &Watching{id: v.ID, Open: make(chan struct{}), done: make(chan Seen, 1)}
	b.waiting[v.ID] = w
	b.mu.Unlock()
	return w, b.ask(v)
}

// Go has a viewer who waits in an empty tab open the page.
func (b *Browser) Go(w *Watching) error {
	return b.ask(map[string]any{"id": w.id, "go": true})
}

func (b *Browser) ask(what any) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	_, err = b.in.Write(append(line, '\n'))
	return err
}

// Report waits for what a viewer saw; no picture is an error.
func (b *Browser) Report(w *Watching) (Seen, error) {
	select {
	case s := <-w.done:
		switch {
		case s.Failed != "":
			return s, errors.New(s.Failed)
		case s.FirstFrame == 0:
			return s, fmt.Errorf("no frame came: %v %v", s.Fatal, s.Console)
		}
		return s, nil
	case <-b.done:
		return Seen{}, errors.New("the browser ended")
	}
}

// Ready waits until a viewer's page waits for the stream, or its tab for the page.
func (b *Browser) Ready(w *Watching) error {
	select {
	case <-w.Open:
		return nil
	case s := <-w.done:
		return fmt.Errorf("the page did not open: %s", s.Failed)
	case <-b.done:
		return errors.New("the browser ended")
	}
}

// Close ends the browser and waits for it.
func (b *Browser) Close() error {
	err := b.in.Close()
	<-b.done
	return errors.Join(err, b.cmd.Wait())
}
