package user

import (
	"fmt"
	"net"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// EmailMax is the longest mail address that SMTP can carry (RFC 5321, 4.5.3.1.3), in
// bytes.
const EmailMax = 254

// parseEmail returns the address to write to and the key that makes an account unique:
// in lower case, the domain in its ASCII form. problem says what is wrong with s.
// Quoted and non-ASCII local parts, comments and address literals are refused: nobody
// has one, and each is a way to smuggle something into a mail header.
func parseEmail(s string) (address, key, problem string) {
	if len(s) > EmailMax {
		return "", "", fmt.Sprintf("is too long: use at most %d characters", EmailMax)
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return "", "", "is not a mail address such as name@example.org"
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 || !dotAtom(local) {
		return "", "", "has a part before the @ that is not allowed: use letters, digits and . _ + - as in name@example.org"
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err == nil {
		_, err = idna.Lookup.ToASCII(ascii) // its own answer is not always good
	}
	if err != nil || !utf8.ValidString(domain) || !domainName(ascii) {
		return "", "", "has a part after the @ that is not a domain name such as example.org"
	}
	address = local + "@" + ascii
	if len(address) > EmailMax {
		return "", "", fmt.Sprintf("is too long: use at most %d characters", EmailMax)
	}
	return address, strings.ToLower(address), ""
}

// dotAtom is RFC 5322, 3.2.3.
func dotAtom(s string) bool {
	for _, word := range strings.Split(s, ".") {
		if word == "" {
			return false
		}
		for i := range len(word) {
			c := word[i]
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", rune(c)) {
				return false
			}
		}
	}
	return true
}

// domainName wants at least two labels of letters, digits and inner dashes, and no
// number at the end (RFC 5321, 2.3.5; an IPv4 address is no domain).
func domainName(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 || len(s) > 253 || net.ParseIP(s) != nil {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			c := l[i]
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != ""
}
