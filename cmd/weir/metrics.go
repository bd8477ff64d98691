package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/media/av"
)

// mediaMetrics reads the video pillar's counters when it is asked. Labels are the
// names of streams that are live now, which the stream keys bound.
type mediaMetrics struct {
	role    *mediaRole
	latency prometheus.Histogram
	calls   prometheus.Histogram
}

func newMediaMetrics(m *mediaRole) *mediaMetrics {
	return &mediaMetrics{role: m, latency: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "weir_packager_part_latency_seconds", Help: "From the arrival of a part's last packet until it can be had.",
		Buckets: []float64{.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	}), calls: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "weir_whep_frame_latency_seconds", Help: "From the arrival of a frame until the last of its packets is sent to a WebRTC viewer.",
		Buckets: []float64{.0005, .001, .0025, .005, .0075, .01, .025, .05, .1, .25, .5, 1},
	})}
}

// sent takes how long one frame took to one viewer.
func (m *mediaMetrics) sent(took time.Duration) { m.calls.Observe(took.Seconds()) }

// published takes the latency of one part.
func (m *mediaMetrics) published(_ string, latency time.Duration) {
	m.latency.Observe(latency.Seconds())
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// metricDescs is made once by Collect's caller; descriptions are constants.
type metricDescs struct {
	live, bytes, packets, frames, dropped, readers *prometheus.Desc
	encoded, lag, shed, corrupt                    *prometheus.Desc
	libav                                          *prometheus.Desc
	cores, coresUsed, coresPlanned, coresFree      *prometheus.Desc

	bitrate, fps, keys, drift, behind, mean, peak, lostPackets *prometheus.Desc
	srtRTT, srtPackets, srtLost, srtDropped                    *prometheus.Desc

	recording, spool, stored, storedBytes, failures, lost *prometheus.Desc
}

func newMetricDescs() metricDescs {
	return metricDescs{
		live:         desc("weir_hub_streams", "Streams that are live, renditions included."),
		bytes:        desc("weir_hub_bytes_total", "Bytes written to a stream.", "stream", "rendition"),
		packets:      desc("weir_hub_packets_total", "Packets written to a stream.", "stream", "rendition"),
		frames:       desc("weir_hub_frames_total", "Pictures written to a stream.", "stream", "rendition"),
		dropped:      desc("weir_hub_dropped_packets", "Packets that the present readers of a stream were too slow for.", "stream", "rendition"),
		readers:      desc("weir_hub_readers", "Readers of a stream.", "stream", "rendition"),
		encoded:      desc("weir_transcode_frames_total", "Pictures encoded for a rendition.", "stream", "rendition"),
		lag:          desc("weir_transcode_lag_seconds", "How far the newest encoded packet is behind its source's arrival.", "stream", "rendition"),
		shed:         desc("weir_transcode_shed", "1 while a rendition is left out for lack of time.", "stream", "rendition"),
		corrupt:      desc("weir_transcode_corrupt_packets_total", "Source packets that could not be decoded.", "stream"),
		cores:        desc("weir_encoder_capacity_cores", "Cores that this process may use."),
		coresUsed:    desc("weir_encoder_used_cores", "Cores that it used lately."),
		coresPlanned: desc("weir_encoder_planned_cores", "Cores that the streams that stand need with all their renditions, by what those that run cost."),
		coresFree:    desc("weir_encoder_free_cores", "Cores that are free to more streams, by the same forecast."),
		libav:        desc("weir_av_objects", "libav objects in use.", "kind"),

		bitrate:     desc("weir_ingest_bitrate_bits", "Bits a second that a publisher sent in the last ten seconds.", "stream"),
		fps:         desc("weir_ingest_frame_rate", "Pictures a second that a publisher sent in the last ten seconds.", "stream"),
		keys:        desc("weir_ingest_key_interval_seconds", "Most between a publisher's key frames lately.", "stream"),
		drift:       desc("weir_ingest_drift_seconds", "How far a stream's time is before (negative: behind) the wall clock.", "stream"),
		behind:      desc("weir_ingest_behind_seconds", "Most that a publisher was late in half a minute.", "stream"),
		mean:        desc("weir_ingest_sound_mean_decibels", "How loud a stream's sound was lately, in dB of full scale.", "stream"),
		peak:        desc("weir_ingest_sound_peak_decibels", "The loudest of a stream's sound lately, in dB of full scale.", "stream"),
		lostPackets: desc("weir_ingest_lost_packets", "Packets of a publisher that could not be used in the last half minute.", "stream"),
		srtRTT:      desc("weir_srt_rtt_seconds", "Round trip to a publisher that sends over SRT.", "stream"),
		srtPackets:  desc("weir_srt_packets_total", "SRT packets received from a publisher, each once.", "stream"),
		srtLost:     desc("weir_srt_lost_packets_total", "SRT packets that were missing, and asked for; most come again.", "stream"),
		srtDropped:  desc("weir_srt_dropped_packets_total", "SRT packets that were still missing when they were due.", "stream"),

		recording:   desc("weir_archive_recordings", "Recordings that are made or closed now."),
		spool:       desc("weir_archive_spool_bytes", "What of recordings waits on the disk for the object store."),
		stored:      desc("weir_archive_stored_segments_total", "Segments that the object store took."),
		storedBytes: desc("weir_archive_stored_bytes_total", "Bytes of those."),
		failures:    desc("weir_archive_store_failures_total", "Calls of the object store that failed; they are made again."),
		lost:        desc("weir_archive_lost_segments_total", "Segments that recordings lack: the spool was full, or the disk."),
	}
}

// Describe implements prometheus.Collector.
func (m *mediaMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *mediaMetrics) Collect(ch chan<- prometheus.Metric) {
	d := newMetricDescs()
	gauge := func(x *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(x, prometheus.GaugeValue, v, labels...)
	}
	count := func(x *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(x, prometheus.CounterValue, float64(v), labels...)
	}
	streams := m.role.hub.Streams()
	gauge(d.live, float64(len(streams)))
	for _, s := range streams {
		name, st := s.ID().Name(), s.Stats()
		rendition := string(s.ID())[len(name):]
		if rendition != "" {
			rendition = rendition[1:]
		}
		count(d.bytes, st.Bytes, name, rendition)
		count(d.packets, st.Packets, name, rendition)
		count(d.frames, st.Frames, name, rendition)
		gauge(d.dropped, float64(st.Dropped), name, rendition)
		gauge(d.readers, float64(st.Readers), name, rendition)
	}
	for _, p := range m.role.pipelines.list() {
		collectHealth(d, gauge, p)
		if p.job == nil {
			continue
		}
		name := p.stream.Name
		for _, st := range p.job.Stats() {
			count(d.encoded, st.Frames, name, st.Rendition)
			gauge(d.lag, st.Lag.Seconds(), name, st.Rendition)
			shed := 0.0
			if st.Shed {
				shed = 1
			}
			gauge(d.shed, shed, name, st.Rendition)
		}
		count(d.corrupt, p.job.Corrupt(), name)
	}
	if srt := m.role.srt; srt != nil {
		for _, l := range srt.Links() {
			gauge(d.srtRTT, l.RTT.Seconds(), l.Stream)
			count(d.srtPackets, l.Packets, l.Stream)
			count(d.srtLost, l.Lost, l.Stream)
			count(d.srtDropped, l.Dropped, l.Stream)
		}
	}
	m.collectRecordings(d, gauge, count)
	used, ahead, free := m.role.pipelines.capacity.figures()
	gauge(d.cores, m.role.pipelines.capacity.cores)
	gauge(d.coresUsed, used)
	gauge(d.coresPlanned, ahead)
	gauge(d.coresFree, free)
	c := av.Live()
	gauge(d.libav, float64(c.Frames), "frame")
	gauge(d.libav, float64(c.Packets), "packet")
	gauge(d.libav, float64(c.Contexts), "context")
	m.latency.Collect(ch)
	m.calls.Collect(ch)
}

// collectHealth gives how a stream arrives, as far as that is known.
func collectHealth(d metricDescs, gauge func(*prometheus.Desc, float64, ...string), p *pipeline) {
	h := p.health.Load()
	if h == nil || h.Seconds == 0 {
		return
	}
	name := p.stream.Name
	gauge(d.bitrate, float64(h.Bitrate), name)
	gauge(d.drift, h.Drift, name)
	gauge(d.behind, h.Behind, name)
	gauge(d.lostPackets, float64(h.Dropped), name)
	if h.Source.Video != "" {
		gauge(d.fps, h.FPS, name)
		gauge(d.keys, h.KeyInterval, name)
	}
	if h.Sound != nil {
		gauge(d.mean, h.Sound.Mean, name)
		gauge(d.peak, h.Sound.Peak, name)
	}
}

func (m *mediaMetrics) collectRecordings(d metricDescs, gauge func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, uint64, ...string)) {
	st := m.role.pipelines.recordings.Stats()
	gauge(d.recording, float64(st.Running))
	gauge(d.spool, float64(st.Waiting))
	count(d.stored, st.Stored)
	count(d.storedBytes, st.Bytes)
	count(d.failures, st.Failures)
	count(d.lost, st.Lost)
}
