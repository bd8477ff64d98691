package user

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addAdmin(api huma.API) {
	huma.Register(api, httpd.Op("listUsers", http.MethodGet, "/users", "admin", "Find users", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(r.list))
	huma.Register(api, httpd.Op("getAccount", http.MethodGet, "/users/{id}/account", "admin", "All of a user's account", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(r.inspect))
	huma.Register(api, httpd.Op("suspendUser", http.MethodPut, "/users/{id}/suspension", "admin", "Suspend a user; their sessions end", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(r.suspend))
	huma.Register(api, httpd.Op("unsuspendUser", http.MethodDelete, "/users/{id}/suspension", "admin", "Lift a suspension", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(r.unsuspend))
	huma.Register(api, httpd.Op("setRole", http.MethodPut, "/users/{id}/role", "admin", "Change what a user may do", http.StatusOK, auth.ScopeUsersAdmin), httpd.As(r.setRole))
	huma.Register(api, httpd.Op("deleteUser", http.MethodDelete, "/users/{id}", "admin", "Delete a user, for ever", http.StatusNoContent, auth.ScopeUsersAdmin), httpd.As(r.deleteUser))
}

type usersInput struct {
	httpd.Paged
	Query string `query:"q" maxLength:"254" doc:"What the username or the e-mail address begins with"`
	Role  string `query:"role" enum:"user,moderator,admin" doc:"Only those with this role"`
	State string `query:"state" enum:"active,suspended,deleted" doc:"Only those in this state"`
}

func (r routes) list(ctx context.Context, who auth.Identity, in *usersInput) (*httpd.PageOf[Own], error) {
	return httpd.Answer(r.List(ctx, who, Filter{Prefix: in.Query, Role: auth.Role(in.Role), State: in.State}, in.After, in.Limit))
}

func (r routes) inspect(ctx context.Context, who auth.Identity, in *ByID) (*ownAnswer, error) {
	if err := needs(who, auth.Admin); err != nil {
		return nil, err
	}
	return ownOf(r.Inspect(ctx, who, in.ID.UUID))
}

type suspendInput struct {
	ByID
	Body struct {
		Until  *time.Time `json:"until,omitempty" doc:"When it ends by itself; absent: when it is lifted"`
		Reason string     `json:"reason" minLength:"1" maxLength:"500" doc:"Why; the owner reads it"`
	}
}

func (r routes) suspend(ctx context.Context, who auth.Identity, in *suspendInput) (*ownAnswer, error) {
	if err := needs(who, auth.Admin); err != nil {
		return nil, err
	}
	return ownOf(r.Suspend(ctx, who, peer(ctx), in.ID.UUID, in.Body.Until, in.Body.Reason))
}

func (r routes) unsuspend(ctx context.Context, who auth.Identity, in *ByID) (*ownAnswer, error) {
	if err := needs(who, auth.Admin); err != nil {
		return nil, err
	}
	return ownOf(r.Unsuspend(ctx, who, peer(ctx), in.ID.UUID))
}

type roleInput struct {
	ByID
	Body struct {
		Role string `json:"role" enum:"user,moderator,admin"`
	}
}

func (r routes) setRole(ctx context.Context, who auth.Identity, in *roleInput) (*ownAnswer, error) {
	if err := needs(who, auth.Admin); err != nil {
		return nil, err
	}
	return ownOf(r.SetRole(ctx, who, peer(ctx), in.ID.UUID, auth.Role(in.Body.Role)))
}

func (r routes) deleteUser(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	if err := needs(who, auth.Admin); err != nil {
		return nil, err
	}
	return nil, r.Delete(ctx, who, peer(ctx), in.ID.UUID)
}
