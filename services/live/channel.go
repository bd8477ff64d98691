package live

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"weir/services/fault"
)

// Visibility is who finds a channel.
type Visibility string

// The visibilities.
const (
	Public   Visibility = "public"   // it is in lists
	Unlisted Visibility = "unlisted" // only who knows the name
	Private  Visibility = "private"  // only its owner, members, guests, and who has a share link
)

// Bounds of what a channel holds, in characters where it is text.
const (
	TitleMax       = 140
	DescriptionMax = 5000
	CategoryMax    = 60
	TagsMax        = 10
	TagMax         = 30
)

// Limits bound what a publisher may send; 0 is no limit.
type Limits struct {
	Bitrate  int `json:"bitrate" minimum:"0" maximum:"1000000000" doc:"Most bit/s over ten seconds; 0: no limit"`
	Height   int `json:"height" minimum:"0" maximum:"8192" doc:"Most pixels of the shorter side; 0: no limit"`
	FPS      int `json:"fps" minimum:"0" maximum:"240" doc:"Most frames per second; 0: no limit"`
	Duration int `json:"duration" minimum:"0" maximum:"31536000" doc:"Most seconds of a session; 0: no limit"`
}

// Channel is a name under which its owner publishes, with what viewers are told.
type Channel struct {
	ID          uuid.UUID
	Owner       *uuid.UUID // nil: the operator's
	Name        string
	Title       string
	Description string
	Category    string
	Tags        []string
	Language    string // BCP 47; empty: not said
	Mature      bool
	Visibility  Visibility
	Record      bool
	Takeover    bool
	Scheduled   *time.Time
	Limits      Limits
	Keep        Keep
	Banned      *time.Time
	BanReason   string
	Version     int64
	Created     time.Time
	Updated     time.Time
	Deleted     *time.Time

	srt string // the passphrase of SRT, sealed; see passphrase.go
}

// Changes are what PATCH may bring; what is absent stays.
type Changes struct {
	Title       *string     `json:"title,omitempty" maxLength:"560" doc:"At most 140 characters"`
	Description *string     `json:"description,omitempty" maxLength:"20000" doc:"At most 5000 characters"`
	Category    *string     `json:"category,omitempty" maxLength:"240"`
	Tags        *[]string   `json:"tags,omitempty" maxItems:"10"`
	Language    *string     `json:"language,omitempty" maxLength:"35" doc:"BCP 47 tag such as en or pt-BR; empty: not said"`
	Mature      *bool       `json:"mature,omitempty" doc:"For adults only"`
	Visibility  *Visibility `json:"visibility,omitempty" enum:"public,unlisted,private"`
	Record      *bool       `json:"record,omitempty" doc:"Whether its streams are recorded"`
	Takeover    *bool       `json:"takeover,omitempty" doc:"Whether a second publisher replaces the first, or is refused"`
	Scheduled   *string     `json:"scheduled_at,omitempty" maxLength:"40" doc:"When the next stream is to begin, RFC 3339; empty: not planned"`
	Limits      *Limits     `json:"limits,omitempty"`
	Keep        *Keep       `json:"keep,omitempty" doc:"How much of its recordings is kept, within the bounds of the server"`
}

// apply checks the changes, all of them, and makes them.
func (c *Channel) apply(x Changes) error {
	var bad fault.Problems
	text := func(name string, to *string, from *string, most int, lines bool) {
		if from == nil {
			return
		}
		clean, problem := checkText(*from, most, lines)
		bad.Note(name, problem)
		*to = clean
	}
	text("title", &c.Title, x.Title, TitleMax, false)
	text("description", &c.Description, x.Description, DescriptionMax, true)
	text("category", &c.Category, x.Category, CategoryMax, false)
	if x.Tags != nil {
		var problem string
		c.Tags, problem = checkTags(*x.Tags)
		bad.Note("tags", problem)
	}
	if x.Language != nil {
		var problem string
		c.Language, problem = checkLanguage(*x.Language)
		bad.Note("language", problem)
	}
	if x.Visibility != nil {
		if *x.Visibility != Public && *x.Visibility != Unlisted && *x.Visibility != Private {
			bad.Note("visibility", "must be public, unlisted or private")
		}
		c.Visibility = *x.Visibility
	}
	if x.Scheduled != nil {
		var problem string
		c.Scheduled, problem = checkTime(*x.Scheduled)
		bad.Note("scheduled_at", problem)
	}
	set(&c.Mature, x.Mature)
	set(&c.Record, x.Record)
	set(&c.Takeover, x.Takeover)
	set(&c.Limits, x.Limits)
	set(&c.Keep, x.Keep)
	return bad.Err()
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkText takes what people write: no control characters, and no characters that turn
// the direction of what stands around them or show nothing. Lines may be in a description
// only.
func checkText(s string, most int, lines bool) (clean, problem string) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if !utf8.ValidString(s) {
		return "", "is not valid UTF-8"
	}
	if n := utf8.RuneCountInString(s); n > most {
		return "", fmt.Sprintf("is too long: %d characters, use at most %d", n, most)
	}
	for _, r := range s {
		switch {
		case r == '\n' && lines:
		case r == '\u200d' || r == '\ufe0f': // between the parts of one emoji
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			return "", fmt.Sprintf("contains %U, a character that cannot be seen: remove it", r)
		}
	}
	if s != "" && strings.Trim(s, blank) == "" {
		return "", "has nothing in it that can be seen"
	}
	return s, ""
}

// blank are characters that show nothing and are none of those that checkText refuses.
const blank = " \n\u00a0\u115f\u1160\u200d\u2800\u3000\u3164\ufe0f\uffa0"

var tagPattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_-]*$`)

func checkTags(tags []string) ([]string, string) {
	if len(tags) > TagsMax {
		return nil, fmt.Sprintf("are too many: use at most %d", TagsMax)
	}
	out, seen := []string{}, map[string]bool{}
	for _, t := range tags {
		t = strings.ToLower(strings.TrimSpace(t))
		if utf8.RuneCountInString(t) > TagMax || !tagPattern.MatchString(t) {
			return nil, fmt.Sprintf("must each be 1 to %d letters, digits, - and _", TagMax)
		}
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out, ""
}

func checkLanguage(s string) (tag, problem string) {
	if s == "" {
		return "", ""
	}
	t, err := language.Parse(s)
	if err != nil || t == language.Und || len(s) > 35 {
		return "", "is not a language tag such as en, de or pt-BR"
	}
	return t.String(), ""
}

func checkTime(s string) (*time.Time, string) {
	if s == "" {
		return nil, ""
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 2000 || t.Year() > 9000 {
		return nil, "must be a time such as 2026-12-24T18:00:00Z"
	}
	t = t.UTC().Truncate(time.Second)
	return &t, ""
}

func (c *Channel) encoded() (tags, limits json.RawMessage, err error) {
	if c.Tags == nil {
		c.Tags = []string{}
	}
	if tags, err = json.Marshal(c.Tags); err != nil {
		return nil, nil, err
	}
	limits, err = json.Marshal(c.Limits)
	return tags, limits, err
}
