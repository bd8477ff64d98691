package dash

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/media"
)

// timescale of all templates. Whole milliseconds, all frame rates in use and
// 1/90000 s itself are exact in it; it need not be that of the tracks.
const timescale = 90000

// preferred is above the selectionPriority of sets that do not tell theirs (1).
const preferred = 2

const (
	profiles    = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
	schemeUTC   = "urn:mpeg:dash:utc:http-xsdate:2014"
	schemeRole  = "urn:mpeg:dash:role:2011"
	schemeAudio = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
	dateTime    = "2006-01-02T15:04:05.000Z"
)

// Render gives the MPD as XML. The same presentation gives the same bytes.
func (p *Presentation) Render() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	m := p.head()
	for i := range p.Periods {
		m.AppendPeriod(p.period(&p.Periods[i]))
	}
	var b bytes.Buffer
	if _, err := m.Write(&b, "  ", true); err != nil {
		return nil, fmt.Errorf("dash: %w", err)
	}
	return append(b.Bytes(), '\n'), nil
}

func (p *Presentation) check() error {
	if len(p.Periods) == 0 || p.Static && p.Duration <= 0 {
		return fmt.Errorf("%w: no period or no duration", ErrIncomplete)
	}
	for _, period := range p.Periods {
		if len(period.Sets) == 0 {
			return fmt.Errorf("%w: empty period", ErrIncomplete)
		}
		for i := range period.Sets {
			if err := period.Sets[i].check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Set) check() error {
	if len(s.Representations) == 0 || s.Timing.Segment <= 0 && len(s.Timing.Timeline) == 0 {
		return fmt.Errorf("%w: adaptation set %d", ErrIncomplete, s.ID)
	}
	for _, r := range s.Representations {
		if r.ID == "" || r.Codecs == "" || r.Bandwidth <= 0 || r.Init == "" || s.media(&r) == "" {
			return fmt.Errorf("%w: representation %q", ErrIncomplete, r.ID)
		}
	}
	return nil
}

// head is the MPD element without Periods.
func (p *Presentation) head() *mpd.MPD {
	kind := "dynamic"
	if p.Static {
		kind = "static"
	}
	m := mpd.NewMPD(kind)
	m.Profiles = profiles
	m.MaxSegmentDuration = duration(p.MaxSegment)
	buffer := p.MinBuffer
	if buffer == 0 {
		buffer = p.MaxSegment
	}
	m.MinBufferTime = mpd.Ptr(mpd.Duration(buffer.Round(time.Millisecond))) // required
	if p.Duration > 0 {
		m.MediaPresentationDuration = duration(p.Duration.Duration())
	}
	if !p.Static {
		p.live(m)
	}
	return m
}

func (p *Presentation) live(m *mpd.MPD) {
	m.AvailabilityStartTime = mpd.DateTime(p.Start.UTC().Format(dateTime))
	if !p.Published.IsZero() {
		m.PublishTime = mpd.DateTime(p.Published.UTC().Format(dateTime))
	}
	l := p.Latency.orDefault()
	delay := p.Delay
	if delay == 0 {
		delay = l.Target
	}
	m.MinimumUpdatePeriod = duration(p.Update)
	m.TimeShiftBufferDepth = duration(p.Rewind)
	m.SuggestedPresentationDelay = duration(delay + p.Late)
	m.ServiceDescription = []*mpd.ServiceDescriptionType{{
		Latencies: []*mpd.LatencyType{{
			Target: millis(l.Target + p.Late), Min: millis(l.Min + p.Late), Max: millis(l.Max + p.Late),
		}},
		PlaybackRates: []*mpd.PlaybackRateType{{Min: l.Slowest, Max: l.Fastest}},
	}}
	if p.UTCTiming != "" {
		m.UTCTimings = []*mpd.DescriptorType{mpd.NewDescriptor(schemeUTC, p.UTCTiming, "")}
	}
}

func (p *Presentation) period(in *Period) *mpd.Period {
	start := in.start()
	out := mpd.NewPeriod()
	out.Id = "p" + strconv.FormatInt(start.Milliseconds(), 10)
	out.Start = mpd.Ptr(mpd.Duration(start - p.zero()))
	if in.Duration > 0 {
		out.Duration = duration(in.Duration.Duration())
	}
	for i := range in.Sets {
		out.AppendAdaptationSet(p.set(&in.Sets[i], start))
	}
	return out
}

// zero is on the whole milliseconds of the starts of Periods.
func (p *Presentation) zero() time.Duration {
	if !p.Static {
		return 0
	}
	return max(0, p.Zero.Duration()).Truncate(time.Millisecond)
}

// start is rounded down, so that no segment begins before its Period.
func (in *Period) start() time.Duration {
	return max(0, in.Start.Duration()).Truncate(time.Millisecond)
}

func (p *Presentation) set(in *Set, start time.Duration) *mpd.AdaptationSetType {
	kind := in.Kind.String()
	a := mpd.NewAdaptationSet()
	a.Id = mpd.Ptr(in.ID)
	a.ContentType = mpd.RFC6838ContentTypeType(kind)
	a.MimeType = kind + "/mp4"
	a.Lang = in.Language
	a.SegmentAlignment = true
	if in.Role != "" {
		a.Roles = []*mpd.DescriptorType{mpd.NewDescriptor(schemeRole, string(in.Role), "")}
	}
	if in.Label != "" {
		a.Labels = []*mpd.LabelType{{Value: in.Label}}
	}
	if in.Preferred {
		a.SelectionPriority = mpd.Ptr(uint32(preferred))
	}
	if !in.Loose {
		a.StartWithSAP = 1
	}
	template := p.template(in, start)
	template.Initialization = in.Representations[0].shared()
	template.Media = in.media(&in.Representations[0])
	a.SegmentTemplate = template
	if in.Prft && !p.Static {
		r := mpd.NewProducerReferenceTime()
		r.Inband, r.Type = true, "captured"
		r.WallClockTime = p.Start.Add(start).UTC().Format(dateTime)
		r.PresentationTime = units(start)
		if p.UTCTiming != "" {
			r.UTCTiming = mpd.NewDescriptor(schemeUTC, p.UTCTiming, "")
		}
		a.ProducerReferenceTimes = []*mpd.ProducerReferenceTimeType{r}
	}
	for i := range in.Representations {
		r := &in.Representations[i]
		a.MaxWidth, a.MaxHeight = max(a.MaxWidth, uint32(r.Width)), max(a.MaxHeight, uint32(r.Height))
		out := representation(r)
		if r.shared() != template.Initialization { // whole: VLC 3 inherits nothing that is below
			own := *template
			own.Initialization, own.Media = r.Init, in.media(r)
			out.SegmentTemplate = &own
		}
		a.AppendRepresentation(out)
	}
	return a
}

// shared is Init as a template that others may share.
func (r *Representation) shared() string {
	return strings.Replace(r.Init, r.ID+"/", "$RepresentationID$/", 1)
}

// media is the template of a representation's segments.
func (s *Set) media(r *Representation) string {
	if r.Media != "" {
		return r.Media
	}
	return s.Media
}

func (p *Presentation) template(in *Set, start time.Duration) *mpd.SegmentTemplateType {
	t := mpd.NewSegmentTemplate()
	t.Timescale = mpd.Ptr(uint32(timescale))
	t.StartNumber = mpd.Ptr(uint32(in.Timing.First))
	if in.Timing.Last > 0 {
		t.EndNumber = mpd.Ptr(uint32(in.Timing.Last))
	}
	if start > 0 {
		t.PresentationTimeOffset = mpd.Ptr(units(start))
	}
	if e := in.Timing.Early; e > 0 && !p.Static {
		t.AvailabilityTimeOffset = mpd.FloatInf64(float64(e.Milliseconds()) / 1000)
		t.AvailabilityTimeComplete = mpd.Ptr(false)
	}
	if len(in.Timing.Timeline) > 0 {
		t.SegmentTimeline = timeline(in.Timing.Timeline)
	} else {
		t.Duration = mpd.Ptr(uint32(in.Timing.Segment.In(timescale)))
	}
	return t
}

// timeline writes runs of equal durations as one S element (23009-1 5.3.9.6).
// Durations are differences of converted times, so that they never drift.
func timeline(entries []Entry) *mpd.SegmentTimelineType {
	t := mpd.NewSegmentTimeline()
	var last *mpd.S
	var end int64
	for _, e := range entries {
		at := e.Start.In(timescale)
		d := uint64(max(1, (e.Start+e.Duration).In(timescale)-at))
		if last != nil && at == end && d == last.D {
			last.R++
		} else {
			s := &mpd.S{D: d}
			if last == nil || at != end {
				s.T = mpd.Ptr(uint64(max(0, at)))
			}
			t.S = append(t.S, s)
			last = s
		}
		end = at + int64(d)
	}
	return t
}

func representation(in *Representation) *mpd.RepresentationType {
	r := mpd.NewRepresentation()
	r.Id = in.ID
	r.Bandwidth = uint32(min(in.Bandwidth, math.MaxUint32))
	r.Codecs = in.Codecs
	r.Width, r.Height = uint32(in.Width), uint32(in.Height)
	r.FrameRate = frameRate(in.FrameRate)
	if in.SampleRate > 0 {
		r.AudioSamplingRate = mpd.Ptr(mpd.UIntVectorType(strconv.Itoa(in.SampleRate)))
	}
	if in.Channels > 0 {
		r.AudioChannelConfigurations = []*mpd.DescriptorType{mpd.NewDescriptor(schemeAudio, channels(in.Channels), "")}
	}
	return r
}

func frameRate(r media.Rational) mpd.FrameRateType {
	switch {
	case r.Num <= 0 || r.Den <= 0:
		return ""
	case r.Num%r.Den == 0:
		return mpd.FrameRateType(strconv.Itoa(r.Num / r.Den))
	}
	return mpd.FrameRateType(fmt.Sprintf("%d/%d", r.Num, r.Den))
}

// channels is the ChannelConfiguration index of ISO/IEC 23003-3 table 68.
func channels(n int) string {
	switch n {
	case 7:
		n = 11
	case 8:
		n = 7
	}
	return strconv.Itoa(n)
}

// duration is nil for nothing, which leaves the attribute out.
func duration(d time.Duration) *mpd.Duration {
	if d <= 0 {
		return nil
	}
	return mpd.Ptr(mpd.Duration(d.Round(time.Millisecond)))
}

// units is a whole number of milliseconds in the timescale.
func units(d time.Duration) uint64 { return uint64(d.Milliseconds()) * (timescale / 1000) }

func millis(d time.Duration) *uint32 { return mpd.Ptr(uint32(d.Milliseconds())) }
