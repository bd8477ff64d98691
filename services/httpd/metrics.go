package httpd

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of one Server. Their labels are bounded: operations are
// those in the code, with "other" for what is none of them.
type metrics struct {
	requests *prometheus.CounterVec   // by operation, class (2xx ...)
	failures *prometheus.CounterVec   // by operation, code of fault
	duration *prometheus.HistogramVec // by operation, class
	inFlight prometheus.Gauge
}

func newMetrics(cfg Config) *metrics {
	labels := prometheus.Labels{"service": cfg.Service}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_httpd_requests_total", ConstLabels: labels,
			Help: "Requests by operation and class of status."}, []string{"operation", "class"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_httpd_errors_total", ConstLabels: labels,
			Help: "Requests that were answered with a problem, by its code."}, []string{"operation", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "weir_httpd_duration_seconds", ConstLabels: labels,
			Help:    "Time from a request's last byte to the end of its handler.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"operation", "class"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_httpd_in_flight_requests", ConstLabels: labels,
			Help: "Requests whose handlers are at work."}),
	}
	if cfg.Metrics != nil {
		m.requests = registered(cfg, m.requests)
		m.failures = registered(cfg, m.failures)
		m.duration = registered(cfg, m.duration)
		m.inFlight = registered(cfg, m.inFlight)
	}
	return m
}

// registered is c, or what is registered in its place already.
func registered[C prometheus.Collector](cfg Config, c C) C {
	err := cfg.Metrics.Register(c)
	if err == nil {
		return c
	}
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if old, ok := already.ExistingCollector.(C); ok {
			return old
		}
	}
	cfg.Log.Error("metric is not exported", "service", cfg.Service, "err", err)
	return c
}

func (m *metrics) observe(x *exchange, status int, took time.Duration) {
	operation, class := x.operation, classOf(status)
	if operation == "" {
		operation = "other"
	}
	m.requests.WithLabelValues(operation, class).Inc()
	m.duration.WithLabelValues(operation, class).Observe(took.Seconds())
	if x.code != "" {
		m.failures.WithLabelValues(operation, string(x.code)).Inc()
	}
}

func classOf(status int) string {
	switch status / 100 {
	case 1:
		return "1xx"
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	default:
		return "5xx"
	}
}
