package srt

import (
	"encoding/binary"
	"slices"
	"sort"
)

const (
	minNAK   = 20_000  // 4.8.2: least time between two reports of a loss, microseconds
	maxWords = 340     // of a report: what a datagram holds
	forgets  = 500_000 // after this time the tolerance shrinks
	maxDrops = 16      // that a sender may make in a tick
)

// loss is a packet that is missing.
type loss struct {
	seq   uint32
	since int64 // when a later one came
	asked int64 // when it was asked for last; 0: not yet
}

// losses are the missing packets of a buffer, in order, and those that came since the
// last report. What is late because networks put packets in another order is not asked
// for: it is waited as long as such packets were late lately.
type losses struct {
	list      []loss
	tolerance int64
	shrunk    int64 // when tolerance last did
	drops     int   // since a report was due
}

// skipped notes that from one number to before another nothing came.
func (l *losses) skipped(from, to uint32, now int64) {
	for ; from != to; from = next(from) {
		l.list = append(l.list, loss{seq: from, since: now})
	}
}

// came notes a packet that was missing. most bounds the tolerance.
func (l *losses) came(seq uint32, again bool, now, most int64) {
	if again {
		return
	}
	i := l.find(seq)
	if i == len(l.list) || l.list[i].seq != seq {
		return
	}
	if late := now - l.list[i].since; late >= l.tolerance {
		l.tolerance, l.shrunk = min(late+late/4, max(most, 0)), now
	}
}

// drop forgets what the sender will not send again, from first to last. More than a few of
// a tick are not listened to, since all behind have to move; it is asked in vain then.
func (l *losses) drop(first, last uint32) {
	i, j := l.find(first), l.find(next(last))
	if i >= j || l.drops == maxDrops {
		return
	}
	l.drops++
	l.list = slices.Delete(l.list, i, j)
}

// find tells where a number is in the list, or would be.
func (l *losses) find(seq uint32) int {
	return sort.Search(len(l.list), func(i int) bool { return after(l.list[i].seq, seq) >= 0 })
}

// report appends the loss list (3.2.5, appendix A) of what has to be asked for now, and
// tells how many of it are for the first time. every is when it is asked again.
func (l *losses) report(out []byte, b *buffer, now, every int64) (list []byte, lost int) {
	if now-l.shrunk > forgets {
		l.tolerance, l.shrunk = l.tolerance-l.tolerance/16, now
	}
	kept, full := l.list[:0], len(out)+4*maxWords
	var r ranges
	for _, m := range l.list {
		if after(m.seq, b.due) < 0 || b.has(m.seq) {
			continue
		}
		first := m.asked == 0
		if wait := now - m.asked; len(out) < full && (first && now-m.since >= l.tolerance || !first && wait >= every) {
			if first {
				lost++
			}
			m.asked = now
			out = r.add(out, m.seq)
		}
		kept = append(kept, m)
	}
	l.list = kept
	return r.close(out), lost
}

// ranges writes numbers, several in a row as their first and last.
type ranges struct {
	open        bool
	first, last uint32
}

func (r *ranges) add(out []byte, seq uint32) []byte {
	if r.open && seq == next(r.last) {
		r.last = seq
		return out
	}
	out = r.close(out)
	r.open, r.first, r.last = true, seq, seq
	return out
}

func (r *ranges) close(out []byte) []byte {
	if !r.open {
		return out
	}
	if r.first == r.last {
		return binary.BigEndian.AppendUint32(out, r.first)
	}
	out = binary.BigEndian.AppendUint32(out, r.first|1<<31)
	return binary.BigEndian.AppendUint32(out, r.last)
}
