//go:build soak

package user

import "testing"

func TestSoakKilledInSignUp(t *testing.T) { kills(t, 200) }
