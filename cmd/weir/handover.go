package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"weir/services/live"
	"weir/services/live/place"
)

// Fates of a stream that ends here.
const (
	stays  = iota // it is over
	handed        // another node goes on with it where this one stops
	taken         // another node has it already
)

// handOver ends the publishing of a name here, so that another node can go on with the
// session: what that needs is written before the name is free.
func (m *mediaRole) handOver(name string, reason error) { m.part(name, handed, reason) }

func (m *mediaRole) part(name string, fate int32, reason error) {
	p := m.pipelines.get(name)
	if p == nil {
		m.end(name, reason)
		return
	}
	if p.fate.CompareAndSwap(stays, fate) {
		p.pack.Leave()
		m.control.parted(name)
	}
	m.end(name, reason)
}

// parted says that what becomes of a name is no longer told by the end of its session.
func (c *control) parted(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.names[name]; d != nil {
		d.parted = true
	}
}

// miss has viewers wait for a stream that is handed over.
func (p *pipelines) miss(pl *pipeline) {
	if t := p.control.place; t != nil && pl.fate.Load() == handed {
		t.Miss(p.placed(pl))
	}
}

// leave is finish for a stream that another node has, or is to have.
func (p *pipelines) leave(pl *pipeline) {
	c, name := p.control, pl.stream.Name
	stats := pl.totals()
	if pl.fate.Load() == taken {
		c.finish(pl.session, stats) // the row is not this node's any more, or ends
		c.checkpoints.lose(name)
		return
	}
	if err := c.checkpoints.hand(context.WithoutCancel(p.ctx), pl); err != nil {
		p.log.Warn("another node cannot go on where this stream stops here", "stream", name, "err", err)
	}
	c.checkpoints.lose(name)
	c.live.HandOver(pl.session.live, stats)
	if c.place != nil {
		c.place.Release(name)
	}
	p.log.Info("stream handed over", "stream", name)
}

// placed is what other nodes are told of a stream.
func (p *pipelines) placed(pl *pipeline) place.Stream {
	s := place.Stream{Name: pl.stream.Name, Epoch: pl.stream.Epoch}
	if info := pl.session.live.Info(); info.Listed {
		s.Info, _ = json.Marshal(describe(pl, info)) // of plain fields: it does not fail
	}
	return s
}

// awaitReturns makes viewers wait for streams that were on the air when their process
// ended, a moment ago.
func (m *mediaRole) awaitReturns(ctx context.Context, table *place.Table) {
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	all := m.control.checkpoints
	names, err := all.store.list(ctx)
	for _, name := range names {
		x, wrong := all.read(ctx, name)
		if wrong != nil {
			err = errors.Join(err, wrong)
			continue
		}
		if x == nil {
			all.end(name)
			continue
		}
		s := place.Stream{Name: name}
		if x.Listed {
			s.Info = json.RawMessage(`{}`)
		}
		table.Miss(s)
	}
	if err != nil {
		m.log.Warn("viewers of streams that were on the air a moment ago do not wait for them", "err", err)
	}
}

// totals are the figures of a stream so far.
func (p *pipeline) totals() live.Stats { return totals(p.source, time.Duration(p.lag.Load())) }
