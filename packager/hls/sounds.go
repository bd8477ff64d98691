package hls

import (
	"slices"
	"strconv"
	"strings"

	"github.com/grafov/m3u8"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Sound is one that viewers may hear.
type Sound struct {
	URI       string
	Codecs    string
	Bandwidth int    // peak bit/s
	Average   int    // 0 when unknown
	Label     string // what its publisher calls it; "": not told
	Language  string // BCP 47; "": not told
}

// Hear gives the variants, which are all there by then, their sounds, the one first that is
// heard where nobody chooses. Without a picture the first one is the only variant.
func (m *Multivariant) Hear(sounds []Sound) {
	if len(sounds) == 0 {
		return
	}
	all := sounds[0]
	var codecs []string
	for _, s := range sounds { // rfc8216bis 4.4.6.2: with the most that can be heard, and all codings
		all.Bandwidth, all.Average = max(all.Bandwidth, s.Bandwidth), max(all.Average, s.Average)
		if !slices.Contains(codecs, s.Codecs) {
			codecs = append(codecs, s.Codecs)
		}
	}
	all.Codecs = strings.Join(codecs, ",")
	for i := range m.Variants {
		v := &m.Variants[i]
		v.Codecs += "," + all.Codecs
		v.Bandwidth += all.Bandwidth
		v.Average += all.Average
	}
	if len(m.Variants) > 0 {
		m.sounds = sounds
		return
	}
	m.Variants = []Variant{{URI: all.URI, Bandwidth: all.Bandwidth, Average: all.Average, Codecs: all.Codecs}}
	if len(sounds) > 1 {
		m.sounds = sounds
	}
}

// alternatives are the lines of the sounds.
func (m *Multivariant) alternatives() (list []*m3u8.Alternative) {
	names := []string{"main"}
	if len(m.sounds) > 1 {
		names = Names(m.sounds)
	}
	for i, s := range m.sounds {
		list = append(list, &m3u8.Alternative{
			GroupId: audioGroup, Type: "AUDIO", Name: names[i], Default: i == 0, Autoselect: "YES", Language: s.Language, URI: s.URI,
		})
	}
	return list
}

// Names are what people choose among: what the publisher calls a sound, else its language in
// that language, else its number. No two are the same.
func Names(sounds []Sound) []string {
	names := make([]string, len(sounds))
	for i, s := range sounds {
		name := quotable(s.Label)
		if name == "" {
			name = languageName(s.Language)
		}
		if name == "" {
			name = "Sound " + strconv.Itoa(i+1)
		}
		for n, one := 2, name; slices.Contains(names[:i], name); n++ {
			name = one + " (" + strconv.Itoa(n) + ")"
		}
		names[i] = name
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
