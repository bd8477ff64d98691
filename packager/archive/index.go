package archive

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"weir/media"
	"weir/media/codec"
	"weir/packager/window"
)

// Index is what is known of a recording: index.json, or stream.json when no segments
// are in it.
type Index struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	Name    string `json:"name"` // of the stream
	// Epoch is the wall clock of media time 0.
	Epoch time.Time `json:"epoch"`
	// Target is the EXT-X-TARGETDURATION that all segments keep, in seconds.
	Target     int         `json:"target"`
	Renditions []Rendition `json:"renditions"`
	// Part counts the processes that went on with the recording before this was written;
	// By names the one that wrote it, if it was not the first.
	Part int    `json:"part,omitempty"`
	By   string `json:"by,omitempty"`

	// Complete tells that no more will come.
	Complete bool `json:"-"`
}

// Rendition is one quality of a recording, or its sound.
type Rendition struct {
	Name     string     `json:"name"`
	Kind     media.Kind `json:"kind"` // 1 video, 2 audio
	Inits    []Init     `json:"inits"`
	Segments Segments   `json:"segments"`
}

// Init is what manifests say of what an initialisation segment describes. One that
// no segment ever needed is zero.
type Init struct {
	Codecs     string `json:"codecs,omitempty"` // RFC 6381
	Width      int    `json:"width,omitempty"`
	Height     int    `json:"height,omitempty"`
	FrameNum   int    `json:"frames,omitempty"` // of the frame rate
	FrameDen   int    `json:"per,omitempty"`
	SampleRate int    `json:"rate,omitempty"`
	Channels   int    `json:"channels,omitempty"`
	Language   string `json:"language,omitempty"` // BCP 47
	Label      string `json:"label,omitempty"`    // what the publisher calls the sound
}

// describe says what manifests need of a track.
func describe(i window.Init) Init {
	t := i.Track
	return Init{
		Codecs: codec.Codecs(t), Width: t.Width, Height: t.Height, FrameNum: t.FrameRate.Num, FrameDen: t.FrameRate.Den,
		SampleRate: t.SampleRate, Channels: t.Channels, Language: t.Language, Label: t.Label,
	}
}

// Segment is one that is stored.
type Segment struct {
	MSN             uint64
	Start, Duration media.Time
	Size            int64 // bytes
	Init            int
	Flags           Flags
}

// End is where its media ends.
func (s Segment) End() media.Time { return s.Start + s.Duration }

// Segments of a rendition, by MSN. Some may be missing.
type Segments []Segment

// straight puts segments in order, and leaves out those that name no initialisation segment
// and those that a later process has too. A process that is taken for dead and only stood
// still makes segments for a moment of what another one has gone on with: they come before
// that one's, whatever their numbers are.
func (s Segments) straight(inits int) Segments {
	slices.SortFunc(s, func(a, b Segment) int { return cmp.Or(cmp.Compare(a.MSN, b.MSN), cmp.Compare(a.Start, b.Start)) })
	var newest media.Time
	s = slices.DeleteFunc(s, func(x Segment) bool {
		if x.Init >= inits || x.Start < newest {
			return true
		}
		newest = x.Start
		return false
	})
	out := make(Segments, 0, len(s))
	for _, x := range slices.Backward(s) {
		if n := len(out); n == 0 || x.MSN < out[n-1].MSN && x.End()-out[n-1].Start <= hole {
			out = append(out, x)
		}
	}
	slices.Reverse(out)
	return out
}

// columns are segments as an index holds them: short, and quick to read.
type columns struct {
	MSN      []uint64     `json:"msn"`
	Start    []media.Time `json:"start"`
	Duration []media.Time `json:"duration"`
	Size     []int64      `json:"size"`
	Init     []int        `json:"init"`
	Flags    []uint16     `json:"flags"` // not of bytes, which JSON has as base64
}

// MarshalJSON implements json.Marshaler.
func (s Segments) MarshalJSON() ([]byte, error) {
	n := len(s)
	c := columns{make([]uint64, n), make([]media.Time, n), make([]media.Time, n), make([]int64, n), make([]int, n), make([]uint16, n)}
	for i, x := range s {
		c.MSN[i], c.Start[i], c.Duration[i], c.Size[i], c.Init[i], c.Flags[i] = x.MSN, x.Start, x.Duration, x.Size, x.Init, uint16(x.Flags)
	}
	return json.Marshal(c)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Segments) UnmarshalJSON(text []byte) error {
	var c columns
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	n := len(c.MSN)
	if len(c.Start) != n || len(c.Duration) != n || len(c.Size) != n || len(c.Init) != n || len(c.Flags) != n {
		return errors.New("columns of different lengths")
	}
	*s = make(Segments, n)
	for i := range n {
		(*s)[i] = Segment{c.MSN[i], c.Start[i], c.Duration[i], c.Size[i], c.Init[i], Flags(c.Flags[i])}
	}
	return nil
}

// Find returns the index of the first segment with at least this MSN.
func (s Segments) Find(msn uint64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].MSN >= msn })
}

// version is that of the form of stream.json and index.json.
const version = 1

// decode reads an index and holds it against what the rest relies on.
func decode(text []byte, id string) (*Index, error) {
	x := &Index{}
	if err := json.Unmarshal(text, x); err != nil {
		return nil, fmt.Errorf("index of %s: %w", id, err)
	}
	if x.Version != version {
		return nil, fmt.Errorf("index of %s: version %d, this program knows %d", id, x.Version, version)
	}
	x.ID = id
	if x.By != "" && !ValidID(x.By) || x.Part < 0 {
		return nil, fmt.Errorf("index of %s: by %.64q, part %d", id, x.By, x.Part)
	}
	for _, r := range x.Renditions {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("index of %s: rendition %.64q: %w", id, r.Name, err)
		}
	}
	return x, nil
}

func (r *Rendition) check() error {
	if !validName(r.Name) || r.Kind != media.Video && r.Kind != media.Audio || len(r.Inits) > maxInits {
		return errors.New("no such name or kind, or too many tracks")
	}
	for i, s := range r.Segments {
		if s.Init < 0 || s.Init >= len(r.Inits) || s.Start < 0 || s.Duration < 0 || s.Size < 0 || i > 0 && s.MSN <= r.Segments[i-1].MSN {
			return fmt.Errorf("segment %d", i)
		}
	}
	return nil
}

// Rendition finds a rendition by name, or returns nil.
func (x *Index) Rendition(name string) *Rendition {
	for i := range x.Renditions {
		if x.Renditions[i].Name == name {
			return &x.Renditions[i]
		}
	}
	return nil
}

// Size is the sum of all segments in bytes.
func (x *Index) Size() (bytes int64) {
	for _, r := range x.Renditions {
		for _, s := range r.Segments {
			bytes += s.Size
		}
	}
	return bytes
}

// clone copies x so far that segments may be appended to either.
func (x *Index) clone() *Index {
	c := *x
	c.Renditions = slices.Clone(x.Renditions)
	for i := range c.Renditions {
		r := &c.Renditions[i]
		r.Inits = slices.Clip(r.Inits)
		r.Segments = slices.Clip(r.Segments)
	}
	return &c
}

// bare is x without segments: stream.json.
func (x *Index) bare() *Index {
	c := x.clone()
	for i := range c.Renditions {
		c.Renditions[i].Segments = Segments{}
	}
	return c
}

func (x *Index) encode() ([]byte, error) {
	text, err := json.Marshal(x)
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", x.ID, err)
	}
	return text, nil
}
