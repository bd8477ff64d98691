package whep

import (
	"testing"
	"time"

	"weir/media"
)

func TestSteer(t *testing.T) {
	options := []option{{id: "x", rate: 5_000_000}, {id: "x/720p", rate: 2_800_000}, {id: "x/480p", rate: 1_400_000}}
	start := time.Unix(1000, 0)
	type step struct {
		at        time.Duration
		estimate  int
		want      media.StreamID
		congested bool
	}
	for name, steps := range map[string][]step{
		"begins with what fits":       {{0, 3_000_000, "x/720p", false}},
		"begins with the least":       {{0, 1_000, "x/480p", false}},
		"a short lack changes naught": {{0, 6_000_000, "x", false}, {time.Second, 1_000_000, "x", false}, {2 * time.Second, 6_000_000, "x", false}, {3 * time.Second, 1_000_000, "x", false}},
		"a long one does":             {{0, 6_000_000, "x", false}, {time.Second, 1_500_000, "x", false}, {3 * time.Second, 1_500_000, "x/480p", false}},
		"up is a trial": {
			{0, 1_500_000, "x/480p", false}, {time.Second, 2_000_000, "x/480p", false}, {7 * time.Second, 2_000_000, "x/720p", false},
			{8 * time.Second, 1_500_000, "x/720p", true}, {10 * time.Second, 1_500_000, "x/480p", false}, // it failed
			{11 * time.Second, 2_000_000, "x/480p", false}, {17 * time.Second, 2_000_000, "x/480p", false}, {22 * time.Second, 2_000_000, "x/720p", false},
		},
		"a trial is believed until something is late": {
			{0, 1_500_000, "x/480p", false}, {time.Second, 1_500_000, "x/480p", false}, {7 * time.Second, 1_500_000, "x/720p", false}, {30 * time.Second, 1_600_000, "x/720p", false},
			{31 * time.Second, 1_700_000, "x/720p", true}, {34 * time.Second, 1_700_000, "x/480p", false},
		},
		"the estimate has followed": {
			{0, 1_500_000, "x/480p", false}, {time.Second, 1_500_000, "x/480p", false}, {7 * time.Second, 1_500_000, "x/720p", false}, {9 * time.Second, 2_900_000, "x/720p", false},
			{10 * time.Second, 1_600_000, "x/720p", false}, {12 * time.Second, 1_600_000, "x/480p", false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s steer
			var current media.StreamID
			for _, x := range steps {
				current = options[s.pick(options, current, link{x.estimate, x.congested}, start.Add(x.at))].id
				if current != x.want {
					t.Fatalf("after %v with %d bit/s: %s, want %s", x.at, x.estimate, current, x.want)
				}
			}
		})
	}
	if at := (&steer{}).pick(nil, "", link{rate: 1}, start); at != -1 {
		t.Errorf("without options: %d", at)
	}
}
