package rtsp

import (
	"crypto/md5" //nolint:gosec // the digest that encoders know
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"

	"weir/ingest"
)

// realm is what keys are asked for. The live-service knows digests for this one only.
const realm = "weir"

// maxKey bounds what is looked at as a key, and the other words of a proof.
const maxKey = 128

var (
	errPath  = &ingest.StreamError{Words: "the address names no stream key: publish to rtsp://HOST/live/KEY"}
	errProof = ingest.Refusal{Words: "no stream key of this channel makes that digest: the user is the channel's name or weir, the password a key; a key made by an older weir has to publish once as /live/KEY"}
	// errStale is for a digest that was made for another connection.
	errStale = ingest.Refusal{Words: "the nonce of the digest is of another connection"}
)

// caller is a connection that is nobody's yet.
type caller struct {
	tries int
	nonce string // for its digests; empty before it was asked for one
}

// challenge asks a caller for its key. The last of several digests is the one that older
// programs take: that by MD5, which all of them know.
func (c *caller) challenge(stale bool) (base.HeaderValue, error) {
	if c.nonce == "" {
		nonce, err := auth.GenerateNonce()
		if err != nil {
			return nil, err
		}
		c.nonce = nonce
	}
	sha := headers.AuthAlgorithmSHA256
	long := headers.Authenticate{Method: headers.AuthMethodDigest, Realm: realm, Nonce: c.nonce, Algorithm: &sha}
	short := headers.Authenticate{Method: headers.AuthMethodDigest, Realm: realm, Nonce: c.nonce}
	if stale {
		yes := "true"
		long.Stale, short.Stale = &yes, &yes
	}
	plain := headers.Authenticate{Method: headers.AuthMethodBasic, Realm: realm}
	return append(append(long.Marshal(), short.Marshal()...), plain.Marshal()...), nil
}

// show finds what a request shows of a stream key and puts it into r: the password, or a
// digest of it, else the last part of the path.
func (c *caller) show(r *ingest.Request, req *base.Request, path string) error {
	name, ok := strings.CutPrefix(strings.Trim(path, "/"), "live/")
	if !ok {
		return errPath
	}
	r.Key = name
	var given headers.Authorization
	if given.Unmarshal(req.Header["Authorization"]) == nil {
		if given.Method == headers.AuthMethodDigest {
			r.Key = ""
			var err error
			r.Proof, err = c.proof(&given, req, name)
			return err
		}
		r.Key = given.BasicPass
	}
	if r.Key == "" || len(r.Key) > maxKey || strings.Contains(r.Key, "/") {
		return errPath
	}
	return nil
}

// proof is what a digest shows (RFC 7616, 3.4, without qop, which is not asked for).
func (c *caller) proof(given *headers.Authorization, req *base.Request, name string) (*ingest.Proof, error) {
	if name == "" || len(name) > maxKey || strings.Contains(name, "/") {
		return nil, errPath
	}
	if c.nonce == "" || given.Nonce != c.nonce {
		return nil, errStale
	}
	if len(given.Username) > maxKey || given.Realm != realm || !sameURI(given.URI, req.URL) {
		return nil, errProof
	}
	p := &ingest.Proof{Name: name, User: given.Username, Response: given.Response}
	a2 := []byte(string(req.Method) + ":" + given.URI)
	if p.SHA256 = given.Algorithm != nil && *given.Algorithm == headers.AuthAlgorithmSHA256; p.SHA256 {
		sum := sha256.Sum256(a2)
		p.Rest = c.nonce + ":" + hex.EncodeToString(sum[:])
	} else {
		sum := md5.Sum(a2) //nolint:gosec // see above
		p.Rest = c.nonce + ":" + hex.EncodeToString(sum[:])
	}
	return p, nil
}

// sameURI tells whether a digest was made for the address of its request: as that stands
// there, or its path alone.
func sameURI(uri string, of *base.URL) bool {
	if strings.HasPrefix(uri, "/") {
		return uri == of.RequestURI()
	}
	u, err := base.ParseURL(uri)
	return err == nil && u.RequestURI() == of.RequestURI()
}
