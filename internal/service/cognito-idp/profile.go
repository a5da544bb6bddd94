package cognitoidp

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// GetUser returns what a user's client may read of it.
func (s *Service) GetUser(ctx context.Context, call *aws.Call, in *api.GetUserInput) (*api.GetUserOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	u := v.user
	out := &api.GetUserOutput{Username: u.Name, UserAttributes: attributeList(v.client.readable(u.Attributes)), UserMFASettingList: u.Factors}
	if u.Preferred != "" {
		out.PreferredMfaSetting = &u.Preferred
	}
	return out, nil
}

// DeleteUser removes a user who wants it.
func (s *Service) DeleteUser(ctx context.Context, call *aws.Call, in *api.DeleteUserInput) (*api.DeleteUserOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	return &api.DeleteUserOutput{}, v.leave()
}

// UpdateUserAttributes changes what is known of a user, who may have to verify it.
func (s *Service) UpdateUserAttributes(ctx context.Context, call *aws.Call, in *api.UpdateUserAttributesInput) (*api.UpdateUserAttributesOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	v.metadata = in.ClientMetadata
	set := attributesOf(in.UserAttributes)
	if err := v.client.mayWrite(set); err != nil {
		return nil, err
	}
	sent, err := v.change(set)
	if err != nil {
		return nil, err
	}
	return &api.UpdateUserAttributesOutput{CodeDeliveryDetailsList: sent}, nil
}

// change sets attributes of the user of v, and sends codes for those that are to
// be verified. If the pool wants that first, they are set by the code.
func (v *visit) change(set map[string]string) ([]api.CodeDeliveryDetailsType, error) {
	if err := v.pool.checkAttributes(set, false); err != nil {
		return nil, err
	}
	later := make(map[string]string) // what is set by a code
	var sends []place
	for _, attribute := range []string{"email", "phone_number"} {
		value, changes := set[attribute]
		if !changes || value == "" || value == v.user.Attributes[attribute] && v.user.verified(attribute) ||
			set[attribute+"_verified"] == "true" || !slices.Contains(v.pool.AutoVerifiedAttributes, attribute) {
			continue
		}
		to := placeFor(&user{Attributes: set}, attribute)
		sends = append(sends, to)
		if c := v.pool.UserAttributeUpdateSettings; c != nil && slices.Contains(c.AttributesRequireVerificationBeforeUpdate, attribute) {
			later[attribute] = value
		}
	}
	out := []api.CodeDeliveryDetailsType{}
	var m *message
	if len(sends) > 0 {
		var err error
		if m, err = v.compose("UpdateUserAttribute"); err != nil {
			return nil, err
		}
	}
	return out, v.update(func(tx *store.Tx, u *user) error {
		out = out[:0]
		now := now()
		kept := make(map[string]string)
		for name, value := range set {
			if _, waits := later[name]; !waits {
				kept[name] = value
			}
		}
		setAttributes(u, kept)
		u.Modified = now
		for _, to := range sends {
			if err := v.sendCode(tx, u, to.attribute, to, m); err != nil {
				return err
			}
			out = append(out, *to.details())
		}
		return nil
	})
}

// DeleteUserAttributes removes what is known of a user.
func (s *Service) DeleteUserAttributes(ctx context.Context, call *aws.Call, in *api.DeleteUserAttributesInput) (*api.DeleteUserAttributesOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	gone := make(map[string]string)
	for _, name := range in.UserAttributeNames {
		gone[name] = ""
	}
	if err := v.client.mayWrite(gone); err != nil {
		return nil, err
	}
	return &api.DeleteUserAttributesOutput{}, v.remove(in.UserAttributeNames)
}

// remove removes attributes of the user of v.
func (v *visit) remove(names []string) error {
	gone := make(map[string]string)
	for _, name := range names {
		i := v.pool.attribute(name)
		switch {
		case i < 0:
			return invalid("user.%s: Attribute does not exist in the schema.\n", name)
		case name == "sub" || !*v.pool.SchemaAttributes[i].Mutable:
			return invalid("user.%s: Attribute cannot be updated.\n", name)
		case *v.pool.SchemaAttributes[i].Required:
			return invalid("user.%s: Attribute cannot be deleted: it is required.\n", name)
		}
		gone[name] = ""
	}
	return v.update(func(_ *store.Tx, u *user) error {
		setAttributes(u, gone)
		u.Modified = now()
		return nil
	})
}

// GetUserAttributeVerificationCode sends a user a code that verifies an attribute.
func (s *Service) GetUserAttributeVerificationCode(ctx context.Context, call *aws.Call, in *api.GetUserAttributeVerificationCodeInput) (*api.GetUserAttributeVerificationCodeOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	v.metadata = in.ClientMetadata
	if err := checkVerifiable(in.AttributeName); err != nil {
		return nil, err
	}
	to := placeFor(v.user, in.AttributeName)
	if to.to == "" {
		return nil, invalid("User does not have attribute %s.", in.AttributeName)
	}
	m, err := v.compose("VerifyUserAttribute")
	if err != nil {
		return nil, err
	}
	if err := v.update(func(tx *store.Tx, u *user) error { return v.sendCode(tx, u, in.AttributeName, to, m) }); err != nil {
		return nil, err
	}
	return &api.GetUserAttributeVerificationCodeOutput{CodeDeliveryDetails: to.details()}, nil
}

func checkVerifiable(name string) error {
	if name != "email" && name != "phone_number" {
		return invalid("Invalid attribute name: %s cannot be verified.", strings.TrimSpace(name))
	}
	return nil
}

// VerifyUserAttribute verifies an attribute by the code that was sent, which may
// be for a value that is to come.
func (s *Service) VerifyUserAttribute(ctx context.Context, call *aws.Call, in *api.VerifyUserAttributeInput) (*api.VerifyUserAttributeOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := checkVerifiable(in.AttributeName); err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		to, err := v.takeCode(u, in.AttributeName, in.Code)
		if err != nil {
			return err
		}
		u.Attributes[in.AttributeName], u.Attributes[in.AttributeName+"_verified"] = to, "true"
		u.Modified = now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.VerifyUserAttributeOutput{}, nil
}

// GlobalSignOut has the tokens of a user be good no more.
func (s *Service) GlobalSignOut(ctx context.Context, call *aws.Call, in *api.GlobalSignOutInput) (*api.GlobalSignOutOutput, error) {
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	return &api.GlobalSignOutOutput{}, v.signOut()
}

// signOut has the tokens of the user of v be good no more.
func (v *visit) signOut() error {
	return v.update(func(_ *store.Tx, u *user) error {
		u.SignedOut = now()
		return nil
	})
}
