package user

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // time zones are checked on hosts without a zone database too
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"weir/services/auth"
	"weir/services/fault"
)

// Bounds of a profile.
const (
	DisplayNameMax = 50  // characters
	BioMax         = 500 // characters
	LinksMax       = 5
	LinkTitleMax   = 40  // characters
	LinkURLMax     = 300 // bytes
)

// Account is a user as the database has it. It never leaves the package whole: people
// see a Public or an Own.
type Account struct {
	ID            uuid.UUID
	Username      string
	Email         string     // empty: deleted
	EmailVerified *time.Time // nil: not yet
	PasswordHash  string
	Role          auth.Role
	Profile       Profile
	avatar        string // name of the picture; empty: none
	banner        string
	Followers     int64
	Following     int64
	Version       int64 // grows with each change that others see
	Suspension    *Suspension
	Created       time.Time
	Updated       time.Time
	Deleted       *time.Time
}

// Suspension keeps an account from signing in.
type Suspension struct {
	Since  time.Time  `json:"since" doc:"When it began"`
	Until  *time.Time `json:"until,omitempty" doc:"When it ends by itself; absent: when an admin lifts it"`
	Reason string     `json:"reason" doc:"What the owner is told"`
}

// suspended returns the suspension that is in force at now, or nil.
func (a *Account) suspended(now time.Time) *Suspension {
	if a.Suspension == nil || a.Suspension.Until != nil && !now.Before(*a.Suspension.Until) {
		return nil
	}
	return a.Suspension
}

// Profile is what a person writes about themselves.
type Profile struct {
	DisplayName string `json:"display_name" doc:"The name that others see; the username when empty"`
	Bio         string `json:"bio" doc:"A few lines, plain text"`
	Links       []Link `json:"links" doc:"Other places of this person"`
	Language    string `json:"language" doc:"BCP 47 tag"`
	TimeZone    string `json:"time_zone" doc:"IANA name"`
}

// Link is an address in a profile.
type Link struct {
	Title string `json:"title" maxLength:"40" doc:"What it is"`
	URL   string `json:"url" maxLength:"300" doc:"https:// or http:// address"`
}

// Changes are the fields of a profile that a person wants to be different; nil: as is.
type Changes struct {
	DisplayName *string `json:"display_name,omitempty" maxLength:"50" doc:"The name that others see"`
	Bio         *string `json:"bio,omitempty" maxLength:"500" doc:"Plain text"`
	Links       *[]Link `json:"links,omitempty" maxItems:"5" doc:"All of them, in their order"`
	Language    *string `json:"language,omitempty" maxLength:"35" doc:"BCP 47 tag, such as de or pt-BR"`
	TimeZone    *string `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name, such as Europe/Berlin"`
}

// apply returns the profile with the changes, in its normal form, and what is wrong with
// them.
func (c Changes) apply(p Profile) (out Profile, bad fault.Problems) {
	var problem string
	if c.DisplayName != nil {
		p.DisplayName, problem = plainLine(*c.DisplayName, DisplayNameMax)
		bad.Note("display_name", problem)
	}
	if c.Bio != nil {
		p.Bio, problem = plainText(*c.Bio, BioMax, true)
		bad.Note("bio", problem)
	}
	if c.Links != nil {
		p.Links = checkLinks(*c.Links, &bad)
	}
	if c.Language != nil {
		p.Language, problem = checkLanguage(*c.Language)
		bad.Note("language", problem)
	}
	if c.TimeZone != nil {
		p.TimeZone = *c.TimeZone
		bad.Note("time_zone", checkTimeZone(*c.TimeZone))
	}
	return p, bad
}

func plainLine(s string, most int) (string, string) { return plainText(s, most, false) }

// plainText takes text that people read: composed (NFC), trimmed, without characters
// that control a terminal, turn the direction of what stands around it, or show nothing.
func plainText(s string, most int, lines bool) (text, problem string) {
	if !utf8.ValidString(s) {
		return "", "must be valid UTF-8"
	}
	if len(s) > 8*most {
		return "", fmt.Sprintf("is too long: use at most %d characters", most)
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.TrimSpace(norm.NFC.String(s))
	if utf8.RuneCountInString(s) > most {
		return "", fmt.Sprintf("is too long: use at most %d characters", most)
	}
	for _, r := range s {
		switch {
		case r == '\n' && lines:
		case r == '\u200d' || r == '\ufe0f': // between the parts of one emoji
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == '\u2028', r == '\u2029':
			return "", fmt.Sprintf("contains %U, a character that cannot be seen: remove it", r)
		}
	}
	if marks := strings.Map(keepMark, s); utf8.RuneCountInString(marks) > max(8, utf8.RuneCountInString(s)/2) {
		return "", "has too many accents on its letters"
	}
	return s, ""
}

func keepMark(r rune) rune {
	if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
		return r
	}
	return -1
}

func checkLinks(links []Link, bad *fault.Problems) []Link {
	if len(links) > LinksMax {
		bad.Note("links", fmt.Sprintf("are too many: use at most %d", LinksMax))
		return nil
	}
	out := make([]Link, len(links))
	for i, l := range links {
		title, problem := plainLine(l.Title, LinkTitleMax)
		bad.Note(fmt.Sprintf("links[%d].title", i), problem)
		bad.Note(fmt.Sprintf("links[%d].url", i), checkURL(l.URL))
		out[i] = Link{Title: title, URL: l.URL}
	}
	return out
}

// checkURL takes addresses of web pages only: what begins with javascript: or data:
// would run in the page that shows it.
func checkURL(s string) string {
	if len(s) > LinkURLMax {
		return fmt.Sprintf("is too long: use at most %d characters", LinkURLMax)
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`"<>\^`+"`{|}", r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return "contains a character that is not allowed in an address"
		}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.Hostname() == "":
		return "must be an address that begins with https:// or http://"
	case u.User != nil:
		return "must not contain a name or password before the host"
	}
	return ""
}

// checkLanguage gives the tag in its usual form, such as pt-BR.
func checkLanguage(s string) (tag, problem string) {
	if s == "" {
		return "", ""
	}
	const wrong = "is not a language tag such as en, de or pt-BR"
	if len(s) > 35 {
		return "", wrong
	}
	t, err := language.Parse(s)
	if err != nil || t == language.Und {
		return "", wrong
	}
	return t.String(), ""
}

func checkTimeZone(s string) string {
	const wrong = "is not a time zone such as Europe/Berlin or UTC"
	if s == "" {
		return ""
	}
	if len(s) > 64 || s == "Local" {
		return wrong
	}
	if _, err := time.LoadLocation(s); err != nil {
		return wrong
	}
	return ""
}
