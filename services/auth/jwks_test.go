package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// x8037 is the key of RFC 8037 appendix A.2.
const x8037 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

func TestJWKSRoundTrip(t *testing.T) {
	r := newRig(t)
	second, err := NewSigningKey(r.clock.now())
	ok(t, err)
	ok(t, r.ring.Set(r.key, second))
	data, err := MarshalJWKS(r.ring.Public())
	ok(t, err)
	keys, err := ParseJWKS(data)
	ok(t, err)
	same(t, "keys", len(keys), 2)
	for i, k := range r.ring.Public() {
		if k.ID != keys[i].ID || !k.Key.Equal(keys[i].Key) {
			t.Errorf("key %d: got %v, want %v", i, keys[i], k)
		}
	}
	if bytes.Contains(data, []byte(`"d"`)) {
		t.Error("a private key is in the document")
	}
	empty, err := MarshalJWKS(nil)
	ok(t, err)
	same(t, "empty", string(empty), `{"keys":[]}`)
	if _, err := MarshalJWKS([]PublicKey{{ID: "x"}}); !errors.Is(err, ErrJWKS) {
		t.Errorf("a key without bytes: %v", err)
	}
}

func TestParseJWKS(t *testing.T) {
	key := func(more string) string {
		return `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + x8037 + `"` + more + `}]}`
	}
	for _, c := range []struct {
		name, text string
		want       int // keys; -1: ErrJWKS
	}{
		{"RFC 8037", key(``), 1},
		{"all members", key(`,"use":"sig","alg":"EdDSA","key_ops":["verify"]`), 1},
		{"RFC 9864 name", key(`,"alg":"Ed25519"`), 1},
		{"unknown members", key(`,"x5u":"http://evil.example","jku":[1]`), 1},
		{"no keys", `{"keys":[]}`, 0},
		{"for encryption", key(`,"use":"enc"`), 0},
		{"for signing only", key(`,"key_ops":["sign"]`), 0},
		{"another algorithm", key(`,"alg":"RS256"`), 0},
		{"RSA", `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"r"}]}`, 0},
		{"symmetric", `{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]}`, 0},
		{"X25519", strings.Replace(key(``), "Ed25519", "X25519", 1), 0},
		{"private", key(`,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`), -1},
		{"kid twice", `{"keys":[` + strings.Repeat(`{"kty":"OKP","crv":"Ed25519","kid":"a","x":"`+x8037+`"},`, 2) + `{}]}`, -1},
		{"name twice", key(`,"kid":"b"`), -1},
		{"no kid", strings.Replace(key(``), `"kid":"a",`, ``, 1), -1},
		{"kid a path", strings.Replace(key(``), `"a"`, `"../a"`, 1), -1},
		{"kid a number", strings.Replace(key(``), `"a"`, `1`, 1), -1},
		{"x short", strings.Replace(key(``), x8037, x8037[:40], 1), -1},
		{"x padded", strings.Replace(key(``), x8037, x8037+"=", 1), -1},
		{"x with line ends", strings.Replace(key(``), x8037, x8037+`\n`, 1), -1},
		{"x other last bits", strings.Replace(key(``), x8037, x8037[:42]+"p", 1), -1},
		{"keys missing", `{}`, -1},
		{"KEYS", `{"KEYS":[]}`, -1},
		{"keys null", `{"keys":null}`, -1},
		{"keys an object", `{"keys":{}}`, -1},
		{"a key null", `{"keys":[null]}`, -1},
		{"too many", `{"keys":[` + strings.Repeat(`{},`, maxKeys) + `{}]}`, -1},
		{"too long", `{"keys":[]` + strings.Repeat(" ", MaxJWKS) + `}`, -1},
		{"more after it", `{"keys":[]}x`, -1},
		{"a list", `[]`, -1},
		{"empty", ``, -1},
		{"a page", `<html>`, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := ParseJWKS([]byte(c.text))
			if c.want < 0 {
				if !errors.Is(err, ErrJWKS) || keys != nil {
					t.Fatalf("got %v, %v", keys, err)
				}
				return
			}
			ok(t, err)
			same(t, "keys", len(keys), c.want)
		})
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + x8037 + `"}]}`))
	f.Add([]byte(`{"keys":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseJWKS(data)
		if err != nil {
			if !errors.Is(err, ErrJWKS) {
				t.Fatalf("not ErrJWKS: %v", err)
			}
			return
		}
		again, err := MarshalJWKS(keys)
		ok(t, err)
		same2, err := ParseJWKS(again)
		ok(t, err)
		same(t, "again", fmt.Sprint(same2), fmt.Sprint(keys))
	})
}

func FuzzVerify(f *testing.F) {
	r := newRig(f)
	_, token := r.sign(f)
	f.Add(token)
	f.Add(token + ".")
	f.Add("weir_pat_0123456789abcdefghij")
	f.Add(forge(f, nil, map[string]string{"alg": "none"}, goodClaims(r.clock.now())))
	f.Fuzz(func(t *testing.T, text string) {
		id, err := r.verifier.Verify(t.Context(), text)
		if err == nil && text != token {
			t.Fatalf("taken: %q as %v", text, id)
		}
		if err != nil && !is401(err) {
			t.Fatalf("not a 401: %v", err)
		}
	})
}

// FuzzClaims is what FuzzVerify cannot reach without the key: content that is signed.
func FuzzClaims(f *testing.F) {
	good, err := json.Marshal(goodClaims(newClock().now()))
	ok(f, err)
	f.Add(good)
	f.Add([]byte(`{"exp":1e9,"iat":1.5,"scope":"a b","aud":["x"],"role":"admin"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c claims
		if c.UnmarshalJSON(data) != nil || c.valid() != nil {
			return
		}
		if id := c.identity(); !id.Role.Valid() || (id.Scopes == nil) != (c.Scope == nil) {
			t.Fatalf("got %+v of %q", id, data)
		}
		again, err := json.Marshal(&c)
		ok(t, err)
		var second claims
		ok(t, json.Unmarshal(again, &second))
		if second.Issued != c.Issued || second.Expires != c.Expires || second.NotBefore != c.NotBefore {
			t.Fatalf("times: %s of %q", again, data)
		}
	})
}

func FuzzRevocation(f *testing.F) {
	f.Add("s:0192f0c1-2345-7abc-8def-0123456789ab:1732363200000000")
	f.Add("u:0192f0c1-2345-7abc-8def-0123456789ab:1")
	f.Fuzz(func(t *testing.T, member string) {
		r, valid := parseRevocation(member)
		if !valid {
			return
		}
		again, valid := parseRevocation(r.member())
		if !valid || again != r {
			t.Fatalf("%q: %v, then %v", member, r, again)
		}
	})
}

// FuzzObject holds parseObject against encoding/json.
func FuzzObject(f *testing.F) {
	f.Add([]byte(` { "a" : 1 , "b\u0063":{"x":[",}\"]"]},"c":-0.5e3,"d":"\\"} `))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"a":"\xff","\xff":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		var want map[string]json.RawMessage
		bad := json.Unmarshal(data, &want) != nil || want == nil
		if bad && err == nil {
			t.Fatalf("taken: %q", data)
		}
		if err != nil {
			return
		}
		same(t, "members", len(o), len(want))
		for name, value := range want {
			same(t, name, string(o[name]), string(value))
		}
	})
}
