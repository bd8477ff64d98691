package user

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of a username, in characters.
const (
	UsernameMin = 3
	UsernameMax = 32
)

// lookalikes are letters of other scripts that people take for a-z; they make the
// answer clearer, everything outside of a-z 0-9 _ - is refused anyway.
const (
	lookalikes   = "асԁеԍһіјӏорԛѕԝхуαβεικνορτυχγ"
	lookalikesOf = "acdeghijlopqswxyabeikvoptuxy"
)

// CheckUsername says what is wrong with a username, or "". Upper case is refused and
// not folded, so that what a person typed is what others see.
func CheckUsername(name string) string {
	if problem := checkForm(name); problem != "" {
		return problem
	}
	if reserved(name) {
		return "is reserved: choose another one"
	}
	return ""
}

// checkForm is CheckUsername for those who may use reserved names.
func checkForm(name string) string {
	if !utf8.ValidString(name) {
		return "must be valid UTF-8"
	}
	for _, r := range name {
		if problem := checkRune(r); problem != "" {
			return problem
		}
	}
	switch {
	case len(name) < UsernameMin:
		return fmt.Sprintf("is too short: use at least %d characters", UsernameMin)
	case len(name) > UsernameMax:
		return fmt.Sprintf("is too long: use at most %d characters", UsernameMax)
	case name[0] == '-' || name[0] == '_':
		return "must begin with a letter or a digit"
	}
	return ""
}

func checkRune(r rune) string {
	const only = "only a-z, 0-9, _ and - are allowed"
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
		return ""
	case r >= 'A' && r <= 'Z':
		return fmt.Sprintf("contains %q: use lower case; %s", r, only)
	case r < 0x80:
		return fmt.Sprintf("contains %q: %s", r, only)
	}
	if like := looksLike(r); like != 0 {
		return fmt.Sprintf("contains %U, which looks like %q but is another letter: %s", r, like, only)
	}
	return fmt.Sprintf("contains %U: %s", r, only)
}

// looksLike returns the ASCII letter that r is taken for, or 0.
func looksLike(r rune) rune {
	of := []rune(lookalikesOf)
	for i, l := range []rune(lookalikes) {
		if l == r {
			return of[i]
		}
	}
	// Full width, mathematical, accented letters: what remains when decomposed.
	first, _ := utf8.DecodeRuneInString(strings.ToLower(norm.NFKD.String(string(r))))
	if first >= 'a' && first <= 'z' || first >= '0' && first <= '9' {
		return first
	}
	return 0
}

// reserved says whether a name is kept for weir itself: words of its addresses and names
// that would speak for whoever runs it, also with digits for letters and with dashes.
func reserved(name string) bool {
	plain := skeleton(name)
	for _, w := range strings.Fields(reservedNames) {
		if plain == skeleton(w) {
			return true
		}
	}
	return strings.HasPrefix(name, "deleted-")
}

const reservedNames = `
about abuse account accounts admin admins administrator administrators all anonymous api app assets auth
billing blog bot bots browse channel channels chat contact dash dashboard deleted dev directory docs
download email embed everyone explore favicon feed follow followers following ftp guest healthz help here home
hostmaster hls info invite jwks legal live login logout mail main me media metrics mod moderator moderators
mods news nobody notification notifications null oauth official openid operator owner password payment
payments policy postmaster press privacy profile public readyz register registration reset robots root
rtmp search security self server service services session sessions settings signin signout signup sitemap
ssl staff static status store stream streams studio superuser support sysadmin system team terms test tos
undefined unknown upload uploads user username users verify video videos vod watch webmaster
webrtc websocket weir well-known whep whip www you your`

// skeleton makes names equal that people read as one: no dashes, digits as letters.
func skeleton(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '_':
			return -1
		case '0':
			return 'o'
		case '1', 'l':
			return 'i'
		case '3':
			return 'e'
		case '4':
			return 'a'
		case '5':
			return 's'
		case '7':
			return 't'
		case '8':
			return 'b'
		}
		return r
	}, name)
}
