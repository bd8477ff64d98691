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
		at       time.Duration
		estimate int
		want     media.StreamID
	}
	for name, steps := range map[string][]step{
		"begins with what fits":       {{0, 3_000_000, "x/720p"}},
		"begins with the least":       {{0, 1_000, "x/480p"}},
		"a short lack changes naught": {{0, 6_000_000, "x"}, {time.Second, 1_000_000, "x"}, {2 * time.Second, 6_000_000, "x"}, {3 * time.Second, 1_000_000, "x"}},
		"a long one does":             {{0, 6_000_000, "x"}, {time.Second, 1_500_000, "x"}, {3 * time.Second, 1_500_000, "x/480p"}},
		"up is a trial": {
			{0, 1_500_000, "x/480p"}, {time.Second, 2_000_000, "x/480p"}, {7 * time.Second, 2_000_000, "x/720p"},
			{8 * time.Second, 1_500_000, "x/720p"}, {10 * time.Second, 1_500_000, "x/480p"}, // it failed
			{11 * time.Second, 2_000_000, "x/480p"}, {17 * time.Second, 2_000_000, "x/480p"}, {22 * time.Second, 2_000_000, "x/720p"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s steer
			var current media.StreamID
			for _, x := range steps {
				current = options[s.pick(options, current, x.estimate, start.Add(x.at))].id
				if current != x.want {
					t.Fatalf("after %v with %d bit/s: %s, want %s", x.at, x.estimate, current, x.want)
				}
			}
		})
	}
	if at := (&steer{}).pick(nil, "", 1, start); at != -1 {
		t.Errorf("without options: %d", at)
	}
}
