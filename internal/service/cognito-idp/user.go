package cognitoidp

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// described is a user as AWS says it, with the attributes that are wanted; nil
// is all.
func (u *user) described(want []string) *api.UserType {
	all := u.Attributes
	if want != nil {
		all = maps.Clone(all)
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(want, name) })
	}
	return &api.UserType{
		Username: &u.Name, Attributes: attributeList(all), Enabled: new(!u.Disabled), UserStatus: &u.Status,
		UserCreateDate: &u.Created, UserLastModifiedDate: &u.Modified,
	}
}

// AdminCreateUser makes a user, and invites it with a password that is to be
// changed.
func (s *Service) AdminCreateUser(ctx context.Context, call *aws.Call, in *api.AdminCreateUserInput) (*api.AdminCreateUserOutput, error) {
	v := &visit{Service: s, ctx: ctx, call: call, name: in.Username, metadata: in.ClientMetadata}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if v.pool, err = findPool(tx, call, in.UserPoolId); err != nil {
			return err
		}
		return v.find(tx)
	})
	if err != nil {
		return nil, err
	}
	if aws.Value(in.MessageAction) == api.MessageActionTypeResend {
		return v.inviteAgain(in)
	}
	set := attributesOf(in.UserAttributes)
	u, err := v.newUser(in.Username, set)
	if err != nil {
		return nil, err
	}
	if v.user != nil {
		return nil, api.UsernameExistsException.Errorf("User account already exists")
	}
	u.Status = api.UserStatusTypeForceChangePassword
	if err := v.welcome(u, "PreSignUp_AdminCreateUser", set, attributesOf(in.ValidationData)); err != nil {
		return nil, err
	}
	password, err := v.temporary(u, in)
	if err != nil {
		return nil, err
	}
	v.user = u
	invite, err := v.invitation(in)
	if err != nil {
		return nil, err
	}
	err = v.create(u, aws.Value(in.ForceAliasCreation), func(tx *store.Tx, u *user) error { return invite(tx, password) })
	if err != nil {
		return nil, err
	}
	return &api.AdminCreateUserOutput{User: v.user.described(nil)}, nil
}

// temporary gives a user a password for a while: the administrator's, or one
// that the pool takes.
func (v *visit) temporary(u *user, in *api.AdminCreateUserInput) (string, error) {
	password := aws.Value(in.TemporaryPassword)
	if password == "" {
		length := int(*v.pool.Policies.PasswordPolicy.MinimumLength)
		password = random(max(length, 8)-4, lower+upper+digits) + random(1, lower) + random(1, upper) + random(1, digits) + random(1, "!@#$%&*")
	} else if err := v.pool.checkPolicy(password); err != nil {
		return "", err
	}
	return password, v.setPassword(v.pool, u, password)
}

// invitation returns what sends the user its first password, as far as that is
// wanted, and there is where.
func (v *visit) invitation(in *api.AdminCreateUserInput) (func(tx *store.Tx, password string) error, error) {
	nothing := func(*store.Tx, string) error { return nil }
	if aws.Value(in.MessageAction) == api.MessageActionTypeSuppress {
		return nothing, nil
	}
	media := in.DesiredDeliveryMediums
	if len(media) == 0 {
		media = []string{api.DeliveryMediumTypeSms}
		if v.user.Attributes["phone_number"] == "" { // AWS says that it is SMS, and writes to who has no phone
			media = []string{api.DeliveryMediumTypeEmail}
		}
	}
	var to []place
	for _, attribute := range []string{"email", "phone_number"} {
		if p := placeFor(v.user, attribute); p.to != "" && slices.Contains(media, p.medium) {
			to = append(to, p)
		}
	}
	if len(to) == 0 {
		return nothing, nil
	}
	m, err := v.compose("AdminCreateUser")
	return func(tx *store.Tx, password string) error {
		for _, p := range to {
			if err := v.send(tx, p, m, password); err != nil {
				return err
			}
		}
		return nil
	}, err
}

// inviteAgain gives a user who has not come yet another password.
func (v *visit) inviteAgain(in *api.AdminCreateUserInput) (*api.AdminCreateUserOutput, error) {
	if v.user == nil {
		return nil, errNoUser()
	}
	if v.user.Status != api.UserStatusTypeForceChangePassword {
		return nil, api.UnsupportedUserStateException.Errorf("Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", v.user.Name)
	}
	invite, err := v.invitation(in)
	if err != nil {
		return nil, err
	}
	err = v.update(func(tx *store.Tx, u *user) error {
		password, err := v.temporary(u, in)
		if err != nil {
			return err
		}
		return invite(tx, password)
	})
	if err != nil {
		return nil, err
	}
	return &api.AdminCreateUserOutput{User: v.user.described(nil)}, nil
}

