package event

import "strings"

// Group is who listens: all processes that handle its events share them.
type Group struct {
	Name  string   // such as "notification": [a-z][a-z0-9-]{0,39}
	Types []string // exact ("user.followed.v1"), families ("user.*", all that begin with "user."), or "*"
}

// Groups are all that there are, whichever process they are handled in. A process
// that only emits has to know them: what it tells before a group's first process has
// started waits for that one.
func Groups() []Group {
	return []Group{LiveGroup(), WebhookGroup()}
}

// LiveGroup is the live-service: accounts that may publish no more, and roles that change.
func LiveGroup() Group {
	return Group{"live", []string{UserSuspended{}.EventType(), UserDeleted{}.EventType(), UserSecurity{}.EventType()}}
}

// WebhookGroup is what other systems can be told of: what happens to channels, and to
// accounts, but nothing with a secret in its data.
func WebhookGroup() Group {
	return Group{"webhooks", []string{
		"stream.*", "recording.*", "clip.*", "key.*", "publish.*", "channel.*",
		UserRegistered{}.EventType(), UserVerified{}.EventType(), UserUpdated{}.EventType(), UserFollowed{}.EventType(), UserUnfollowed{}.EventType(),
		UserSuspended{}.EventType(), UserDeleted{}.EventType(), UserSecurity{}.EventType(),
	}}
}

// Wants reports whether g listens to the type.
func (g Group) Wants(typ string) bool {
	for _, t := range g.Types {
		family, wild := strings.CutSuffix(t, "*")
		if t == typ || wild && strings.HasPrefix(typ, family) {
			return true
		}
	}
	return false
}
