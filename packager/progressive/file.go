package progressive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/packager/cmaf"
)

// ErrTooLong means that a file would have more samples than a File takes.
var ErrTooLong = errors.New("too long for one file")

// maxSamples bounds a track: 37 hours at 60 pictures a second.
const maxSamples = 8 << 20

// File is a file that is being described. The zero value is empty.
type File struct {
	tracks []*Track
	media  int64 // bytes
}

// Track is one track of a File.
type Track struct {
	file  *File
	trak  *mp4.TrakBox
	scale uint32

	first, next uint64 // decode times of the first sample and of the one after the last
	last        uint64 // decode time of the last sample
	started     bool

	times   mp4.SttsBox
	offsets []int32 // of runs of samples, with ends
	ends    []uint32
	shifted bool // some offset is not 0
	sizes   []uint32
	keys    []uint32
	chunks  []chunk
}

// chunk is the media of one segment.
type chunk struct {
	at      int64 // in the media
	samples uint32
	entry   uint32 // of the sample descriptions, from 1
}

// AddTrack begins a track; its segments are decoded as an initialisation segment says.
func (f *File) AddTrack(init []byte) (*Track, error) {
	trak, err := parseInit(init)
	if err != nil {
		return nil, err
	}
	t := &Track{file: f, trak: trak, scale: trak.Mdia.Mdhd.Timescale}
	if t.scale == 0 {
		return nil, fmt.Errorf("%w: no time scale", cmaf.ErrMalformed)
	}
	f.tracks = append(f.tracks, t)
	return t, nil
}

// AddInit adds another way of decoding and returns its number; that of AddTrack is 1.
func (t *Track) AddInit(init []byte) (entry uint32, err error) {
	trak, err := parseInit(init)
	if err != nil {
		return 0, err
	}
	if trak.Mdia.Mdhd.Timescale != t.scale {
		return 0, fmt.Errorf("%w: the time scale changes", cmaf.ErrMalformed)
	}
	stsd := t.trak.Mdia.Minf.Stbl.Stsd
	stsd.AddChild(trak.Mdia.Minf.Stbl.Stsd.Children[0])
	return uint32(len(stsd.Children)), nil
}

func parseInit(data []byte) (*mp4.TrakBox, error) {
	f, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", cmaf.ErrMalformed, err)
	}
	if f.Init == nil || f.Init.Moov == nil || f.Init.Moov.Trak == nil {
		return nil, fmt.Errorf("%w: no track", cmaf.ErrMalformed)
	}
	t := f.Init.Moov.Trak
	if t.Mdia == nil || t.Mdia.Mdhd == nil || t.Mdia.Minf == nil || t.Mdia.Minf.Stbl == nil || t.Mdia.Minf.Stbl.Stsd == nil || len(t.Mdia.Minf.Stbl.Stsd.Children) != 1 {
		return nil, fmt.Errorf("%w: no sample description", cmaf.ErrMalformed)
	}
	return t, nil
}

// AddSegment reads what is in the next segment of the track.
func (t *Track) AddSegment(entry uint32, r io.Reader) error {
	c := chunk{at: t.file.media, entry: entry}
	err := cmaf.Walk(r, func(f *cmaf.Fragment, _ io.Reader) error {
		at := f.Decode
		for _, s := range f.Samples {
			if len(t.sizes) >= maxSamples {
				return ErrTooLong
			}
			t.sample(at, s)
			at += uint64(s.Duration)
			t.file.media += int64(s.Size)
			c.samples++
		}
		return nil
	})
	if err == nil && c.samples > 0 {
		t.chunks = append(t.chunks, c)
	}
	return err
}

func (t *Track) sample(at uint64, s cmaf.Stored) {
	if t.started {
		t.elapse(at)
	} else {
		t.started, t.first = true, at
	}
	t.last, t.next = max(at, t.last), at+uint64(s.Duration)
	t.sizes = append(t.sizes, s.Size)
	n := uint32(len(t.sizes))
	if s.Key {
		t.keys = append(t.keys, n)
	}
	t.shifted = t.shifted || s.Offset != 0
	if k := len(t.offsets); k > 0 && t.offsets[k-1] == s.Offset {
		t.ends[k-1] = n
	} else {
		t.offsets, t.ends = append(t.offsets, s.Offset), append(t.ends, n)
	}
}

// elapse gives the last sample the duration that the next one's time implies.
func (t *Track) elapse(next uint64) {
	d := uint32(0)
	if next > t.last {
		d = uint32(min(next-t.last, math.MaxUint32))
	}
	b := &t.times
	if k := len(b.SampleCount); k > 0 && b.SampleTimeDelta[k-1] == d {
		b.SampleCount[k-1]++
		return
	}
	b.SampleCount, b.SampleTimeDelta = append(b.SampleCount, 1), append(b.SampleTimeDelta, d)
}

// CopyMedia copies the media bytes of a segment.
func CopyMedia(w io.Writer, r io.Reader) error {
	return cmaf.Walk(r, func(_ *cmaf.Fragment, media io.Reader) error {
		_, err := io.Copy(w, media)
		return err
	})
}

