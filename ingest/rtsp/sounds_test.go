package rtsp

import (
	"slices"
	"strconv"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"

	"weir/ingest/ingesttest"
	"weir/media"
)

const choirSDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" +
	"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
	"m=audio 0 RTP/AVP 97\r\ni=Stadium\x1b[1m\r\na=rtpmap:97 opus/48000/2\r\na=lang:en-GB\r\n" +
	"m=video 0 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\n" +
	"m=audio 0 RTP/AVP 99\r\na=rtpmap:99 SPEEX/16000\r\na=lang:es\r\n" +
	"m=audio 0 RTP/AVP 14\r\na=lang:deu\r\n" +
	"m=audio 0 RTP/AVP 0\r\na=lang:\"\r\n" +
	"m=audio 0 RTP/AVP 8\r\ni=Kommentar\r\n" +
	"m=audio 0 RTP/AVP 8\r\na=lang:it\r\n"

// TestAnnouncedSounds: the first picture and the first few sounds that can be taken, with
// what is said of each.
func TestAnnouncedSounds(t *testing.T) {
	parsed, err := sdpunmarshaler.Unmarshal([]byte(choirSDP))
	if err != nil {
		t.Fatal(err)
	}
	var d description.Session
	if err := d.Unmarshal2(parsed); err != nil {
		t.Fatal(err)
	}
	lanes, err := announced(d.Medias, []byte(choirSDP))
	if err != nil {
		t.Fatal(err)
	}
	var got [media.MaxSounds]string
	pictures := 0
	for _, l := range lanes {
		if l.codec.Kind() == media.Video {
			pictures++
			continue
		}
		got[l.number] = l.codec.String() + " " + l.told.Language + " " + l.told.Title
		if l.track != nil && (l.track.Language != l.told.Language || l.track.Label != l.told.Title) {
			t.Errorf("the track of sound %d: %+v", l.number, l.track)
		}
	}
	if want := [...]string{"opus en-GB Stadium[1m", "mp2 de ", "pcmu  ", "pcma  Kommentar"}; pictures != 1 || got != want {
		t.Errorf("%d pictures, %q, want %q", pictures, got, want)
	}
	if v, a := spare(d.Medias, lanes); v != 1 || a != 2 {
		t.Errorf("%d and %d are left out", v, a)
	}
}

// TestSounds: the ffmpeg program sends several, which come each as its own, together with
// the picture.
func TestSounds(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			r := ingesttest.New(t, patient)
			s, log := start(t, r, nil)
			args := append(inputs("3"), "-re", "-f", "lavfi", "-i", "sine=f=880:r=44100:d=3", "-re", "-f", "lavfi", "-i", "sine=f=660:r=48000:d=3")
			for i := range 4 {
				args = append(args, "-map", strconv.Itoa(i))
			}
			args = append(args, "-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-c:a:2", "libopus")
			if out, err := publish(t, transport, "rtsp://"+s.Addr().String()+"/live/key1", args...); err != nil {
				t.Fatalf("ffmpeg: %v\n%s\n%s", err, out, log)
			}
			first := media.StreamID("key1")
			streams := map[media.StreamID]*ingesttest.Stream{}
			for streams[first] == nil {
				x := r.Next(t)
				streams[x.ID()] = x
			}
			<-streams[first].Done()
			streams[first].Carries(t, 20, media.H264, media.AAC)
			picture := streams[first].Packets(media.Video)
			for i, want := range []struct {
				codec   media.Codec
				rate    int
				packets int
			}{{media.AAC, 48000, 100}, {media.AAC, 44100, 100}, {media.Opus, 48000, 120}} {
				list := streams[first.Sound(i)].Packets(media.Audio)
				if len(list) < want.packets {
					t.Fatalf("sound %d: %d packets", i, len(list))
				}
				if x := list[0].Track; x.Codec != want.codec || x.SampleRate != want.rate {
					t.Errorf("sound %d: %+v", i, x)
				}
				if ordered := slices.IsSortedFunc(list, func(a, b *media.Packet) int { return int(a.DTS - b.DTS) }); !ordered {
					t.Errorf("sound %d is out of order", i)
				}
				if d := list[0].PTS - picture[0].PTS; transport == "tcp" && (d < -media.Second/5 || d > media.Second/5) {
					t.Errorf("sound %d begins %v after the picture", i, d.Duration())
				}
			}
		})
	}
}
