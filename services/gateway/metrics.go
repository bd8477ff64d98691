package gateway

import "github.com/prometheus/client_golang/prometheus"

// metrics are the counters of one Gateway.
type metrics struct {
	connections prometheus.Gauge
	refused     prometheus.Counter
	requests    *prometheus.CounterVec // by route: media, api, page, other
}

func newMetrics() *metrics {
	return &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_gateway_connections", Help: "HTTP connections that are open."}),
		refused:     prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_gateway_connections_refused_total", Help: "HTTP connections closed at once because there were too many."}),
		requests:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_gateway_requests_total", Help: "HTTP requests by where they went."}, []string{"route"}),
	}
}

// Collectors are the gateway's metrics, to register once.
func (g *Gateway) Collectors() []prometheus.Collector {
	return []prometheus.Collector{g.metrics.connections, g.metrics.refused, g.metrics.requests}
}
