package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// check looks at what a value's form alone does not show.
func (s *Settings) check() []error {
	var problems []error
	bad := func(name, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	oneOf := func(name, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad(name, "%q is not one of %s; the nearest is %s", value, strings.Join(allowed, ", "), nearest(value, allowed))
		}
	}
	between := func(name string, value, low, high time.Duration) {
		if value < low || value > high {
			bad(name, "%s is not from %s to %s", value, low, high)
		}
	}
	oneOf("WEIR_PUBLISH", s.Ingest.Publish, "key", "open")
	oneOf("WEIR_LOG_FORMAT", s.Log.Format, "text", "json", "auto")
	between("WEIR_SEGMENT", s.Live.Segment, 500*time.Millisecond, 30*time.Second)
	between("WEIR_PART", s.Live.Part, 50*time.Millisecond, min(2*time.Second, s.Live.Segment/2))
	between("WEIR_DVR", s.Live.DVR, 0, 30*24*time.Hour)
	between("WEIR_RECONNECT", s.Ingest.Reconnect, 0, time.Hour)
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
	for _, u := range s.urls() {
		if err := checkURL(u.value, u.schemes); err != nil {
			bad(u.name, "%v", err)
		}
	}
	return problems
}

// urlSetting is a setting that is empty or a URL of one of some schemes.
type urlSetting struct {
	name, value, port string // port: of the scheme, when the URL has none
	schemes           []string
}

func (s *Settings) urls() []urlSetting {
	return []urlSetting{
		{"WEIR_PUBLIC_URL", s.HTTP.PublicURL, "", []string{"http", "https"}},
		{"WEIR_DATABASE_URL", s.Store.DatabaseURL, "5432", []string{"postgres", "postgresql"}},
		{"WEIR_REDIS_URL", s.Store.RedisURL, "6379", []string{"redis", "rediss", "unix"}},
		{"WEIR_AMQP_URL", s.Store.AMQPURL, "5672", []string{"amqp", "amqps"}},
		{"WEIR_S3_ENDPOINT", endpointURL(s.Store.S3Endpoint), "", []string{"http", "https"}},
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
