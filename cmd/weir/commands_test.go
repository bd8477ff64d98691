package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/ingest"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/certificate/certificatetest"
	"weir/services/live"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp lets these two end by themselves, some seconds after its server
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.Cleanup(func(code int) {
			discardBuilt()
			os.Exit(code)
		}))
}

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// weir runs a command in the working folder of the test.
func weir(ctx context.Context, environ []string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := dispatch(ctx, process{args: args, environ: environ, stdout: &stdout, stderr: &stderr})
	return result{code, stdout.String(), stderr.String()}
}

func TestExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	inUse := "WEIR_ADMIN_ADDR=" + taken.Addr().String()
	tests := map[string]struct {
		environ []string
		args    []string
		code    int
		says    string // part of stdout for 0, of the one line on stderr else
	}{
		"nothing":           {nil, nil, 2, "weir all"},
		"help":              {nil, []string{"help"}, 0, "weir all [--demo]"},
		"help of a command": {nil, []string{"all", "--help"}, 0, "-demo"},
		"unknown command":   {nil, []string{"al"}, 2, `"all"`},
		"far-off command":   {nil, []string{"foo"}, 2, "`weir help` lists them"},
		"help for all":      {nil, []string{"help", "all"}, 0, "weir all [--demo]"},
		"help for doctor":   {nil, []string{"help", "doctor"}, 0, "check ports"},
		"help for nothing":  {nil, []string{"help", "foo"}, 2, "no command"},
		"help of key":       {nil, []string{"key", "--help"}, 0, "create NAME"},
		"help for key":      {nil, []string{"help", "key"}, 0, "create NAME"},
		"help of user":      {nil, []string{"user", "--help"}, 0, "  reset-totp NAME\n"},
		"help with verbs":   {nil, []string{"help"}, 0, "  create [--admin] NAME MAIL\n"},
		"user without verb": {nil, []string{"user"}, 2, "reset-totp NAME"},
		"user of no role":   {nil, []string{"user", "role", "anna"}, 2, "NAME and one of user|moderator|admin"},
		"help of a verb":    {nil, []string{"key", "create", "-h"}, 0, "create NAME"},
		"unknown flag":      {nil, []string{"all", "--dem"}, 2, "-dem"},
		"stray argument":    {nil, []string{"version", "x"}, 2, "no arguments"},
		"version":           {nil, []string{"version"}, 0, "weir "},
		"config":            {[]string{"WEIR_S3_SECRET_KEY=hush"}, []string{"config"}, 0, "WEIR_S3_SECRET_KEY     ****"},
		"wrong setting":     {[]string{"WEIR_DVR=x"}, []string{"config"}, 1, "WEIR_DVR"},
		"no role":           {nil, []string{"run"}, 2, "roles"},
		"unknown role":      {nil, []string{"run", "media,x"}, 2, "gateway"},
		"later role":        {nil, []string{"run", "chat"}, 2, "does not exist in this version"},
		"port in use":       {[]string{inUse}, []string{"all"}, 1, "is in use"},
		"key without verb":  {nil, []string{"key"}, 2, "create NAME"},
		"key of no name":    {nil, []string{"key", "create"}, 2, "one NAME"},
		"key of bad name":   {nil, []string{"key", "create", "../x"}, 2, "a-z"},
		"no such key":       {nil, []string{"key", "revoke", "0000"}, 1, "weir key list"},
		"migrate":           {nil, []string{"migrate"}, 0, "is up to date"},
		"demo of bad name":  {nil, []string{"demo", "--name", "A"}, 2, "a-z"},
		"demo without RTMP": {[]string{"WEIR_RTMP_ADDR="}, []string{"demo"}, 1, "WEIR_RTMP_ADDR"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := weir(context.Background(), tc.environ, tc.args...)
			where := r.stderr
			if tc.code == 0 {
				where = r.stdout
			}
			if r.code != tc.code || !strings.Contains(where, tc.says) {
				t.Errorf("%d, stdout %q, stderr %q; want %d and %q", r.code, r.stdout, r.stderr, tc.code, tc.says)
			}
			if tc.args != nil && tc.args[len(tc.args)-1] == "--help" && strings.Count(r.stdout, "weir "+tc.args[0]+" ") > 1 {
				t.Errorf("said twice: %q", r.stdout)
			}
			if tc.code != 0 && strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("not one line: %q", r.stderr)
			}
			if strings.Contains(r.stdout+r.stderr, "hush") {
				t.Error("a secret is shown")
			}
		})
	}
}

