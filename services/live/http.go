package live

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

// routes is the HTTP side of a Service: it decodes, calls and encodes.
type routes struct {
	*Service
	server *httpd.Server
}

// Routes adds the operations of this service to a server.
func (s *Service) Routes(h *httpd.Server) {
	r := routes{s, h}
	r.addChannels(h.API)
	r.addKeys(h.API)
	r.addPassphrases(h.API)
	r.addMembers(h.API)
	r.addSessions(h.API)
	r.addRecordings(h.API)
	r.addHealth(h.API)
	r.addAccess(h.API)
}

// ByID is a path with a channel's id in it. It is exported because huma passes over
// embedded fields that are not.
type ByID struct {
	ID httpd.ID `path:"id" example:"01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11" doc:"Id of a channel"`
}

func (r routes) addChannels(api huma.API) {
	huma.Register(api, httpd.Op("listChannels", http.MethodGet, "/channels", "channels", "The channels that everybody may find", http.StatusOK), r.list)
	huma.Register(api, httpd.Op("createChannel", http.MethodPost, "/channels", "channels", "Make a channel of yours", http.StatusCreated, auth.ScopeChannelsWrite), httpd.As(r.create))
	huma.Register(api, httpd.Op("listMyChannels", http.MethodGet, "/channels/mine", "channels", "The channels that you own or work for", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.mine))
	huma.Register(api, httpd.Op("getChannelByName", http.MethodGet, "/channels/by-name/{name}", "channels", "A channel by its name", http.StatusOK), r.byName)
	huma.Register(api, httpd.Op("getChannel", http.MethodGet, "/channels/{id}", "channels", "A channel", http.StatusOK), r.channel)
	huma.Register(api, httpd.Op("updateChannel", http.MethodPatch, "/channels/{id}", "channels", "Change a channel", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.update))
	huma.Register(api, httpd.Op("deleteChannel", http.MethodDelete, "/channels/{id}", "channels", "Delete a channel, for ever; its stream ends", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.remove))
	huma.Register(api, httpd.Op("banChannel", http.MethodPut, "/channels/{id}/ban", "channels", "Keep a channel off the air; for moderators", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.ban))
	huma.Register(api, httpd.Op("unbanChannel", http.MethodDelete, "/channels/{id}/ban", "channels", "Lift a ban; for moderators", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.unban))
}

type channelAnswer struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Body  View
}

func channelOf(v View, err error) (*channelAnswer, error) {
	if err != nil {
		return nil, err
	}
	cache := "no-cache"
	if v.Inside != nil {
		cache = "private, no-cache"
	}
	return &channelAnswer{ETag: httpd.ETag(v.Version), Cache: cache, Body: v}, nil
}

type listInput struct {
	httpd.Paged
	Owner string `query:"owner" maxLength:"36" doc:"Id of a user: only theirs"`
}

func (r routes) list(ctx context.Context, in *listInput) (*httpd.PageOf[View], error) {
	if in.Owner == "" {
		return httpd.Answer(r.Channels(ctx, in.After, in.Limit))
	}
	owner, err := httpd.ParseID(in.Owner, "query.owner")
	if err != nil {
		return nil, err
	}
	return httpd.Answer(r.ChannelsOf(ctx, owner, in.After, in.Limit))
}

func (r routes) mine(ctx context.Context, who auth.Identity, in *httpd.Paged) (*httpd.PageOf[View], error) {
	return httpd.Answer(r.Mine(ctx, who, in.After, in.Limit))
}

type createInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"63" doc:"a-z, 0-9, - and _; never given to another channel" example:"anna"`
		Changes
	}
}

func (r routes) create(ctx context.Context, who auth.Identity, in *createInput) (*channelAnswer, error) {
	return channelOf(r.CreateChannel(ctx, who, in.Body.Name, in.Body.Changes))
}

// caller is who asks, the zero Identity for nobody.
func caller(ctx context.Context) auth.Identity {
	who, _ := auth.From(ctx)
	return who
}

func (r routes) channel(ctx context.Context, in *ByID) (*channelAnswer, error) {
	return channelOf(r.Channel(ctx, caller(ctx), in.ID.UUID))
}

type nameInput struct {
	Name string `path:"name" minLength:"1" maxLength:"63" example:"anna"`
}

func (r routes) byName(ctx context.Context, in *nameInput) (*channelAnswer, error) {
	return channelOf(r.ByName(ctx, caller(ctx), in.Name))
}

type updateInput struct {
	ByID
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you have read; * for any"`
	Body    Changes
}

func (r routes) update(ctx context.Context, who auth.Identity, in *updateInput) (*channelAnswer, error) {
	version, err := httpd.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return channelOf(r.UpdateChannel(ctx, who, in.ID.UUID, version, in.Body))
}

func (r routes) remove(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	return nil, r.DeleteChannel(ctx, who, in.ID.UUID)
}

type reasonInput struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"2000" doc:"What the owner and the encoder are told"`
	}
}

func (r routes) ban(ctx context.Context, who auth.Identity, in *reasonInput) (*channelAnswer, error) {
	if strings.TrimSpace(in.Body.Reason) == "" { // which would lift it
		return nil, fault.Bad("body.reason", "must say why")
	}
	return channelOf(r.Ban(ctx, who, in.ID.UUID, in.Body.Reason))
}

func (r routes) unban(ctx context.Context, who auth.Identity, in *ByID) (*channelAnswer, error) {
	return channelOf(r.Ban(ctx, who, in.ID.UUID, ""))
}

func (r routes) addMembers(api huma.API) {
	huma.Register(api, httpd.Op("listMembers", http.MethodGet, "/channels/{id}/members", "channels", "Who works for a channel beside its owner", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.members))
	huma.Register(api, httpd.Op("setMember", http.MethodPut, "/channels/{id}/members/{user}", "channels", "Give a user a role in a channel", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.setMember))
	huma.Register(api, httpd.Op("removeMember", http.MethodDelete, "/channels/{id}/members/{user}", "channels", "Take the role away; your own too", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.removeMember))
}

type listOf[T any] struct {
	Cache string `header:"Cache-Control"`
	Body  struct {
		Items []T `json:"items"`
	}
}

func listAnswer[T any](items []T, err error) (*listOf[T], error) {
	if err != nil {
		return nil, err
	}
	out := &listOf[T]{Cache: "private, no-store"}
	out.Body.Items = items
	if items == nil {
		out.Body.Items = []T{}
	}
	return out, nil
}

func (r routes) members(ctx context.Context, who auth.Identity, in *ByID) (*listOf[Member], error) {
	return listAnswer(r.Members(ctx, who, in.ID.UUID))
}

// MemberID is the path of a member.
type MemberID struct {
	ByID
	User httpd.ID `path:"user" doc:"Id of a user"`
}

type memberInput struct {
	MemberID
	Body struct {
		Role Role `json:"role" enum:"manager,moderator"`
	}
}

func (r routes) setMember(ctx context.Context, who auth.Identity, in *memberInput) (*httpd.Empty, error) {
	return nil, r.SetMember(ctx, who, in.ID.UUID, in.User.UUID, in.Body.Role)
}

func (r routes) removeMember(ctx context.Context, who auth.Identity, in *MemberID) (*httpd.Empty, error) {
	return nil, r.RemoveMember(ctx, who, in.ID.UUID, in.User.UUID)
}

// until is an optional time of an input.
func until(s string) (*time.Time, error) {
	t, problem := checkTime(s)
	if problem != "" {
		return nil, fault.Bad("body.expires_at", problem)
	}
	return t, nil
}
