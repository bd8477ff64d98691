package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"weir/services/fault"
)

const (
	hookWithin = 3 * time.Second
	hookAnswer = 4 << 10 // bytes of an answer that are read
	hookWords  = 200     // characters of its reason that are shown
)

// hook asks the operator's own program before a publisher is let in: a POST of
// application/json with channel_id, name, owner_id, protocol and address. A status of
// 2xx lets the publisher in; 4xx refuses, with the answer's {"reason": "..."} as words;
// anything else, or none in 3 s, is "cannot be answered now". The stream key is never sent.
type hook struct {
	url    string
	client *http.Client
}

func newHook(address string, client *http.Client) (*hook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("live: the publish hook must be a URL such as http://127.0.0.1:9000/publish")
	}
	h := &hook{url: address, client: &http.Client{}}
	if client != nil {
		copied := *client
		h.client = &copied
	}
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h, nil
}

// hookQuestion is what is sent.
type hookQuestion struct {
	Channel  string `json:"channel_id"`
	Name     string `json:"name"`
	Owner    string `json:"owner_id"` // empty: the operator's
	Protocol string `json:"protocol"`
	Address  string `json:"address"`
}

func (h *hook) ask(ctx context.Context, c *Channel, a Attempt) error {
	q := hookQuestion{Channel: c.ID.String(), Name: c.Name, Protocol: a.Protocol, Address: a.address()}
	if c.Owner != nil {
		q.Owner = c.Owner.String()
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hookWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := h.client.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "the publish hook does not answer", errors.Unwrap(err)) // without the URL
	}
	defer res.Body.Close()
	switch res.StatusCode / 100 {
	case 2:
		return nil
	case 4:
		return &Refusal{"hook", hookReason(res.Body)}
	}
	return fault.Newf(fault.Unavailable, "the publish hook answered with status %d", res.StatusCode)
}

func hookReason(r io.Reader) string {
	var answer struct {
		Reason string `json:"reason"`
	}
	raw, err := io.ReadAll(io.LimitReader(r, hookAnswer))
	if err == nil && json.Unmarshal(raw, &answer) == nil {
		if clean, problem := checkText(answer.Reason, hookWords, false); problem == "" && clean != "" {
			return clean
		}
	}
	return "refused by the operator of this server"
}