// quiet are settings with which any number of weirs run beside each other.
func quiet(more ...string) []string {
	return append([]string{"WEIR_HTTP_ADDR=127.0.0.1:0", "WEIR_ADMIN_ADDR=127.0.0.1:0", "WEIR_RTMP_ADDR=127.0.0.1:0", "WEIR_SRT_ADDR=127.0.0.1:0", "WEIR_RTSP_ADDR=127.0.0.1:0", "WEIR_RTSP_UDP_ADDR=127.0.0.1:0", "WEIR_WEBRTC_ADDR=127.0.0.1:0", "WEIR_LOG_FORMAT=json"}, more...)
}

// startAll starts `weir all` in the working folder, waits for its banner and returns
// that; stop ends it and returns what else it left.
func startAll(t *testing.T, environ []string, args ...string) (banner string, stop func() result) {
	t.Helper()
	return startCommand(t, environ, append([]string{"all"}, args...)...)
}

// startCommand is startAll for any command that prints the banner.
func startCommand(t *testing.T, environ []string, args ...string) (banner string, stop func() result) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- dispatch(ctx, process{args: args, environ: environ, stdout: w, stderr: &stderr})
		w.Close()
	}()
	var said strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(said.String(), "  Data ") || !strings.HasSuffix(said.String(), "\n\n") {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatalf("it ended before the banner: %s", stderr.String())
		}
		said.Write(buf[:n])
	}
	var once *result
	stop = func() result {
		if once == nil {
			cancel()
			rest, _ := io.ReadAll(r)
			once = &result{<-code, string(rest), stderr.String()}
		}
		return *once
	}
	t.Cleanup(func() { stop() })
	return said.String(), stop
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func find(t *testing.T, pattern, in string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(in)
	if m == nil {
		t.Fatalf("no %s in\n%s", pattern, in)
	}
	return m[1]
}

func TestAll(t *testing.T) {
	t.Chdir(t.TempDir())
	banner, stop := startAll(t, quiet())
	web := find(t, `Watch\s+(http://\S+)/\n`, banner)
	operate := find(t, `Operate\s+(http://\S+)/metrics`, banner)
	key := find(t, `stream key: ([A-Za-z0-9_-]{32}) `, banner)
	if !strings.Contains(banner, "/live/"+key) || !strings.Contains(banner, web+"/watch/main") {
		t.Errorf("no ready-made publish and watch addresses in\n%s", banner)
	}
	for url, want := range map[string]string{
		operate + "/": "/debug/pprof/", web + "/api/v1/server": `"publish":"key","rtmp_port":` + find(t, `Publish\s+rtmp://\S+:(\d+)/live`, banner) + `,"rtmps_port":0,"srt_port":` + find(t, `srt://\S+:(\d+)\?`, banner) + `,"rtsp_port":` + find(t, `rtsp://\S+:(\d+)/live/KEY`, banner) + `}`,
		web + "/readyz": "ok", web + "/healthz": "ok", operate + "/readyz": "ok", operate + "/healthz": "ok",
		web + "/api/v1/streams": `{"streams":[]}`, operate + "/metrics": "weir_gateway_requests_total", operate + "/debug/pprof/": "goroutine",
	} {
		if status, body := get(t, url); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100q", url, status, body)
		}
	}
	if status, body := get(t, operate+"/metrics"); status != 200 || strings.Contains(body, key) {
		t.Errorf("metrics: %d", status)
	}
	beside := weir(context.Background(), quiet(), "all")
	if beside.code != 1 || !strings.Contains(beside.stderr, "another weir runs on ./data") {
		t.Errorf("a second weir on the same folder: %+v", beside)
	}
	r := stop()
	if r.code != 0 || strings.Contains(r.stderr, key) {
		t.Errorf("stopped with %d, log %s", r.code, r.stderr)
	}
	for line := range strings.Lines(r.stderr) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a line of JSON: %s", line)
		}
	}
	if again, _ := startAll(t, quiet()); strings.Contains(again, "shown only this once") || !strings.Contains(again, "weir key create NAME") {
		t.Errorf("second start:\n%s", again)
	}
}

