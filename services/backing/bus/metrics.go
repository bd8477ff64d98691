package bus

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a bus. The label group has as many values as there are subscriptions.
type Metrics struct {
	handled  *prometheus.CounterVec // group
	repeated *prometheus.CounterVec // group
	failed   *prometheus.CounterVec // group
	dead     *prometheus.CounterVec // group
	seconds  *prometheus.HistogramVec
	relayed  prometheus.Counter
	waiting  prometheus.Gauge
	lost     prometheus.Counter
}

// NewMetrics registers the metrics of one bus; with nil they are only counted. The
// error is that of a second bus in the same registry.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	counters := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"group"})
	}
	m := &Metrics{
		handled:  counters("weir_bus_handled_total", "Events that took effect."),
		repeated: counters("weir_bus_repeated_total", "Events that arrived again and had no effect."),
		failed:   counters("weir_bus_failed_total", "Attempts to handle an event that failed."),
		dead:     counters("weir_bus_dead_total", "Events that were given up."),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "weir_bus_handle_seconds", Help: "Duration of an attempt, with its transaction.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8),
		}, []string{"group"}),
		relayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_bus_relayed_total", Help: "Events that left the outbox.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "weir_bus_outbox_events", Help: "Events in the outbox when it was last counted (at most 100000), seen by the process that empties it.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_bus_disconnects_total", Help: "Connections to the broker that were lost or not made.",
		}),
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.handled, m.repeated, m.failed, m.dead, m.seconds, m.relayed, m.waiting, m.lost} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// Relayed counts events that left the outbox.
func (m *Metrics) Relayed(n int) { m.relayed.Add(float64(n)) }

// Disconnected counts a connection that was lost or not made.
func (m *Metrics) Disconnected() { m.lost.Inc() }

// Died counts an event that was given up.
func (m *Metrics) Died(group string) { m.dead.WithLabelValues(group).Inc() }

func (m *Metrics) took(group string, d time.Duration) {
	m.seconds.WithLabelValues(group).Observe(d.Seconds())
}
