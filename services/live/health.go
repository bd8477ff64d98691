package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/redis"
	"weir/services/fault"
)

const (
	// healthFor is how long what was measured counts: a stream that is measured no more
	// has no health.
	healthFor = 10 * time.Second
	// healthEnd is what is published about a channel that has nothing on the air any more.
	healthEnd = "end"
)

func healthKey(channel uuid.UUID) string { return "weir:live:health:" + channel.String() }

// healthNews is where each health is published, as the channel's id, a space, and JSON.
const healthNews = "weir:live:health"

// Source is what a publisher sends.
type Source struct {
	Video      string  `json:"video,omitempty" doc:"Codec of the picture (RFC 6381); absent: there is none" example:"avc1.64001f"`
	Width      int     `json:"width,omitempty"`
	Height     int     `json:"height,omitempty"`
	FPS        float64 `json:"fps,omitempty" doc:"Frames per second as the encoder says; absent: it does not say"`
	Audio      string  `json:"audio,omitempty" doc:"Codec of the sound; absent: there is none" example:"mp4a.40.2"`
	SampleRate int     `json:"sample_rate,omitempty"`
	Channels   int     `json:"channels,omitempty"`
}

// SoundTrack is one of the sounds that viewers can choose.
type SoundTrack struct {
	Codec    string `json:"codec" doc:"As the publisher sends it (RFC 6381)" example:"mp4a.40.2"`
	Language string `json:"language,omitempty" doc:"BCP 47; absent: it was not told" example:"en"`
	Label    string `json:"label,omitempty" doc:"What the publisher calls it; absent: it was not told"`
}

// Loudness is how loud the sound was lately.
type Loudness struct {
	Mean   float64 `json:"mean" doc:"dB of full scale; -120: all silent"`
	Peak   float64 `json:"peak" doc:"dB of full scale; 0 is the most that can be said"`
	Silent bool    `json:"silent" doc:"For some seconds"`
	Clips  bool    `json:"clips" doc:"It has been as loud as can be for some seconds"`
}

// Health is how a stream arrives at this moment.
type Health struct {
	Session     uuid.UUID `json:"session_id"`
	At          time.Time `json:"at" doc:"When this was measured"`
	State       State     `json:"state" enum:"starting,live,reconnecting"`
	Encoder     string    `json:"encoder,omitempty" doc:"What the publisher calls itself"`
	Source      Source    `json:"source"`
	Seconds     int       `json:"seconds" doc:"That the rates are over, at most 10; 0: the stream is too young"`
	Bitrate     int64     `json:"bitrate" doc:"bit/s"`
	FPS         float64   `json:"fps" doc:"Frames per second that arrive"`
	Varies      bool      `json:"fps_varies" doc:"Frames have no constant distance"`
	KeyInterval float64   `json:"key_interval" doc:"Most seconds between key frames lately"`
	BFrames     bool      `json:"b_frames"`
	Sound       *Loudness `json:"sound,omitempty" doc:"Absent: there is none, or it is not known yet"`
	SoundStops  bool      `json:"sound_stops" doc:"There is to be sound, and none comes"`
	Drift       float64   `json:"drift" doc:"Seconds that the stream's time is before (or, negative, behind) the clock of the server"`
	Behind      float64   `json:"behind" doc:"Most seconds that the publisher was late in half a minute"`
	Jumps       int64     `json:"jumps" doc:"Of the time stamps, in half a minute"`
	Dropped     int64     `json:"dropped" doc:"Packets that could not be used, in half a minute"`
	Lag         float64   `json:"encoder_lag" doc:"Seconds that the server's own encoding is behind"`
	Shed        []string  `json:"shed" doc:"Renditions that are left out because the server is too slow for them"`
	Viewers     int64     `json:"viewers"`
	Warnings    []Warning `json:"warnings" doc:"What is wrong and what to do about it"`

	Sounds []SoundTrack `json:"sounds,omitempty" doc:"Those that viewers can choose, the first one first; absent: there is none"`

	SpareVideo int `json:"-"` // tracks of pictures that come and are not taken
	SpareAudio int `json:"-"` // the same of sound

	starting float64 // seconds since the first packet, while viewers cannot start
}