// movieScale is that of durations in the movie's header.
const movieScale = 1000

// Header gives all that goes before the media. It is called once, after the last
// segment. The file has size bytes with it.
func (f *File) Header() (header []byte, size int64, err error) {
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale = movieScale
	moov.AddChild(mvhd)
	begin := math.Inf(1)
	for _, t := range f.tracks {
		if t.started {
			begin = min(begin, float64(t.first)/float64(t.scale))
		}
	}
	var tables []*mp4.Co64Box
	for _, t := range f.tracks {
		if !t.started {
			continue
		}
		id := uint32(len(tables) + 1)
		d := t.finish(id, begin)
		mvhd.Duration = max(mvhd.Duration, d)
		mvhd.NextTrackID = id + 1
		tables = append(tables, t.trak.Mdia.Minf.Stbl.Co64)
		moov.AddChild(t.trak)
	}
	if len(tables) == 0 {
		return nil, 0, fmt.Errorf("%w: no media", cmaf.ErrMalformed)
	}
	ftyp := mp4.NewFtyp("isom", 0x200, []string{"isom", "iso6", "mp41"})
	front := int64(ftyp.Size()+moov.Size()) + 16
	for _, table := range tables {
		for i := range table.ChunkOffset {
			table.ChunkOffset[i] += uint64(front)
		}
	}
	var b bytes.Buffer
	if err := errors.Join(ftyp.Encode(&b), moov.Encode(&b)); err != nil {
		return nil, 0, fmt.Errorf("index of a file: %w", err)
	}
	head := append(b.Bytes(), 0, 0, 0, 1, 'm', 'd', 'a', 't') // a 64-bit size follows
	head = binary.BigEndian.AppendUint64(head, uint64(16+f.media))
	return head, front + f.media, nil
}

// finish fills in the tables of the track and returns its duration on the movie's
// time line, which begins at begin seconds of the tracks' own.
func (t *Track) finish(id uint32, begin float64) (duration uint64) {
	t.elapse(t.next)
	length := t.next - t.first
	late := uint64((float64(t.first)/float64(t.scale)-begin)*movieScale + 0.5)
	duration = late + length*movieScale/uint64(t.scale)
	t.trak.Tkhd.TrackID, t.trak.Tkhd.Duration, t.trak.Tkhd.Version = id, duration, 1
	t.trak.Mdia.Mdhd.Duration, t.trak.Mdia.Mdhd.Version = length, 1
	if late > 0 {
		t.delay(late, duration-late)
	}
	old := t.trak.Mdia.Minf.Stbl
	stbl := mp4.NewStblBox()
	stbl.AddChild(old.Stsd)
	stbl.AddChild(&t.times)
	if t.shifted {
		stbl.AddChild(&mp4.CttsBox{Version: 1, EndSampleNr: append([]uint32{0}, t.ends...), SampleOffset: t.offsets})
	}
	stsc, co64 := &mp4.StscBox{}, &mp4.Co64Box{}
	first := uint32(1)
	for i, c := range t.chunks {
		co64.ChunkOffset = append(co64.ChunkOffset, uint64(c.at))
		if n := len(stsc.Entries); n == 0 || stsc.Entries[n-1].SamplesPerChunk != c.samples || stsc.SampleDescriptionID[n-1] != c.entry {
			stsc.Entries = append(stsc.Entries, mp4.StscEntry{FirstChunk: uint32(i + 1), SamplesPerChunk: c.samples, FirstSampleNr: first})
			stsc.SampleDescriptionID = append(stsc.SampleDescriptionID, c.entry)
		}
		first += c.samples
	}
	stbl.AddChild(stsc)
	stbl.AddChild(&mp4.StszBox{SampleNumber: uint32(len(t.sizes)), SampleSize: t.sizes})
	if len(t.keys) < len(t.sizes) {
		stbl.AddChild(&mp4.StssBox{SampleNumber: t.keys})
	}
	stbl.AddChild(co64)
	t.trak.Mdia.Minf.Stbl = stbl
	for i, c := range t.trak.Mdia.Minf.Children {
		if c.Type() == "stbl" {
			t.trak.Mdia.Minf.Children[i] = stbl
		}
	}
	return duration
}

// delay begins the track later than the movie (ISO/IEC 14496-12 8.6.6).
func (t *Track) delay(by, length uint64) {
	edts := &mp4.EdtsBox{}
	elst := &mp4.ElstBox{Version: 1, Entries: []mp4.ElstEntry{
		{SegmentDuration: by, MediaTime: -1, MediaRateInteger: 1},
		{SegmentDuration: length, MediaRateInteger: 1},
	}}
	edts.AddChild(elst)
	// between the header and the media
	t.trak.Edts = edts
	t.trak.Children = append(t.trak.Children[:1:1], append([]mp4.Box{edts}, t.trak.Children[1:]...)...)
}
