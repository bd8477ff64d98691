package main

import (
	"context"
	"sync"
	"time"

	"weir/media"
)

// leave makes this node take no more publishers, if there is another one that does; it
// reports whether there is.
func (m *mediaRole) leave() bool {
	t := m.control.place
	if t == nil || t.Others() == 0 {
		return false
	}
	t.Leave()
	m.control.leaving.Store(true)
	return true
}

const drainLook = 20 * time.Millisecond

// drain hands all streams over, each at the beginning of its next segment, and asks their
// publishers to connect again. It returns when none is left, or after a time.
func (m *mediaRole) drain(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began, all := time.Now(), m.pipelines.list()
	m.log.Info("handing over", "streams", len(all), "within", within)
	var wait sync.WaitGroup
	for _, pl := range all {
		wait.Go(func() {
			pl.nextSegment(ctx)
			m.handOver(pl.stream.Name, m.moved(pl.stream.Name))
			select {
			case <-pl.done:
			case <-ctx.Done():
			}
		})
	}
	wait.Wait()
	m.log.Info("handed over", "took", time.Since(began).Round(time.Millisecond), "left", len(m.pipelines.list()))
}

// nextSegment waits for a segment to begin, no longer than half of the time that ctx has
// and not for a publisher that is not there.
func (p *pipeline) nextSegment(ctx context.Context) {
	first, _ := p.pack.State()
	longest := p.plan.Longest.Duration()
	if end, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	for at := first.End; ; {
		select {
		case <-ctx.Done():
			return
		case <-p.done:
			return
		case <-tick.C:
		}
		now, _ := p.pack.State()
		if now.Next > first.Next || now.End == at && time.Since(p.source.Epoch().Add(at.Duration())) > media.Second.Duration() {
			return
		}
		at = now.End
	}
}
