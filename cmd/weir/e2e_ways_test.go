package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	srt "github.com/datarhei/gosrt"
)

// wayIn is a row of the matrix: a protocol, and somebody else's program that speaks it.
type wayIn struct {
	name    string // what it publishes as
	moves   bool   // its sound, a little, to where the publisher says later that it belongs
	opus    bool   // its sound
	publish func(t *testing.T, s *station, f flashes, name string) (end func() error)
}

// looked is how many seconds are looked at in each cell.
const looked = 2*flashRound - 1

// waysIn are the rows of the matrix.
func waysIn() []wayIn {
	return []wayIn{
		{"rtmp", false, false, publishRTMP},   // go-rtmp: H.264 and AAC
		{"rtmps", false, false, publishRTMPS}, // the ffmpeg program: H.264 and AAC
		{"e-rtmp", false, true, publishERTMP}, // gortmplib: HEVC and Opus
		{"srt", false, false, publishSRT},     // gosrt: H.264 with B-frames and AAC
		{"rtsp", true, false, publishRTSP},    // the ffmpeg program: H.264 with B-frames and AAC
		{"webrtc", true, true, publishWHIP},   // pion: H.264 and Opus
	}
}

// TestWays publishes one source by every protocol, watches it by every other, and
// measures how far apart picture and sound come out.
func TestWays(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	s := startStation(t, "WEIR_TLS_CERT="+cert, "WEIR_TLS_KEY="+key, "WEIR_RTMPS_ADDR=127.0.0.1:0", "WEIR_RECORD=all", "WEIR_RECONNECT=300ms")
	f := makeFlashes(t)
	var all sync.WaitGroup
	for _, w := range waysIn() {
		all.Go(func() {
			t.Run(w.name, func(t *testing.T) { runWay(t, s, f, w) })
		})
	}
	all.Wait()
	if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) || t.Failed() {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
}

// runWay fills the cells of one row.
func runWay(t *testing.T, s *station, f flashes, w wayIn) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	end := w.publish(t, s, f, w.name)
	v, err := s.view(ctx, w.name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(5)); err != nil {
		t.Fatal(err)
	}
	v.moves = w.moves
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	if sent := len(v.sent) > 0; sent != w.opus {
		t.Errorf("the sound is offered as it was sent: %v", sent)
	}
	dash := func(e ear) (onsets, error) {
		return watchDASH(ctx, s, e, t.TempDir(), "/live/"+w.name+"/manifest.mpd", looked)
	}
	cells := map[string]func() (onsets, error){
		"LL-HLS": func() (onsets, error) { return watchParts(ctx, v, t.TempDir(), looked) },
		"DASH":   func() (onsets, error) { return dash(ear{}) },
		"WHEP":   func() (onsets, error) { return watchByPion(ctx, t, s, w.name, looked) },
	}
	if w.opus {
		sent := *v
		sent.sound = v.sent[0]
		if err := sent.check(ctx); err != nil {
			t.Error(err)
		}
		cells["LL-HLS, Opus"] = func() (onsets, error) { return watchParts(ctx, &sent, t.TempDir(), looked) }
		cells["DASH, Opus"] = func() (onsets, error) { return dash(ear{sound: 1}) }
	}
	var live sync.WaitGroup
	for out, look := range cells {
		live.Go(func() { t.Run(out, func(t *testing.T) { cell(t, look) }) })
	}
	live.Wait()
	if err := end(); err != nil {
		t.Errorf("the publisher: %v", err)
	}
	id := s.recordingOf(t, w.name)
	t.Run("recording", func(t *testing.T) {
		cell(t, func() (onsets, error) { return watchByFFmpeg(looked, s.web+"/vod/"+id+"/index.m3u8") })
	})
	if w.opus {
		t.Run("recording, Opus", func(t *testing.T) {
			at := s.web + "/vod/" + id
			cell(t, func() (onsets, error) {
				return watchByFFmpeg(looked, at+"/source/index.m3u8", at+"/original-audio/index.m3u8")
			})
		})
	}
}

