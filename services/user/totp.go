package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	totplib "github.com/pquerna/otp/totp"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
)

// The second factor: a code of six digits that changes each 30 s (RFC 6238, SHA-1, as
// all apps know it), or one of ten recovery codes. A code is taken one step before and
// after its time, and never a second time, nor one that is older than the last.
const (
	EnrolLife     = 15 * time.Minute // a secret that waits for its first code
	ChallengeLife = 5 * time.Minute  // a sign-in that waits for its code
	RecoveryCodes = 10

	totpPeriod    = 30 // seconds
	totpDigits    = 6
	totpSecret    = 20 // bytes, RFC 4226, 4
	recoveryBytes = 10 // 16 characters
	maxChallenges = 5  // of an account; a new one ends the oldest
)

// Enrolment is a second factor that is not in force yet.
type Enrolment struct {
	Secret  string    `json:"secret" doc:"For apps that take no QR code, base32"`
	URL     string    `json:"url" doc:"otpauth:// address, to be shown as a QR code"`
	Expires time.Time `json:"expires_at" doc:"Until when it can be confirmed by a code"`
}

// TOTPState is what the owner sees of the second factor.
type TOTPState struct {
	Enabled  bool       `json:"enabled" doc:"Sign-in needs a code"`
	Since    *time.Time `json:"since,omitempty"`
	Recovery int64      `json:"recovery_codes" doc:"Recovery codes that are left"`
}

// TOTP says whether the caller's sign-in needs a code.
func (s *Service) TOTP(ctx context.Context, who auth.Identity) (TOTPState, error) {
	t, err := s.store().totp(ctx, who.User)
	if errors.Is(err, db.ErrNotFound) || err == nil && t.confirmed == nil {
		return TOTPState{}, nil
	}
	if err != nil {
		return TOTPState{}, faultOf(err)
	}
	n, err := s.store().recoveryLeft(ctx, who.User)
	return TOTPState{Enabled: true, Since: t.confirmed, Recovery: n}, faultOf(err)
}

// EnrolTOTP makes a secret for the caller's app, in place of one that was not confirmed.
// Nothing changes until ConfirmTOTP. conflict: a second factor is in force.
func (s *Service) EnrolTOTP(ctx context.Context, who auth.Identity, password string) (Enrolment, error) {
	a, err := s.password(ctx, who, password)
	if err != nil {
		return Enrolment{}, err
	}
	public, err := url.Parse(s.public)
	if err != nil {
		return Enrolment{}, fmt.Errorf("user: %w", err)
	}
	key, err := totplib.Generate(totplib.GenerateOpts{
		Issuer: public.Hostname(), AccountName: a.Username, Period: totpPeriod, SecretSize: totpSecret,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1, Rand: rand.Reader,
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("user: %w", err)
	}
	var now time.Time
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if now, err = s.stillSame(ctx, st, a); err != nil {
			return err
		}
		free, err := st.proposeTOTP(ctx, a.ID, sealTOTP(s.box, a.ID, key.Secret()), now)
		if err == nil && !free {
			err = fault.New(fault.Conflict, "a second factor is in force: turn it off first")
		}
		return err
	})
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Secret: key.Secret(), URL: key.URL(), Expires: now.Add(EnrolLife)}, nil
}

// ConfirmTOTP puts the secret of EnrolTOTP in force by a code of the app, and returns
// the recovery codes, which cannot be had again.
func (s *Service) ConfirmTOTP(ctx context.Context, who auth.Identity, from Peer, code string) ([]string, error) {
	if err := s.limits.allow(ctx, "totp", who.User.String(), s.limits.Password); err != nil {
		return nil, err
	}
	var codes []string
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		a, err := st.held(ctx, who.User)
		if err != nil {
			return notFound(err, "user")
		}
		now := s.stamp()
		t, err := st.totp(ctx, a.ID)
		switch {
		case err != nil && !errors.Is(err, db.ErrNotFound):
			return err
		case err == nil && t.confirmed != nil:
			return fault.New(fault.Conflict, "a second factor is in force already")
		case err != nil || a.Deleted != nil || now.Sub(t.created) >= EnrolLife:
			return fault.New(fault.Conflict, "there is no secret to confirm, or it is too old: ask for a new one")
		}
		step, err := s.match(a.ID, t, normalCode(code), now)
		if err != nil {
			return err
		}
		if step == 0 {
			return wrongCode()
		}
		if err := st.confirmTOTP(ctx, a.ID, step, now); err != nil {
			return err
		}
		if codes, err = newRecovery(ctx, st, a.ID); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: a.ID, actor: a.ID, kind: kindTOTPEnabled})
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// DisableTOTP turns the second factor off, by the password and a code or a recovery code.
func (s *Service) DisableTOTP(ctx context.Context, who auth.Identity, from Peer, password, code string) error {
	return s.withCode(ctx, who, from, password, code, func(ctx context.Context, st Store) error {
		if _, err := st.dropTOTP(ctx, who.User); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindTOTPDisabled})
	})
}

