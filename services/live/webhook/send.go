package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/services/event"
	"weir/services/outside"
)

const answerMax = 4 << 10 // bytes of an answer that are read

// result is what came of an attempt.
type result struct {
	status int    // 0: no answer
	err    string // empty: delivered
	answer string
	took   time.Duration
	after  time.Duration // not again before, as the answer says; 0: it says nothing
}

// send makes one attempt. It blocks for at most sendWithin, or until ctx ends.
func (s *Service) send(ctx context.Context, e Endpoint, d Delivery) result {
	began := s.now()
	secrets, err := s.secrets(e, began)
	if err != nil {
		s.log.Error("a webhook's secret cannot be read; give all processes that share the database the same WEIR_SECRET_KEY", "webhook", e.ID, "err", err)
		return result{err: "the server cannot read the secret: rotate it"}
	}
	signature, err := signatures(d.Event, began, d.body, secrets)
	if err != nil {
		return result{err: "the server cannot use the secret: rotate it"}
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(d.body))
	if err != nil {
		return result{err: "the address cannot be used"}
	}
	req.Header.Set("Content-Type", event.ContentType)
	req.Header.Set("User-Agent", "weir-webhook")
	req.Header.Set("Webhook-Id", d.Event)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(began.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	res, err := s.client.Do(req)
	if err != nil {
		return result{err: outside.Words(err), took: s.now().Sub(began)}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	r := result{status: res.StatusCode, answer: readable(raw), after: retryAfter(res.Header.Get("Retry-After")), took: s.now().Sub(began)}
	switch {
	case r.status/100 == 3:
		r.err = fmt.Sprintf("it answered %d: redirects are not followed", r.status)
	case r.status/100 != 2:
		r.err = fmt.Sprintf("it answered %d", r.status)
	case err != nil:
		r.err = "the answer broke off"
	}
	return r
}

// readable is the beginning of an answer, as the database takes it.
func readable(raw []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(raw), "\uFFFD"), "\x00", "\uFFFD")
}

// retryAfter reads the seconds of the header; what is a date counts as nothing.
func retryAfter(header string) time.Duration {
	n, err := strconv.Atoi(header)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(min(n, 86400))*time.Second, pauseMax)
}
