package testcard

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestCardCarriesTheClock(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 34, 56, 789e6, time.UTC)
	for _, size := range [][2]int{{1280, 720}, {1920, 1080}, {854, 480}, {720, 1280}, {64, 64}} {
		c, err := New(size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		pix := make([]byte, c.Size())
		for step := range 50 {
			at := now.Add(time.Duration(step) * 333 * time.Millisecond)
			c.Draw(pix, time.Duration(step)*333*time.Millisecond, at)
			got, err := ReadClock(pix, size[0], size[0], size[1])
			if err != nil || got != uint32(at.UnixMilli()) {
				t.Fatalf("%v: %d, %v, want %d", size, got, err, uint32(at.UnixMilli()))
			}
		}
	}
}

func TestCardMovesAndRepeats(t *testing.T) {
	c, err := New(640, 360)
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMilli(1)
	a, b, again := make([]byte, c.Size()), make([]byte, c.Size()), make([]byte, c.Size())
	c.Draw(a, 0, now)
	c.Draw(b, 40*time.Millisecond, now)
	c.Draw(again, 0, now)
	if string(a) == string(b) {
		t.Error("40 ms later nothing has moved")
	}
	if string(a) != string(again) {
		t.Error("the same arguments give another picture")
	}
	for _, v := range a[:640*360] {
		if v < 16 || v > 235 {
			t.Fatalf("luma %d is out of range", v)
		}
	}
}

func TestCardSizes(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {63, 64}, {62, 64}, {4098, 720}, {1280, 721}} {
		if _, err := New(size[0], size[1]); !errors.Is(err, ErrSize) {
			t.Errorf("%v: %v", size, err)
		}
	}
}

func TestReadClockRefuses(t *testing.T) {
	if _, err := ReadClock(make([]byte, 640*360), 640, 640, 360); !errors.Is(err, ErrClock) {
		t.Errorf("a black picture: %v", err)
	}
	if _, err := ReadClock(nil, 640, 640, 360); !errors.Is(err, ErrClock) {
		t.Errorf("no picture: %v", err)
	}
}

func TestToneIsTheSameInPieces(t *testing.T) {
	whole, other := make([]float32, 2*toneRate), make([]float32, 2*toneRate)
	Tone(whole, other, 0)
	loud := func(from, to int) (peak float64) {
		for _, v := range whole[from:to] {
			peak = max(peak, math.Abs(float64(v)))
		}
		return peak
	}
	if loud(0, beepLength) < 0.2 || loud(beepLength, toneRate) > 0.05 || loud(toneRate, toneRate+beepLength) < 0.2 {
		t.Error("no beep at the start of a second, or one elsewhere")
	}
	piece, p2 := make([]float32, 1000), make([]float32, 1000)
	Tone(piece, p2, 47500)
	for i, v := range piece {
		if v != whole[47500+i] {
			t.Fatalf("sample %d differs", i)
		}
	}
}

func BenchmarkDraw720p(b *testing.B) {
	c, err := New(1280, 720)
	if err != nil {
		b.Fatal(err)
	}
	pix, n := make([]byte, c.Size()), 0
	for b.Loop() {
		n++
		c.Draw(pix, time.Duration(n)*33*time.Millisecond, time.UnixMilli(int64(n)))
	}
}
