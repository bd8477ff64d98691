package origin

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"sync"
	"sync/atomic"

	"weir/packager/hls"
	"weir/packager/window"
)

// playlist keeps the newest renderings of one media playlist.
type playlist struct {
	track  *window.Track
	render hls.Media
	packer *packer
	full   atomic.Pointer[body]
	delta  atomic.Pointer[body]
	size   atomic.Int64 // of what was written anew in the newest rendering: a guess at the next
}

// body is one rendering, shared by all who ask for it.
type body struct {
	version uint64
	text    hls.Playlist
	packer  *packer

	join, pack    sync.Once
	whole, packed pieces
}

// get returns the playlist as it is now.
func (p *playlist) get(skip bool) *body {
	slot := &p.full
	if skip {
		slot = &p.delta
	}
	if b := slot.Load(); b != nil && b.version == p.track.Version() {
		return b
	}
	var b *body
	p.track.View(func(v *window.View) {
		if b = slot.Load(); b != nil && b.version == v.Version {
			return
		}
		b = &body{version: v.Version, packer: p.packer, text: p.render.Render(make([]byte, 0, p.size.Load()+512), v, skip)}
		slot.Store(b)
		p.size.Store(int64(len(b.text.Head) + len(b.text.Tail)))
	})
	return b
}

// plain is the text.
func (b *body) plain() pieces {
	b.join.Do(func() {
		b.text.Each(func(text []byte) { b.whole = append(b.whole, text) })
		b.whole = b.whole.joined()
	})
	return b.whole
}

// gzip is the text, packed: RFC 1952, in one member, as browsers read no more than the
// first.
func (b *body) gzip() pieces {
	b.pack.Do(func() { b.packed = b.packer.gzip(&b.text).joined() })
	return b.packed
}

// pieces are written one after the other.
type pieces [][]byte

func (p pieces) size() (n int) {
	for _, x := range p {
		n += len(x)
	}
	return n
}

// together is up to which size pieces are sent in one.
const together = 64 << 10

// joined is p in one piece unless it is large.
func (p pieces) joined() pieces {
	if n := p.size(); len(p) > 1 && n <= together {
		return pieces{bytes.Join(p, nil)}
	}
	return p
}

// packer packs pieces of text, each without regard to the others, so that those that
// do not change are packed once.
type packer struct {
	writers sync.Pool // of *flate.Writer
}

func (p *packer) gzip(text *hls.Playlist) pieces {
	head := append([]byte{0x1f, 0x8b, 8, 9: 255}, p.deflate(text.Head, false)...) // 2.3: deflate, no time, no system
	out := append(make(pieces, 0, len(text.Old)+2), head)
	for _, l := range text.Old {
		out = append(out, l.Packed(func(text []byte) []byte { return p.deflate(text, false) }))
	}
	sum := uint32(0)
	text.Each(func(piece []byte) { sum = crc32.Update(sum, crc32.IEEETable, piece) })
	last := binary.LittleEndian.AppendUint32(p.deflate(text.Tail, true), sum)
	return append(out, binary.LittleEndian.AppendUint32(last, uint32(text.Size()))) //nolint:gosec // modulo 2^32, says RFC 1952
}

// deflate packs one piece (RFC 1951). But for the last it ends with an empty stored
// block, and so on a whole byte.
func (p *packer) deflate(text []byte, last bool) []byte {
	var buf bytes.Buffer
	buf.Grow(len(text)/4 + 64)
	z, ok := p.writers.Get().(*flate.Writer)
	if ok {
		z.Reset(&buf)
	} else {
		z, _ = flate.NewWriter(&buf, flate.BestSpeed) // it fails for other levels only
	}
	_, _ = z.Write(text) // a buffer takes everything
	if last {
		_ = z.Close()
	} else {
		_ = z.Flush()
	}
	p.writers.Put(z)
	return buf.Bytes()
}
