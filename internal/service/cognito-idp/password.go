package cognitoidp

import (
	"context"
	"strings"
	"time"
	"unicode"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cognito-idp/srp"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	freeFailures = 5                // wrong passwords in a row, before the user is locked
	longestLock  = 15 * time.Minute // which doubles with each more
	symbols      = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "
)

// identity is whom a password of a user is of, as it is hashed.
func (p *userPool) identity(u *user) string {
	_, name, _ := strings.Cut(p.id(), "_")
	return name + u.Name
}

// checkPolicy refuses a password that the pool does not want.
func (p *pool) checkPolicy(password string) error {
	want := p.Policies.PasswordPolicy
	var up, low, digit, symbol bool
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			up = true
		case unicode.IsLower(r):
			low = true
		case unicode.IsDigit(r):
			digit = true
		case strings.ContainsRune(symbols, r):
			symbol = true
		}
	}
	reason := ""
	switch {
	case len([]rune(password)) < int(*want.MinimumLength):
		reason = "Password not long enough"
	case *want.RequireUppercase && !up:
		reason = "Password must have uppercase characters"
	case *want.RequireLowercase && !low:
		reason = "Password must have lowercase characters"
	case *want.RequireNumbers && !digit:
		reason = "Password must have numeric characters"
	case *want.RequireSymbols && !symbol:
		reason = "Password must have symbol characters"
	default:
		return nil
	}
	return api.InvalidPasswordException.Errorf("Password did not conform with policy: %s", reason)
}

// setPassword gives a user a password.
func (s *Service) setPassword(p *userPool, u *user, password string) error {
	v := srp.NewVerifier(p.identity(u), password)
	sealed, err := s.seal(p.arn, v.Value)
	if err != nil {
		return err
	}
	u.Password, u.Set = &srp.Verifier{Salt: v.Salt, Value: sealed}, now()
	u.Failures, u.Locked = 0, time.Time{}
	return nil
}

// verifier returns the verifier of the user's password, opened, or nil if the
// user has none.
func (v *visit) verifier() (*srp.Verifier, error) {
	if v.user.Password == nil {
		return nil, nil
	}
	value, err := v.open(v.pool.arn, v.user.Password.Value)
	return &srp.Verifier{Salt: v.user.Password.Salt, Value: value}, err
}

// try counts an attempt to name the user's password, before it is looked at: so
// many at once are counted too.
func (v *visit) try() error {
	return v.update(func(_ *store.Tx, u *user) error {
		if time.Now().Before(u.Locked) {
			return errLocked()
		}
		if u.Failures++; u.Failures >= freeFailures {
			u.Locked = now().Add(min(time.Second<<min(u.Failures-freeFailures, 20), longestLock))
		}
		return nil
	})
}

// right forgets what try counted.
func (v *visit) right() error {
	return v.update(func(_ *store.Tx, u *user) error {
		u.Failures, u.Locked = 0, time.Time{}
		return nil
	})
}

// checkPassword refuses a password that is not the user's.
func (v *visit) checkPassword(password string) error {
	if err := v.try(); err != nil {
		return err
	}
	known, err := v.verifier()
	if err != nil {
		return err
	}
	if known == nil || !known.Matches(v.pool.identity(v.user), password) {
		return errPassword()
	}
	return v.right()
}

// recovery is where a code goes that lets a user choose a new password: the
// first of the pool's ways that the user has verified.
func (v *visit) recovery() (place, error) {
	var last *api.RecoveryOptionType
	for priority := int32(1); priority <= 2; priority++ {
		for _, r := range v.pool.AccountRecoverySetting.RecoveryMechanisms {
			if r.Priority != priority {
				continue
			}
			last = &r
			if attribute, ok := strings.CutPrefix(r.Name, "verified_"); ok && v.user.verified(attribute) {
				return placeFor(v.user, attribute), nil
			}
		}
	}
	if last != nil && last.Name == api.RecoveryOptionNameTypeAdminOnly {
		return place{}, unauthorized("Contact administrator to reset password.")
	}
	return place{}, invalid("Cannot reset password for the user as there is no registered/verified email or phone_number")
}

