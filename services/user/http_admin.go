package user

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
)

func (r routes) addAdmin(api huma.API) {
	huma.Register(api, op("listUsers", http.MethodGet, "/users", "admin", "Find users", http.StatusOK, ScopeAdmin), r.list)
	huma.Register(api, op("getAccount", http.MethodGet, "/users/{id}/account", "admin", "All of a user's account", http.StatusOK, ScopeAdmin), r.inspect)
	huma.Register(api, op("suspendUser", http.MethodPut, "/users/{id}/suspension", "admin", "Suspend a user; their sessions end", http.StatusOK, ScopeAdmin), r.suspend)
	huma.Register(api, op("unsuspendUser", http.MethodDelete, "/users/{id}/suspension", "admin", "Lift a suspension", http.StatusOK, ScopeAdmin), r.unsuspend)
	huma.Register(api, op("setRole", http.MethodPut, "/users/{id}/role", "admin", "Change what a user may do", http.StatusOK, ScopeAdmin), r.setRole)
	huma.Register(api, op("deleteUser", http.MethodDelete, "/users/{id}", "admin", "Delete a user, for ever", http.StatusNoContent, ScopeAdmin), r.deleteUser)
}

// admin is who calls, if that is an admin, and whom it is about. The role is looked at
// before the rest of the input.
func admin(ctx context.Context, id string) (auth.Identity, uuid.UUID, error) {
	who, err := caller(ctx)
	if err != nil {
		return who, uuid.Nil, err
	}
	if err := needs(who, auth.Admin); err != nil {
		return who, uuid.Nil, err
	}
	parsed, err := parseID(id, "path.id")
	return who, parsed, err
}

type usersInput struct {
	Paged
	Query string `query:"q" maxLength:"254" doc:"What the username or the e-mail address begins with"`
	Role  string `query:"role" enum:"user,moderator,admin" doc:"Only those with this role"`
	State string `query:"state" enum:"active,suspended,deleted" doc:"Only those in this state"`
}

func (r routes) list(ctx context.Context, in *usersInput) (*pageOf[Own], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return pageAnswer(r.List(ctx, who, Filter{Prefix: in.Query, Role: auth.Role(in.Role), State: in.State}, in.After, in.Limit))
}

func (r routes) inspect(ctx context.Context, in *ByID) (*ownAnswer, error) {
	who, id, err := admin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ownOf(r.Inspect(ctx, who, id))
}

type suspendInput struct {
	ByID
	Body struct {
		Until  *time.Time `json:"until,omitempty" doc:"When it ends by itself; absent: when it is lifted"`
		Reason string     `json:"reason" minLength:"1" maxLength:"500" doc:"Why; the owner reads it"`
	}
}

func (r routes) suspend(ctx context.Context, in *suspendInput) (*ownAnswer, error) {
	who, id, err := admin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ownOf(r.Suspend(ctx, who, peer(ctx), id, in.Body.Until, in.Body.Reason))
}

func (r routes) unsuspend(ctx context.Context, in *ByID) (*ownAnswer, error) {
	who, id, err := admin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ownOf(r.Unsuspend(ctx, who, peer(ctx), id))
}

type roleInput struct {
	ByID
	Body struct {
		Role string `json:"role" enum:"user,moderator,admin"`
	}
}

func (r routes) setRole(ctx context.Context, in *roleInput) (*ownAnswer, error) {
	who, id, err := admin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ownOf(r.SetRole(ctx, who, peer(ctx), id, auth.Role(in.Body.Role)))
}

func (r routes) deleteUser(ctx context.Context, in *ByID) (*empty, error) {
	who, id, err := admin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, r.Delete(ctx, who, peer(ctx), id)
}
