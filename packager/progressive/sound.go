package progressive

import "golang.org/x/text/language"

// alternates is the group of tracks of which a player takes one (ISO/IEC 14496-12 8.3.2.3).
const alternates = 1

// enabled is the flag of a track that is played where nobody chooses.
const enabled = 1

// Sound says what a track of sound is among several: the first one is heard where nobody
// chooses. tag is its language as BCP 47 has it, label what people call it; "": not told.
func (t *Track) Sound(first bool, tag, label string) {
	t.trak.Tkhd.AlternateGroup = alternates
	if !first {
		t.trak.Tkhd.Flags &^= enabled
	}
	if label != "" {
		t.trak.Mdia.Hdlr.Name = label
	}
	parsed, err := language.Parse(tag)
	if err != nil || parsed == language.Und {
		return
	}
	base, _ := parsed.Base()
	if iso := base.ISO3(); len(iso) == 3 {
		t.trak.Mdia.Mdhd.SetLanguage(iso)
	}
}
