package restream

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/media"
	"weir/media/rtmp"
)

// A target gets what comes from the next key frame on, as it is, and a goodbye.
func TestTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{}
		r := start(t, "rtmp://example.org/app/a/", nil, x.serve)
		r.next = r.next[10:] // from the midst of a group of pictures
		synctest.Wait()
		written := r.play(5 * media.Second)
		synctest.Wait()
		s := r.push.Status()
		if s.State != Sending || s.Tries != 1 || s.Dropped != 0 || s.Error != "" || s.Note != "" || s.Bitrate < 500_000 {
			t.Errorf("%+v", s)
		}
		first := 0
		for !written[first].Key || written[first].Track.Kind != media.Video {
			first++
		}
		var wanted []*media.Packet
		bytesOf := uint64(0)
		for _, p := range written[first:] {
			bytesOf += uint64(len(p.Data))
			if p.Track.Kind == media.Video {
				wanted = append(wanted, p)
			}
		}
		pictures := x.of(rtmp.TypeVideo)
		if len(pictures) != len(wanted)+1 || s.Bytes != bytesOf || len(x.of(rtmp.TypeData)) != 1 {
			t.Fatalf("%d messages for %d frames; %d bytes of %d", len(pictures), len(wanted), s.Bytes, bytesOf)
		}
		ahead, decoded := int64(0), int64(-1) // of the first picture; of the one before
		for i, m := range pictures {
			tags, err := rtmp.AppendVideoTags(nil, m.Body)
			if err != nil || len(tags) != 1 {
				t.Fatalf("%v %v", tags, err)
			}
			if i == 0 {
				if tags[0].Packet != rtmp.SequenceStart || !bytes.Equal(tags[0].Body, wanted[0].Track.Config) {
					t.Errorf("it begins with %+v", tags[0])
				}
				continue
			}
			p := wanted[i-1]
			if i == 1 {
				ahead = int64(tags[0].CTS)
			}
			shown := int64(m.Timestamp) + int64(tags[0].CTS) - ahead
			if want := (p.PTS - wanted[0].PTS).Duration().Milliseconds(); !bytes.Equal(tags[0].Body, p.Data) || shown < want-1 || shown > want+1 || tags[0].Key != p.Key {
				t.Fatalf("frame %d: shown at %d, key %v; wanted at %d, %v", i, shown, tags[0].Key, want, p.Key)
			}
			if tags[0].CTS < 0 || int64(m.Timestamp) <= decoded {
				t.Fatalf("frame %d: decoded at %d, %d ms before it is shown, after one at %d", i, m.Timestamp, tags[0].CTS, decoded)
			}
			decoded = int64(m.Timestamp)
		}
		if sound := x.of(rtmp.TypeAudio); len(sound) < 180 {
			t.Errorf("%d messages of sound", len(sound))
		}
		r.end(len(written))
		if q := x.requests[0]; q.App != "app/a" || q.Key != secret || r.dialed[0] != "example.org:1935" || !errors.Is(x.ends[0], rtmp.ErrGoodbye) {
			t.Errorf("%q %v, %v", q.App, r.dialed, x.ends)
		}
	})
}

// The end of the stream is the end of the sending.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{}
		r := start(t, "rtmp://example.org/app", nil, x.serve)
		synctest.Wait()
		n := len(r.play(2 * media.Second))
		r.stream.Close()
		r.wait.Wait()
		if !errors.Is(x.ends[0], rtmp.ErrGoodbye) || len(x.of(rtmp.TypeVideo)) != 61 {
			t.Errorf("%v after %d frames", x.ends, len(x.of(rtmp.TypeVideo)))
		}
		r.end(n)
	})
}

