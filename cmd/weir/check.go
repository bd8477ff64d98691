package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/services/live/place"
)

// check looks at what a value's form alone does not show.
func (s *Settings) check() []error {
	var problems []error
	bad := func(name, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	oneOf := func(name, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			hint := ""
			if near := nearest(value, allowed); isNear(value, near) {
				hint = "; the nearest is " + near
			}
			bad(name, "%q is not one of %s%s", value, strings.Join(allowed, ", "), hint)
		}
	}
	oneOf("WEIR_PUBLISH", s.Ingest.Publish, "key", "open")
	oneOf("WEIR_OVERLOAD", s.Live.Overload, overloadShed, overloadSource, overloadRefuse)
	oneOf("WEIR_RECORD", s.Live.Record, "off", "channels", "all")
	if s.Live.SpoolMB < 1 || s.Live.SpoolMB > 1<<30 {
		bad("WEIR_SPOOL_MB", "%d is not from 1 to 1073741824", s.Live.SpoolMB)
	}
	if s.Live.RecordKeep < 0 || s.Live.RecordKeep > 100*365*24*time.Hour {
		bad("WEIR_RECORD_KEEP", "%s is not from 0s to 876000h", brief(s.Live.RecordKeep))
	}
	for name, gb := range map[string]int{"WEIR_RECORD_QUOTA_GB": s.Live.RecordQuotaGB, "WEIR_RECORD_FREE_GB": s.Live.RecordFreeGB} {
		if gb < 0 || gb > 1<<20 {
			bad(name, "%d is not from 0 to 1048576", gb)
		}
	}
	if n := len(s.Ingest.SRTPassphrase); n > 0 && (n < 10 || n > 79) {
		bad("WEIR_SRT_PASSPHRASE", "has %d characters, not 10 to 79", n)
	}
	oneOf("WEIR_LOG_FORMAT", s.Log.Format, "text", "json", "auto")
	problems = append(problems, s.checkTimes()...)
	problems = append(problems, s.checkListeners()...)
	if s.Store.DataDir == "" {
		bad("WEIR_DATA_DIR", "a folder is needed, such as ./data")
	}
	switch cert, key := s.HTTP.TLSCert, s.HTTP.TLSKey; {
	case cert != "" && key == "":
		bad("WEIR_TLS_KEY", "is needed with WEIR_TLS_CERT")
	case cert == "" && key != "":
		bad("WEIR_TLS_CERT", "is needed with WEIR_TLS_KEY")
	case cert == "" && s.Ingest.RTMPSAddr != "":
		bad("WEIR_RTMPS_ADDR", "needs WEIR_TLS_CERT and WEIR_TLS_KEY")
	}
	if s.Store.S3Endpoint != "" && (s.Store.S3Bucket == "" || s.Store.S3AccessKey == "" || s.Store.S3SecretKey == "") {
		bad("WEIR_S3_ENDPOINT", "needs WEIR_S3_BUCKET, WEIR_S3_ACCESS_KEY and WEIR_S3_SECRET_KEY")
	}
	s.checkKeys(bad)
	if s.HTTP.NodeURL != "" && (s.Store.RedisURL == "" || s.Store.SecretKey == "") {
		bad("WEIR_NODE_URL", "needs WEIR_REDIS_URL and WEIR_SECRET_KEY, the same at all nodes")
	}
	switch host := s.Ingest.NodeHost; {
	case host == "" && len(s.Ingest.NodePorts.of) > 0:
		bad("WEIR_NODE_PORTS", "needs WEIR_NODE_HOST")
	case host != "" && !place.IsHost(host):
		bad("WEIR_NODE_HOST", "want a name or an address, such as a.example.com, without a port: see WEIR_NODE_PORTS")
	case host != "" && s.Store.RedisURL == "":
		bad("WEIR_NODE_HOST", "needs WEIR_REDIS_URL, the same at all nodes")
	}
	s.checkProviders(bad)
	for _, u := range s.urls() {
		if err := checkURL(u.value, u.schemes); err != nil {
			bad(u.name, "%v", err)
		}
	}
	if u, err := url.Parse(s.HTTP.PublicURL); err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		bad("WEIR_PUBLIC_URL", "want an address without a password, a query or a fragment: it is in the log and in links")
	}
	return problems
}

// bound is an end of a range, with the reason for it when another setting is one.
type bound struct {
	is  time.Duration
	why string
}

func (b bound) String() string { return brief(b.is) + b.why }

