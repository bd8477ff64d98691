package hls

import "sync"

// Playlist is one rendering: Head, Old and Tail, in this order. Old is shared with other
// renderings, so that a long playlist costs little more than a short one.
type Playlist struct {
	Head, Tail []byte
	Old        []*Lines
}

// Size is that of the text in bytes.
func (p *Playlist) Size() int {
	n := len(p.Head) + len(p.Tail)
	for _, l := range p.Old {
		n += len(l.text)
	}
	return n
}

// Each calls f with all of the text, piece by piece.
func (p *Playlist) Each(f func(text []byte)) {
	f(p.Head)
	for _, l := range p.Old {
		f(l.text)
	}
	f(p.Tail)
}

// Lines are those of some old segments; they never change.
type Lines struct {
	text   []byte
	once   sync.Once
	packed []byte
}

// Packed is what pack makes of the text. It is asked once, whoever calls.
func (l *Lines) Packed(pack func(text []byte) []byte) []byte {
	l.once.Do(func() { l.packed = pack(l.text) })
	return l.packed
}

// lines keeps the text of old segments in blocks: what comes and goes at the ends leaves
// those between as they are.
type lines struct {
	blocks []*block
	first  uint64   // MSN of the first segment
	n      int      // segments
	list   []*Lines // as rendered last; nil: something changed
}

// perBlock is how many segments share a block: some 10 kB of text.
const perBlock = 128

// block is the text of some segments in a row. Text is only ever appended to, so that
// those who have a part of it may read on.
type block struct {
	text []byte
	ends []int // of each segment in text
	gone int   // how many segments, the first ones, are not listed any more
	now  *Lines
}

// from is where the text of the block's listed segment i begins.
func (b *block) from(i int) int {
	if i += b.gone; i > 0 {
		return b.ends[i-1]
	}
	return 0
}

// drop forgets the segments before one; where none is left it is the next.
func (l *lines) drop(first uint64) {
	for l.n > 0 && l.first < first {
		b := l.blocks[0]
		b.gone++
		b.now, l.list = nil, nil
		if b.gone == len(b.ends) {
			l.blocks = l.blocks[1:]
		}
		l.first++
		l.n--
	}
	if l.n == 0 {
		l.first, l.blocks, l.list = first, nil, nil
	}
}

// room is the block that the next segment is appended to; added says that it was.
func (l *lines) room() *block {
	if n := len(l.blocks); n > 0 && len(l.blocks[n-1].ends) < perBlock {
		return l.blocks[n-1]
	}
	b := &block{}
	l.blocks = append(l.blocks, b)
	return b
}

func (l *lines) added(b *block) {
	b.ends = append(b.ends, len(b.text))
	b.now, l.list = nil, nil
	l.n++
}

// listed is all that is kept.
func (l *lines) listed() []*Lines {
	if l.list == nil && l.n > 0 {
		l.list = make([]*Lines, len(l.blocks))
		for i, b := range l.blocks {
			if b.now == nil {
				b.now = &Lines{text: b.text[b.from(0):len(b.text):len(b.text)]}
			}
			l.list[i] = b.now
		}
	}
	return l.list
}

// appendFrom adds the text of the segments from number n on.
func (l *lines) appendFrom(dst []byte, n int) []byte {
	for _, b := range l.blocks {
		here := len(b.ends) - b.gone
		if n < here {
			dst = append(dst, b.text[b.from(n):]...)
		}
		n = max(0, n-here)
	}
	return dst
}
