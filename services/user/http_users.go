package user

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addMe(api huma.API) {
	huma.Register(api, httpd.Op("getMe", http.MethodGet, "/users/me", "users", "Your own account", http.StatusOK, auth.ScopeProfileRead), httpd.As(r.me))
	huma.Register(api, httpd.Op("updateMe", http.MethodPatch, "/users/me", "users", "Change your profile", http.StatusOK, auth.ScopeProfileWrite), httpd.As(r.update))
	huma.Register(api, httpd.Op("deleteMe", http.MethodPost, "/users/me/delete", "users", "Delete your account, for ever", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.deleteMe))
	huma.Register(api, httpd.Op("listMySecurityEvents", http.MethodGet, "/users/me/security-events", "users", "What has happened to your account", http.StatusOK, auth.ScopeAccount), httpd.As(r.mySecurityEvents))
}

func (r routes) addUsers(api huma.API) {
	huma.Register(api, httpd.Op("getUserByName", http.MethodGet, "/users/by-name/{username}", "users", "A user by the name", http.StatusOK), r.byName)
	huma.Register(api, httpd.Op("getUser", http.MethodGet, "/users/{id}", "users", "A user", http.StatusOK), r.user)
	huma.Register(api, httpd.Op("listSecurityEvents", http.MethodGet, "/users/{id}/security-events", "users", "What has happened to an account: yours, or, for admins, anybody's", http.StatusOK, auth.ScopeAccount), httpd.As(r.securityEvents))
}

// Conditional is the header of a read that may be answered 304.
type Conditional struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"512" doc:"ETags of what you have: 304 when it is still the same"`
}

type ownAnswer struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Body  Own
}

func ownOf(o Own, err error) (*ownAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &ownAnswer{ETag: httpd.ETag(o.Version, o.Followers, o.Following), Cache: "private, no-cache", Body: o}, nil
}

func (r routes) me(ctx context.Context, who auth.Identity, in *Conditional) (*ownAnswer, error) {
	out, err := ownOf(r.Me(ctx, who))
	if err == nil && httpd.NoneMatch(in.IfNoneMatch, out.ETag) {
		return nil, huma.Status304NotModified()
	}
	return out, err
}

type updateInput struct {
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you have read; * for any"`
	Body    Changes
}

func (r routes) update(ctx context.Context, who auth.Identity, in *updateInput) (*ownAnswer, error) {
	version, err := httpd.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return ownOf(r.Update(ctx, who, version, in.Body))
}

type deleteInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"512" doc:"Your password; absent: the account has none, and you signed in within the last ten minutes"`
	}
}

func (r routes) deleteMe(ctx context.Context, who auth.Identity, in *deleteInput) (*httpd.Empty, error) {
	return nil, r.DeleteMe(ctx, who, peer(ctx), in.Body.Password)
}

type publicAnswer struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Body  Public
}

// publicOf needs a tag that changes with the profile and with the number of followers.
func publicOf(p Public, version int64, ifNoneMatch string, err error) (*publicAnswer, error) {
	if err != nil {
		return nil, err
	}
	tag := httpd.ETag(version, p.Followers)
	if httpd.NoneMatch(ifNoneMatch, tag) {
		return nil, huma.Status304NotModified()
	}
	return &publicAnswer{ETag: tag, Cache: "no-cache", Body: p}, nil
}

type userInput struct {
	ByID
	Conditional
}

func (r routes) user(ctx context.Context, in *userInput) (*publicAnswer, error) {
	p, version, err := r.Service.user(ctx, in.ID.UUID)
	return publicOf(p, version, in.IfNoneMatch, err)
}

type nameInput struct {
	Conditional
	Username string `path:"username" minLength:"1" maxLength:"64" example:"anna"`
}

func (r routes) byName(ctx context.Context, in *nameInput) (*publicAnswer, error) {
	p, version, err := r.byUsername(ctx, in.Username)
	return publicOf(p, version, in.IfNoneMatch, err)
}

// listInput is a page of what belongs to a user.
type listInput struct {
	ByID
	httpd.Paged
}

func (r routes) securityEvents(ctx context.Context, who auth.Identity, in *listInput) (*httpd.PageOf[SecurityEvent], error) {
	return httpd.Answer(r.SecurityEvents(ctx, who, in.ID.UUID, in.After, in.Limit))
}

func (r routes) mySecurityEvents(ctx context.Context, who auth.Identity, in *httpd.Paged) (*httpd.PageOf[SecurityEvent], error) {
	return httpd.Answer(r.SecurityEvents(ctx, who, who.User, in.After, in.Limit))
}

func (r routes) addFollows(api huma.API) {
	huma.Register(api, httpd.Op("listMyFollowing", http.MethodGet, "/users/me/following", "follows", "The channels that you follow", http.StatusOK, auth.ScopeProfileRead), httpd.As(r.myFollowing))
	huma.Register(api, httpd.Op("getFollow", http.MethodGet, "/users/me/following/{id}", "follows", "Since when you follow a channel; 404: you do not", http.StatusOK, auth.ScopeProfileRead), httpd.As(r.getFollow))
	huma.Register(api, httpd.Op("follow", http.MethodPut, "/users/me/following/{id}", "follows", "Follow a channel", http.StatusNoContent, auth.ScopeFollowsWrite), httpd.As(r.follow))
	huma.Register(api, httpd.Op("unfollow", http.MethodDelete, "/users/me/following/{id}", "follows", "Follow a channel no longer", http.StatusNoContent, auth.ScopeFollowsWrite), httpd.As(r.unfollow))
	huma.Register(api, httpd.Op("listFollowers", http.MethodGet, "/users/{id}/followers", "follows", "Who follows a channel, newest first", http.StatusOK), r.followers)
	huma.Register(api, httpd.Op("listFollowing", http.MethodGet, "/users/{id}/following", "follows", "What a user follows: you, or, for admins, anybody", http.StatusOK, auth.ScopeProfileRead), httpd.As(r.following))
}

func (r routes) followers(ctx context.Context, in *listInput) (*httpd.PageOf[Followed], error) {
	return httpd.Answer(r.Followers(ctx, in.ID.UUID, in.After, in.Limit))
}

func (r routes) following(ctx context.Context, who auth.Identity, in *listInput) (*httpd.PageOf[Followed], error) {
	return httpd.Answer(r.Following(ctx, who, in.ID.UUID, in.After, in.Limit))
}

func (r routes) myFollowing(ctx context.Context, who auth.Identity, in *httpd.Paged) (*httpd.PageOf[Followed], error) {
	return httpd.Answer(r.Following(ctx, who, who.User, in.After, in.Limit))
}

type followAnswer struct {
	Body struct {
		Since time.Time `json:"since"`
	}
}

func (r routes) getFollow(ctx context.Context, who auth.Identity, in *ByID) (*followAnswer, error) {
	since, err := r.Follows(ctx, who, in.ID.UUID)
	if err != nil {
		return nil, err
	}
	out := &followAnswer{}
	out.Body.Since = since
	return out, nil
}

func (r routes) follow(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	return nil, r.Follow(ctx, who, in.ID.UUID)
}

func (r routes) unfollow(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	return nil, r.Unfollow(ctx, who, in.ID.UUID)
}
