package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// banner is what a process says when it is up.
type banner struct {
	program  string // as it was typed
	took     time.Duration
	web      string // URL of the first page, without a slash at the end; empty without gateway
	rtmp     string // publish URL without the key; empty when RTMP is off
	rtmps    string // the same for RTMPS
	srt      string // host and port; empty when SRT is off
	rtsp     string // publish URL without the key; empty when RTSP is off
	firstKey string // the key made for "main" just now; shown this once
	password string // of the admin that was made just now; shown this once
	open     bool   // anyone may publish
	demo     bool
	users    string // URL of the user role for other processes; empty when it serves this one alone
	admin    string // URL; empty when off
	dataDir  string
}

// banner is what is true of a node.
func (n *node) banner(program, firstKey, password string, demo bool, took time.Duration) banner {
	b := banner{program: program, took: took, firstKey: firstKey, password: password, open: n.cfg.Ingest.Publish == "open", demo: demo, dataDir: n.cfg.Store.DataDir}
	if n.gateway != nil {
		b.web = n.webURL()
	}
	if n.media != nil && n.media.RTMPAddr() != "" {
		b.rtmp = "rtmp://" + forPeople(n.media.RTMPAddr(), "1935") + "/live"
	}
	if n.media != nil && n.media.RTMPSAddr() != "" {
		b.rtmps = "rtmps://" + forPeople(n.media.RTMPSAddr(), "443") + "/live"
	}
	if n.media != nil && n.media.SRTAddr() != "" {
		b.srt = forPeople(n.media.SRTAddr(), "")
	}
	if n.media != nil && n.media.RTSPAddr() != "" {
		b.rtsp = "rtsp://" + forPeople(n.media.RTSPAddr(), "554") + "/live"
	}
	if n.users != nil && n.cfg.Users.UserAddr != "" {
		b.users = "http://" + forPeople(n.users.port.listener.Addr().String(), "80")
	}
	if n.admin != nil {
		b.admin = "http://" + forPeople(n.admin.listener.Addr().String(), "80")
	}
	return b
}

func (n *node) webURL() string {
	switch {
	case n.cfg.HTTP.PublicURL != "":
		return strings.TrimSuffix(n.cfg.HTTP.PublicURL, "/")
	case n.gateway.TLS():
		return "https://" + forPeople(n.gateway.Addr().String(), "443")
	default:
		return "http://" + forPeople(n.gateway.Addr().String(), "80")
	}
}

// forPeople turns a listener's address into one to type in: "all interfaces"
// becomes localhost, and the usual port is left out.
func forPeople(addr, usual string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if everywhere(host) {
		host = "localhost"
	}
	if port == usual {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// printBanner writes to stdout, never to the log: it may hold a key.
func printBanner(w io.Writer, b banner) {
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", label, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "\nweir is up, after %.1f s\n\n", b.took.Seconds())
	if b.web != "" {
		row("Watch", "%s/", b.web)
		if b.demo {
			row("", "%s/watch/demo   the demo picture", b.web)
		}
	}
	if b.rtmp != "" || b.rtmps != "" || b.srt != "" || b.rtsp != "" {
		b.printPublish(row)
	}
	if b.password != "" {
		row("Account", "%s, password: %s   (an administrator; shown only this once)", adminName, b.password)
	}
	if b.users != "" {
		row("Users", "%s", b.users)
	}
	if b.admin != "" {
		row("Operate", "%s/metrics", b.admin)
	}
	row("Data", "%s", b.dataDir)
	fmt.Fprint(w, "\n")
}

func (b banner) printPublish(row func(label, format string, args ...any)) {
	label := "Publish"
	for _, address := range []struct{ is, format string }{
		{b.rtmp, "%s"}, {b.rtmps, "%s   (RTMP over TLS)"}, {b.srt, "srt://%s?streamid=publish:KEY"}, {b.rtsp, "%s/KEY"},
	} {
		if address.is != "" {
			row(label, address.format, address.is)
			label = ""
		}
	}
	switch {
	case b.open:
		row("", "stream key: any NAME. ANYONE may publish (WEIR_PUBLISH=open)")
		b.printExample(row, "NAME", "NAME")
	case b.firstKey != "":
		row("", "stream key: %s   (for \"main\"; shown only this once)", b.firstKey)
		b.printExample(row, b.firstKey, "main")
	default:
		row("", "with a stream key: `%s key create NAME` makes one", b.program)
	}
}

// printExample says how to publish with a key, and where its name is watched.
func (b banner) printExample(row func(label, format string, args ...any), key, name string) {
	var to string
	switch {
	case b.rtmp != "":
		to = "flv " + b.rtmp + "/" + key
	case b.rtmps != "":
		to = "flv " + b.rtmps + "/" + key
	case b.srt != "":
		to = "mpegts 'srt://" + b.srt + "?streamid=publish:" + key + "'"
	default:
		to = "rtsp -rtsp_transport tcp " + b.rtsp + "/" + key
	}
	row("", "ffmpeg -re -i FILE -c:v libx264 -g 60 -c:a aac -f %s", to)
	if b.web != "" {
		row("", "then watch %s/watch/%s", b.web, name)
	}
}