// Measure tells what was measured of a session of this process; session, time, state,
// viewers and warnings of h are filled in here. totals are the session's figures so far,
// but for its viewers and reconnects. It does not block: RunNode passes it on, and keeps
// the totals every 15 s, so that they survive a killed process.
func (s *Service) Measure(b *Broadcast, h Health, totals Stats) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now.State == Ended {
		return
	}
	h.Session, h.At, h.State, h.Encoder, h.Viewers = b.ID, s.stamp(), b.now.State, cleanEncoder(h.Encoder), b.viewers.present
	if h.State == Starting {
		h.starting = h.At.Sub(b.now.Began).Seconds()
	}
	h.Warnings = warnings(&h, b.grant.Limits)
	if h.Shed == nil {
		h.Shed = []string{}
	}
	b.health = &h
	b.now.Stats, b.now.Encoder, b.now.Source = b.sum(totals), h.Encoder, h.Source
}

// measured takes what was measured since the last call, as JSON; nil for nothing.
func (b *Broadcast) measured() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.health == nil || b.now.State == Ended {
		return nil
	}
	text, err := json.Marshal(b.health)
	b.health = nil
	if err != nil {
		return nil // a number that JSON does not have: there is none until the next one
	}
	return text
}

// tellHealth puts what was measured of all sessions of this process into Redis.
func (s *Service) tellHealth(ctx context.Context) error {
	if s.redis == nil {
		return nil
	}
	p := s.redis.Pipeline()
	for _, b := range s.air.all() {
		if text := b.measured(); text != nil {
			p.Set(ctx, healthKey(b.grant.Channel), text, healthFor)
			p.Publish(ctx, healthNews, b.grant.Channel.String()+" "+string(text))
		}
	}
	if p.Len() == 0 {
		return nil
	}
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("health: %w", err)
	}
	return nil
}

// keepTotals writes the figures so far of the sessions of this process.
func (s *Service) keepTotals(ctx context.Context) error {
	all := s.air.all()
	if len(all) == 0 {
		return nil
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		for _, b := range all {
			b.mu.Lock()
			v, stored := b.now, b.written > 0
			b.mu.Unlock()
			if !stored || v.State == Ended {
				continue
			}
			if err := st.keepTotals(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s Store) keepTotals(ctx context.Context, v SessionView) error {
	stats, source, err := v.encode()
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `UPDATE live_sessions SET stats=$1, source=$2, encoder=$3 WHERE id=$4 AND ended_at IS NULL AND node=$5`, stats, source, v.Encoder, v.ID, v.node)
	return err
}

// Health is how the stream of a channel arrives, for those who work for it. not_found:
// nothing is on the air, or it is not measured.
func (s *Service) Health(ctx context.Context, who auth.Identity, channel uuid.UUID) (Health, error) {
	if _, err := s.access(ctx, s.store(), who, channel, Moderator); err != nil {
		return Health{}, err
	}
	text, err := s.healthOf(ctx, channel)
	switch {
	case err != nil:
		return Health{}, err
	case text == "":
		return Health{}, fault.New(fault.NotFound, "the channel has nothing on the air")
	}
	var h Health
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return Health{}, fmt.Errorf("health of channel %s: %w", channel, err)
	}
	return h, nil
}

// healthOf is the newest health of a channel as JSON; empty: there is none.
func (s *Service) healthOf(ctx context.Context, channel uuid.UUID) (string, error) {
	if s.redis == nil {
		return "", fault.New(fault.Unavailable, "the health of streams is not known here")
	}
	text, err := s.redis.Get(ctx, healthKey(channel)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", nil
	case err != nil:
		return "", fault.Wrap(fault.Unavailable, "the health of streams cannot be read now: try again", err)
	}
	return text, nil
}
