package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary writes down who stopped, in order.
type diary struct {
	mu    sync.Mutex
	names []string
}

func (d *diary) add(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = append(d.names, name)
}

type fake struct {
	name    string
	diary   *diary
	started chan<- string
	end     <-chan error // a value ends Run early
}

func (f *fake) Name() string { return f.name }

func (f *fake) Run(ctx context.Context) error {
	f.started <- f.name
	select {
	case <-ctx.Done():
		f.diary.add(f.name)
		return nil
	case err := <-f.end:
		return err
	}
}

func TestStagesStopInReverse(t *testing.T) {
	boom := errors.New("boom")
	names := []string{"keys", "media", "gateway"}
	tests := map[string]struct {
		ends    string // the service that returns early; empty: the context ends
		with    error
		wantErr error
	}{
		"asked to stop":       {},
		"first fails":         {"keys", boom, boom},
		"middle fails":        {"media", boom, boom},
		"last fails":          {"gateway", boom, boom},
		"returns without ask": {"media", nil, ErrEnded},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			d, started, end := &diary{}, make(chan string, len(names)), make(chan error, 1)
			var stages [][]Service
			var want []string
			for _, n := range names {
				f := &fake{name: n, diary: d, started: started}
				if n == tc.ends {
					f.end = end
				} else {
					want = append([]string{n}, want...)
				}
				stages = append(stages, []Service{f})
			}
			result := make(chan error, 1)
			go func() { result <- Stages(ctx, stages...) }()
			for range names {
				<-started
			}
			if tc.ends == "" {
				cancel()
			} else {
				end <- tc.with
			}
			err := <-result
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("error %v, want %v", err, tc.wantErr)
			}
			if tc.ends != "" && !strings.HasPrefix(err.Error(), tc.ends+": ") {
				t.Errorf("error %q does not name %s", err, tc.ends)
			}
			if !slices.Equal(d.names, want) {
				t.Errorf("stopped in order %v, want %v", d.names, want)
			}
		})
	}
}

// failing ends at once with its error, whether it was asked to or not.
type failing struct {
	name string
	err  error
}

func (f failing) Name() string              { return f.name }
func (f failing) Run(context.Context) error { return f.err }

func TestStagesJoinErrors(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	err := Stages(context.Background(), []Service{failing{"a", one}, failing{"b", two}})
	if !errors.Is(err, one) || !errors.Is(err, two) {
		t.Fatalf("error %v, want both", err)
	}
}

func TestStagesWithDoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d, started := &diary{}, make(chan string, 2)
	err := Stages(ctx,
		[]Service{&fake{name: "a", diary: d, started: started}},
		[]Service{&fake{name: "b", diary: d, started: started}})
	if err != nil || !slices.Equal(d.names, []string{"b", "a"}) {
		t.Fatalf("error %v, stopped %v", err, d.names)
	}
}
