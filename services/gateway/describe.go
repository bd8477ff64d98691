package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"weir/services/httpd"
)

const (
	describeTime = 2 * time.Second // to ask all services what they serve
	describeLife = time.Minute     // how long their answers are believed
	describeSoon = 5 * time.Second // and when one did not answer
	describeMost = 4 << 20         // bytes of one answer
	describePath = apiPrefix + "openapi.json"
)

// description is the API as a whole.
type description struct {
	yaml, json, page []byte
}

// descriptions puts the gateway's own description and those of the services
// together. A service that is away is described as it was last.
type descriptions struct {
	proxy *proxy
	now   func() time.Time

	mu    sync.Mutex
	last  map[string][]byte // by service
	whole description
	until time.Time // when whole is to be made anew
}

// newDescriptions starts with the gateway's own; services are asked later.
func newDescriptions(p *proxy, now func() time.Time) (*descriptions, error) {
	d := &descriptions{proxy: p, now: now, last: map[string][]byte{}}
	var err error
	if d.whole, err = render(nil); err != nil {
		return nil, err
	}
	return d, nil
}

// get returns the description. It blocks while services are asked, for
// describeTime at most; the others who ask meanwhile wait too.
func (d *descriptions) get(ctx context.Context) description {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.proxy.all) == 0 || d.now().Before(d.until) {
		return d.whole
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), describeTime)
	defer cancel()
	d.until = d.now().Add(describeLife)
	if !d.ask(ctx) {
		d.until = d.now().Add(describeSoon)
	}
	d.put()
	return d.whole
}

// ask asks every service at once, and says whether all answered.
func (d *descriptions) ask(ctx context.Context) bool {
	texts, errs := make([][]byte, len(d.proxy.all)), make([]error, len(d.proxy.all))
	var wg sync.WaitGroup
	for i, up := range d.proxy.all {
		wg.Go(func() { texts[i], errs[i] = up.describe(ctx) })
	}
	wg.Wait()
	for i, up := range d.proxy.all {
		if errs[i] != nil {
			d.proxy.log.Warn("a service does not describe itself", "service", up.Name, "err", errs[i])
			continue
		}
		d.last[up.Name] = texts[i]
	}
	return errors.Join(errs...) == nil
}

// put merges what there is. One that does not fit with the others is left out.
func (d *descriptions) put() {
	var parts []httpd.Description
	for _, up := range d.proxy.all {
		text := d.last[up.Name]
		if text == nil {
			continue
		}
		more := append(parts[:len(parts):len(parts)], httpd.Description{Service: up.Name, Text: text})
		whole, err := render(more)
		if err != nil {
			d.proxy.log.Error("the description of a service does not fit", "service", up.Name, "err", err)
			continue
		}
		parts, d.whole = more, whole
	}
}

// describe fetches the description of one service.
func (up *upstream) describe(ctx context.Context) ([]byte, error) {
	u := *up.target
	u.Path = describePath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := up.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, describeMost))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return text, err
}

// render makes all forms of the description. Without services the YAML is our
// file, letter by letter.
func render(parts []httpd.Description) (description, error) {
	asYAML, asJSON, err := httpd.Merge(httpd.Description{Service: "gateway", Text: openAPI}, parts...)
	if err != nil {
		return description{}, err
	}
	if len(parts) == 0 {
		asYAML = openAPI
	}
	page, err := renderDocs(asYAML)
	if err != nil {
		return description{}, err
	}
	return description{asYAML, asJSON, page}, nil
}
