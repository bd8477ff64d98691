package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
)

// Bounds of clips.
const (
	// ClipMax is the longest, in seconds.
	ClipMax = 3600
	// ClipsAtOnce is how many of a channel may wait to be made.
	ClipsAtOnce = 5
	// ClipsEach is how many of a channel are kept.
	ClipsEach = 1000
	// ClipsPace is how many may be ordered of a channel in a minute.
	ClipsPace = 10

	// clipsHere is how many a process makes at once.
	clipsHere = 4
	// clipWithin is how long making one may take; then another process may try.
	clipWithin = 5 * time.Minute
	// clipPause is how long it is waited after a failure.
	clipPause = 10 * time.Second
	// clipTries is how long it is tried to make one.
	clipTries = 15 * time.Minute
	// everyClip is how often it is looked for clips that other processes were asked for.
	everyClip = time.Second
)

// ClipOrder is what is wanted of a clip.
type ClipOrder struct {
	Source string  `json:"source,omitempty" maxLength:"36" doc:"Id of a recording, a clip or the stream on the air; absent: what the channel has on the air"`
	Start  float64 `json:"start" minimum:"-86400" maximum:"31536000" doc:"Seconds from the beginning of the source, as players show them; negative: before now, of what is on the air" example:"-30"`
	Length float64 `json:"length" minimum:"1" maximum:"3600" doc:"Seconds; the clip has whole segments, and so may be some seconds longer" example:"30"`
	Title  string  `json:"title,omitempty" maxLength:"560" doc:"At most 140 characters; absent: that of the source"`
}

// CreateClip orders a clip, which is ready some seconds later.
func (s *Service) CreateClip(ctx context.Context, who auth.Identity, channel uuid.UUID, source *uuid.UUID, x ClipOrder) (RecordingView, error) {
	title, problem := checkText(x.Title, TitleMax, false)
	if problem != "" {
		return RecordingView{}, fault.Bad("body.title", problem)
	}
	id, err := newID()
	if err != nil {
		return RecordingView{}, err
	}
	by := who.User
	r := &Recording{ID: id, Channel: &channel, Store: s.shelf.name, Kind: Clip, State: Being, Title: title, Version: 1, Created: s.stamp(),
		Cut: Cut{Length: millis(x.Length), By: &by}}
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := s.hold(ctx, st, who, channel, Moderator)
		if err != nil {
			return err
		}
		if err := s.roomForClip(ctx, st, channel); err != nil {
			return err
		}
		r.Name = c.Name
		if err := s.aim(ctx, st, c, r, source, millis(x.Start)); err != nil {
			return err
		}
		_, err = st.addRecording(ctx, r)
		return err
	})
	if err != nil {
		return RecordingView{}, err
	}
	poke(s.shelf.clips)
	return r.view(Moderator), nil
}

// roomForClip refuses one clip too many; the channel is held.
func (s *Service) roomForClip(ctx context.Context, st Store, channel uuid.UUID) error {
	n, err := st.countClips(ctx, channel, s.stamp().Add(-time.Minute))
	switch {
	case err != nil:
		return err
	case n.asked >= ClipsAtOnce:
		return fault.Newf(fault.Conflict, "%d clips of this channel are being made: wait for them", n.asked)
	case n.all >= ClipsEach:
		return fault.Newf(fault.Conflict, "this channel has %d clips, which is the most: delete some", n.all)
	case n.lately >= ClipsPace:
		return &fault.Error{Code: fault.Limited, Detail: fmt.Sprintf("%d clips of this channel were ordered in a minute, which is the most: wait", n.lately), RetryAfter: time.Minute}
	}
	return nil
}

func millis(seconds float64) time.Duration {
	return time.Duration(seconds*1000) * time.Millisecond
}