// A certificate that is renewed in its files is used by all ports without a new start.
func TestRenewedCertificate(t *testing.T) {
	t.Chdir(t.TempDir())
	cert, key := certificatetest.Write(t, t.TempDir(), 1)
	banner, _ := startAll(t, quiet("WEIR_TLS_CERT="+cert, "WEIR_TLS_KEY="+key, "WEIR_RTMPS_ADDR=127.0.0.1:0"))
	ports := map[string]string{"web": find(t, `Watch\s+https://(\S+)/\n`, banner), "RTMPS": find(t, `rtmps://(\S+)/live`, banner)}
	serial := func(addr string) int64 {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	for name, addr := range ports {
		if got := serial(addr); got != 1 {
			t.Errorf("%s: serial %d", name, got)
		}
	}
	next, nextKey := certificatetest.Write(t, t.TempDir(), 2)
	if err := errors.Join(os.Rename(next, cert), os.Rename(nextKey, key)); err != nil {
		t.Fatal(err)
	}
	for name, addr := range ports {
		eventually(t, name+" has the new certificate", func() bool { return serial(addr) == 2 })
	}
}

func TestKeysWhileRunning(t *testing.T) {
	t.Chdir(t.TempDir())
	startAll(t, quiet())
	made := weir(context.Background(), nil, "key", "create", "studio")
	key := strings.TrimSpace(made.stdout)
	if made.code != 0 || !regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`).MatchString(key) {
		t.Fatalf("%+v", made)
	}
	list := weir(context.Background(), nil, "key", "list")
	id := find(t, `(?m)^([0-9a-f-]{36})  studio`, list.stdout)
	if strings.Contains(list.stdout, key) || !strings.Contains(list.stdout, "main") {
		t.Errorf("list: %s", list.stdout)
	}
	if r := weir(context.Background(), nil, "key", "revoke", id); r.code != 0 || !strings.Contains(r.stdout, "within a second") {
		t.Errorf("revoke: %+v", r)
	}
	if list := weir(context.Background(), nil, "key", "list"); strings.Contains(list.stdout, "studio") {
		t.Errorf("list after revoke: %s", list.stdout)
	}
}

func TestOpenIsLoud(t *testing.T) {
	t.Chdir(t.TempDir())
	banner, stop := startAll(t, quiet("WEIR_PUBLISH=open"))
	r := stop()
	if !strings.Contains(banner, "ANYONE") || !strings.Contains(r.stderr, "ANYONE") || strings.Contains(banner, `for "main"`) {
		t.Errorf("banner %s\nlog %s", banner, r.stderr)
	}
	if list := weir(context.Background(), nil, "key", "list"); strings.Contains(list.stdout, "main") {
		t.Error("a key was made")
	}
}

// A server that is configured and away stops the start, without its password.
func TestAbsentBackingStopsTheStart(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, setting := range []string{"WEIR_REDIS_URL=redis://:secret@127.0.0.1:1", "WEIR_DATABASE_URL=postgres://u:secret@127.0.0.1:1/x"} {
		name, _, _ := strings.Cut(setting, "=")
		r := weir(t.Context(), quiet(setting), "all")
		if r.code != 1 || !strings.Contains(r.stderr, "weir: "+name+": ") || strings.Contains(r.stderr, "secret") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestSomeRoles(t *testing.T) {
	for list, want := range map[string]string{"gateway": "gateway", "gateway,media": "media gateway", "live,media,gateway": "live media gateway"} {
		picked, err := pickRoles(list)
		var names []string
		for _, r := range picked {
			names = append(names, r.name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", list, got, err, want)
		}
	}
}

// A role that cannot open leaves nothing of those before it behind.
func TestFailedOpenCloses(t *testing.T) {
	t.Chdir(t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := weir(context.Background(), quiet("WEIR_HTTP_ADDR="+taken.Addr().String()), "all")
	if r.code != 1 || !strings.Contains(r.stderr, "WEIR_HTTP_ADDR="+taken.Addr().String()+" is in use") {
		t.Fatalf("%+v", r)
	}
	if list := weir(context.Background(), nil, "key", "list"); strings.Contains(list.stdout, "main") {
		t.Error("the first key was made, and shown to nobody")
	}
	startAll(t, quiet()) // the data folder is free again
}

func TestDoctor(t *testing.T) {
	t.Chdir(t.TempDir())
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := dead.Addr().String()
	dead.Close()
	r := weir(context.Background(), quiet("WEIR_DATABASE_URL=postgres://u:pw@"+addr+"/x", "WEIR_TLS_CERT=no.pem", "WEIR_TLS_KEY=no.pem"), "doctor")
	for _, want := range []string{"ok   WEIR_DATA_DIR=./data", "ok   WEIR_HTTP_ADDR=127.0.0.1:0", "GiB free", "BAD  WEIR_DATABASE_URL: does not answer", "BAD  WEIR_TLS_CERT", "ok   WEIR_RTSP_ADDR=127.0.0.1:0"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if r.code != 1 || strings.Contains(r.stdout, "pw") {
		t.Errorf("%d\n%s", r.code, r.stdout)
	}
}

// Doctor signs in at servers, as far as they let it.
func TestDoctorAsks(t *testing.T) {
	t.Chdir(t.TempDir())
	answer := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, tc := range map[string]struct {
		setting, want string
	}{
		"bucket":         {"WEIR_S3_ENDPOINT=" + answer(200), "ok   WEIR_S3_ENDPOINT: answers\n"},
		"no bucket":      {"WEIR_S3_ENDPOINT=" + answer(404), "ok   WEIR_S3_ENDPOINT: answers; the bucket is made at the start"},
		"keys":           {"WEIR_S3_ENDPOINT=" + answer(403), "BAD  WEIR_S3_ENDPOINT: does not answer as it should: bucket weir at 127.0.0.1"},
		"broker":         {"WEIR_AMQP_URL=amqp://u:hush@" + closed.Addr().String(), "BAD  WEIR_AMQP_URL: does not answer"},
		"user":           {"WEIR_USER_URL=" + answer(200), "ok   WEIR_USER_URL: answers"},
		"user not up":    {"WEIR_USER_URL=" + answer(503), "BAD  WEIR_USER_URL: does not answer as it should: http"},
		"nodes apart":    {"WEIR_NODE_URL=http://10.0.0.8:8080", "ok   recordings: each node keeps its recordings in files of its own"},
		"live is no URL": {"WEIR_LIVE_URL=10.0.0.8:8082", "BAD  WEIR_LIVE_URL: want a URL that begins with http://"},
	} {
		r := weir(context.Background(), quiet(tc.setting, "WEIR_S3_BUCKET=weir", "WEIR_S3_ACCESS_KEY=a", "WEIR_S3_SECRET_KEY=hush"), "doctor")
		if !strings.Contains(r.stdout, tc.want) || strings.Contains(r.stdout, "hush") {
			t.Errorf("%s: no %q in\n%s", name, tc.want, r.stdout)
		}
	}
}

// Beside a running weir its folder and ports are fine; what is malformed is named,
// and the rest is looked at.
func TestDoctorBesideWeir(t *testing.T) {
	t.Chdir(t.TempDir())
	banner, _ := startAll(t, quiet())
	mine := "127.0.0.1:" + find(t, `Publish\s+rtmp://\S+:(\d+)/live`, banner)
	r := weir(context.Background(), quiet("WEIR_RTMP_ADDR="+mine), "doctor")
	for _, want := range []string{"ok   WEIR_DATA_DIR=./data: in use by the weir", "ok   WEIR_RTMP_ADDR=" + mine + ": in use by the weir"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	r = weir(context.Background(), quiet("WEIR_RTMP_ADDR="+addr, "WEIR_DVR=x", "WEIR_DATA_DIR=other"), "doctor")
	for _, want := range []string{"BAD  WEIR_DVR=x: want a duration", "BAD  WEIR_RTMP_ADDR=" + addr + " is in use", "ok   WEIR_DATA_DIR=other"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if r.code != 1 {
		t.Errorf("exit code %d", r.code)
	}
}

func TestSeveralWrongSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	r := weir(context.Background(), []string{"WEIR_DVR=x", "WEIR_PUBLISH=opne"}, "all")
	if r.code != 1 || !strings.HasPrefix(r.stderr, "weir: 2 settings are wrong\n  WEIR_DVR=x: ") || strings.Count(r.stderr, "\n") != 3 {
		t.Errorf("%d\n%s", r.code, r.stderr)
	}
}

func TestBannerSaysHowToPublish(t *testing.T) {
	for name, tt := range map[string]struct {
		b    banner
		want []string
	}{
		"open":      {banner{web: "http://h", rtmp: "rtmp://h/live", open: true}, []string{"ANYONE", "-f flv rtmp://h/live/NAME\n", "then watch http://h/watch/NAME"}},
		"both":      {banner{rtmp: "rtmp://h/live", rtmps: "rtmps://h:1936/live", program: "bin/weir"}, []string{"Publish   rtmp://h/live\n", "rtmps://h:1936/live   (RTMP over TLS)", "`bin/weir key create NAME`"}},
		"RTMPS":     {banner{rtmps: "rtmps://h:1936/live", firstKey: "k"}, []string{"Publish   rtmps://h:1936/live   (RTMP over TLS)\n", "-f flv rtmps://h:1936/live/k\n"}},
		"SRT":       {banner{srt: "h:8890", firstKey: "k"}, []string{"Publish   srt://h:8890?streamid=publish:KEY\n", "-f mpegts 'srt://h:8890?streamid=publish:k'\n"}},
		"RTSP":      {banner{rtsp: "rtsp://h:8554/live", firstKey: "k"}, []string{"Publish   rtsp://h:8554/live/KEY\n", "-f rtsp -rtsp_transport tcp rtsp://h:8554/live/k\n"}},
		"no intake": {banner{web: "http://h"}, []string{"Watch     http://h/"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printBanner(&out, tt.b)
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// A publisher hears what is wrong with a name.
func TestGateExplainsNames(t *testing.T) {
	d := dbtest.Open(t, db.Config{Path: filepath.Join(t.TempDir(), "weir.db")})
	events, err := outbox.Set()
	if err == nil {
		err = d.Migrate(t.Context(), events, live.Migrations())
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := live.Open(live.Config{DB: d})
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&control{live: s, open: true}).Publish(t.Context(), ingest.Request{Key: "Bad Name"})
	if !errors.Is(err, ingest.ErrDenied) || err.Error() != live.ErrName.Error() {
		t.Errorf("%v", err)
	}
}

func TestLogHasReadableDurations(t *testing.T) {
	var out bytes.Buffer
	newLogger(LogConfig{Format: "json"}, &out).Info("x", "after", 14*time.Millisecond)
	if !strings.Contains(out.String(), `"after":"14ms"`) {
		t.Error(out.String())
	}
}

func TestForPeople(t *testing.T) {
	for addr, want := range map[string]string{
		":1935": "localhost", "0.0.0.0:1935": "localhost", "[::]:1940": "localhost:1940", "192.0.2.1:1935": "192.0.2.1",
		"[2001:db8::1]:1935": "[2001:db8::1]", "[2001:db8::1]:80": "[2001:db8::1]:80", "host:8080": "host:8080",
	} {
		if got := forPeople(addr, "1935"); got != want {
			t.Errorf("forPeople(%q) = %q, want %q", addr, got, want)
		}
	}
	for address, want := range map[string]string{
		"": "", "https://tv.example.org/": "tv.example.org", "http://tv.example.org:8080": "tv.example.org", "http://[2001:db8::1]:8080": "[2001:db8::1]",
	} {
		n := &node{cfg: &Settings{}}
		if n.cfg.HTTP.PublicURL = address; n.tellOfItself().Host != want {
			t.Errorf("the host of %q is %q, want %q", address, n.tellOfItself().Host, want)
		}
	}
	for addr, want := range map[string]string{":1935": "127.0.0.1:1935", "[::]:5": "127.0.0.1:5", "192.0.2.1:5": "192.0.2.1:5"} {
		if got := dialable(addr); got != want {
			t.Errorf("dialable(%q) = %q, want %q", addr, got, want)
		}
	}
}
