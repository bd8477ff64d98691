package archive_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"weir/media"
	"weir/packager/archive"
)

// segments makes a list from MSNs, in a world where five mini segments of 0.2 s come
// first and one of 2 s after another then.
func segments(from, to uint64, without ...uint64) (list archive.Segments) {
	for msn := from; msn < to; msn++ {
		s := archive.Segment{MSN: msn, Start: media.Time(msn) * media.Second / 5, Duration: media.Second / 5, Size: 1000 + int64(msn)}
		if s.Flags = archive.Mini; msn == 0 || msn >= 5 {
			s.Flags |= archive.Independent
		}
		if msn >= 5 {
			s.Start, s.Duration, s.Flags = media.Second+media.Time(msn-5)*2*media.Second, 2*media.Second, archive.Independent
		}
		skip := false
		for _, w := range without {
			skip = skip || w == msn
		}
		if !skip {
			list = append(list, s)
		}
	}
	return list
}

func index(pictures, sound archive.Segments) *archive.Index {
	return &archive.Index{Target: 2, Complete: true, Renditions: []archive.Rendition{
		{Name: "source", Kind: media.Video, Inits: make([]archive.Init, 1), Segments: pictures},
		{Name: "audio", Kind: media.Audio, Inits: make([]archive.Init, 1), Segments: sound},
	}}
}

func text(runs []archive.Run) (out string) {
	for _, r := range runs {
		out += fmt.Sprintf("%d-%d@%.1f+%.1f", r.First, r.Last, r.Start.Seconds(), r.Duration.Seconds())
		if r.Discontinuity {
			out += "d"
		}
		if !r.Independent {
			out += "!"
		}
		out += " "
	}
	return out
}

func TestRuns(t *testing.T) {
	cut := segments(0, 9)
	cut[7].Flags |= archive.Discontinuity
	late := segments(0, 9)
	for i := 7; i < 9; i++ {
		late[i].Start += media.Second
	}
	tests := map[string]struct {
		x    *archive.Index
		want string
	}{
		"whole":               {index(segments(0, 8), segments(0, 8)), "0-4@0.0+1.0 5-5@1.0+2.0 6-6@3.0+2.0 7-7@5.0+2.0 "},
		"nothing":             {index(nil, nil), ""},
		"sound ends earlier":  {index(segments(0, 7), segments(0, 6)), "0-4@0.0+1.0 5-5@1.0+2.0 6-6@3.0+2.0 "},
		"gap in the pictures": {index(segments(0, 8, 6), segments(0, 8)), "0-4@0.0+1.0 5-5@1.0+2.0 6-6@3.0+2.0 7-7@5.0+2.0 "},
		"lost in all":         {index(segments(0, 8, 5, 6), segments(0, 8, 5, 6)), "0-4@0.0+1.0 7-7@5.0+2.0d "},
		"discontinuity":       {index(cut, cut), "0-4@0.0+1.0 5-5@1.0+2.0 6-6@3.0+2.0 7-7@5.0+2.0d 8-8@7.0+2.0 "},
		"media is missing":    {index(late, late), "0-4@0.0+1.0 5-5@1.0+2.0 6-6@3.0+2.0 7-7@6.0+2.0d 8-8@8.0+2.0 "},
		"the first is lost":   {index(segments(2, 7), segments(2, 7)), "2-4@0.4+0.6! 5-5@1.0+2.0 6-6@3.0+2.0 "},
	}
	for name, tc := range tests {
		if got := text(tc.x.Runs()); got != tc.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, tc.want)
		}
	}
}

// TestRunsGrow holds that what was once offered of a recording under way stays.
func TestRunsGrow(t *testing.T) {
	var before []archive.Run
	for n := range uint64(30) {
		x := index(segments(0, n), segments(0, n-min(n, 1)))
		x.Complete = false
		runs := x.Runs()
		if len(runs) < len(before) || len(before) > 0 && !reflect.DeepEqual(runs[:len(before)], before) {
			t.Fatalf("after %d segments\n%s, before\n%s", n, text(runs), text(before))
		}
		before = runs
	}
	if len(before) < 20 {
		t.Errorf("only %d runs", len(before))
	}
}

func TestRunOfRendition(t *testing.T) {
	x := index(segments(0, 8, 3, 6), nil)
	r := &x.Renditions[0]
	for _, tc := range []struct {
		first, last uint64
		want        int
	}{{0, 4, 3}, {5, 5, 1}, {6, 6, 0}, {7, 7, 1}, {8, 8, 0}, {0, 2, 3}, {0, 1 << 62, 3}, {3, 4, 0}} {
		if got := len(r.Run(archive.Run{First: tc.first, Last: tc.last})); got != tc.want {
			t.Errorf("%d-%d: %d segments, want %d", tc.first, tc.last, got, tc.want)
		}
	}
}

func TestSegmentsAsJSON(t *testing.T) {
	want := segments(0, 9, 4)
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got archive.Segments
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %v", err, got)
	}
	if err := json.Unmarshal([]byte(`{"msn":[1,2],"start":[1]}`), &got); err == nil {
		t.Error("columns of different lengths are taken")
	}
}