// aim finds the source of a clip, and where in it the clip begins.
func (s *Service) aim(ctx context.Context, st Store, c *Channel, r *Recording, source *uuid.UUID, start time.Duration) error {
	open, err := st.open(ctx, c.ID)
	if err != nil {
		return err
	}
	if open != nil && (source == nil || *source == open.ID) {
		return s.aimLive(c, open, r, start)
	}
	if source == nil {
		return fault.New(fault.NotFound, "the channel has nothing on the air: name a recording as the source")
	}
	from, err := st.recording(ctx, *source)
	if err == nil && (from.Channel == nil || *from.Channel != c.ID || from.State != Ready) {
		return noSuch("source in this channel")
	}
	if err != nil {
		return notFound(err, "source in this channel")
	}
	if start < 0 || start >= from.Duration {
		return fault.Bad("body.start", fmt.Sprintf("must be between 0 and the recording's %.0f seconds", from.Duration.Seconds()))
	}
	r.Session, r.Store, r.Started, r.Cut.Source, r.Cut.Start = from.Session, from.Store, from.Started.Add(start), source, start
	if r.Title == "" {
		r.Title = from.Title
	}
	return nil
}

// aimLive is aim for a stream on the air, which its own node cuts.
func (s *Service) aimLive(c *Channel, open *SessionView, r *Recording, start time.Duration) error {
	far := s.now().Sub(open.Began).Truncate(time.Millisecond)
	if start < 0 {
		start = max(0, far+start)
	}
	if start > far {
		return fault.Bad("body.start", fmt.Sprintf("is in the future: the stream began %.0f seconds ago", far.Seconds()))
	}
	r.Session, r.Started, r.Cut.Source, r.Cut.Start, r.Cut.Node = &open.ID, open.Began.Add(start), &open.ID, start, open.node
	if r.Title == "" {
		r.Title = c.Title
	}
	return nil
}

// cutLoop makes clips until ctx ends.
func (s *Service) cutLoop(ctx context.Context) {
	tick := time.NewTicker(everyClip)
	defer tick.Stop()
	var ill illness
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.shelf.clips:
		case <-tick.C:
		}
		ill.log(s, "clips are not made", s.cutAll(ctx))
	}
}

// cutAll makes the clips that wait for this process.
func (s *Service) cutAll(ctx context.Context) error {
	list, err := s.store().clipsWanted(ctx, s.shelf.name, s.node, s.stamp().Add(-clipWithin), 20)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	slots := make(chan struct{}, clipsHere)
	for _, r := range list {
		mine, err := s.store().claim(ctx, r.ID, s.shelf.name, s.stamp(), s.stamp().Add(-clipWithin))
		if err != nil {
			wait.Wait()
			return err
		}
		if !mine {
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			s.cut(ctx, r)
		})
	}
	wait.Wait()
	return nil
}

// cut makes one clip, and says what became of it.
func (s *Service) cut(ctx context.Context, r *Recording) {
	during, cancel := context.WithTimeout(ctx, clipWithin)
	defer cancel()
	x, err := s.shelf.vault.Cut(during, r.ID, r.Cut)
	if ctx.Err() != nil {
		return // the next process makes it
	}
	words := ""
	switch {
	case errors.Is(err, ErrNothing):
		words = "there is no media at that time: it may be too old for rewinding, and not recorded"
	case errors.Is(err, ErrFull):
		s.log.Error("THE DISK IS NEARLY FULL: a clip is not made", "stream", r.Name, "recording", r.ID, "err", err)
		words = "the server's disk is nearly full: delete recordings or clips, or ask its operator for room, and order the clip again"
	case err != nil && s.now().Sub(r.Created) < clipTries:
		again := s.store().unclaim(ctx, r.ID, s.stamp().Add(clipPause-clipWithin))
		s.log.Warn("a clip cannot be made now; it is tried again", "stream", r.Name, "recording", r.ID, "err", errors.Join(err, again))
		return
	case err != nil:
		s.log.Error("a clip cannot be made", "stream", r.Name, "recording", r.ID, "err", err)
		words = "the server could not make it: try again"
	}
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		now, err := st.heldRecording(ctx, r.ID)
		if err != nil {
			return err
		}
		if words != "" {
			at := s.stamp()
			now.State, now.Reason, now.Closed = Failed, words, &at
			return st.closeRecording(ctx, now)
		}
		return s.closed(ctx, st, now, x)
	})
	if missing(err) { // deleted meanwhile, and emptied before it was whole
		err = s.shelf.vault.Remove(ctx, r.ID)
	}
	if err != nil {
		s.log.Warn("a clip is not in the list", "stream", r.Name, "recording", r.ID, "err", err)
	}
}
