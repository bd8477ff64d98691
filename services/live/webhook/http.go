package webhook

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

// Routes adds the operations of this package to the server of the live-service: those
// of channels, and the same for the installation.
func (s *Service) Routes(h *httpd.Server) {
	const of, all, tag = "/channels/{id}/webhooks", "/webhooks", "webhooks"
	api := h.API
	huma.Register(api, httpd.Op("listWebhooks", http.MethodGet, of, tag, "Who is told of the events of a channel", http.StatusOK, auth.ScopeChannelsRead), httpd.As(list[ChannelID](s)))
	huma.Register(api, httpd.Op("createWebhook", http.MethodPost, of, tag, "Tell somebody of the events of a channel; the secret is shown this once", http.StatusCreated, auth.ScopeChannelsWrite), httpd.As(create[createInput](s)))
	huma.Register(api, httpd.Op("getWebhook", http.MethodGet, of+"/{webhook}", tag, "A webhook of a channel", http.StatusOK, auth.ScopeChannelsRead), httpd.As(get[OfChannel](s)))
	huma.Register(api, httpd.Op("updateWebhook", http.MethodPatch, of+"/{webhook}", tag, "Change a webhook, or turn it on or off", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(update[updateInput](s)))
	huma.Register(api, httpd.Op("deleteWebhook", http.MethodDelete, of+"/{webhook}", tag, "Delete a webhook with its log", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(remove[OfChannel](s)))
	huma.Register(api, httpd.Op("rotateWebhookSecret", http.MethodPost, of+"/{webhook}/rotate", tag, "A new secret, shown this once; the old one signs too for a day", http.StatusCreated, auth.ScopeChannelsWrite), httpd.As(rotate[OfChannel](s)))
	huma.Register(api, httpd.Op("pingWebhook", http.MethodPost, of+"/{webhook}/ping", tag, "Send an event of the type webhook.ping.v1", http.StatusAccepted, auth.ScopeChannelsWrite), httpd.As(pinged[OfChannel](s)))
	huma.Register(api, httpd.Op("listWebhookDeliveries", http.MethodGet, of+"/{webhook}/deliveries", tag, "What was sent, newest first: 30 days, at most 1,000", http.StatusOK, auth.ScopeChannelsRead), httpd.As(deliveries[deliveriesInput](s)))
	huma.Register(api, httpd.Op("redeliverWebhook", http.MethodPost, of+"/{webhook}/deliveries/{delivery}/redeliver", tag, "Send it again, with the same webhook-id", http.StatusAccepted, auth.ScopeChannelsWrite), httpd.As(redeliver[DeliveryOfChannel](s)))

	huma.Register(api, httpd.Op("listGlobalWebhooks", http.MethodGet, all, tag, "Who is told of the events of all channels and users; for admins", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(list[Everywhere](s)))
	huma.Register(api, httpd.Op("createGlobalWebhook", http.MethodPost, all, tag, "Tell somebody of the events of all channels and users; for admins", http.StatusCreated, auth.ScopeUsersAdmin), httpd.As(create[createGlobalInput](s)))
	huma.Register(api, httpd.Op("getGlobalWebhook", http.MethodGet, all+"/{webhook}", tag, "A webhook of the installation", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(get[OfAll](s)))
	huma.Register(api, httpd.Op("updateGlobalWebhook", http.MethodPatch, all+"/{webhook}", tag, "Change a webhook, or turn it on or off", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(update[updateGlobalInput](s)))
	huma.Register(api, httpd.Op("deleteGlobalWebhook", http.MethodDelete, all+"/{webhook}", tag, "Delete a webhook with its log", http.StatusNoContent, auth.ScopeUsersAdmin), httpd.As(remove[OfAll](s)))
	huma.Register(api, httpd.Op("rotateGlobalWebhookSecret", http.MethodPost, all+"/{webhook}/rotate", tag, "A new secret, shown this once; the old one signs too for a day", http.StatusCreated, auth.ScopeUsersAdmin), httpd.As(rotate[OfAll](s)))
	huma.Register(api, httpd.Op("pingGlobalWebhook", http.MethodPost, all+"/{webhook}/ping", tag, "Send an event of the type webhook.ping.v1", http.StatusAccepted, auth.ScopeUsersAdmin), httpd.As(pinged[OfAll](s)))
	huma.Register(api, httpd.Op("listGlobalWebhookDeliveries", http.MethodGet, all+"/{webhook}/deliveries", tag, "What was sent, newest first: 30 days, at most 1,000", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(deliveries[deliveriesOfAllInput](s)))
	huma.Register(api, httpd.Op("redeliverGlobalWebhook", http.MethodPost, all+"/{webhook}/deliveries/{delivery}/redeliver", tag, "Send it again, with the same webhook-id", http.StatusAccepted, auth.ScopeUsersAdmin), httpd.As(redeliver[DeliveryOfAll](s)))
}

// place is a path: which channel (the nil UUID for the installation), and which webhook
// and delivery of it, where the path has them.
type place interface {
	place() (channel, webhook, delivery uuid.UUID, err error)
}

// The paths. They are exported because huma passes over embedded fields that are not.
type (
	// Everywhere is the installation.
	Everywhere struct{}
	// ChannelID is a channel.
	ChannelID struct {
		ID httpd.ID `path:"id" doc:"Id of a channel"`
	}
	// OfAll is a webhook of the installation.
	OfAll struct {
		Webhook httpd.ID `path:"webhook" doc:"Id of a webhook"`
	}
	// OfChannel is a webhook of a channel.
	OfChannel struct {
		ChannelID
		Webhook httpd.ID `path:"webhook" doc:"Id of a webhook"`
	}
	// DeliveryOfAll is a delivery to a webhook of the installation.
	DeliveryOfAll struct {
		OfAll
		Delivery httpd.ID `path:"delivery" doc:"Id of a delivery"`
	}
	// DeliveryOfChannel is a delivery to a webhook of a channel.
	DeliveryOfChannel struct {
		OfChannel
		Delivery httpd.ID `path:"delivery" doc:"Id of a delivery"`
	}
)

// channel is not the nil UUID, which stands for the installation.
func (p ChannelID) channel() (uuid.UUID, error) {
	if p.ID.UUID == uuid.Nil {
		return uuid.Nil, fault.New(fault.NotFound, "there is no such channel or webhook")
	}
	return p.ID.UUID, nil
}

func (Everywhere) place() (channel, webhook, delivery uuid.UUID, err error) { return }
func (p ChannelID) place() (channel, webhook, delivery uuid.UUID, err error) {
	channel, err = p.channel()
	return channel, uuid.Nil, uuid.Nil, err
}
func (p OfAll) place() (channel, webhook, delivery uuid.UUID, err error) {
	return uuid.Nil, p.Webhook.UUID, uuid.Nil, nil
}
func (p OfChannel) place() (channel, webhook, delivery uuid.UUID, err error) {
	channel, err = p.channel()
	return channel, p.Webhook.UUID, uuid.Nil, err
}
func (p DeliveryOfAll) place() (channel, webhook, delivery uuid.UUID, err error) {
	return uuid.Nil, p.Webhook.UUID, p.Delivery.UUID, nil
}
func (p DeliveryOfChannel) place() (channel, webhook, delivery uuid.UUID, err error) {
	channel, err = p.channel()
	return channel, p.Webhook.UUID, p.Delivery.UUID, err
}

// ChangesBody is what a change brings.
type ChangesBody struct {
	Body EndpointChanges
}

func (c ChangesBody) changes() EndpointChanges { return c.Body }

// Match is the header of a change.
type Match struct {
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you have read; * for any"`
}

func (m Match) version() (int64, error) { return httpd.IfMatch(m.IfMatch) }

type (
	createInput struct {
		ChannelID
		ChangesBody
	}
	createGlobalInput struct {
		Everywhere
		ChangesBody
	}
	updateInput struct {
		OfChannel
		Match
		ChangesBody
	}
	updateGlobalInput struct {
		OfAll
		Match
		ChangesBody
	}
	deliveriesInput struct {
		OfChannel
		Pages
	}
	deliveriesOfAllInput struct {
		OfAll
		Pages
	}
)

// Pages is which part of a list is wanted.
type Pages struct{ httpd.Paged }

func (p Pages) page() (after string, limit int) { return p.After, p.Limit }

// answer is a body that nobody keeps.
type answer[T any] struct {
	Cache string `header:"Cache-Control"`
	Body  T
}

func answerOf[T any](body T, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{Cache: "private, no-store", Body: body}, nil
}

// endpointAnswer is a webhook with its ETag.
type endpointAnswer struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Body  Endpoint
}

func endpointOf(e Endpoint, err error) (*endpointAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &endpointAnswer{ETag: httpd.ETag(e.Version), Cache: "private, no-cache", Body: e}, nil
}

// Endpoints is a list of webhooks.
type Endpoints struct {
	Items []Endpoint `json:"items"`
}

func list[I place](s *Service) func(context.Context, auth.Identity, *I) (*answer[Endpoints], error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*answer[Endpoints], error) {
		channel, _, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		items, err := s.Endpoints(ctx, who, channel)
		if items == nil {
			items = []Endpoint{}
		}
		return answerOf(Endpoints{items}, err)
	}
}

func create[I interface {
	place
	changes() EndpointChanges
}](s *Service) func(context.Context, auth.Identity, *I) (*answer[NewEndpoint], error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*answer[NewEndpoint], error) {
		channel, _, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		return answerOf(s.Create(ctx, who, channel, (*in).changes()))
	}
}

func get[I place](s *Service) func(context.Context, auth.Identity, *I) (*endpointAnswer, error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*endpointAnswer, error) {
		channel, webhook, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		return endpointOf(s.Endpoint(ctx, who, channel, webhook))
	}
}

func update[I interface {
	place
	changes() EndpointChanges
	version() (int64, error)
}](s *Service) func(context.Context, auth.Identity, *I) (*endpointAnswer, error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*endpointAnswer, error) {
		channel, webhook, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		version, err := (*in).version()
		if err != nil {
			return nil, err
		}
		return endpointOf(s.Update(ctx, who, channel, webhook, version, (*in).changes()))
	}
}

func remove[I place](s *Service) func(context.Context, auth.Identity, *I) (*httpd.Empty, error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*httpd.Empty, error) {
		channel, webhook, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		return nil, s.Delete(ctx, who, channel, webhook)
	}
}

