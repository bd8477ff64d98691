package auth

// Scopes are what an API token may be used for: each operation asks for one of them. The
// tokens of sessions are for everything.
const (
	ScopeProfileRead   = "profile:read"
	ScopeProfileWrite  = "profile:write"
	ScopeFollowsWrite  = "follows:write"
	ScopeChannelsRead  = "channels:read"  // what goes on inside of one's channels
	ScopeChannelsWrite = "channels:write" // make and change them, and what belongs to them
	ScopeKeysWrite     = "keys:write"     // make and end stream keys
	ScopeUsersAdmin    = "users:admin"    // for admins only
	// ScopeAccount is never given to an API token: what ends sessions, changes passwords or
	// makes tokens needs a session.
	ScopeAccount = "account"
)

// TokenScopes are those that an API token may have.
func TokenScopes() []string {
	return []string{ScopeProfileRead, ScopeProfileWrite, ScopeFollowsWrite, ScopeChannelsRead, ScopeChannelsWrite, ScopeKeysWrite, ScopeUsersAdmin}
}
