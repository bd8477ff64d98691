package ingest

import (
	"slices"

	"weir/media"
	"weir/media/hub"
)

// The hub's stream of a session has the picture and the first sound. Each further sound is
// a stream of its own beside it (media.StreamID.Sound), by the same time line. Which there
// are is fixed when the stream begins: one that comes later, or with another publisher, is
// left out; for one that does not come any more nothing is written.

// split parts the tracks of a publisher: picture and first sound, and the further sounds.
func split(tracks []*media.Track) (main, further []*media.Track) {
	at := slices.IndexFunc(tracks, func(t *media.Track) bool { return t.Kind == media.Audio })
	if at < 0 {
		return tracks, nil
	}
	return tracks[:at+1], tracks[at+1:]
}

// goesOn tells whether the stream can go on with other tracks: they are of the same kinds, as
// far as there are as many, the picture is coded as before, and so are the sounds, or viewers
// hear them nevertheless.
func (s *Session) goesOn(come []*media.Track) bool {
	have := s.line.tracks
	a, _ := split(have)
	b, _ := split(come)
	if len(a) != len(b) {
		return false
	}
	alike := true
	for i := range min(len(have), len(come)) {
		x, y := have[i], come[i]
		if x.Kind != y.Kind || x.Kind == media.Video && x.Codec != y.Codec {
			return false
		}
		alike = alike && x.Codec == y.Codec
	}
	if resound := s.owner.cfg.Resound; resound != nil {
		return resound(s.name, come)
	}
	return alike
}

// openStream makes the session's streams live, that of the picture last: who is told of it
// finds the others.
func (s *Session) openStream() error {
	id, create := media.StreamID(s.name), s.owner.cfg.Hub.Create
	main, further := split(s.line.tracks)
	for i, t := range further {
		st, err := create(id.Sound(i+1), s.line.epoch, []*media.Track{t})
		if err != nil {
			s.closeSounds()
			return err
		}
		s.sounds = append(s.sounds, st)
	}
	st, err := create(id, s.line.epoch, main)
	if err != nil {
		s.closeSounds()
		return err
	}
	s.stream = st
	s.owner.cfg.Log.Info("stream started", "stream", s.name, "sounds", sounds(s.line.tracks))
	return nil
}

func (s *Session) closeSounds() {
	for _, st := range s.sounds {
		st.Close()
	}
	s.sounds = nil
}

// streamOf is where a packet goes.
func (s *Session) streamOf(p *media.Packet) *hub.Stream {
	if p.Sound == 0 {
		return s.stream
	}
	return s.sounds[p.Sound-1]
}

// surplus tells whether p is of a sound that the stream began without, and says so once of
// each publisher.
func (s *Session) surplus(p *media.Packet) bool {
	if p.Sound == 0 || s.line.lane(p.Kind(), p.Sound).present {
		return false
	}
	_, further := split(s.line.tracks)
	if n := int32(p.Sound - len(further)); s.pub != nil && n > s.pub.surplus.Load() { //nolint:gosec // a publisher has few sounds
		if s.pub.surplus.Swap(n) == 0 {
			s.owner.cfg.Log.Warn("a sound is left out: the stream began without it", "stream", s.name, "sound", p.Sound+1, "language", p.Track.Language)
		}
	}
	return true
}

func sounds(tracks []*media.Track) (n int) {
	for _, t := range tracks {
		if t.Kind == media.Audio {
			n++
		}
	}
	return n
}
