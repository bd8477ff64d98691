package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// MaxJWKS is the longest key set that is read, in bytes.
const MaxJWKS = 64 << 10

// jwk is an Ed25519 public key (RFC 8037 section 2) that checks signatures.
type jwk struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	ID    string `json:"kid"`
	Use   string `json:"use"`
	Alg   string `json:"alg"`
}

// MarshalJWKS is the key set (RFC 7517 section 5) of the keys, for
// /.well-known/jwks.json. It may be cached for as long as RemoteConfig.MaxAge.
func MarshalJWKS(keys []PublicKey) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		if !validKeyID(k.ID) || len(k.Key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%w: key %q", ErrJWKS, k.ID)
		}
		x := base64.RawURLEncoding.EncodeToString(k.Key)
		set.Keys = append(set.Keys, jwk{Type: "OKP", Curve: "Ed25519", X: x, ID: k.ID, Use: "sig", Alg: "EdDSA"})
	}
	return json.Marshal(set)
}

// ParseJWKS reads a key set: the Ed25519 keys for signatures, in their order. Other
// keys are passed over (RFC 7517 section 5); there may be none left. ErrJWKS: it is
// no key set, is too long, has an id twice, a key that is broken, or a private one.
func ParseJWKS(data []byte) ([]PublicKey, error) {
	if len(data) > MaxJWKS {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrJWKS, MaxJWKS)
	}
	set, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%w: not a JSON object", ErrJWKS)
	}
	var list []json.RawMessage
	if there, err := set.get("keys", &list); err != nil || !there || len(list) > maxKeys {
		return nil, fmt.Errorf("%w: keys must be a list of at most %d", ErrJWKS, maxKeys)
	}
	var keys []PublicKey
	for i, raw := range list {
		key, ours, err := parseJWK(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrJWKS, i, err)
		}
		if !ours {
			continue
		}
		if slices.ContainsFunc(keys, func(k PublicKey) bool { return k.ID == key.ID }) {
			return nil, fmt.Errorf("%w: key %d: its kid is there twice", ErrJWKS, i)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// parseJWK reads one key; false when it is for something else.
func parseJWK(raw []byte) (PublicKey, bool, error) {
	o, err := parseObject(raw)
	if err != nil {
		return PublicKey{}, false, err
	}
	var k jwk
	for name, out := range map[string]*string{
		"kty": &k.Type, "crv": &k.Curve, "x": &k.X, "kid": &k.ID, "use": &k.Use, "alg": &k.Alg,
	} {
		if *out, err = o.text(name); err != nil {
			return PublicKey{}, false, fmt.Errorf("%s is not a string", name)
		}
	}
	ours, err := forUs(o, k)
	if err != nil || !ours {
		return PublicKey{}, false, err
	}
	if _, private := o["d"]; private {
		return PublicKey{}, false, fmt.Errorf("it is a private key: withdraw it")
	}
	if !validKeyID(k.ID) {
		return PublicKey{}, false, fmt.Errorf("kid must be 1 to %d of A-Z a-z 0-9 - _", maxKeyID)
	}
	x, err := base64.RawURLEncoding.Strict().DecodeString(k.X)
	if err != nil || len(x) != ed25519.PublicKeySize || len(k.X) != base64.RawURLEncoding.EncodedLen(len(x)) {
		return PublicKey{}, false, fmt.Errorf("x is not %d bytes of base64url", ed25519.PublicKeySize)
	}
	return PublicKey{ID: k.ID, Key: x}, true, nil
}

// forUs reports whether the key is one that checks Ed25519 signatures (RFC 7517
// sections 4.2 to 4.4, RFC 9864 for the newer name of the algorithm).
func forUs(o object, k jwk) (bool, error) {
	operations := []string{"verify"}
	if there, err := o.get("key_ops", &operations); there && err != nil {
		return false, fmt.Errorf("key_ops is not a list of strings")
	}
	return k.Type == "OKP" && k.Curve == "Ed25519" &&
		(k.Use == "" || k.Use == "sig") &&
		(k.Alg == "" || k.Alg == "EdDSA" || k.Alg == "Ed25519") &&
		slices.Contains(operations, "verify"), nil
}
