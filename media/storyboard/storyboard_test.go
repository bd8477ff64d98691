//go:build cgo

package storyboard_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"weir/media"
	"weir/media/av"
	"weir/media/storyboard"
	"weir/media/testcard"
)

// keys are key frames of a test picture.
func keys(t *testing.T, n int) (list []*media.Packet) {
	t.Helper()
	c, err := testcard.OpenCamera(testcard.CameraConfig{Width: 256, Height: 144, FrameRate: media.Rational{Num: 25, Den: 1}, Bitrate: 150_000, Key: func(int64) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for len(list) < n {
		packets, err := c.Shoot()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if p.Kind() == media.Video && p.Key {
				list = append(list, p)
			}
		}
	}
	return list[:n]
}

func TestBoard(t *testing.T) {
	before := av.Live()
	some := keys(t, 3)
	for _, n := range []int{0, 1, 100, 101} {
		var sheets [][]byte
		b := &storyboard.Board{
			Sheet: func(i int, jpeg []byte) error {
				if i != len(sheets) {
					t.Errorf("sheet %d after %d", i, len(sheets))
				}
				sheets = append(sheets, jpeg)
				return nil
			},
			File: func(i int) string { return fmt.Sprintf("sheet%d.jpg", i) },
		}
		for i := range n {
			if err := b.Add(time.Duration(i)*10*time.Second, some[i%3], nil); err != nil {
				t.Fatal(err)
			}
		}
		broken := *some[0]
		broken.Data = bytes.Repeat([]byte{0, 0, 0, 2, 0x65, 0xff}, 10)
		if err := b.Add(time.Hour, &broken, nil); !errors.Is(err, av.ErrCorrupt) {
			t.Errorf("a broken picture: %v", err)
		}
		text, err := b.Finish(time.Duration(n) * 10 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if len(sheets) != (n+99)/100 || strings.Count(string(text), " --> ") != n {
			t.Errorf("%d pictures: %d sheets\n%s", n, len(sheets), text)
		}
		for i, sheet := range sheets {
			img, err := jpeg.Decode(bytes.NewReader(sheet))
			if err != nil || img.Bounds().Dx() != 1600 || img.Bounds().Dy() != 900 {
				t.Fatalf("%v %v", err, img)
			}
			last := min(n-100*i, 100) - 1
			if r, g, bl, _ := img.At(last%10*160+80, last/10*90+45).RGBA(); r+g+bl == 0 {
				t.Errorf("picture %d of sheet %d is black", last, i)
			}
			if r, g, bl, _ := img.At(1590, 890).RGBA(); last < 99 && (r > 0x1000 || g > 0x1000 || bl > 0x1000) {
				t.Errorf("sheet %d is not black where nothing is", i)
			}
		}
		if n == 101 && (!strings.HasPrefix(string(text), "WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nsheet0.jpg#xywh=0,0,160,90\n\n00:00:10.000 --> ") || !strings.HasSuffix(string(text), "\n00:16:40.000 --> 00:16:50.000\nsheet1.jpg#xywh=0,0,160,90\n")) {
			t.Errorf("%s", text)
		}
	}
	if after := av.Live(); after != before {
		t.Errorf("left: %+v, before %+v", after, before)
	}
}
