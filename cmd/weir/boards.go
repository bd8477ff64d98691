package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"weir/media"
	"weir/media/av"
	"weir/media/storyboard"
	"weir/packager/archive"
)

// boards makes the pictures of recordings that are complete, one after the other and
// with pauses: live streams come first.
type boards struct {
	recordings *archive.Recordings
	log        *slog.Logger
	queue      chan string // IDs
}

// boardQueue bounds the recordings that wait for pictures.
const boardQueue = 1000

func newBoards(r *archive.Recordings, log *slog.Logger) *boards {
	return &boards{recordings: r, log: log, queue: make(chan string, boardQueue)}
}

// want asks for the pictures of a recording; with too many waiting it has none.
func (b *boards) want(id string) {
	select {
	case b.queue <- id:
	default:
		b.log.Warn("a recording gets no pictures: too many wait", "recording", id)
	}
}

// run makes pictures until ctx is done.
func (b *boards) run(ctx context.Context) {
	for {
		select {
		case id := <-b.queue:
			if err := b.draw(ctx, id); err != nil && ctx.Err() == nil {
				b.log.Warn("no pictures of a recording", "recording", id, "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Files of pictures, as packager/vod serves them.
const (
	thumbFile = "thumb.jpg"
	boardFile = "storyboard.vtt"
)

func sheetFile(n int) string { return fmt.Sprintf("storyboard%d.jpg", n) }

// mostTiles bounds the pictures of a storyboard: four sheets.
const mostTiles = 400

// apart is the distance of the pictures of a storyboard.
func apart(whole time.Duration) time.Duration {
	return max(whole/mostTiles, min(5*time.Second, whole/10), time.Second)
}

// draw makes the thumbnail and the storyboard of a recording.
func (b *boards) draw(ctx context.Context, id string) error {
	ctx, release, ok := b.recordings.Hold(ctx, id)
	if !ok {
		return nil
	}
	defer release()
	x, err := b.recordings.Load(ctx, id)
	if err != nil {
		return err
	}
	var whole time.Duration
	for _, run := range x.Runs() {
		whole += run.Duration.Duration()
	}
	board := &storyboard.Board{File: sheetFile, Sheet: func(n int, jpeg []byte) error {
		return b.recordings.Put(ctx, id, sheetFile(n), jpeg, "image/jpeg")
	}}
	defer board.Close()
	var thumb []byte
	late := false // thumb is not of the very beginning, which often is black
	shoot := func(f *av.Frame) (err error) {
		thumb, err = av.JPEG(f, 640, 6)
		return err
	}
	err = b.recordings.KeyFrames(ctx, x, apart(whole), func(at time.Duration, p *media.Packet) error {
		began := time.Now()
		picture := shoot
		if late || thumb != nil && at < whole/10 {
			picture = nil
		}
		err := board.Add(at, p, picture)
		late = late || err == nil && at >= whole/10
		if errors.Is(err, av.ErrCorrupt) {
			return nil
		}
		return errors.Join(err, rest(ctx, 3*time.Since(began)))
	})
	if err != nil {
		return err
	}
	text, err := board.Finish(whole)
	if err != nil || text == nil {
		return err
	}
	if err := b.recordings.Put(ctx, id, thumbFile, thumb, "image/jpeg"); err != nil {
		return err
	}
	return b.recordings.Put(ctx, id, boardFile, text, "text/vtt")
}

// rest leaves the machine to others for a while.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