// RenewRecovery makes new recovery codes; the old ones do not work any more.
func (s *Service) RenewRecovery(ctx context.Context, who auth.Identity, from Peer, password, code string) (codes []string, err error) {
	err = s.withCode(ctx, who, from, password, code, func(ctx context.Context, st Store) (err error) {
		if codes, err = newRecovery(ctx, st, who.User); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindRecoveryMade})
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// ResetTOTP turns another account's second factor off, for admins: its owner has lost
// the app and the recovery codes. An admin's own needs DisableTOTP, so that who has
// taken an admin's session cannot go around it.
func (s *Service) ResetTOTP(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID) error {
	if err := needs(who, auth.Admin); err != nil {
		return err
	}
	if who.User == id {
		return fault.New(fault.Conflict, "this is your own account: turn the second factor off with your password and a code, or ask another admin")
	}
	_, err := s.administer(ctx, who, id, false, func(ctx context.Context, st Store, a *Account) error {
		was, err := st.dropTOTP(ctx, id)
		if err != nil || !was {
			return err
		}
		return s.note(ctx, st, from, act{user: id, actor: who.User, kind: kindTOTPReset})
	})
	return err
}

// withCode does what needs the password and a code of who is signed in. A wrong code is
// noted.
func (s *Service) withCode(ctx context.Context, who auth.Identity, from Peer, password, code string, do func(context.Context, Store) error) error {
	a, err := s.password(ctx, who, password)
	if err != nil {
		return err
	}
	if err := s.limits.tryCode(ctx, a.ID, from.Address, s.now()); err != nil {
		return err
	}
	var right bool
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.stillSame(ctx, st, a); err != nil {
			return err
		}
		if t, err := st.totp(ctx, a.ID); errors.Is(err, db.ErrNotFound) || err == nil && t.confirmed == nil {
			return fault.New(fault.Conflict, "there is no second factor")
		}
		if right, err = s.useCode(ctx, st, from, a.ID, code); err != nil || !right {
			return err
		}
		return do(ctx, st)
	})
	if err != nil {
		return err
	}
	if !right {
		return wrongCode()
	}
	s.forgiveCodes(ctx, a.ID, from)
	return nil
}

func wrongCode() error {
	return fault.Bad("body.code", "is wrong, or was used already: wait for the next one; check the clock of the device")
}

func (s *Service) forgiveCodes(ctx context.Context, user uuid.UUID, from Peer) {
	if err := s.limits.forgive(ctx, codeAccount(user), from.Address); err != nil {
		s.log.Warn("tries are not forgotten", "err", err)
	}
}

// useCode takes a code or a recovery code of a held account, once, and notes it when it
// is wrong or a recovery code. The caller's transaction has to commit in both cases.
func (s *Service) useCode(ctx context.Context, st Store, from Peer, user uuid.UUID, code string) (right bool, err error) {
	t, err := st.totp(ctx, user)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return false, err
	}
	if err == nil && t.confirmed != nil {
		if right, err = s.takeCode(ctx, st, from, user, t, normalCode(code)); err != nil || right {
			return right, err
		}
	}
	return false, s.note(ctx, st, from, act{user: user, kind: kindCodeFailed})
}

func (s *Service) takeCode(ctx context.Context, st Store, from Peer, user uuid.UUID, t totp, code string) (bool, error) {
	if len(code) == totpDigits {
		step, err := s.match(user, t, code, s.now())
		if err != nil || step == 0 {
			return false, err
		}
		return st.useStep(ctx, user, step)
	}
	right, err := st.useRecovery(ctx, user, recoveryHash(user, code))
	if err != nil || !right {
		return false, err
	}
	left, err := st.recoveryLeft(ctx, user)
	if err != nil {
		return false, err
	}
	return true, s.note(ctx, st, from, act{user: user, actor: user, kind: kindRecoveryUsed, detail: fmt.Sprintf("%d left", left)})
}

// match is the step that the code belongs to, of the one at now and its neighbours; 0
// when it belongs to none or that one was used. It takes the same time for all.
func (s *Service) match(user uuid.UUID, t totp, code string, now time.Time) (step int64, err error) {
	secret, err := unsealTOTP(s.box, user, t.secret)
	if err != nil {
		return 0, err
	}
	at := now.Unix() / totpPeriod
	for i := at - 1; i <= at+1; i++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(i), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // after 1970
		if err != nil {
			return 0, fmt.Errorf("user: the secret of a second factor is damaged: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && i > t.lastStep {
			step = i
		}
	}
	return step, nil
}

// normalCode takes codes as people write them: with blanks, dashes and in lower case.
func normalCode(s string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s))
}

// newRecovery makes the recovery codes of an account, in place of those it had.
func newRecovery(ctx context.Context, st Store, user uuid.UUID) ([]string, error) {
	codes, hashes := make([]string, RecoveryCodes), make([]string, RecoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryBytes)
		rand.Read(raw)
		text := base32.StdEncoding.EncodeToString(raw)
		hashes[i] = recoveryHash(user, text)
		text = strings.ToLower(text)
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	}
	return codes, st.setRecovery(ctx, user, hashes)
}

// recoveryHash is what is kept of a recovery code: its 80 random bits need no slow hash.
func recoveryHash(user uuid.UUID, code string) string { return hashText(user.String() + ":" + code) }
