package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/media/ladder"
)

func TestDefaults(t *testing.T) {
	s, err := loadConfig(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.HTTP.Addr != ":8080" || s.HTTP.AdminAddr != "127.0.0.1:9090" || s.Ingest.RTMPAddr != ":1935" || s.Ingest.RTMPSAddr != "" ||
		s.Ingest.MaxConnsPerIP != 256 || s.Ingest.Reconnect != 10*time.Second || s.Ingest.Takeover || s.Ingest.Publish != "key" ||
		s.Live.Segment != 2*time.Second || s.Live.Part != 200*time.Millisecond || s.Live.DVR != 10*time.Minute || s.Store.DataDir != "./data" ||
		!reflect.DeepEqual(s.Live.Ladder.Setting(), ladder.Auto()) || s.Log.Format != "auto" {
		t.Errorf("defaults: %+v", s.Config)
	}
}

// Every setting of the contract is there, and, in the last line, what we added.
func TestSettingsOfTheContract(t *testing.T) {
	want := strings.Fields(`WEIR_HTTP_ADDR WEIR_TLS_CERT WEIR_TLS_KEY WEIR_PUBLIC_URL WEIR_WEBRTC_PUBLIC WEIR_TRUSTED_PROXIES
		WEIR_MAX_CONNS_PER_IP WEIR_RECONNECT WEIR_TAKEOVER WEIR_ADMIN_ADDR WEIR_RTMP_ADDR WEIR_RTMPS_ADDR WEIR_RTSP_ADDR WEIR_SRT_ADDR
		WEIR_WEBRTC_ADDR WEIR_DATA_DIR WEIR_DATABASE_URL WEIR_REDIS_URL WEIR_AMQP_URL WEIR_S3_ENDPOINT WEIR_S3_BUCKET WEIR_S3_ACCESS_KEY
		WEIR_S3_SECRET_KEY WEIR_S3_REGION WEIR_PUBLISH WEIR_LADDER WEIR_OVERLOAD WEIR_ORIGINAL WEIR_SEGMENT WEIR_PART WEIR_RECORD WEIR_SPOOL_MB WEIR_DVR WEIR_LOG_LEVEL WEIR_LOG_FORMAT
		WEIR_USER_ADDR WEIR_USER_URL WEIR_LIVE_ADDR WEIR_LIVE_URL WEIR_PUBLISH_HOOK WEIR_LOG_LINKS WEIR_OIDC_PROVIDERS WEIR_SECRET_KEY WEIR_SECRET_KEY_OLD
		WEIR_NODE_URL WEIR_RECORD_KEEP WEIR_RECORD_QUOTA_GB WEIR_RECORD_FREE_GB WEIR_SRT_LATENCY WEIR_SRT_PASSPHRASE WEIR_WEBHOOK_PRIVATE WEIR_RTSP_UDP_ADDR WEIR_CAMERA_PRIVATE WEIR_RTSP_PLAY_ADDR WEIR_RTMP_PLAY_ADDR WEIR_SRT_PLAY_ADDR WEIR_DRAIN WEIR_SLATE WEIR_DVR_LOCAL WEIR_NODE_HOST WEIR_NODE_PORTS`)
	var have []string
	fields := map[string]bool{}
	for _, row := range settingsOf(reflect.ValueOf(&Config{}).Elem()) {
		have = append(have, row.name)
		if fields[row.field] {
			t.Errorf("two settings have the field name %s", row.field)
		}
		fields[row.field] = true
		if row.help == "" || row.unit == "" {
			t.Errorf("%s has no help or unit", row.name)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("have %v\nwant %v", have, want)
	}
}

func TestValues(t *testing.T) {
	s, err := loadConfig([]string{
		"WEIR_HTTP_ADDR=127.0.0.1:0", "WEIR_RTSP_ADDR=", "WEIR_ADMIN_ADDR=", "WEIR_TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.7,::1",
		"WEIR_TAKEOVER=TRUE", "WEIR_LADDER=480p:1400k,720p:2.8M", "WEIR_PUBLISH=open", "WEIR_S3_ENDPOINT=minio:9000", "WEIR_S3_BUCKET=b", "WEIR_S3_ACCESS_KEY=a", "WEIR_S3_SECRET_KEY=s",
		"WEIR_DATABASE_URL=postgres://u:secret@db/weir", "HOME=/", "WEIR_LOG_LEVEL=WARN", "WEIR_RECONNECT=0s",
		"WEIR_TEST_X=1", "WEIR_PORT=tcp://10.0.0.1:80", "WEIR_PORT_80_TCP=x", "WEIR_SERVICE_HOST=x",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("::1/128")}
	if s.HTTP.Addr != "127.0.0.1:0" || s.Ingest.RTSPAddr != "" || s.HTTP.AdminAddr != "" || !slices.Equal(s.HTTP.TrustedProxies.Prefixes(), proxies) ||
		!s.Ingest.Takeover || len(s.Live.Ladder.Setting().Rungs) != 2 || s.Ingest.RTMPAddr != ":1935" || s.Ingest.Reconnect != 0 {
		t.Errorf("%+v", s.Config)
	}
}

func TestWrongValues(t *testing.T) {
	tests := map[string][]string{ // the environment: words of the error
		"WEIR_HTP_ADDR=:1":                       {"WEIR_HTP_ADDR", "nearest is WEIR_HTTP_ADDR"},
		"WEIR_SEGMNT=2s":                         {"nearest is WEIR_SEGMENT"},
		"WEIR_PORT=8080":                         {"WEIR_PORT", "nearest is"},
		"WEIR_HTTP_ADDR=8080":                    {"WEIR_HTTP_ADDR=8080", "host:port"},
		"WEIR_HTTP_ADDR=:http":                   {"WEIR_HTTP_ADDR"},
		"WEIR_HTTP_ADDR=:99999":                  {"WEIR_HTTP_ADDR"},
		"WEIR_SEGMENT=2":                         {"WEIR_SEGMENT=2", "duration"},
		"WEIR_SEGMENT=1ms":                       {"WEIR_SEGMENT", "not from 500ms"},
		"WEIR_SEGMENT=-2s":                       {"WEIR_SEGMENT"},
		"WEIR_PART=1500ms":                       {"WEIR_PART: 1.5s is not from 50ms to 1s (half of WEIR_SEGMENT=2s)"},
		"WEIR_DVR=11s":                           {"WEIR_DVR: 11s is not from 12s (6 times WEIR_SEGMENT=2s) to 720h"},
		"WEIR_ADMIN_ADDR=:8080":                  {"WEIR_HTTP_ADDR=:8080 and WEIR_ADMIN_ADDR=:8080 want the same port"},
		"WEIR_RTMP_ADDR=127.0.0.1:9090":          {"WEIR_ADMIN_ADDR=127.0.0.1:9090 and WEIR_RTMP_ADDR=127.0.0.1:9090"},
		"WEIR_HTTP_ADDR=0.0.0.0:1935":            {"want the same port"},
		"WEIR_DVR=":                              {"WEIR_DVR is set but empty"},
		"WEIR_LADDER=":                           {"WEIR_LADDER is set but empty"},
		"WEIR_LADDER=720":                        {"WEIR_LADDER=720"},
		"WEIR_MAX_CONNS_PER_IP=many":             {"WEIR_MAX_CONNS_PER_IP", "whole number"},
		"WEIR_MAX_CONNS_PER_IP=0":                {"WEIR_MAX_CONNS_PER_IP"},
		"WEIR_TAKEOVER=perhaps":                  {"WEIR_TAKEOVER", "true or false"},
		"WEIR_TAKEOVER=":                         {"WEIR_TAKEOVER is set but empty"},
		"WEIR_PUBLISH=opne":                      {"WEIR_PUBLISH", "nearest is open"},
		"WEIR_LOG_LEVEL=loud":                    {"WEIR_LOG_LEVEL=loud", "debug, info"},
		"WEIR_LOG_FORMAT=xml":                    {"WEIR_LOG_FORMAT"},
		"WEIR_TRUSTED_PROXIES=here":              {"WEIR_TRUSTED_PROXIES", "here"},
		"WEIR_WEBRTC_PUBLIC=example.org":         {"WEIR_WEBRTC_PUBLIC", "not an IP address"},
		"WEIR_TLS_CERT=a.pem":                    {"WEIR_TLS_KEY: is needed"},
		"WEIR_RTMPS_ADDR=:1936":                  {"WEIR_RTMPS_ADDR", "WEIR_TLS_CERT"},
		"WEIR_DATA_DIR=":                         {"WEIR_DATA_DIR"},
		"WEIR_DATABASE_URL=mysql://u:pw@db/weir": {"WEIR_DATABASE_URL", "postgres://"},
		"WEIR_REDIS_URL=localhost":               {"WEIR_REDIS_URL", "redis://"},
		"WEIR_NODE_HOST=a.example.com":           {"WEIR_NODE_HOST: needs WEIR_REDIS_URL"},
		"WEIR_NODE_HOST=a.example.com:1935":      {"WEIR_NODE_HOST: want a name or an address", "without a port"},
		"WEIR_NODE_HOST=rtmp://a":                {"WEIR_NODE_HOST: want a name"},
		"WEIR_NODE_PORTS=https=443":              {"WEIR_NODE_PORTS: needs WEIR_NODE_HOST"},
		"WEIR_NODE_PORTS=rtmp=0":                 {`"rtmp=0" is not one of rtmp, rtmps, rtsp, http, https with a port`},
		"WEIR_NODE_PORTS=srt=8890":               {`"srt=8890" is not one of`},
		"WEIR_NODE_PORTS=1935":                   {`"1935" is not one of`},
	}
	for env, words := range tests {
		_, err := loadConfig([]string{env}, "")
		if err == nil {
			t.Errorf("%s: no error", env)
			continue
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", env, err, w)
			}
		}
		if strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %q shows the password", env, err)
		}
	}
	_, err := loadConfig([]string{"WEIR_DVR=x", "WEIR_TAKEOVER=", "WEIR_PUBLISH=opne", "WEIR_NO=1"}, "")
	var wrong wrongSettings
	if !errors.As(err, &wrong) || len(wrong) != 4 {
		t.Errorf("four wrong values: %v", err)
	}
}

func TestEnvFileBelowEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.env")
	text := "WEIR_HTTP_ADDR=:1111\nWEIR_RTMP_ADDR=:2222\nWEIR_RTSP_ADDR=\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := loadConfig([]string{"WEIR_HTTP_ADDR=:3333"}, path)
	if err != nil {
		t.Fatal(err)
	}
	if s.HTTP.Addr != ":3333" || s.Ingest.RTMPAddr != ":2222" || s.Ingest.RTSPAddr != "" {
		t.Errorf("%+v", s.Config)
	}
	if err := os.WriteFile(path, []byte("\nWEIR_NO=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(nil, path); err == nil || !strings.Contains(err.Error(), path+":2: there is no setting WEIR_NO") {
		t.Errorf("unknown name in the file: %v", err)
	}
}

func TestParseEnvFile(t *testing.T) {
	const text = "\ufeff# a comment\n\n  WEIR_A = plain value # why\r\nexport WEIR_B='as # is \\n'\nWEIR_C=\"two\\nlines \\\"x\\\"\" # why\nWEIR_D=\nWEIR_E=#none\nWEIR_F=a#b=c"
	file, err := parseEnvFile([]byte(text))
	got := file.values
	want := map[string]string{"WEIR_A": "plain value", "WEIR_B": `as # is \n`, "WEIR_C": "two\nlines \"x\"", "WEIR_D": "", "WEIR_E": "", "WEIR_F": "a#b=c"}
	if err != nil || !reflect.DeepEqual(got, want) || file.lines["WEIR_C"] != 5 {
		t.Errorf("got %q on lines %v, %v\nwant %q", got, file.lines, err, want)
	}
	for bad, words := range map[string]string{
		"WEIR_A":             "line 1: want NAME=VALUE",
		"\nWEIR A=1":         "line 2: want NAME=VALUE",
		"PATH=/bin":          "only WEIR_ names",
		"WEIR_A='x":          "closing quote",
		"WEIR_A=\"x\\":       "closing quote",
		"WEIR_A='x' y":       "after the closing quote",
		"WEIR_A=1\nWEIR_A=2": "line 2: WEIR_A is there twice",
	} {
		if _, err := parseEnvFile([]byte(bad)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", bad, err, words)
		}
	}
}

func FuzzParseEnvFile(f *testing.F) {
	f.Add([]byte("WEIR_A=1\n#x\nexport WEIR_B=\"a\\\"b\" # c\nWEIR_C='x'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parseEnvFile(text)
		if err != nil {
			return
		}
		for name := range file.values {
			if !envName.MatchString(name) || !strings.HasPrefix(name, "WEIR_") {
				t.Fatalf("name %q", name)
			}
		}
	})
}

func TestShownHidesSecrets(t *testing.T) {
	for _, r := range []struct {
		row  setting
		want string
	}{
		{setting{text: "plain"}, "plain"},
		{setting{text: "hush", secret: "yes"}, "****"},
		{setting{text: "", secret: "yes"}, ""},
		{setting{text: "postgres://u:pw@db:5/x?password=pw", secret: "url"}, "postgres://db:5/****"},
		{setting{text: "pw@nonsense", secret: "url"}, "****"},
	} {
		if got := r.row.shown(); got != r.want {
			t.Errorf("%q: %q, want %q", r.row.text, got, r.want)
		}
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 30 * time.Second: "30s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 720 * time.Hour: "720h", 50 * time.Millisecond: "50ms"} {
		if got := brief(d); got != want {
			t.Errorf("brief(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestCollide(t *testing.T) {
	for _, tt := range []struct {
		a, b Address
		want bool
	}{
		{":80", ":80", true}, {":80", ":81", false}, {"127.0.0.1:0", "127.0.0.1:0", false}, {"", "", false}, {"", ":80", false},
		{"127.0.0.1:80", "127.0.0.2:80", false}, {"127.0.0.1:80", "[::]:80", true},
	} {
		if collide(tt.a, tt.b) != tt.want {
			t.Errorf("%s and %s: %v", tt.a, tt.b, !tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"al": "all", "confg": "config", "": "all", "versoin": "version"} {
		if got := nearest(name, []string{"all", "config", "version"}); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// A provider's settings are there once it is named; secrets are not shown.
func TestProviders(t *testing.T) {
	s, err := loadConfig([]string{
		"WEIR_PUBLIC_URL=https://tv.example.org", "WEIR_OIDC_PROVIDERS=Google, github,acme", "WEIR_OIDC_GOOGLE_CLIENT_ID=g", "WEIR_OIDC_GOOGLE_CLIENT_SECRET=hush",
		"WEIR_OIDC_GITHUB_CLIENT_ID=h", "WEIR_OIDC_GITHUB_ISSUER=https://git.example.org", "WEIR_OIDC_GITHUB_API=https://git.example.org/api/v3", "WEIR_OIDC_ACME_CLIENT_ID=a",
		"WEIR_OIDC_ACME_ISSUER=https://login.example.org/realms/x", "WEIR_OIDC_ACME_SCOPES=openid email", "WEIR_OIDC_ACME_TITLE=Acme, Inc.",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	list, err := openProviders(s)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, p := range list {
		have = append(have, p.Name()+" "+p.Title()+" "+p.Issuer())
	}
	if want := []string{"google Google https://accounts.google.com", "github GitHub https://git.example.org", "acme Acme, Inc. https://login.example.org/realms/x"}; !slices.Equal(have, want) {
		t.Errorf("%q", have)
	}
	shown := map[string]string{}
	for _, row := range s.table {
		shown[row.name] = row.shown()
		if row.help == "" || row.unit == "" {
			t.Errorf("%s has no help or unit", row.name)
		}
	}
	if shown["WEIR_OIDC_GOOGLE_CLIENT_SECRET"] != "****" || shown["WEIR_OIDC_ACME_SCOPES"] != "openid email" {
		t.Errorf("%v", shown)
	}
	if _, there := shown["WEIR_OIDC_ACME_API"]; there {
		t.Error("acme is not GitHub")
	}
	const public, acme = "WEIR_PUBLIC_URL=https://tv.example.org\n", "WEIR_OIDC_PROVIDERS=acme\nWEIR_OIDC_ACME_CLIENT_ID=a\n"
	for given, words := range map[string][]string{
		"WEIR_OIDC_PROVIDERS=a b":             {"WEIR_OIDC_PROVIDERS=a b", "google,github"},
		"WEIR_OIDC_PROVIDERS=x,X":             {"twice"},
		"WEIR_OIDC_ACME_CLIENT_ID=a":          {"no setting WEIR_OIDC_ACME_CLIENT_ID", "named in WEIR_OIDC_PROVIDERS"},
		public + acme:                         {"WEIR_OIDC_ACME_ISSUER: is needed"},
		public + "WEIR_OIDC_PROVIDERS=google": {"WEIR_OIDC_GOOGLE_CLIENT_ID: is needed"},
		public + acme + "WEIR_OIDC_ACME_ISSUER=https://l.example\nWEIR_OIDC_ACME_CLIENT_SECERT=hush":                                                                     {"WEIR_OIDC_ACME_CLIENT_SECERT", "nearest is WEIR_OIDC_ACME_CLIENT_SECRET"},
		public + acme + "WEIR_OIDC_ACME_ISSUER=https://u:hush@l.example":                                                                                                 {"WEIR_OIDC_ACME_ISSUER", "without a user"},
		public + acme + "WEIR_OIDC_ACME_ISSUER=http://l.example":                                                                                                         {"WEIR_OIDC_ACME_ISSUER", "https://"},
		public + acme + "WEIR_OIDC_ACME_ISSUER=https://l.example\nWEIR_OIDC_ACME_SCOPES=email":                                                                           {"WEIR_OIDC_ACME_SCOPES", "openid"},
		acme + "WEIR_OIDC_ACME_ISSUER=https://l.example":                                                                                                                 {"WEIR_PUBLIC_URL: is needed with WEIR_OIDC_PROVIDERS"},
		public + "WEIR_OIDC_PROVIDERS=a,b\nWEIR_OIDC_A_CLIENT_ID=x\nWEIR_OIDC_A_ISSUER=https://l.example\nWEIR_OIDC_B_CLIENT_ID=x\nWEIR_OIDC_B_ISSUER=https://l.example": {"WEIR_OIDC_B_ISSUER: is that of a too"},
		"WEIR_PUBLIC_URL=https://u:hush@tv.example":                                                                                                                      {"WEIR_PUBLIC_URL", "without a password"},
		"WEIR_PUBLIC_URL=https://tv.example/?hush":                                                                                                                       {"WEIR_PUBLIC_URL", "a query"},
		"WEIR_PUBLIC_URL=https://tv.example/#hush":                                                                                                                       {"WEIR_PUBLIC_URL", "a fragment"},
	} {
		_, err := loadConfig(strings.Split(given, "\n"), "")
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%s: %v lacks %q", given, err, w)
			}
		}
	}
}