// AdminGetUser returns a user.
func (s *Service) AdminGetUser(ctx context.Context, call *aws.Call, in *api.AdminGetUserInput) (*api.AdminGetUserOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	u := v.user
	out := &api.AdminGetUserOutput{
		Username: u.Name, UserAttributes: attributeList(u.Attributes), UserCreateDate: &u.Created, UserLastModifiedDate: &u.Modified,
		Enabled: new(!u.Disabled), UserStatus: &u.Status, UserMFASettingList: u.Factors,
	}
	if u.Preferred != "" {
		out.PreferredMfaSetting = &u.Preferred
	}
	return out, nil
}

// AdminDeleteUser removes a user.
func (s *Service) AdminDeleteUser(ctx context.Context, call *aws.Call, in *api.AdminDeleteUserInput) (*api.AdminDeleteUserOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	return &api.AdminDeleteUserOutput{}, v.leave()
}

// leave removes the user of v.
func (v *visit) leave() error {
	return v.db.Update(v.ctx, func(tx *store.Tx) error {
		u, err := users.Get(tx, v.key)
		if err != nil {
			return errNoUser()
		}
		return dropUser(tx, v.pool, v.key, &u)
	})
}

// setEnabled lets a user in, or keeps it out.
func (s *Service) setEnabled(ctx context.Context, call *aws.Call, poolID, name string, enabled bool) error {
	v, err := s.attend(ctx, call, poolID, name, nil)
	if err != nil {
		return err
	}
	return v.update(func(_ *store.Tx, u *user) error {
		u.Disabled, u.Modified = !enabled, now()
		if !enabled {
			u.SignedOut = u.Modified
		}
		return nil
	})
}

// AdminEnableUser lets a user in.
func (s *Service) AdminEnableUser(ctx context.Context, call *aws.Call, in *api.AdminEnableUserInput) (*api.AdminEnableUserOutput, error) {
	return &api.AdminEnableUserOutput{}, s.setEnabled(ctx, call, in.UserPoolId, in.Username, true)
}

// AdminDisableUser keeps a user out.
func (s *Service) AdminDisableUser(ctx context.Context, call *aws.Call, in *api.AdminDisableUserInput) (*api.AdminDisableUserOutput, error) {
	return &api.AdminDisableUserOutput{}, s.setEnabled(ctx, call, in.UserPoolId, in.Username, false)
}

// AdminUpdateUserAttributes changes what is known of a user.
func (s *Service) AdminUpdateUserAttributes(ctx context.Context, call *aws.Call, in *api.AdminUpdateUserAttributesInput) (*api.AdminUpdateUserAttributesOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if _, err := v.change(attributesOf(in.UserAttributes)); err != nil {
		return nil, err
	}
	return &api.AdminUpdateUserAttributesOutput{}, nil
}

// AdminDeleteUserAttributes removes what is known of a user.
func (s *Service) AdminDeleteUserAttributes(ctx context.Context, call *aws.Call, in *api.AdminDeleteUserAttributesInput) (*api.AdminDeleteUserAttributesOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	return &api.AdminDeleteUserAttributesOutput{}, v.remove(in.UserAttributeNames)
}

// AdminUserGlobalSignOut has the tokens of a user be good no more.
func (s *Service) AdminUserGlobalSignOut(ctx context.Context, call *aws.Call, in *api.AdminUserGlobalSignOutInput) (*api.AdminUserGlobalSignOutOutput, error) {
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	return &api.AdminUserGlobalSignOutOutput{}, v.signOut()
}

// ListUsers lists the users of a pool that a filter lets through.
func (s *Service) ListUsers(ctx context.Context, call *aws.Call, in *api.ListUsersInput) (*api.ListUsersOutput, error) {
	fits, err := parseFilter(aws.Value(in.Filter))
	if err != nil {
		return nil, err
	}
	out := &api.ListUsersOutput{}
	err = s.listParts(ctx, call, in.UserPoolId, in.PaginationToken, func(tx *store.Tx, from partKey) (err error) {
		out.Users = []api.UserType{}
		out.PaginationToken, err = page(users.ScanAfter(tx, partKey{Pool: from.Pool}, from), partName, upTo(in.Limit), func(_ partKey, u user) (bool, error) {
			if !fits(&u) {
				return false, nil
			}
			out.Users = append(out.Users, *u.described(in.AttributesToGet))
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
