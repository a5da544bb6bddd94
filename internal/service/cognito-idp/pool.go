package cognitoidp

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateUserPool makes a user pool, with a key of its own.
func (s *Service) CreateUserPool(ctx context.Context, call *aws.Call, in *api.CreateUserPoolInput) (*api.CreateUserPoolOutput, error) {
	id := call.Region + "_" + random(9, upper+lower+digits)
	p := &userPool{arn: call.ARN("cognito-idp", kind+id)}
	created := now()
	p.UserPoolType = api.UserPoolType{
		Id: &id, Name: &in.PoolName, Arn: new(p.arn.String()), CreationDate: &created,
		AliasAttributes: in.AliasAttributes, UsernameAttributes: in.UsernameAttributes, UsernameConfiguration: in.UsernameConfiguration,
		SchemaAttributes: standardAttributes(),
	}
	if len(in.AliasAttributes) > 0 && len(in.UsernameAttributes) > 0 {
		return nil, invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	for _, a := range in.Schema {
		if err := p.addAttribute(a, true); err != nil {
			return nil, err
		}
	}
	if err := configure(p, &api.UpdateUserPoolInput{
		Policies: in.Policies, DeletionProtection: in.DeletionProtection, LambdaConfig: in.LambdaConfig, AutoVerifiedAttributes: in.AutoVerifiedAttributes,
		SmsVerificationMessage: in.SmsVerificationMessage, EmailVerificationMessage: in.EmailVerificationMessage, EmailVerificationSubject: in.EmailVerificationSubject,
		VerificationMessageTemplate: in.VerificationMessageTemplate, SmsAuthenticationMessage: in.SmsAuthenticationMessage, UserAttributeUpdateSettings: in.UserAttributeUpdateSettings,
		MfaConfiguration: in.MfaConfiguration, DeviceConfiguration: in.DeviceConfiguration, EmailConfiguration: in.EmailConfiguration, SmsConfiguration: in.SmsConfiguration,
		UserPoolTags: in.UserPoolTags, AdminCreateUserConfig: in.AdminCreateUserConfig, UserPoolAddOns: in.UserPoolAddOns, AccountRecoverySetting: in.AccountRecoverySetting,
		UserPoolTier: in.UserPoolTier, KeyConfiguration: in.KeyConfiguration, IssuerConfiguration: in.IssuerConfiguration, AcrConfiguration: in.AcrConfiguration,
	}); err != nil {
		return nil, err
	}
	if err := s.newKey(p); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(pools.Put(tx, p.arn, p.pool), places.Put(tx, placeOf("pool", id), p.arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateUserPoolOutput{UserPool: p.described(0)}, nil
}

// newKey gives a pool the key that its tokens are signed with.
func (s *Service) newKey(p *userPool) error {
	id, der, err := jwt.NewKey()
	if err != nil {
		return err
	}
	p.KeyID = id
	p.Key, err = s.seal(p.arn, der)
	return err
}

// configure sets what can be changed of a pool; what is not said is as usual.
func configure(p *userPool, in *api.UpdateUserPoolInput) error {
	if err := checkConfig(p, in); err != nil {
		return err
	}
	modified := now()
	p.LastModifiedDate = &modified
	if in.PoolName != nil {
		p.Name = in.PoolName
	}
	p.Policies = policies(in.Policies)
	p.DeletionProtection = new(aws.Or(in.DeletionProtection, api.DeletionProtectionTypeInactive))
	p.LambdaConfig = triggersOf(in.LambdaConfig)
	p.AutoVerifiedAttributes = in.AutoVerifiedAttributes
	p.VerificationMessageTemplate = in.VerificationMessageTemplate
	if p.VerificationMessageTemplate == nil {
		p.VerificationMessageTemplate = &api.VerificationMessageTemplateType{
			SmsMessage: in.SmsVerificationMessage, EmailMessage: in.EmailVerificationMessage, EmailSubject: in.EmailVerificationSubject,
		}
	}
	t := p.VerificationMessageTemplate
	t.DefaultEmailOption = new(aws.Or(t.DefaultEmailOption, api.DefaultEmailOptionTypeConfirmWithCode))
	p.SmsVerificationMessage, p.EmailVerificationMessage, p.EmailVerificationSubject = t.SmsMessage, t.EmailMessage, t.EmailSubject
	p.SmsAuthenticationMessage, p.UserAttributeUpdateSettings = in.SmsAuthenticationMessage, in.UserAttributeUpdateSettings
	p.MfaConfiguration = new(aws.Or(in.MfaConfiguration, api.UserPoolMfaTypeOff))
	p.DeviceConfiguration = in.DeviceConfiguration
	if p.EmailConfiguration = in.EmailConfiguration; p.EmailConfiguration == nil {
		p.EmailConfiguration = &api.EmailConfigurationType{EmailSendingAccount: new(api.EmailSendingAccountTypeCognitoDefault)}
	}
	p.SmsConfiguration = in.SmsConfiguration
	if in.UserPoolTags != nil {
		p.UserPoolTags = in.UserPoolTags
	}
	p.AdminCreateUserConfig = invitations(in.AdminCreateUserConfig, p.Policies.PasswordPolicy)
	p.UserPoolAddOns = in.UserPoolAddOns
	if p.AccountRecoverySetting = in.AccountRecoverySetting; p.AccountRecoverySetting == nil {
		p.AccountRecoverySetting = &api.AccountRecoverySettingType{RecoveryMechanisms: []api.RecoveryOptionType{
			{Priority: 1, Name: api.RecoveryOptionNameTypeVerifiedEmail}, {Priority: 2, Name: api.RecoveryOptionNameTypeVerifiedPhoneNumber},
		}}
	}
	p.UserPoolTier = new(aws.Or(in.UserPoolTier, api.UserPoolTierTypeEssentials))
	return nil
}

// checkConfig refuses what a pool cannot be.
func checkConfig(p *userPool, in *api.UpdateUserPoolInput) error {
	switch {
	case in.KeyConfiguration != nil && aws.Value(in.KeyConfiguration.KeyType) == api.EncryptionKeyTypeCustomerManagedKey:
		return notYet("user pools with keys of customers")
	case in.IssuerConfiguration != nil && aws.Value(in.IssuerConfiguration.Type) == api.IssuerTypeUpdated:
		return notYet("issuers of type UPDATED")
	case len(in.AcrConfiguration) > 0:
		return notYet("authentication context classes")
	case aws.Or(in.MfaConfiguration, api.UserPoolMfaTypeOff) == api.UserPoolMfaTypeOn && in.SmsConfiguration == nil && !p.SoftwareTokens && p.EmailFactor == nil:
		return invalid("SMS configuration and Auto verification for phone_number are required when MFA is required/optional")
	}
	if c := in.LambdaConfig; c != nil {
		if c.CustomEmailSender != nil || c.CustomSMSSender != nil {
			return notYet("custom senders of mail and text messages")
		}
		if c.InboundFederation != nil {
			return notYet("triggers of inbound federation")
		}
	}
	return nil
}

// policies are those of a pool, with what is usual.
func policies(in *api.UserPoolPolicyType) *api.UserPoolPolicyType {
	out := new(api.UserPoolPolicyType)
	if in != nil {
		*out = *in
	}
	p := api.PasswordPolicyType{RequireUppercase: new(true), RequireLowercase: new(true), RequireNumbers: new(true), RequireSymbols: new(true)}
	if out.PasswordPolicy != nil {
		p = *out.PasswordPolicy
	}
	p.MinimumLength = new(aws.Or(p.MinimumLength, 8))
	p.TemporaryPasswordValidityDays = new(aws.Or(p.TemporaryPasswordValidityDays, 7))
	for _, flag := range []**bool{&p.RequireUppercase, &p.RequireLowercase, &p.RequireNumbers, &p.RequireSymbols} {
		*flag = new(aws.Value(*flag))
	}
	out.PasswordPolicy = &p
	if out.SignInPolicy == nil {
		out.SignInPolicy = &api.SignInPolicyType{AllowedFirstAuthFactors: []string{api.AuthFactorTypePassword}}
	}
	return out
}

// invitations is how administrators invite, with what is usual.
func invitations(in *api.AdminCreateUserConfigType, p *api.PasswordPolicyType) *api.AdminCreateUserConfigType {
	out := new(api.AdminCreateUserConfigType)
	if in != nil {
		*out = *in
	}
	out.AllowAdminCreateUserOnly = new(aws.Value(out.AllowAdminCreateUserOnly))
	out.UnusedAccountValidityDays = new(aws.Or(out.UnusedAccountValidityDays, *p.TemporaryPasswordValidityDays))
	return out
}

// triggersOf are the functions of a pool. The one before tokens has two names.
func triggersOf(in *api.LambdaConfigType) *api.LambdaConfigType {
	out := new(api.LambdaConfigType)
	if in == nil {
		return out
	}
	*out = *in
	if c := out.PreTokenGenerationConfig; c != nil {
		out.PreTokenGeneration = &c.LambdaArn
	} else if out.PreTokenGeneration != nil {
		out.PreTokenGenerationConfig = &api.PreTokenGenerationVersionConfigType{LambdaArn: *out.PreTokenGeneration, LambdaVersion: api.PreTokenGenerationLambdaVersionTypeV10}
	}
	return out
}

// described is a pool as AWS says it.
func (p *userPool) described(count int32) *api.UserPoolType {
	out := p.UserPoolType
	out.EstimatedNumberOfUsers = &count
	return &out
}

// DescribeUserPool returns a pool.
func (s *Service) DescribeUserPool(ctx context.Context, call *aws.Call, in *api.DescribeUserPoolInput) (*api.DescribeUserPoolOutput, error) {
	out := &api.DescribeUserPoolOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		count := int32(0)
		for range users.Scan(tx, partKey{Pool: p.arn}) {
			count++
		}
		out.UserPool = p.described(count)
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateUserPool changes a pool; what is not said becomes as usual.
func (s *Service) UpdateUserPool(ctx context.Context, call *aws.Call, in *api.UpdateUserPoolInput) (*api.UpdateUserPoolOutput, error) {
	if err := s.updatePool(ctx, call, in.UserPoolId, func(p *userPool) error { return configure(p, in) }); err != nil {
		return nil, err
	}
	return &api.UpdateUserPoolOutput{}, nil
}

// updatePool changes a pool in a transaction.
func (s *Service) updatePool(ctx context.Context, call *aws.Call, id string, change func(*userPool) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, id)
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		return pools.Put(tx, p.arn, p.pool)
	})
}

// AddCustomAttributes adds to what a pool keeps of users.
func (s *Service) AddCustomAttributes(ctx context.Context, call *aws.Call, in *api.AddCustomAttributesInput) (*api.AddCustomAttributesOutput, error) {
	err := s.updatePool(ctx, call, in.UserPoolId, func(p *userPool) error {
		p.SchemaAttributes = slices.Clone(p.SchemaAttributes)
		for _, a := range in.CustomAttributes {
			if err := p.addAttribute(a, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.AddCustomAttributesOutput{}, nil
}

// DeleteUserPool removes a pool and all that is in it.
func (s *Service) DeleteUserPool(ctx context.Context, call *aws.Call, in *api.DeleteUserPoolInput) (*api.DeleteUserPoolOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		switch {
		case *p.DeletionProtection == api.DeletionProtectionTypeActive:
			return invalid("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
		case p.Domain != nil || p.CustomDomain != nil:
			return invalid("User pool cannot be deleted. It has a domain configured that should be deleted first.")
		}
		for key := range clients.Scan(tx, partKey{Pool: p.arn}) {
			if err := places.Delete(tx, placeOf("client", key.Name)); err != nil {
				return err
			}
		}
		return errors.Join(tx.Err(), clear(tx, p.arn), places.Delete(tx, placeOf("pool", p.id())), pools.Delete(tx, p.arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteUserPoolOutput{}, nil
}

// clear removes what is in a pool.
func clear(tx *store.Tx, arn aws.ARN) error {
	part, pair := partKey{Pool: arn}, pairKey{Pool: arn}
	return errors.Join(
		clients.DeletePrefix(tx, part), servers.DeletePrefix(tx, part), providers.DeletePrefix(tx, part), styles.DeletePrefix(tx, part), risks.DeletePrefix(tx, part), users.DeletePrefix(tx, part), groups.DeletePrefix(tx, part), aliases.DeletePrefix(tx, aliasKey{Pool: arn}),
		members.DeletePrefix(tx, pair), groupsOf.DeletePrefix(tx, pair), tickets.DeletePrefix(tx, ticketKey{Pool: arn}),
	)
}

// ListUserPools lists the pools of an account and region.
func (s *Service) ListUserPools(ctx context.Context, call *aws.Call, in *api.ListUserPoolsInput) (*api.ListUserPoolsOutput, error) {
	out := &api.ListUserPoolsOutput{UserPools: []api.UserPoolDescriptionType{}}
	last, err := after(in.NextToken)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.UserPools = out.UserPools[:0]
		rows := pools.ScanAfter(tx, call.ARN("cognito-idp", ""), call.ARN("cognito-idp", last))
		out.NextToken, err = page(rows, func(arn aws.ARN) string { return arn.Resource }, int(in.MaxResults), func(_ aws.ARN, p pool) (bool, error) {
			out.UserPools = append(out.UserPools, api.UserPoolDescriptionType{
				Id: p.Id, Name: p.Name, LambdaConfig: p.LambdaConfig, LastModifiedDate: p.LastModifiedDate, CreationDate: p.CreationDate,
			})
			return true, nil
		})
		return errors.Join(err, tx.Err())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// taggedPool changes the tags of the pool of an ARN.
func (s *Service) taggedPool(ctx context.Context, call *aws.Call, arn string, change func(tags map[string]string)) error {
	at, err := poolARN(call, arn)
	if err != nil {
		return err
	}
	return s.updatePool(ctx, call, strings.TrimPrefix(at.Resource, kind), func(p *userPool) error {
		tags := maps.Clone(p.UserPoolTags)
		if tags == nil {
			tags = make(map[string]string)
		}
		change(tags)
		if len(tags) > 50 {
			return api.UserPoolTaggingException.Errorf("A user pool can have at most 50 tags.")
		}
		p.UserPoolTags = tags
		return nil
	})
}

// poolARN reads the ARN of a pool of the caller's.
func poolARN(call *aws.Call, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "cognito-idp" || !strings.HasPrefix(arn.Resource, kind) {
		return arn, invalid("Invalid ARN: %s", text)
	}
	if arn.Account != call.Account || arn.Region != call.Region {
		return arn, errNoPool(strings.TrimPrefix(arn.Resource, kind))
	}
	return arn, nil
}

// TagResource adds tags to a pool.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.taggedPool(ctx, call, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) }); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags of a pool.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	gone := func(tags map[string]string) {
		maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
	}
	if err := s.taggedPool(ctx, call, in.ResourceArn, gone); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a pool.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	arn, err := poolARN(call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err := loadPool(tx, arn)
		if err != nil {
			return err
		}
		out.Tags = p.UserPoolTags
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
