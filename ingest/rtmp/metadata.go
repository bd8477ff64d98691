package rtmp

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"weir/ingest"
	"weir/media"
	wire "weir/media/rtmp"
)

// metadata is what an encoder says of its stream in onMetaData (FLV E.5). It is
// believed only where the streams themselves say nothing.
type metadata struct {
	width, height int
	frameRate     media.Rational
	sampleRate    int
	channels      int
	video, audio  bool // a codec of that kind is named
	sounds        []soundData
}

// soundData is what is said of one sound track of several (Enhanced RTMP v2, "Enhancing
// onMetaData").
type soundData struct {
	id                   uint8
	sampleRate, channels int
	language, label      string
}

// maxSoundData is how many of them are looked at.
const maxSoundData = 2 * media.MaxSounds

// metadata reads a data message; all but onMetaData is passed over.
func (m *mapper) metadata(body []byte) {
	values, err := wire.DecodeAMF0(body, wire.Limits{})
	if err != nil && len(values) == 0 {
		return
	}
	if len(values) > 0 && values[0] == "@setDataFrame" {
		values = values[1:]
	}
	if len(values) < 2 || values[0] != "onMetaData" {
		return
	}
	m.told(wire.Properties(values[1]))
}

// told takes what onMetaData says.
func (m *mapper) told(o wire.Object) {
	m.meta = readMetadata(o)
	if encoder, _ := o.Get("encoder").(string); encoder != "" {
		m.introduce(encoder)
	}
	m.out.Expect(m.meta.video, m.meta.expected())
	m.learn(&m.video)
	for _, l := range m.sounds {
		m.learn(l)
	}
}

// expected is how many sounds there will be, as far as that is said.
func (d *metadata) expected() (n int) {
	if d.audio {
		n++
	}
	for _, s := range d.sounds {
		if s.id != 0 {
			n++
		}
	}
	return n
}

func readMetadata(o wire.Object) metadata {
	d := metadata{
		width: dimension(o, "width"), height: dimension(o, "height"),
		sampleRate: whole(o, "audiosamplerate", 384_000),
		channels:   whole(o, "audiochannels", 64),
		video:      named(o.Get("videocodecid")),
		audio:      named(o.Get("audiocodecid")),
		sounds:     readSounds(wire.Properties(o.Get("audioTrackIdInfoMap"))),
	}
	f, ok := o.Number("framerate")
	if !ok {
		f, _ = o.Number("videoframerate")
	}
	d.frameRate = nominalRate(f)
	if stereo, ok := o.Get("stereo").(bool); ok && d.channels == 0 {
		d.channels = 1
		if stereo {
			d.channels = 2
		}
	}
	return d
}

// readSounds reads an audioTrackIdInfoMap. The spec says only that each entry has what
// differs from the rest of onMetaData; of language and name all forms in use are taken.
func readSounds(o wire.Object) (list []soundData) {
	for _, entry := range o {
		id, err := strconv.ParseUint(entry.Name, 10, 8)
		if err != nil || len(list) == maxSoundData {
			continue
		}
		p := wire.Properties(entry.Value)
		s := soundData{
			id:         uint8(id), //nolint:gosec // parsed as one
			sampleRate: cmp.Or(whole(p, "samplerate", 384_000), whole(p, "audiosamplerate", 384_000)),
			channels:   cmp.Or(whole(p, "channels", 64), whole(p, "audiochannels", 64)),
			language:   cmp.Or(media.Language(p.Text("language")), media.Language(p.Text("lang"))),
			label:      cmp.Or(ingest.Label(p.Text("label")), ingest.Label(p.Text("title")), ingest.Label(p.Text("name"))),
		}
		if !slices.ContainsFunc(list, func(x soundData) bool { return x.id == s.id }) {
			list = append(list, s)
		}
	}
	return list
}

// named tells whether a codec id, which may be a number or a string, names one.
func named(v any) bool {
	switch v := v.(type) {
	case float64:
		return v != 0
	case string:
		return v != ""
	}
	return false
}

func dimension(o wire.Object, name string) int { return whole(o, name, 16384) }

// whole is an entry as a whole number from 1 to most, else 0.
func whole(o wire.Object, name string, most float64) int {
	f, _ := o.Number(name)
	if !(f >= 1 && f <= most) {
		return 0
	}
	return int(f)
}

// nominalRate recognises the rates in use, which encoders round in many ways
// (23.98, 29.97, 29.970030); zero when f is none.
func nominalRate(f float64) media.Rational {
	if !(f >= 1 && f <= 480) {
		return media.Rational{}
	}
	n := math.Round(f)
	if math.Abs(f-n) < 0.002 {
		return media.Rational{Num: int(n), Den: 1}
	}
	if n = math.Ceil(f); math.Abs(f-n*1000/1001) < 0.006 {
		return media.Rational{Num: int(n) * 1000, Den: 1001}
	}
	return media.Rational{Num: int(math.Round(f * 1000)), Den: 1000}
}

// complete fills in what a new track of a lane does not know of itself.
func (d *metadata) complete(l *lane, t *media.Track) {
	if t.Kind == media.Video {
		if t.Width == 0 || t.Height == 0 {
			t.Width, t.Height = d.width, d.height
		}
		if t.FrameRate.Num == 0 {
			t.FrameRate = d.frameRate
		}
		return
	}
	var own soundData
	for _, s := range d.sounds {
		if s.id == l.id {
			own = s
		}
	}
	t.Language, t.Label = own.language, own.label
	if t.SampleRate == 0 {
		t.SampleRate = cmp.Or(own.sampleRate, d.sampleRate)
	}
	if t.Channels == 0 {
		t.Channels = cmp.Or(own.channels, d.channels)
	}
}

// learn completes a lane's track by metadata that came after its configuration,
// as long as nobody has seen that track.
func (m *mapper) learn(l *lane) {
	if l.track == nil {
		return
	}
	t := *l.track
	m.meta.complete(l, &t)
	if m.out.Learn(l.sound, &t) {
		l.track = &t
	}
}