// checkTimes looks at the durations. Those that depend on the segment's say so; a
// window of six segments is three target durations, even when key frames make
// segments twice as long as wished (RFC 8216 6.2.2 asks for that much).
func (s *Settings) checkTimes() []error {
	var problems []error
	between := func(name string, value time.Duration, low, high bound) bool {
		ok := value >= low.is && value <= high.is
		if !ok {
			problems = append(problems, fmt.Errorf("%s: %s is not from %s to %s", name, brief(value), low, high))
		}
		return ok
	}
	between("WEIR_SRT_LATENCY", s.Ingest.SRTLatency, bound{is: 20 * time.Millisecond}, bound{is: 8 * time.Second})
	between("WEIR_RECONNECT", s.Ingest.Reconnect, bound{}, bound{is: time.Hour})
	between("WEIR_DRAIN", s.Ingest.Drain, bound{}, bound{is: 10 * time.Minute})
	segment := s.Live.Segment
	if !between("WEIR_SEGMENT", segment, bound{is: 500 * time.Millisecond}, bound{is: 30 * time.Second}) {
		return problems
	}
	most := bound{is: 2 * time.Second}
	if half := segment / 2; half < most.is {
		most = bound{half, " (half of WEIR_SEGMENT=" + brief(segment) + ")"}
	}
	between("WEIR_PART", s.Live.Part, bound{is: 50 * time.Millisecond}, most)
	between("WEIR_DVR", s.Live.DVR, bound{dvrSegments * segment, fmt.Sprintf(" (%d times WEIR_SEGMENT=%s)", dvrSegments, brief(segment))}, bound{is: 30 * 24 * time.Hour})
	between("WEIR_DVR_LOCAL", s.Live.DVRLocal, bound{}, bound{is: 30 * 24 * time.Hour})
	return problems
}

// dvrSegments is the least that viewers can go back.
const dvrSegments = 6

// brief writes a duration without zeros at its end: 720h, not 720h0m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// checkListeners finds two listeners that want the same port.
func (s *Settings) checkListeners() []error {
	var problems []error
	var before []setting
	for _, row := range s.table {
		addr, ok := row.value.Interface().(Address)
		if !ok || row.bad {
			continue
		}
		for _, other := range before {
			if taken, ok := other.value.Interface().(Address); ok && meet(row.network, other.network) && collide(addr, taken) {
				problems = append(problems, fmt.Errorf("%s=%s and %s=%s want the same port: give one of them another", other.name, taken, row.name, addr))
			}
		}
		before = append(before, row)
	}
	return problems
}

// meet tells whether two listeners share a network: one may be on both.
func meet(a, b string) bool { return a == b || a == "both" || b == "both" }

// collide tells whether two listeners cannot be open at once.
func collide(a, b Address) bool {
	hostA, portA, errA := net.SplitHostPort(string(a))
	hostB, portB, errB := net.SplitHostPort(string(b))
	if errA != nil || errB != nil || portA != portB || strings.Trim(portA, "0") == "" {
		return false
	}
	return hostA == hostB || everywhere(hostA) || everywhere(hostB)
}

// everywhere tells whether a listener's host means all interfaces.
func everywhere(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// urlSetting is a setting that is empty or a URL of one of some schemes.
type urlSetting struct {
	name, value string
	schemes     []string
}

func (s *Settings) urls() []urlSetting {
	return []urlSetting{
		{"WEIR_PUBLIC_URL", s.HTTP.PublicURL, []string{"http", "https"}},
		{"WEIR_NODE_URL", s.HTTP.NodeURL, []string{"http", "https"}},
		{"WEIR_USER_URL", s.Users.UserURL, []string{"http", "https"}},
		{"WEIR_LIVE_URL", s.Users.LiveURL, []string{"http", "https"}},
		{"WEIR_DATABASE_URL", s.Store.DatabaseURL, []string{"postgres", "postgresql"}},
		{"WEIR_REDIS_URL", s.Store.RedisURL, []string{"redis", "rediss", "unix"}},
		{"WEIR_AMQP_URL", s.Store.AMQPURL, []string{"amqp", "amqps"}},
		{"WEIR_S3_ENDPOINT", endpointURL(s.Store.S3Endpoint), []string{"http", "https"}},
	}
}

// endpointURL takes host:port for what S3 tools take it for.
func endpointURL(v string) string {
	if v == "" || strings.Contains(v, "://") {
		return v
	}
	return "http://" + v
}

// checkURL never repeats the value: it may hold a password.
func checkURL(value string, schemes []string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" && u.Path == "" {
		return fmt.Errorf("want a URL that begins with %s://", strings.Join(schemes, ":// or "))
	}
	return nil
}
