package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"weir/services/backing/blob/s3blob"
	"weir/services/backing/bus/rabbitbus"
	"weir/services/backing/db"
	"weir/services/backing/redis"
	"weir/web"
)

// finding is the result of one check.
type finding struct {
	what   string
	err    error  // nil when it is usable; its text says what to do
	remark string // what is good to know when it is usable
}

// leastDisk is what a data folder should have free: an hour of one 5 Mbit/s stream.
const leastDisk = 2 << 30

// runDoctor is `weir doctor`. It fails when a check does.
func runDoctor(ctx context.Context, p process) error {
	if _, err := parseFlags(flags(p, "doctor"), p.args, 0, "no arguments"); err != nil {
		return err
	}
	cfg, wrong := readSettings(p.environ, envFileName)
	var findings []finding
	for _, err := range wrong {
		findings = append(findings, finding{err: err})
	}
	findings = append(findings, checkWeb())
	folder, held := checkFolder(cfg.Store.DataDir)
	findings = append(findings, folder...)
	findings = append(findings, checkPorts(ctx, cfg, held)...)
	findings = append(findings, checkTLS(cfg)...)
	findings = append(findings, checkBackings(ctx, cfg)...)
	findings = append(findings, askProviders(ctx, cfg)...)
	findings = append(findings, checkSeal(ctx, cfg)...)
	findings = append(findings, checkApart(ctx, cfg)...)
	bad := 0
	for _, f := range findings {
		if f.err != nil {
			bad++
		}
		fmt.Fprintln(p.stdout, f)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d checks failed; the lines that begin with BAD say what to do", bad, len(findings))
	}
	return nil
}

// String is a line of the report. An error that names its subject already is not
// put behind it once more.
func (f finding) String() string {
	switch {
	case f.err == nil && f.remark == "":
		return "ok   " + f.what
	case f.err == nil:
		return "ok   " + f.what + ": " + f.remark
	}
	text := oneLine(f.err.Error())
	if !strings.HasPrefix(text, f.what) {
		text = f.what + ": " + text
	}
	return "BAD  " + text
}

func checkWeb() finding {
	f := finding{what: "web app"}
	if !web.Built() {
		f.err = errors.New("this binary was built without it: build it with `make build`")
	}
	return f
}

// checkFolder looks at the data folder. held says that a weir runs on it.
func checkFolder(dir string) (findings []finding, held bool) {
	if dir == "" {
		return nil, false // it is named as wrong already
	}
	folder := finding{what: "WEIR_DATA_DIR=" + dir}
	data, err := openDataDir(dir)
	switch {
	case err == nil:
		data.close()
	case errors.Is(err, errHeld):
		held = true
		folder.remark = "in use by the weir that runs on it"
	default:
		folder.err = err
		return []finding{folder}, false
	}
	disk := finding{what: "disk space of " + dir}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		disk.err = err
	} else if free := int64(st.Bavail) * st.Bsize; free < leastDisk {
		disk.err = fmt.Errorf("only %.1f GiB free: make room, or set WEIR_DATA_DIR to a larger disk", float64(free)/(1<<30))
	} else {
		disk.remark = fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	}
	return []finding{folder, disk}, held
}

// checkPorts tries to listen. held says that a weir runs on the data folder: the
// ports that are in use are taken for its own.
func checkPorts(ctx context.Context, cfg *Settings, held bool) []finding {
	var out []finding
	for _, row := range cfg.table {
		addr, ok := row.value.Interface().(Address)
		if !ok || addr == "" || row.bad {
			continue
		}
		f := finding{what: row.name + "=" + string(addr)}
		err := tryListen(ctx, row.network, addr)
		switch {
		case err == nil:
		case held && errors.Is(err, syscall.EADDRINUSE):
			f.remark = "in use by the weir on this data folder"
		default:
			f.err = bindError(row.name, addr, err)
		}
		out = append(out, f)
	}
	return out
}

// tryListen binds a port and lets it go.
func tryListen(ctx context.Context, network string, addr Address) error {
	var lc net.ListenConfig
	var bound io.Closer
	var err error
	switch network {
	case "udp":
		bound, err = lc.ListenPacket(ctx, network, string(addr))
	case "both":
		if err := tryListen(ctx, "udp", addr); err != nil {
			return err
		}
		fallthrough
	default:
		bound, err = lc.Listen(ctx, "tcp", string(addr))
	}
	if err != nil {
		return err
	}
	return bound.Close()
}

func checkTLS(cfg *Settings) []finding {
	if cfg.HTTP.TLSCert == "" || cfg.HTTP.TLSKey == "" {
		return nil
	}
	f := finding{what: "WEIR_TLS_CERT and WEIR_TLS_KEY"}
	pair, err := tls.LoadX509KeyPair(cfg.HTTP.TLSCert, cfg.HTTP.TLSKey)
	switch {
	case err != nil:
		f.err = err
	case time.Now().After(pair.Leaf.NotAfter):
		f.err = fmt.Errorf("the certificate ended on %s: renew it", pair.Leaf.NotAfter.Format(time.DateOnly))
	default:
		f.remark = "good until " + pair.Leaf.NotAfter.Format(time.DateOnly)
	}
	return []finding{f}
}

// checkBackings asks the servers that are configured.
func checkBackings(ctx context.Context, cfg *Settings) []finding {
	var out []finding
	for _, u := range cfg.urls() {
		own := u.name == "WEIR_PUBLIC_URL" || u.name == "WEIR_NODE_URL" // nobody need answer there yet
		if u.value == "" || own || checkURL(u.value, u.schemes) != nil {
			continue
		}
		f := finding{what: u.name}
		var err error
		if f.remark, err = askBacking(ctx, cfg, u); err != nil {
			f.err = fmt.Errorf("does not answer as it should: %w", err)
		}
		out = append(out, f)
	}
	return out
}

// askWithin is how long a server may take to answer.
const askWithin = 10 * time.Second

// askBacking signs in where one has to, and changes nothing; the errors hold no password.
func askBacking(ctx context.Context, cfg *Settings, u urlSetting) (remark string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	switch u.name {
	case "WEIR_DATABASE_URL":
		d, err := db.Open(ctx, db.Config{URL: u.value})
		if err == nil {
			d.Close()
		}
		return "answers", err
	case "WEIR_REDIS_URL":
		r, err := redis.Open(ctx, redis.Config{URL: u.value, Log: slog.New(slog.DiscardHandler)}) // it says itself what is wrong
		if err != nil {
			return "", err
		}
		return "answers", errors.Join(r.Ping(ctx).Err(), r.Close())
	case "WEIR_AMQP_URL":
		return "answers", rabbitbus.Ask(ctx, u.value)
	case "WEIR_S3_ENDPOINT":
		there, err := s3blob.Ask(ctx, bucketOf(cfg.Store))
		if !there {
			return "answers; the bucket is made at the start", err
		}
		return "answers", err
	}
	return "answers", askService(ctx, u.value)
}

// askService asks a role in another process whether it is ready.
func askService(ctx context.Context, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/readyz", nil)
	if err != nil {
		return errors.New("not a URL")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/readyz answers %s: is that a weir, and is it ready?", base, res.Status)
	}
	return nil
}
