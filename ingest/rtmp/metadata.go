package rtmp

import (
	"math"

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
}

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
	o := wire.Properties(values[1])
	m.meta = readMetadata(o)
	if encoder, _ := o.Get("encoder").(string); encoder != "" {
		m.introduce(encoder)
	}
	m.out.Expect(m.meta.video, m.meta.audio)
	m.learn(&m.video)
	m.learn(&m.audio)
}

func readMetadata(o wire.Object) metadata {
	d := metadata{
		width: dimension(o, "width"), height: dimension(o, "height"),
		sampleRate: whole(o, "audiosamplerate", 384_000),
		channels:   whole(o, "audiochannels", 64),
		video:      named(o.Get("videocodecid")),
		audio:      named(o.Get("audiocodecid")),
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

// complete fills in what a new track does not know of itself.
func (d metadata) complete(t *media.Track) {
	if t.Kind == media.Video {
		if t.Width == 0 || t.Height == 0 {
			t.Width, t.Height = d.width, d.height
		}
		if t.FrameRate.Num == 0 {
			t.FrameRate = d.frameRate
		}
		return
	}
	if t.SampleRate == 0 {
		t.SampleRate = d.sampleRate
	}
	if t.Channels == 0 {
		t.Channels = d.channels
	}
}

// learn completes a lane's track by metadata that came after its configuration,
// as long as nobody has seen that track.
func (m *mapper) learn(l *lane) {
	if l.track == nil {
		return
	}
	t := *l.track
	m.meta.complete(&t)
	if m.out.Learn(&t) {
		l.track = &t
	}
}
