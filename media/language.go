package media

import (
	"strings"

	"golang.org/x/text/language"
)

// maxLanguage bounds a language tag, in bytes (RFC 5646 4.4.1).
const maxLanguage = 35

// Language is what a publisher calls a language, by a tag of BCP 47 or a code of ISO 639, in
// the form that players get it, such as "en" or "pt-BR"; "": it is none, or of no language.
func Language(text string) string {
	if len(text) > maxLanguage {
		return ""
	}
	if len(text) == 3 {
		text = terminological(strings.ToLower(text))
	}
	tag, err := language.Parse(text)
	if err != nil {
		return ""
	}
	switch base, _, _ := tag.Raw(); base.String() {
	case "und", "mis", "mul", "zxx": // ISO 639-2: undetermined, uncoded, several, none
		return ""
	}
	return tag.String()
}

// terminological is the code of ISO 639-2/T for one of 639-2/B, where they differ.
func terminological(code string) string {
	const pairs = "alb sqi arm hye baq eus bur mya chi zho cze ces dut nld fre fra geo kat ger deu " +
		"gre ell ice isl mac mkd mao mri may msa per fas rum ron slo slk tib bod wel cym"
	if at := strings.Index(pairs, code); at >= 0 && at%8 == 0 {
		return pairs[at+4 : at+7]
	}
	return code
}
