package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32 // Standard Webhooks: 24 to 64
)

func newSecret() string {
	var raw [secretBytes]byte
	rand.Read(raw[:]) // never fails, says crypto/rand
	return secretPrefix + base64.StdEncoding.EncodeToString(raw[:])
}

// sealed is a secret as the database keeps it.
func (s *Service) sealed(endpoint uuid.UUID, secret string) string {
	return s.box.Seal([]byte(secret), "live_webhooks", endpoint.String())
}

func (s *Service) unsealed(endpoint uuid.UUID, stored string) (string, error) {
	secret, err := s.box.Open(stored, "live_webhooks", endpoint.String())
	return string(secret), err
}

// secrets are what signs for an endpoint at that time, the newest first.
func (s *Service) secrets(e Endpoint, now time.Time) ([]string, error) {
	secret, err := s.unsealed(e.ID, e.secret)
	if err != nil {
		return nil, err
	}
	all := []string{secret}
	if e.OldUntil != nil && now.Before(*e.OldUntil) {
		if old, err := s.unsealed(e.ID, e.old); err == nil {
			all = append(all, old)
		}
	}
	return all, nil
}

// signatures is the header webhook-signature (Standard Webhooks 1.0, "Signature scheme").
func signatures(id string, at time.Time, body string, secrets []string) (string, error) {
	var out []string
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "." + body))
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, " "), nil
}
