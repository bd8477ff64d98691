package rtsp

import (
	"context"
	"crypto/md5" //nolint:gosec // as encoders do
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"weir/ingest"
	"weir/ingest/ingesttest"
)

// keeper lets in whose key is "sesame", or who proves to have it, as the channel of the path.
type keeper struct{ proofs chan ingest.Proof }

func (k keeper) Publish(_ context.Context, r ingest.Request) (ingest.Grant, error) {
	if r.Proof == nil {
		if r.Key != "sesame" {
			return ingest.Grant{}, ingest.ErrDenied
		}
		return ingest.Grant{Name: "plain"}, nil
	}
	k.proofs <- *r.Proof
	if r.Proof.Name == "revoked" {
		return ingest.Grant{}, ingest.Refusal{Words: "this stream key was revoked"}
	}
	if r.Proof.Response != hash(r.Proof.SHA256, hash(r.Proof.SHA256, r.Proof.User+":weir:sesame")+":"+r.Proof.Rest) {
		return ingest.Grant{}, ingest.ErrDenied
	}
	return ingest.Grant{Name: r.Proof.Name}, nil
}

func hash(sha bool, text string) string {
	if sha {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(text)) //nolint:gosec // as encoders do
	return hex.EncodeToString(sum[:])
}

func guarded(t *testing.T) (*ingesttest.Rig, *Server, *ingesttest.Log, keeper) {
	t.Helper()
	k := keeper{make(chan ingest.Proof, 16)}
	r := ingesttest.New(t, func(c *ingest.Config) {
		patient(c)
		c.Gate, c.Reconnect = k, -1
	})
	s, log := start(t, r, nil)
	return r, s, log, k
}

// TestDigestOfPrograms: the ffmpeg program proves its key by MD5, gortsplib by SHA-256, and
// neither sends it.
func TestDigestOfPrograms(t *testing.T) {
	r, s, log, k := guarded(t)
	at := s.Addr().String()
	x264 := []string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"}
	if out, err := publish(t, "tcp", "rtsp://anna:sesame@"+at+"/live/anna", x264...); err != nil {
		t.Errorf("ffmpeg: %v, %s", err, out)
	} else if p, stream := <-k.proofs, r.Next(t); p.SHA256 || p.User != "anna" || stream.ID() != "anna" {
		t.Errorf("ffmpeg showed %+v, published as %s", p, stream.ID())
	}
	if out, err := publish(t, "tcp", "rtsp://anna:wrong@"+at+"/live/anna", x264...); err == nil || !strings.Contains(out, "401") {
		t.Errorf("ffmpeg with a wrong key: %v, %s", err, out)
	} else {
		<-k.proofs
	}
	c := &gortsplib.Client{}
	picture := &description.Session{Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}}}}}
	if err := c.StartRecording("rtsp://weir:sesame@"+at+"/live/bert", picture); err != nil {
		t.Errorf("gortsplib: %v", err)
	} else if p := <-k.proofs; !p.SHA256 || p.User != "weir" || p.Name != "bert" {
		t.Errorf("gortsplib showed %+v", p)
	}
	c.Close()
	var bad liberrors.ErrClientBadStatusCode
	wrong := &gortsplib.Client{}
	if err := wrong.StartRecording("rtsp://weir:wrong@"+at+"/live/bert", picture); !errors.As(err, &bad) || bad.Code != 401 || !strings.Contains(bad.Message, "makes that digest") {
		t.Errorf("gortsplib with a wrong key: %v", err)
	}
	wrong.Close()
	if strings.Contains(log.String(), "sesame") {
		t.Error("the key is in the log")
	}
}

// TestDigestsAreOfOneRequest: a digest counts on the connection that was asked for it, for the
// address that it names, and only so many times.
func TestDigestsAreOfOneRequest(t *testing.T) {
	_, s, _, k := guarded(t)
	// asked is a connection that was asked for a digest.
	asked := func() (h *hand, nonce string) {
		h = dialHand(t, s)
		if status, _ := h.ask("ANNOUNCE", "anna", offer); !strings.Contains(status, "401") {
			t.Fatal(status)
		}
		_, rest, _ := strings.Cut(h.asks, `nonce="`)
		nonce, _, _ = strings.Cut(rest, `"`)
		if len(nonce) != 32 || strings.Contains(h.asks, "stale") || strings.Count(h.asks, "Digest ") != 2 || strings.Count(h.asks, "Basic ") != 1 {
			t.Fatalf("asks: %s", h.asks)
		}
		return h, nonce
	}
	digest := func(uri, nonce, realm string) string {
		answer := hash(false, hash(false, "anna:"+realm+":sesame")+":"+nonce+":"+hash(false, "ANNOUNCE:"+uri))
		return `Authorization: Digest username="anna", realm="` + realm + `", nonce="` + nonce + `", uri="` + uri + `", response="` + answer + `"`
	}
	_, others := asked()
	h, nonce := asked()
	uri := h.base + "anna"
	if nonce == others {
		t.Error("one nonce for two connections")
	}
	if status, _ := h.ask("ANNOUNCE", "anna", offer, digest(uri, others, "weir")); !strings.Contains(status, "401") || !strings.Contains(h.asks, `stale="true"`) || !strings.Contains(h.asks, nonce) {
		t.Errorf("the nonce of another connection: %s %s", status, h.asks)
	}
	if status, _ := h.ask("ANNOUNCE", "anna", offer, digest(uri, nonce, "weir")); !strings.Contains(status, "200") {
		t.Errorf("the third try, with its own nonce: %s", status)
	}
	if n := len(k.proofs); n != 1 {
		t.Errorf("the gate was asked %d times", n)
	}
	for name, header := range map[string]func(nonce string) string{
		"another address":      func(nonce string) string { return digest(h.base+"bert", nonce, "weir") },
		"another path":         func(nonce string) string { return digest("/live/bert", nonce, "weir") },
		"another host's realm": func(nonce string) string { return digest(uri, nonce, "camera") },
		"no response":          func(string) string { return `Authorization: Digest username="anna"` },
		"of no method":         func(string) string { return "Authorization: Bearer x" },
	} {
		h, nonce := asked()
		if status, _ := h.ask("ANNOUNCE", "anna", offer, header(nonce)); !strings.Contains(status, "401") || h.gone() != nil {
			t.Errorf("%s: %s", name, status)
		}
	}
	h, nonce = asked()
	if status, _ := h.ask("ANNOUNCE", "carl", offer, digest("/live/carl", nonce, "weir")); !strings.Contains(status, "200") {
		t.Errorf("the path alone: %s", status)
	}
	h, nonce = asked()
	if status, _ := h.ask("ANNOUNCE", "revoked", offer, digest(h.base+"revoked", nonce, "weir")); !strings.Contains(status, "403 this stream key was revoked") {
		t.Errorf("a revoked key: %s", status)
	}
	h, _ = asked()
	for range maxTries - 1 {
		h.ask("ANNOUNCE", "anna", offer, digest(uri, others, "weir"))
	}
	if status, _ := h.ask("ANNOUNCE", "anna", offer, digest(uri, others, "weir")); !strings.Contains(status, "401") || h.gone() != nil {
		t.Errorf("the fourth try: %s", status)
	}
}
