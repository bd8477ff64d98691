package event

import "embed"

//go:embed schema/*.json
var schemas embed.FS

// All is one zero value of every Data there is, in the order of README.md.
func All() []Data {
	return []Data{
		UserRegistered{},
		UserVerified{},
		UserUpdated{},
		UserFollowed{},
		UserUnfollowed{},
		UserSuspended{},
		UserDeleted{},
		UserEmailVerificationRequested{},
		UserPasswordResetRequested{},
		UserSecurity{},
		StreamStarted{},
		StreamUpdated{},
		StreamReconnecting{},
		StreamEnded{},
		KeyRotated{},
		PublishRefused{},
		ChannelDeleted{},
		RecordingReady{},
		ClipReady{},
		RecordingDeleted{},
	}
}

// Schema is the JSON Schema (2020-12) of the data of a type such as
// "user.registered.v1", and whether there is one.
func Schema(typ string) ([]byte, bool) {
	text, err := schemas.ReadFile("schema/" + typ + ".json")
	return text, err == nil
}