func rotate[I place](s *Service) func(context.Context, auth.Identity, *I) (*answer[NewEndpoint], error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*answer[NewEndpoint], error) {
		channel, webhook, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		return answerOf(s.Rotate(ctx, who, channel, webhook))
	}
}

func pinged[I place](s *Service) func(context.Context, auth.Identity, *I) (*answer[Delivery], error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*answer[Delivery], error) {
		channel, webhook, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		return answerOf(s.Ping(ctx, who, channel, webhook))
	}
}

func deliveries[I interface {
	place
	page() (string, int)
}](s *Service) func(context.Context, auth.Identity, *I) (*httpd.PageOf[Delivery], error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*httpd.PageOf[Delivery], error) {
		channel, webhook, _, err := (*in).place()
		if err != nil {
			return nil, err
		}
		after, limit := (*in).page()
		return httpd.Answer(s.Deliveries(ctx, who, channel, webhook, after, limit))
	}
}

func redeliver[I place](s *Service) func(context.Context, auth.Identity, *I) (*answer[Delivery], error) {
	return func(ctx context.Context, who auth.Identity, in *I) (*answer[Delivery], error) {
		channel, webhook, delivery, err := (*in).place()
		if err != nil {
			return nil, err
		}
		return answerOf(s.Redeliver(ctx, who, channel, webhook, delivery))
	}
}