// ForgotPassword sends a user a code to choose a new password by.
func (s *Service) ForgotPassword(ctx context.Context, call *aws.Call, in *api.ForgotPasswordInput) (*api.ForgotPasswordOutput, error) {
	v, err := s.enter(ctx, call, in.ClientId, aws.Value(in.SecretHash), in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if v.user == nil && v.hides() {
		nobody := place{"email", api.DeliveryMediumTypeEmail, idOf(v.name)[:1] + "@" + idOf(v.name)[1:2]}
		return &api.ForgotPasswordOutput{CodeDeliveryDetails: nobody.details()}, nil
	}
	if err := v.present(nil); err != nil {
		return nil, err
	}
	to, err := v.sendRecovery()
	if err != nil {
		return nil, err
	}
	return &api.ForgotPasswordOutput{CodeDeliveryDetails: to.details()}, nil
}

// sendRecovery sends the user a code to choose a new password by.
func (v *visit) sendRecovery() (place, error) {
	switch {
	case v.user.Disabled:
		return place{}, errDisabled()
	case v.user.Status == api.UserStatusTypeForceChangePassword:
		return place{}, unauthorized("User password cannot be reset in the current state.")
	}
	to, err := v.recovery()
	if err != nil {
		return to, err
	}
	m, err := v.compose("ForgotPassword")
	if err != nil {
		return to, err
	}
	return to, v.update(func(tx *store.Tx, u *user) error { return v.sendCode(tx, u, forPassword, to, m) })
}

// ConfirmForgotPassword gives a user a new password, by a code.
func (s *Service) ConfirmForgotPassword(ctx context.Context, call *aws.Call, in *api.ConfirmForgotPasswordInput) (*api.ConfirmForgotPasswordOutput, error) {
	v, err := s.enter(ctx, call, in.ClientId, aws.Value(in.SecretHash), in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if err := v.present(errMismatch()); err != nil {
		return nil, err
	}
	if err := v.reset(in.ConfirmationCode, in.Password); err != nil {
		return nil, err
	}
	return &api.ConfirmForgotPasswordOutput{}, nil
}

// reset gives the user of v a new password, by the code that it got.
func (v *visit) reset(given, password string) error {
	if err := v.pool.checkPolicy(password); err != nil {
		return err
	}
	err := v.update(func(_ *store.Tx, u *user) error {
		to, err := v.takeCode(u, forPassword, given)
		if err != nil {
			return err
		}
		for _, attribute := range []string{"email", "phone_number"} {
			if u.Attributes[attribute] == to { // whoever got the code has it
				u.Attributes[attribute+"_verified"] = "true"
			}
		}
		u.Status = api.UserStatusTypeConfirmed
		u.Modified = now()
		return v.setPassword(v.pool, u, password)
	})
	if err != nil {
		return err
	}
	return v.confirmed("ConfirmForgotPassword")
}

// ChangePassword gives a user who signed in a new password.
func (s *Service) ChangePassword(ctx context.Context, call *aws.Call, in *api.ChangePasswordInput) (*api.ChangePasswordOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if v.user.Password != nil {
		if err := v.checkPassword(aws.Value(in.PreviousPassword)); err != nil {
			return nil, err
		}
	}
	if err := v.pool.checkPolicy(in.ProposedPassword); err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		u.Modified = now()
		return s.setPassword(v.pool, u, in.ProposedPassword)
	})
	if err != nil {
		return nil, err
	}
	return &api.ChangePasswordOutput{}, nil
}

// AdminSetUserPassword gives a user a password, for good or to be changed.
func (s *Service) AdminSetUserPassword(ctx context.Context, call *aws.Call, in *api.AdminSetUserPasswordInput) (*api.AdminSetUserPasswordOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	if err := v.pool.checkPolicy(in.Password); err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		if u.Status = api.UserStatusTypeForceChangePassword; aws.Value(in.Permanent) {
			u.Status = api.UserStatusTypeConfirmed
		}
		u.Modified = now()
		return s.setPassword(v.pool, u, in.Password)
	})
	if err != nil {
		return nil, err
	}
	return &api.AdminSetUserPasswordOutput{}, nil
}

// AdminResetUserPassword has a user choose a new password, by a code.
func (s *Service) AdminResetUserPassword(ctx context.Context, call *aws.Call, in *api.AdminResetUserPasswordInput) (*api.AdminResetUserPasswordOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if _, err := v.sendRecovery(); err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		u.Status, u.Modified = api.UserStatusTypeResetRequired, now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.AdminResetUserPasswordOutput{}, nil
}
