package user

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"weir/services/fault"
	"weir/services/httpd"
)

func TestUsername(t *testing.T) {
	if a, b := utf8.RuneCountInString(lookalikes), len(lookalikesOf); a != b {
		t.Fatalf("%d lookalikes of %d letters", a, b)
	}
	for name, problem := range map[string]string{
		"anna": "", "a_1": "", "0-0": "", strings.Repeat("x", 32): "",
		"": "too short", "ab": "too short", strings.Repeat("x", 33): "too long",
		"Anna": "lower case", "an na": "only a-z", "anna.b": "only a-z", "-anna": "begin with", "_anna": "begin with",
		"аnna": `U+0430, which looks like 'a'`, "αnna": `looks like 'a'`, "ａnna": `looks like 'a'`, "ännä": `looks like 'a'`, "𝐚nna": `looks like 'a'`,
		"an\u200bna": "U+200B", "an\u202ena": "U+202E", "anna\x00": "only a-z", "anna\r\n": "only a-z", "用户名": "U+7528", "an\xffna": "UTF-8",
		"admin": "reserved", "adm1n": "reserved", "ad-min": "reserved", "a_d_m_1_n": "reserved", "r00t": "reserved", "me": "too short", "we1r": "reserved",
		"deleted-x": "reserved", "administered": "", "' or 1=1": "only a-z", "../etc": "only a-z",
	} {
		got := CheckUsername(name)
		if problem == "" && got != "" || problem != "" && !strings.Contains(got, problem) {
			t.Errorf("%q: %q, want %q", name, got, problem)
		}
	}
}

func TestEmail(t *testing.T) {
	for in, key := range map[string]string{
		"Anna@Example.ORG": "anna@example.org", "a.b+c@sub.example.org": "a.b+c@sub.example.org", "x@bücher.example": "x@xn--bcher-kva.example",
		"o'neil@example.org": "o'neil@example.org", "a@1.org": "a@1.org",
		"": "", "a": "", "@b.org": "", "a@": "", "a@b": "", "a@b.": "", "a@.org": "", "a@-b.org": "", "a b@c.org": "", "a@b c.org": "",
		`"a b"@c.org`: "", "a..b@c.org": "", ".a@c.org": "", "a.@c.org": "", "a@b@c.org": "", "a@[127.0.0.1]": "", "a@127.0.0.1": "", "ä@b.org": "",
		"a@b.org\r\nBcc: x@y.org": "", "a\x00@b.org": "", "a@b.org,c@d.org": "", "<a@b.org>": "", "a@b.123": "",
		strings.Repeat("a", 65) + "@b.org": "", "a@" + strings.Repeat("b.", 130) + "org": "", "a@" + strings.Repeat("b", 64) + ".org": "",
	} {
		_, got, problem := parseEmail(in)
		if got != key || (problem == "") != (key != "") {
			t.Errorf("%q: %q %q, want %q", in, got, problem, key)
		}
	}
}

func FuzzEmail(f *testing.F) {
	f.Add("anna@example.org")
	f.Add("x@bücher.example")
	f.Fuzz(func(t *testing.T, s string) {
		address, key, problem := parseEmail(s)
		if problem != "" {
			return
		}
		if len(address) > EmailMax || strings.ContainsAny(address, " \r\n\t,;<>\"\x00") || strings.Count(address, "@") != 1 {
			t.Errorf("%q became %q", s, address)
		}
		if again, key2, problem := parseEmail(address); again != address || key2 != key || problem != "" {
			t.Errorf("%q is not stable: %q %q", address, again, problem)
		}
	})
}

func TestPasswordStrength(t *testing.T) {
	for password, problem := range map[string]string{
		goodPassword: "", "Tr0ub4dour&3x": "", "päßwörter sind aus Wörtern": "", "🐈🐕🦊🐻🐼🐨🐯🦁🐮": "",
		"": "too short", "short": "too short", "password": "easy", "password1234": "easy", "qwertyuiop": "easy", "aaaaaaaaaaaaaaaa": "easy", "12345678901234567890": "easy",
		"anna@example.org": "easy", "anna-example": "easy", strings.Repeat("x1Y!", 33): "too long", "abc\x00defghi7Q": "NUL", "abc\xff\xfedefg": "UTF-8",
	} {
		got := CheckPassword(password, "anna", "anna@example.org")
		if problem == "" && got != "" || problem != "" && !strings.Contains(got, problem) {
			t.Errorf("%q: %q, want %q", password, got, problem)
		}
	}
}

