package gateway

import "github.com/prometheus/client_golang/prometheus"

// metrics are the counters of one Gateway.
type metrics struct {
	connections prometheus.Gauge
	refused     prometheus.Counter
	requests    *prometheus.CounterVec // by route: media, api, page, other
	proxied     *prometheus.CounterVec // by service, class (2xx ...)
	away        *prometheus.CounterVec // by service, reason: away, broken
	upgraded    prometheus.Gauge
}

func newMetrics() *metrics {
	return &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_gateway_connections", Help: "HTTP connections that are open."}),
		refused:     prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_gateway_connections_refused_total", Help: "HTTP connections closed at once because there were too many."}),
		requests:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_gateway_requests_total", Help: "HTTP requests by where they went."}, []string{"route"}),
		proxied:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_gateway_proxied_requests_total", Help: "Requests to a service by class of the answer's status."}, []string{"service", "class"}),
		away:        prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_gateway_upstream_errors_total", Help: "Requests that a service did not answer: it could not be reached (away), or broke off (broken)."}, []string{"service", "reason"}),
		upgraded:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_gateway_upgraded_connections", Help: "WebSockets that are open."}),
	}
}

// Collectors are the gateway's metrics, to register once.
func (g *Gateway) Collectors() []prometheus.Collector {
	m := g.metrics
	return []prometheus.Collector{m.connections, m.refused, m.requests, m.proxied, m.away, m.upgraded}
}
