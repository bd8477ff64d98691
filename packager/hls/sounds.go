package hls

import (
	"slices"
	"strconv"
	"strings"

	"github.com/grafov/m3u8"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"weir/media"
)

// Sound is a rendition of one that viewers may hear.
type Sound struct {
	Rendition string // as media.SoundName or media.OriginalSound has it
	URI       string
	Codecs    string
	Bandwidth int    // peak bit/s
	Average   int    // 0 when unknown
	Label     string // what its publisher calls it; "": not told
	Language  string // BCP 47; "": not told
}

// hearing is a group of sounds, all that there are in one coding each, and what it takes to
// hear any of them.
type hearing struct {
	group  string
	sounds []Sound
	most   Sound
}

// Hear gives the variants, which are all there by then, their sounds, the one first that is
// heard where nobody chooses. Without a picture the first one is the only variant. Where there
// are originals, one variant more, the last, has all as it was sent: the publisher's own
// picture, and its sounds.
func (m *Multivariant) Hear(sounds []Sound) {
	var made, sent []Sound
	for _, s := range sounds {
		if _, original := media.SoundOf(s.Rendition); !original {
			made = append(made, s)
		}
	}
	if len(made) == 0 {
		return
	}
	for _, s := range made { // rfc8216bis 4.4.6.1.1: the same members in all groups
		at := slices.IndexFunc(sounds, func(o Sound) bool { return isOriginal(o, s) })
		if at >= 0 {
			s.URI, s.Codecs, s.Bandwidth, s.Average = sounds[at].URI, sounds[at].Codecs, sounds[at].Bandwidth, sounds[at].Average
		}
		sent = append(sent, s)
	}
	m.hear = hearing{audioGroup, made, most(made)}
	if len(made) < len(sounds) {
		m.asSent = hearing{originalGroup, sent, most(sent)}
		// hls.js begins with the coding of what needs the least, be that by 1 bit/s
		least, more := m.hear.most, &m.asSent.most
		more.Bandwidth, more.Average = max(more.Bandwidth, least.Bandwidth), max(more.Average, least.Average)
	}
	m.alone = len(m.Variants) == 0
	if m.alone {
		m.Variants = []Variant{{URI: made[0].URI}}
	}
	for i := range m.Variants {
		m.Variants[i] = m.Variants[i].with(m.hear.most)
	}
}

// isOriginal tells whether o is what the publisher sent where s was made of that.
func isOriginal(o, s Sound) bool {
	n, original := media.SoundOf(o.Rendition)
	i, _ := media.SoundOf(s.Rendition)
	return original && n == i
}

// most is the most that can be heard of some sounds, in all their codings
// (rfc8216bis 4.4.6.2).
func most(sounds []Sound) Sound {
	all := sounds[0]
	var codecs []string
	for _, s := range sounds {
		all.Bandwidth, all.Average = max(all.Bandwidth, s.Bandwidth), max(all.Average, s.Average)
		if !slices.Contains(codecs, s.Codecs) {
			codecs = append(codecs, s.Codecs)
		}
	}
	all.Codecs = strings.Join(codecs, ",")
	return all
}

// with is v and a sound.
func (v Variant) with(s Sound) Variant {
	v.Codecs = strings.TrimPrefix(v.Codecs+","+s.Codecs, ",")
	v.Bandwidth += s.Bandwidth
	v.Average += s.Average
	return v
}

// without undoes with.
func (v Variant) without(s Sound) Variant {
	v.Codecs = strings.TrimSuffix(strings.TrimSuffix(v.Codecs, s.Codecs), ",")
	v.Bandwidth -= s.Bandwidth
	v.Average -= s.Average
	return v
}

// sent is the variant with all as it was sent: the largest picture, or the one that is coded in
// another way than the others.
func (m *Multivariant) sent() Variant {
	if m.alone {
		return Variant{URI: m.asSent.sounds[0].URI}.with(m.asSent.most)
	}
	best := m.Variants[0]
	for _, v := range m.Variants[1:] {
		other := family(v.Codecs) != family(m.Variants[0].Codecs)
		if other || v.Height > best.Height && family(best.Codecs) == family(m.Variants[0].Codecs) {
			best = v
		}
	}
	return best.without(m.hear.most).with(m.asSent.most)
}

// alternatives are the lines of the sounds; nil where the variant has them.
func (m *Multivariant) alternatives(h hearing) (list []*m3u8.Alternative) {
	if m.alone && len(h.sounds) < 2 {
		return nil
	}
	names := map[int]string{0: "main"}
	if len(h.sounds) > 1 {
		names = Names(h.sounds)
	}
	for at, s := range h.sounds {
		i, _ := media.SoundOf(s.Rendition)
		list = append(list, &m3u8.Alternative{
			GroupId: h.group, Type: "AUDIO", Name: names[i], Default: at == 0, Autoselect: "YES", Language: s.Language, URI: s.URI,
		})
	}
	return list
}

// Names are what people choose among, by the numbers of the sounds: what the publisher calls a
// sound, else its language in that language, else its number. No two are the same. Originals
// are called like what was made of them.
func Names(sounds []Sound) map[int]string {
	names := make(map[int]string, len(sounds))
	taken := map[string]bool{}
	for _, s := range sounds {
		i, original := media.SoundOf(s.Rendition)
		if original {
			continue
		}
		name := quotable(s.Label)
		if name == "" {
			name = languageName(s.Language)
		}
		if name == "" {
			name = "Sound " + strconv.Itoa(i+1)
		}
		for n, one := 2, name; taken[name]; n++ {
			name = one + " (" + strconv.Itoa(n) + ")"
		}
		names[i], taken[name] = name, true
	}
	return names
}

// quotable is text that a quoted string may hold (rfc8216bis 4.2).
func quotable(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, text))
}

// languageName is what the speakers of a language call it; where that is not known its tag.
func languageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil || t == language.Und {
		return ""
	}
	if name := display.Self.Name(t); name != "" {
		return name
	}
	return t.String()
}