func FuzzPassword(f *testing.F) {
	f.Add("correct horse battery staple")
	f.Add(strings.Repeat("1", PasswordMax))
	f.Add("12/12/1999qwertyP@ssw0rd")
	f.Fuzz(func(t *testing.T, s string) {
		CheckPassword(s, "anna", "anna@example.org") // ends, and does not panic
	})
}

func TestHash(t *testing.T) {
	h := NewHasher(1, 4, time.Minute)
	ctx := t.Context()
	stored, err := h.Hash(ctx, goodPassword)
	ok(t, err)
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", stored)
	}
	check := func(stored, password string, right, upgrade bool) {
		t.Helper()
		r, u, err := h.Check(ctx, stored, password)
		if r != right || u != upgrade || err != nil {
			t.Errorf("%v %v %v, want %v %v", r, u, err, right, upgrade)
		}
	}
	check(stored, goodPassword, true, false)
	check(stored, goodPassword+"x", false, false)
	check(stored, "", false, false)
	check("", goodPassword, false, false)
	old := &Hasher{cost: hashCost{memory: 64, passes: 1, threads: 1}, running: h.running, waiting: h.waiting, wait: h.wait}
	weak, err := old.Hash(ctx, "ﬁne café words") // the same in composed and decomposed form
	ok(t, err)
	check(weak, "fine cafe\u0301 words", true, true)
	check(weak, "wrong", false, false)
	_, _, err = h.Check(ctx, "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5", "x")
	want(t, err, fault.Internal)
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=1,t=2$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			return
		}
		if h.cost.memory > maxStoredMemory || h.cost.passes > maxStoredPasses || h.cost.passes == 0 || h.cost.threads == 0 {
			t.Errorf("%q asks for %+v", s, h.cost)
		}
		if again, err := parseHash(h.String()); err != nil || again.String() != h.String() {
			t.Errorf("%q is not stable", s)
		}
	})
}

// One computes, two wait, the fourth is refused at once; who waits too long too.
func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(1, 2, time.Hour)
	release, err := h.enter(t.Context())
	ok(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if _, err := h.enter(ctx); err == nil {
				t.Error("entered")
			}
		})
	}
	for len(h.waiting) < cap(h.waiting) { // both are in the queue
		runtime.Gosched()
	}
	_, _, err = h.Check(t.Context(), "", "x")
	want(t, err, fault.Unavailable)
	if fault.From(err).RetryAfter <= 0 {
		t.Error("no Retry-After")
	}
	cancel()
	wait.Wait()
	h.wait = 0
	_, err = h.Hash(t.Context(), "x")
	want(t, err, fault.Unavailable)
	release()
	h.wait = time.Hour
	if _, err = h.Hash(t.Context(), "x"); err != nil || len(h.waiting) != 0 || len(h.running) != 0 {
		t.Errorf("%v, %d %d", err, len(h.waiting), len(h.running))
	}
}

