package cognitoidp

import (
	"context"
	"errors"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// SignUp makes a user who asks for it.
func (s *Service) SignUp(ctx context.Context, call *aws.Call, in *api.SignUpInput) (*api.SignUpOutput, error) {
	v, err := s.enter(ctx, call, in.ClientId, aws.Value(in.SecretHash), in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	return v.signUp(in)
}

// signUp makes the user of v, who is not there yet.
func (v *visit) signUp(in *api.SignUpInput) (*api.SignUpOutput, error) {
	if *v.pool.AdminCreateUserConfig.AllowAdminCreateUserOnly {
		return nil, unauthorized("SignUp is not permitted for this user pool")
	}
	set := attributesOf(in.UserAttributes)
	if err := v.client.mayWrite(set); err != nil {
		return nil, err
	}
	u, err := v.newUser(in.Username, set)
	if err != nil {
		return nil, err
	}
	if v.user != nil {
		return nil, v.taken()
	}
	if in.Password == nil {
		return nil, invalid("Password is required.")
	}
	if err := v.pool.checkPolicy(*in.Password); err != nil {
		return nil, err
	}
	if err := v.setPassword(v.pool, u, *in.Password); err != nil {
		return nil, err
	}
	u.Status = api.UserStatusTypeUnconfirmed
	if err := v.welcome(u, "PreSignUp_SignUp", set, attributesOf(in.ValidationData)); err != nil {
		return nil, err
	}
	out := &api.SignUpOutput{UserSub: u.sub(), UserConfirmed: u.Status == api.UserStatusTypeConfirmed}
	v.user = u
	to, verifies := v.toVerify()
	sends := verifies && !out.UserConfirmed
	var m *message
	if sends {
		if m, err = v.compose("SignUp"); err != nil {
			return nil, err
		}
		out.CodeDeliveryDetails = to.details()
	}
	err = v.create(u, false, func(tx *store.Tx, u *user) error {
		if sends {
			return v.sendCode(tx, u, forSignUp, to, m)
		}
		return nil
	})
	if err == nil && out.UserConfirmed {
		err = v.confirmed("ConfirmSignUp")
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// newUser returns a user who is to be made, of that name and with attributes.
func (v *visit) newUser(name string, set map[string]string) (*user, error) {
	created := now()
	u := &user{Name: name, Attributes: make(map[string]string), Created: created, Modified: created}
	sub := aws.NewRequestID()
	if names := v.pool.UsernameAttributes; len(names) > 0 {
		attribute := "phone_number"
		if isEmail(name) {
			attribute = "email"
		}
		fits := isEmail(name) || phone.MatchString(name)
		switch {
		case !fits && len(names) == 2:
			return nil, invalid("Username should be either an email or a phone number.")
		case !fits || !slices.Contains(names, attribute):
			return nil, invalid("Username should be %s.", map[string]string{"email": "an email", "phone_number": "a phone number"}[names[0]])
		}
		if set[attribute] == "" {
			set[attribute] = name
		}
		u.Name = sub
	}
	for _, alias := range v.pool.AliasAttributes {
		if alias == "email" && isEmail(name) {
			return nil, invalid("Username cannot be of email format, since user pool is configured for email alias.")
		}
		if alias == "phone_number" && phone.MatchString(name) {
			return nil, invalid("Username cannot be of phone number format, since user pool is configured for phone number alias.")
		}
	}
	if err := v.pool.checkAttributes(set, true); err != nil {
		return nil, err
	}
	setAttributes(u, set)
	u.Attributes["sub"] = sub
	return u, nil
}

// taken refuses a name that a user has already.
func (v *visit) taken() error {
	for _, attribute := range v.pool.UsernameAttributes {
		if v.pool.fold(v.user.Attributes[attribute]) == v.pool.fold(v.name) {
			return api.UsernameExistsException.Errorf("An account with the given %s already exists.", attribute)
		}
	}
	return errUserTaken()
}

// welcome has the function of the pool say whether a user may come, and whether
// that needs no proof.
func (v *visit) welcome(u *user, occasion string, set, validation map[string]string) error {
	var said struct {
		Confirm bool `json:"autoConfirmUser"`
		Email   bool `json:"autoVerifyEmail"`
		Phone   bool `json:"autoVerifyPhone"`
	}
	request := facts{"userAttributes": set, "validationData": validation}
	if len(validation) == 0 {
		request["validationData"] = nil
	}
	v.name = u.Name
	if err := v.trigger(v.pool.LambdaConfig.PreSignUp, occasion, request, &said); err != nil {
		return err
	}
	if said.Confirm && u.Status == api.UserStatusTypeUnconfirmed {
		u.Status = api.UserStatusTypeConfirmed
	}
	for attribute, verified := range map[string]bool{"email": said.Email, "phone_number": said.Phone} {
		if verified && u.Attributes[attribute] != "" {
			u.Attributes[attribute+"_verified"] = "true"
		}
	}
	return nil
}

// create keeps a new user, who becomes the one of v, and does more with it in
// the same transaction.
func (v *visit) create(u *user, take bool, more func(tx *store.Tx, u *user) error) error {
	return v.db.Update(v.ctx, func(tx *store.Tx) error {
		made := *u
		made.Attributes = maps.Clone(u.Attributes)
		v.user, v.key = &made, partKey{v.pool.arn, v.pool.fold(u.Name)}
		if _, err := loadPool(tx, v.pool.arn); err != nil {
			return err
		}
		if _, _, err := findUser(tx, v.pool, u.Name); !errors.Is(err, api.UserNotFoundException) {
			return errors.Join(err, errUserTaken())
		}
		err := more(tx, &made)
		if err == nil {
			err = putUser(tx, v.pool, v.key, &made, take)
		}
		if refusal, ok := errors.AsType[*aws.Error](err); ok && errors.Is(err, api.AliasExistsException) && len(v.pool.UsernameAttributes) > 0 {
			return api.UsernameExistsException.Errorf("%s", refusal.Message)
		}
		return err
	})
}

// toVerify is where a code goes that verifies what a user who signs up gave, if
// the pool wants that: the number before the address.
func (v *visit) toVerify() (place, bool) {
	for _, attribute := range []string{"phone_number", "email"} {
		if slices.Contains(v.pool.AutoVerifiedAttributes, attribute) && v.user.Attributes[attribute] != "" && !v.user.verified(attribute) {
			return placeFor(v.user, attribute), true
		}
	}
	return place{}, false
}

// confirmed tells the function of the pool that a user has been.
func (v *visit) confirmed(how string) error {
	return v.trigger(v.pool.LambdaConfig.PostConfirmation, "PostConfirmation_"+how, facts{}, &struct{}{})
}

// ConfirmSignUp confirms a user, by the code that it got.
func (s *Service) ConfirmSignUp(ctx context.Context, call *aws.Call, in *api.ConfirmSignUpInput) (*api.ConfirmSignUpOutput, error) {
	v, err := s.enter(ctx, call, in.ClientId, aws.Value(in.SecretHash), in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if err := v.present(errMismatch()); err != nil {
		return nil, err
	}
	if err := v.confirmByCode(in.ConfirmationCode, aws.Value(in.ForceAliasCreation)); err != nil {
		return nil, err
	}
	return &api.ConfirmSignUpOutput{}, nil
}

// confirmByCode confirms the user of v; take lets it take what else it is called
// from others.
func (v *visit) confirmByCode(given string, take bool) error {
	err := v.updateTaking(take, func(_ *store.Tx, u *user) error {
		if u.Status != api.UserStatusTypeUnconfirmed {
			return unauthorized("User cannot be confirmed. Current status is %s", u.Status)
		}
		to, err := v.takeCode(u, forSignUp, given)
		if err != nil {
			return err
		}
		for _, attribute := range []string{"phone_number", "email"} {
			if u.Attributes[attribute] == to {
				u.Attributes[attribute+"_verified"] = "true"
			}
		}
		u.Status, u.Modified = api.UserStatusTypeConfirmed, now()
		return nil
	})
	if err != nil {
		return err
	}
	return v.confirmed("ConfirmSignUp")
}

// AdminConfirmSignUp confirms a user without a code.
func (s *Service) AdminConfirmSignUp(ctx context.Context, call *aws.Call, in *api.AdminConfirmSignUpInput) (*api.AdminConfirmSignUpOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		if u.Status != api.UserStatusTypeUnconfirmed {
			return unauthorized("User cannot be confirmed. Current status is %s", u.Status)
		}
		u.Status, u.Modified = api.UserStatusTypeConfirmed, now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := v.confirmed("ConfirmSignUp"); err != nil {
		return nil, err
	}
	return &api.AdminConfirmSignUpOutput{}, nil
}

// ResendConfirmationCode sends a user who signed up another code.
func (s *Service) ResendConfirmationCode(ctx context.Context, call *aws.Call, in *api.ResendConfirmationCodeInput) (*api.ResendConfirmationCodeOutput, error) {
	v, err := s.enter(ctx, call, in.ClientId, aws.Value(in.SecretHash), in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if err := v.present(errNoUser()); err != nil {
		return nil, err
	}
	if v.user.Status != api.UserStatusTypeUnconfirmed {
		return nil, invalid("User is already confirmed.")
	}
	to, verifies := v.toVerify()
	if !verifies {
		return nil, invalid("Cannot resend codes. Auto verification not turned on.")
	}
	m, err := v.compose("ResendCode")
	if err != nil {
		return nil, err
	}
	if err := v.update(func(tx *store.Tx, u *user) error { return v.sendCode(tx, u, forSignUp, to, m) }); err != nil {
		return nil, err
	}
	return &api.ResendConfirmationCodeOutput{CodeDeliveryDetails: to.details()}, nil
}