func cell(t *testing.T, look func() (onsets, error)) {
	o, err := look()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
	apart, pairs := o.worst()
	t.Logf("the sound is %.0f ms behind the picture, of %d", 1000*apart, pairs)
}

// recordingOf waits for a stream's only recording to be complete, and gives its ID.
func (s *station) recordingOf(t *testing.T, name string) (id string) {
	t.Helper()
	eventually(t, "the end of the recording of "+name, func() bool {
		for _, x := range recordingIDs(t, s.dir) {
			var meta struct{ Name string }
			text, err := os.ReadFile(filepath.Join(s.dir, blobFolder, "recordings", x, "index.json+blob"))
			// Behind the object stands what the store knows of it.
			if err == nil && json.NewDecoder(bytes.NewReader(text)).Decode(&meta) == nil && meta.Name == name {
				id = x
			}
		}
		return id != ""
	})
	return id
}

// roll sends a tape by a client until end.
func roll(x *tape, send shot, hangUp func()) (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	sent := make(chan error, 1)
	go func() { sent <- repeat(ctx, x, send) }()
	return sync.OnceValue(func() error {
		cancel()
		defer hangUp()
		return <-sent
	})
}

func publishRTMP(t *testing.T, s *station, f flashes, name string) func() error {
	x := readTape(t, f.plain)
	send, hangUp := openGoRTMP(t, s, x, name)
	end := roll(x, send, hangUp)
	t.Cleanup(func() { _ = end() })
	return end
}

func publishERTMP(t *testing.T, s *station, f flashes, name string) func() error {
	x := readTape(t, f.hevc)
	send, hangUp := openGortmplib(t, s, x, name)
	end := roll(x, send, hangUp)
	t.Cleanup(func() { _ = end() })
	return end
}

func publishRTMPS(t *testing.T, s *station, f flashes, name string) func() error {
	return publishFFmpeg(t, f.plain, "-f", "flv", "rtmps://"+s.rtmps+"/live/"+name)
}

func publishRTSP(t *testing.T, s *station, f flashes, name string) func() error {
	return publishFFmpeg(t, f.boxed, "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+s.rtsp+"/live/"+name)
}

func publishFFmpeg(t *testing.T, file string, out ...string) func() error {
	p := startTool(t, "ffmpeg", append([]string{"-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", file, "-c", "copy"}, out...)...)
	return func() error {
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %s", p.output.String())
		default:
			p.signal(os.Interrupt)
			return nil
		}
	}
}

// publishSRT sends the stream as it is, at its constant bit rate.
func publishSRT(t *testing.T, s *station, f flashes, name string) func() error {
	data, err := os.ReadFile(f.reordered)
	if err != nil {
		t.Fatal(err)
	}
	cfg := srt.DefaultConfig()
	cfg.StreamId, cfg.PeerIdleTimeout = "publish:"+name, patience // its 2 s are little on a busy machine
	c, err := srt.Dial("srt", s.srt, cfg)
	if err != nil {
		t.Fatal(err)
	}
	stop, sent := make(chan struct{}), make(chan error, 1)
	go func() {
		start, tick := time.Now(), time.NewTimer(0)
		defer tick.Stop()
		for at := 0; ; {
			for piece := range slices.Chunk(data, 7*188) {
				tick.Reset(time.Until(start.Add(time.Duration(at) * 8 * time.Second / flashMux)))
				select {
				case <-stop:
					sent <- nil
					return
				case <-tick.C:
				}
				if _, err := c.Write(piece); err != nil {
					sent <- err
					return
				}
				at += len(piece)
			}
		}
	}()
	end := sync.OnceValue(func() error {
		close(stop)
		defer c.Close()
		return <-sent
	})
	t.Cleanup(func() { _ = end() })
	return end
}

// selfSigned writes a self-signed pair for 127.0.0.1.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(file, kind string, der []byte) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private)
}

// trusting lets the clients of tests take any certificate.
func trusting(tr *http.Transport) {
	tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}