// Whatever a target does, the stream goes on, and the target is tried again, more
// seldom each time.
func TestBadTargets(t *testing.T) {
	grant := func(c net.Conn) (*rtmp.ServerConn, error) {
		s := rtmp.NewServerConn(c, rtmp.Limits{})
		_, err := s.AcceptPublish()
		return s, err
	}
	for name, x := range map[string]struct {
		serve    func(c net.Conn)
		words    string // of the error
		min, max int    // connections in a minute
	}{
		"closes at once":   {func(net.Conn) {}, "", 5, 8},
		"closes when told": {func(c net.Conn) { _, _ = grant(c) }, "", 5, 8},
		"says no": {func(c net.Conn) {
			s, err := grant(c)
			if err == nil {
				_ = s.Refuse(rtmp.CodePublishBadName, "there is no key "+secret)
				s.Linger()
			}
		}, "there is no key KEY", 5, 8},
		"never answers": {func(c net.Conn) {
			buf := make([]byte, 4096)
			for {
				if _, err := c.Read(buf); err != nil {
					return
				}
			}
		}, "timeout", 3, 6},
		"speaks something else": {func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte("HTTP/1.1 400 Bad Request\r\n"), 200)) }, "", 5, 8},
		"never reads":           {nil, "timeout", 3, 6}, // serve is below: it ends with the bubble
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				serve := x.serve
				if serve == nil {
					serve = func(c net.Conn) {
						if s, err := grant(c); err == nil && s.Grant() == nil {
							<-over
						}
					}
				}
				r := start(t, "rtmp://example.org/app", nil, serve)
				n := len(r.play(59 * media.Second))
				s := r.push.Status()
				if tries := r.dials(); tries < x.min || tries > x.max || s.Tries < tries-1 || s.Tries > tries {
					t.Errorf("%d connections, %+v", tries, s)
				}
				if x.serve != nil && (s.State == Sending || s.Error == "" || !strings.Contains(s.Error, x.words)) || x.serve == nil && s.Bytes > 2<<20 {
					t.Errorf("%+v", s)
				}
				if warned := strings.Count(r.said(), "level=WARN"); warned != 1 {
					t.Errorf("%d warnings: %s", warned, r.said())
				}
				close(over)
				r.end(n)
			})
		})
	}
}

// slow is a connection that gives 80 kB/s.
type slow struct{ net.Conn }

func (s slow) Read(b []byte) (int, error) {
	time.Sleep(50 * time.Millisecond) // of the bubble's clock
	return s.Conn.Read(b[:min(len(b), 4096)])
}

// A target that is too slow stays connected, and goes on with key frames.
func TestSlowTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{}
		r := start(t, "rtmp://example.org/app", nil, func(c net.Conn) { x.serve(slow{c}) })
		synctest.Wait()
		written := r.play(59 * media.Second)
		if s := r.push.Status(); s.State != Sending || s.Tries != 1 || s.Dropped < 500 {
			t.Errorf("%+v", s)
		}
		frames := map[uint32]int{} // by time in ms
		var keys []bool
		for _, p := range written {
			if p.Track.Kind == media.Video {
				frames[uint32(p.DTS.Duration().Milliseconds())] = len(keys)
				keys = append(keys, p.Key)
			}
		}
		last, gaps := -1, 0
		for _, m := range x.of(rtmp.TypeVideo)[1:] {
			n, known := frames[m.Timestamp+uint32(written[0].DTS.Duration().Milliseconds())]
			if !known || n <= last || n != last+1 && !keys[n] {
				t.Fatalf("frame %d (%v) after %d", n, known, last)
			}
			if n != last+1 {
				gaps++
			}
			last = n
		}
		if gaps == 0 {
			t.Error("there are no gaps")
		}
		r.end(len(written))
	})
}

// A target that comes back gets the stream again.
func TestTargetComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, calls := &target{}, 0
		r := start(t, "rtmp://example.org/app", nil, func(c net.Conn) {
			if calls++; calls > 2 {
				x.serve(c)
			}
		})
		n := len(r.play(10 * media.Second))
		if s := r.push.Status(); s.State != Sending || s.Tries != 3 || s.Error != "" || s.Bytes == 0 {
			t.Errorf("%+v", s)
		}
		r.end(n)
	})
}

