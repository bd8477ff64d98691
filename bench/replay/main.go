// replay measures how soon what was on the air can be played again: from the end of a
// stream to its recording with an end, and from the order of a clip to its last segment.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"weir/bench/rig"
)

func main() {
	runs := flag.Int("runs", 5, "streams, each with a clip")
	length := flag.Duration("length", 20*time.Second, "of a stream")
	flag.Parse()
	rig.Main(func(ctx context.Context) error { return measure(ctx, *runs, *length) })
}

// giveUp is when something is not playable for good.
const giveUp = 30 * time.Second

func measure(ctx context.Context, runs int, length time.Duration) (err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "3M", Seconds: 20})
	if err != nil {
		return err
	}
	s, err := rig.Start(ctx, nil, "WEIR_PUBLISH=key", "WEIR_RECORD=channels")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	o := &owner{server: s}
	if err := o.begin(ctx); err != nil {
		return err
	}
	var ended, cut []time.Duration
	for range runs {
		a, b, err := o.once(ctx, clip, length)
		if err != nil {
			return err
		}
		cut, ended = append(cut, a), append(ended, b)
	}
	return errors.Join(
		seconds("order of a clip of 10 s from a live stream to its last segment at a player", cut, 3),
		seconds("end of a stream to the last segment of its recording at a player", ended, 2),
	)
}

func seconds(what string, took []time.Duration, most float64) error {
	return rig.Result{What: what, Value: rig.Quantile(took, 0.5) / 1e9, Unit: "s", Most: most, More: map[string]any{"longest": rig.Quantile(took, 1) / 1e9}}.Print()
}

// owner has a channel and its key.
type owner struct {
	server              *rig.Server
	token, channel, key string
}

func (o *owner) begin(ctx context.Context) error {
	const password = "three green lorries at dawn"
	var session struct {
		Token string `json:"access_token"`
	}
	var channel struct {
		ID string `json:"id"`
	}
	var key struct {
		Key string `json:"stream_key"`
	}
	err := o.post(ctx, "/auth/register", map[string]any{"username": "ada", "email": "ada@example.org", "password": password}, nil)
	if err == nil {
		err = o.post(ctx, "/auth/sign-in", map[string]any{"login": "ada", "password": password}, &session)
	}
	o.token = session.Token
	if err == nil {
		err = o.post(ctx, "/channels", map[string]any{"name": "ada", "title": "Ada"}, &channel)
	}
	o.channel = channel.ID
	if err == nil {
		err = o.post(ctx, "/channels/"+o.channel+"/keys", map[string]any{"label": "bench"}, &key)
	}
	o.key = key.Key
	return err
}

// once publishes, has a clip made, and ends.
func (o *owner) once(ctx context.Context, clip *rig.Clip, length time.Duration) (cut, ended time.Duration, err error) {
	_, off, err := rig.OnAir(ctx, o.server, o.key, clip, nil)
	if err != nil {
		return 0, 0, err
	}
	on := true
	defer func() {
		if on {
			err = errors.Join(err, off())
		}
	}()
	if _, err := o.server.Playlist(ctx, "ada"); err != nil {
		return 0, 0, err
	}
	if err := rig.Sleep(ctx, length); err != nil {
		return 0, 0, err
	}
	var made struct {
		ID string `json:"id"`
	}
	began := time.Now()
	if err := o.post(ctx, "/channels/"+o.channel+"/clips", map[string]any{"start": -12, "length": 10}, &made); err != nil {
		return 0, 0, err
	}
	if err := o.playable(ctx, made.ID); err != nil {
		return 0, 0, fmt.Errorf("clip: %w", err)
	}
	cut = time.Since(began)
	recording, err := o.newest(ctx, made.ID)
	if err != nil {
		return 0, 0, err
	}
	on, began = false, time.Now()
	if err := off(); err != nil {
		return 0, 0, err
	}
	if err := o.playable(ctx, recording); err != nil {
		return 0, 0, fmt.Errorf("recording: %w", err)
	}
	return cut, time.Since(began), nil
}

// newest is the id of the recording that a clip was cut from.
func (o *owner) newest(ctx context.Context, clip string) (string, error) {
	text, err := o.server.Get(ctx, "/api/v1/recordings/"+clip)
	if err != nil {
		return "", err
	}
	var c struct {
		Source struct {
			ID string `json:"id"`
		} `json:"source"`
	}
	return c.Source.ID, json.Unmarshal([]byte(text), &c)
}

// playable waits until a recording has an end and its last segment can be fetched.
func (o *owner) playable(ctx context.Context, id string) error {
	list := "/vod/" + id + "/source/index.m3u8"
	for end := time.Now().Add(giveUp); ; {
		text, err := o.server.Get(ctx, list)
		if err == nil && strings.Contains(text, "#EXT-X-ENDLIST") {
			last := ""
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
					last = strings.TrimSpace(line)
				}
			}
			_, err = o.server.Get(ctx, path.Join(path.Dir(list), last))
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s has no end after %v: %w", list, giveUp, err)
		}
		if err := rig.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (o *owner) post(ctx context.Context, to string, what map[string]any, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.server.Web+"/api/v1"+to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if o.token != "" {
		req.Header.Set("Authorization", "Bearer "+o.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("%s: %s %s", to, res.Status, answer)
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}