func TestRefreshTokenForm(t *testing.T) {
	id := uuid.Must(uuid.NewV7())
	a := newRefreshToken(id, 7, "key")
	b, err := parseRefresh(a.String())
	if err != nil || a != b || !b.authentic("key") || b.authentic("other") || !b.is(a.hash()) || b.is("") {
		t.Fatalf("%v %v", b, err)
	}
	next := newRefreshToken(id, 8, "key")
	if got, err := a.unseal(a.seal(next), "key"); err != nil || got != next {
		t.Errorf("unsealed %v %v", got, err)
	}
	if got, err := newRefreshToken(id, 7, "key").unseal(a.seal(next), "key"); err != nil || got.secret == next.secret {
		t.Errorf("another token opens it: %v", err)
	}
	b.generation++
	if b.authentic("key") {
		t.Error("a changed generation is authentic")
	}
	for _, s := range []string{"", RefreshPrefix, "x" + a.String(), a.String() + "A", a.String()[:98], strings.ToUpper(a.String()), a.String() + "\n", RefreshPrefix + strings.Repeat("=", 91)} {
		if _, err := parseRefresh(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func FuzzParseRefresh(f *testing.F) {
	f.Add(newRefreshToken(uuid.Max, 1, "k").String())
	f.Fuzz(func(t *testing.T, s string) {
		if tok, err := parseRefresh(s); err == nil && tok.String() != s {
			t.Errorf("%q is also %q", s, tok)
		}
	})
}

func FuzzPlace(f *testing.F) {
	f.Add(place{at: time.Unix(1, 0), id: uuid.Max}.String())
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parsePlace(s); err == nil && s != "" && p.String() != s {
			t.Errorf("%q is also %q", s, p)
		}
		if id, err := httpd.After(s, uuid.Nil); err == nil && s != "" && httpd.Place(id) != s {
			t.Errorf("%q is also %q", s, id)
		}
	})
}

func TestChanges(t *testing.T) {
	str := func(s string) *string { return &s }
	links := func(l ...Link) *[]Link { return &l }
	long := strings.Repeat("ß", 51)
	for name, c := range map[string]struct {
		in      Changes
		problem string // a part of the first problem; empty: it is taken
	}{
		"name":            {Changes{DisplayName: str("  Anna 🐈‍⬛ ")}, ""},
		"long name":       {Changes{DisplayName: &long}, "too long"},
		"huge name":       {Changes{DisplayName: str(strings.Repeat("x", 1<<20))}, "too long"},
		"line in name":    {Changes{DisplayName: str("a\nb")}, "U+000A"},
		"direction":       {Changes{DisplayName: str("a\u202eb")}, "U+202E"},
		"invisible":       {Changes{DisplayName: str("a\u200bb")}, "U+200B"},
		"escape":          {Changes{DisplayName: str("a\x1b[31m")}, "U+001B"},
		"zalgo":           {Changes{DisplayName: str("z" + strings.Repeat("\u0301\u0302", 12))}, "accents"},
		"bio":             {Changes{Bio: str("one\r\ntwo")}, ""},
		"link":            {Changes{Links: links(Link{"Home", "https://example.org/~anna?x=1#y"})}, ""},
		"script":          {Changes{Links: links(Link{"x", "javascript:alert(1)"})}, "https://"},
		"data":            {Changes{Links: links(Link{"x", "data:text/html,x"})}, "https://"},
		"no host":         {Changes{Links: links(Link{"x", "https:///x"})}, "https://"},
		"with a password": {Changes{Links: links(Link{"x", "https://a:b@example.org"})}, "password"},
		"quote":           {Changes{Links: links(Link{"x", `https://example.org/"onclick=`})}, "not allowed"},
		"header":          {Changes{Links: links(Link{"x", "https://example.org/\r\nSet-Cookie: a=b"})}, "not allowed"},
		"many links":      {Changes{Links: links(make([]Link, 6)...)}, "too many"},
		"language":        {Changes{Language: str("pt-br")}, ""},
		"no language":     {Changes{Language: str("klingonish-x-y-z")}, "language"},
		"zone":            {Changes{TimeZone: str("America/Argentina/Buenos_Aires")}, ""},
		"no zone":         {Changes{TimeZone: str("../../etc/passwd")}, "time zone"},
		"local zone":      {Changes{TimeZone: str("Local")}, "time zone"},
	} {
		_, fields := c.in.apply(Profile{})
		switch {
		case c.problem == "" && len(fields) > 0:
			t.Errorf("%s: %v", name, fields)
		case c.problem != "" && (len(fields) == 0 || !strings.Contains(fields[0].Problem, c.problem)):
			t.Errorf("%s: %v, want %q", name, fields, c.problem)
		}
	}
	p, _ := Changes{Language: str("pt-br"), DisplayName: str(" e\u0301 "), Bio: str("a\r\nb")}.apply(Profile{})
	if p.Language != "pt-BR" || p.DisplayName != "\u00e9" || p.Bio != "a\nb" {
		t.Errorf("%+v", p)
	}
}