// A target that takes nothing cannot hold up the end.
func TestEndOfTarpit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		r := start(t, "rtmp://example.org/app", nil, func(c net.Conn) {
			s := rtmp.NewServerConn(c, rtmp.Limits{})
			if _, err := s.AcceptPublish(); err == nil && s.Grant() == nil {
				<-over
			}
		})
		synctest.Wait()
		n := len(r.play(3 * media.Second))
		began := time.Now()
		r.stop()
		synctest.Wait()
		for r.push.Status().State != Ended {
			time.Sleep(time.Millisecond)
		}
		if d := time.Since(began); d > goodbyeWithin+10*time.Millisecond {
			t.Errorf("it took %v of the bubble's clock", d)
		}
		close(over)
		r.end(n)
	})
}

// The certificate of an RTMPS target must hold for its name.
func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	server := &tls.Config{Certificates: web.TLS.Certificates}
	roots := web.Client().Transport.(*http.Transport).TLSClientConfig
	for url, good := range map[string]bool{"rtmps://example.com/app": true, "rtmps://example.org/app": false} {
		synctest.Test(t, func(t *testing.T) {
			x := &target{}
			r := start(t, url, nil, func(c net.Conn) {
				s := tls.Server(c, server)
				if s.HandshakeContext(context.Background()) == nil {
					x.serve(s)
				}
			}, func(c *Config) { c.TLS = roots })
			synctest.Wait()
			n := len(r.play(2 * media.Second))
			synctest.Wait()
			s := r.push.Status()
			if good != (s.State == Sending && s.Bytes > 0) || good != (len(x.of(rtmp.TypeVideo)) > 0) || !strings.HasSuffix(r.dialed[0], ":443") {
				t.Errorf("%s: %+v", url, s)
			}
			if !good && !strings.Contains(s.Error, "certificate") {
				t.Errorf("%s: %+v", url, s)
			}
			r.end(n)
		})
	}
}

// What RTMP targets do not take is told, not sent.
func TestCodecs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{}
		r := start(t, "rtmp://example.org/app", []*media.Track{{Kind: media.Video, Codec: media.H265}}, x.serve)
		synctest.Wait()
		if s := r.push.Status(); s.State != Refused || !strings.Contains(s.Error, "publish that") || r.dials() != 0 {
			t.Errorf("%+v", s)
		}
		r.end(0)
	})
	synctest.Test(t, func(t *testing.T) {
		x := &target{}
		r := start(t, "rtmp://example.org/app", nil, x.serve)
		synctest.Wait()
		opus := &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}
		n := len(r.play(media.Second))
		r.stream.Write(&media.Packet{Track: opus, DTS: media.Second, PTS: media.Second, Key: true, Data: []byte{1}})
		n += 1 + len(r.play(media.Second))
		synctest.Wait()
		if s := r.push.Status(); s.State != Sending || !strings.Contains(s.Note, "left out") || len(x.of(rtmp.TypeVideo)) < 60 {
			t.Errorf("%+v", s)
		}
		r.end(n)
	})
}

func TestCheck(t *testing.T) {
	for url, good := range map[string]bool{
		"rtmp://example.org/app": true, "rtmps://example.org:8443/a/b/": true, "rtmp://[2001:db8::1]/live": true,
		"": false, "http://example.org/app": false, "rtmp://example.org": false, "rtmp://example.org/": false, "rtmp:///app": false,
		"rtmp://a:b@example.org/app": false, "rtmp://example.org/app?key=x": false, "rtmp://example.org/app#x": false, "rtmp://exa mple/app": false,
	} {
		if err := (Target{URL: url}).Check(); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Errors say what failed, not where names lead.
func TestClean(t *testing.T) {
	p := New(Config{Target: Target{Key: secret}})
	inside := &net.OpError{Op: "write", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 1935}, Err: errors.New("broken pipe")}
	for got, wanted := range map[string]string{
		p.clean(errors.Join(inside)):                  "write: broken pipe",
		p.clean(errors.New("no " + secret)):           "no KEY",
		p.clean(errors.New(strings.Repeat("ä", 400))): strings.Repeat("ä", 150),
	} {
		if got != wanted {
			t.Errorf("%q, want %q", got, wanted)
		}
	}
}
