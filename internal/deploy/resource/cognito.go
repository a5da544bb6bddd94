package resource

import (
	"slices"
	"strings"

	cognitoidp "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Cognito has the types of user pools and identity pools.
func Cognito() []*Type {
	return []*Type{
		identityPool(), identityPoolRoles(), identityPoolTags(),
		userPool(), userPoolClient(), userPoolDomain(), userPoolGroup(), userPoolUser(), userPoolMember(), userPoolServer(), userPoolProvider(), userPoolStyle(), userPoolRisk(),
	}
}

// madePool is a user pool that is there.
func madePool(op *Op, id string) *Made {
	provider := "cognito-idp." + op.Call.Region + ".amazonaws.com/" + id
	return &Made{PhysicalID: id, Attributes: map[string]any{
		"Arn": op.ARN("cognito-idp", "userpool/"+id), "ProviderName": provider, "ProviderURL": "https://" + provider, "UserPoolId": id,
	}}
}

// factorProperties are those of a user pool that are of its second factors.
var factorProperties = []string{
	"EmailAuthenticationMessage", "EmailAuthenticationSubject", "EnabledMfas", "WebAuthnFactorConfiguration", "WebAuthnRelyingPartyID", "WebAuthnUserVerification",
}

func userPool() *Type {
	return &Type{
		Name: "AWS::Cognito::UserPool",
		Properties: Props(`AccountRecoverySetting AdminCreateUserConfig AliasAttributes@ AutoVerifiedAttributes DeletionProtection DeviceConfiguration
			EmailAuthenticationMessage EmailAuthenticationSubject EmailConfiguration EmailVerificationMessage EmailVerificationSubject EnabledMfas LambdaConfig MfaConfiguration
			Policies Schema SmsAuthenticationMessage SmsConfiguration SmsVerificationMessage UserAttributeUpdateSettings UsernameAttributes@ UsernameConfiguration@
			UserPoolAddOns UserPoolName UserPoolTags UserPoolTier VerificationMessageTemplate WebAuthnFactorConfiguration WebAuthnRelyingPartyID WebAuthnUserVerification`),
		Attributes: []string{"Arn", "ProviderName", "ProviderURL", "UserPoolId"},
		Naming:     Naming{Property: "UserPoolName", Max: 128},
		Note:       "An attribute that leaves the schema stays in the pool; AWS refuses the update. Threat protection blocks addresses alone: Aloft does not know which passwords and sign-ins are a risk.",
		Shape:      func() any { return new(cognitoidp.CreateUserPoolInput) },
		Create:     createUserPool,
		Update:     updateUserPool,
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.DeleteUserPool, &cognitoidp.DeleteUserPoolInput{UserPoolId: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			if op.Text("UserPoolName") != "" {
				return nil, nil // others may have that name
			}
			in := &cognitoidp.ListUserPoolsInput{MaxResults: 60}
			for {
				out, err := Do(op, cognitoidp.ListUserPools, in)
				if err != nil {
					return nil, err
				}
				for _, p := range out.UserPools {
					if *p.Name == op.Name {
						return madePool(op, *p.Id), nil
					}
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return nil, nil
				}
			}
		},
	}
}

func createUserPool(op *Op) (*Made, error) {
	in := &cognitoidp.CreateUserPoolInput{}
	if err := Bind(op, without(op.New, append([]string{"UserPoolName", "MfaConfiguration"}, factorProperties...)...), in); err != nil {
		return nil, err
	}
	in.PoolName = op.Named("UserPoolName")
	out, err := Do(op, cognitoidp.CreateUserPool, in)
	if err != nil {
		return nil, err
	}
	return madePool(op, *out.UserPool.Id), setFactors(op, *out.UserPool.Id)
}

func updateUserPool(op *Op) (*Made, error) {
	in := &cognitoidp.UpdateUserPoolInput{}
	if err := Bind(op, without(op.New, append([]string{"Schema", "MfaConfiguration"}, factorProperties...)...), in); err != nil {
		return nil, err
	}
	in.UserPoolId = op.PhysicalID
	if name := op.Text("UserPoolName"); name != "" {
		in.PoolName = &name
	}
	if in.UserPoolTags == nil {
		in.UserPoolTags = map[string]string{}
	}
	if _, err := Do(op, cognitoidp.UpdateUserPool, in); err != nil {
		return nil, err
	}
	if op.Changed("Schema") {
		if err := addAttributes(op); err != nil {
			return nil, err
		}
	}
	return madePool(op, op.PhysicalID), setFactors(op, op.PhysicalID)
}

// addAttributes adds those attributes to a pool that it does not have. Others
// stay, for none can be removed, by a rollback either.
func addAttributes(op *Op) error {
	out, err := Do(op, cognitoidp.DescribeUserPool, &cognitoidp.DescribeUserPoolInput{UserPoolId: op.PhysicalID})
	if err != nil {
		return err
	}
	in := &cognitoidp.AddCustomAttributesInput{UserPoolId: op.PhysicalID}
	want := &cognitoidp.CreateUserPoolInput{}
	if err := Bind(op, pick(op.New, "Schema"), want); err != nil {
		return err
	}
	for _, a := range want.Schema {
		name := strings.TrimPrefix(aws.Value(a.Name), "custom:")
		has := slices.ContainsFunc(out.UserPool.SchemaAttributes, func(has cognitoidp.SchemaAttributeType) bool {
			return *has.Name == name || strings.TrimPrefix(strings.TrimPrefix(*has.Name, "dev:"), "custom:") == name
		})
		if !has {
			in.CustomAttributes = append(in.CustomAttributes, a)
		}
	}
	if in.CustomAttributes == nil {
		return nil
	}
	_, err = Do(op, cognitoidp.AddCustomAttributes, in)
	return err
}

// setFactors sets the second factors of a pool as the template says.
func setFactors(op *Op, id string) error {
	if !op.Changed(append([]string{"MfaConfiguration"}, factorProperties...)...) && op.Old == nil {
		return nil
	}
	enabled := texts(op.New["EnabledMfas"])
	in := &cognitoidp.SetUserPoolMfaConfigInput{UserPoolId: id, MfaConfiguration: new(cognitoidp.UserPoolMfaTypeOff)}
	if mode := op.Text("MfaConfiguration"); mode != "" {
		in.MfaConfiguration = &mode
	}
	in.SoftwareTokenMfaConfiguration = &cognitoidp.SoftwareTokenMfaConfigType{Enabled: new(slices.Contains(enabled, cognitoidp.ChallengeNameTypeSoftwareTokenMfa))}
	if message := op.Text("EmailAuthenticationMessage"); message != "" || slices.Contains(enabled, cognitoidp.ChallengeNameTypeEmailOtp) {
		in.EmailMfaConfiguration = &cognitoidp.EmailMfaConfigType{}
		if message != "" {
			in.EmailMfaConfiguration.Message = &message
		}
		if subject := op.Text("EmailAuthenticationSubject"); subject != "" {
			in.EmailMfaConfiguration.Subject = &subject
		}
	}
	if party := op.Text("WebAuthnRelyingPartyID"); party != "" {
		in.WebAuthnConfiguration = &cognitoidp.WebAuthnConfigurationType{RelyingPartyId: &party}
	}
	_, err := Do(op, cognitoidp.SetUserPoolMfaConfig, in)
	return err
}

func userPoolClient() *Type {
	made := func(c *cognitoidp.UserPoolClientType) *Made {
		return &Made{PhysicalID: *c.ClientId, Attributes: map[string]any{"ClientId": *c.ClientId, "ClientSecret": aws.Value(c.ClientSecret), "Name": aws.Value(c.ClientName)}}
	}
	return &Type{
		Name: "AWS::Cognito::UserPoolClient",
		Properties: Props(`AccessTokenValidity AllowedOAuthFlows AllowedOAuthFlowsUserPoolClient AllowedOAuthScopes AnalyticsConfiguration AuthSessionValidity CallbackURLs
			ClientName DefaultRedirectURI EnablePropagateAdditionalUserContextData EnableTokenRevocation ExplicitAuthFlows GenerateSecret@ IdTokenValidity LogoutURLs
			PreventUserExistenceErrors ReadAttributes RefreshTokenRotation RefreshTokenValidity SupportedIdentityProviders TokenValidityUnits UserPoolId!@ WriteAttributes`),
		Attributes: []string{"ClientId", "ClientSecret", "Name"},
		Naming:     Naming{Property: "ClientName", Max: 128},
		Shape:      func() any { return new(cognitoidp.CreateUserPoolClientInput) },
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.CreateUserPoolClientInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.ClientName = op.Named("ClientName")
			out, err := Do(op, cognitoidp.CreateUserPoolClient, in)
			if err != nil {
				return nil, err
			}
			return made(out.UserPoolClient), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &cognitoidp.UpdateUserPoolClientInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.ClientId = op.PhysicalID
			out, err := Do(op, cognitoidp.UpdateUserPoolClient, in)
			if err != nil {
				return nil, err
			}
			return made(out.UserPoolClient), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.DeleteUserPoolClient, &cognitoidp.DeleteUserPoolClientInput{UserPoolId: text(op.Old["UserPoolId"]), ClientId: op.PhysicalID})
			return err
		},
	}
}

func userPoolDomain() *Type {
	made := func(op *Op) *Made {
		return &Made{PhysicalID: op.Text("Domain"), Attributes: map[string]any{"CloudFrontDistribution": ""}}
	}
	return &Type{
		Name:       "AWS::Cognito::UserPoolDomain",
		Properties: Props("CustomDomainConfig Domain!@ ManagedLoginVersion Routing- UserPoolId!@"),
		Attributes: []string{"CloudFrontDistribution"},
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.CreateUserPoolDomainInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, cognitoidp.CreateUserPoolDomain, in); err != nil {
				return nil, err
			}
			return made(op), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &cognitoidp.UpdateUserPoolDomainInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			_, err := Do(op, cognitoidp.UpdateUserPoolDomain, in)
			return made(op), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.DeleteUserPoolDomain, &cognitoidp.DeleteUserPoolDomainInput{UserPoolId: text(op.Old["UserPoolId"]), Domain: op.PhysicalID})
			if e := aws.Refusal(err); err != nil && strings.HasPrefix(e.Message, "No such domain") {
				return nil
			}
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, cognitoidp.DescribeUserPoolDomain, &cognitoidp.DescribeUserPoolDomainInput{Domain: op.Text("Domain")})
			if err != nil || aws.Value(out.DomainDescription.UserPoolId) != op.Text("UserPoolId") {
				return nil, err
			}
			return made(op), nil
		},
	}
}

func userPoolGroup() *Type {
	return &Type{
		Name:       "AWS::Cognito::UserPoolGroup",
		Properties: Props("Description GroupName@ Precedence RoleArn UserPoolId!@"),
		Naming:     Naming{Property: "GroupName", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.CreateGroupInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.GroupName = op.Named("GroupName")
			_, err := Do(op, cognitoidp.CreateGroup, in)
			return &Made{PhysicalID: in.GroupName}, err
		},
		Update: func(op *Op) (*Made, error) {
			in := &cognitoidp.UpdateGroupInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.GroupName = op.PhysicalID
			_, err := Do(op, cognitoidp.UpdateGroup, in)
			return &Made{PhysicalID: op.PhysicalID}, err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.DeleteGroup, &cognitoidp.DeleteGroupInput{UserPoolId: text(op.Old["UserPoolId"]), GroupName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("GroupName")
			if _, err := Do(op, cognitoidp.GetGroup, &cognitoidp.GetGroupInput{UserPoolId: op.Text("UserPoolId"), GroupName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
	}
}

func userPoolUser() *Type {
	return &Type{
		Name:       "AWS::Cognito::UserPoolUser",
		Properties: Props("ClientMetadata@ DesiredDeliveryMediums@ ForceAliasCreation@ MessageAction@ UserAttributes@ Username@ UserPoolId!@ ValidationData@"),
		Naming:     Naming{Property: "Username", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.AdminCreateUserInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Username = op.Named("Username")
			out, err := Do(op, cognitoidp.AdminCreateUser, in)
			if err != nil {
				return nil, err
			}
			return &Made{PhysicalID: *out.User.Username}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.AdminDeleteUser, &cognitoidp.AdminDeleteUserInput{UserPoolId: text(op.Old["UserPoolId"]), Username: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, cognitoidp.AdminGetUser, &cognitoidp.AdminGetUserInput{UserPoolId: op.Text("UserPoolId"), Username: op.Named("Username")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: out.Username}, nil
		},
	}
}

func userPoolMember() *Type {
	return &Type{
		Name:       "AWS::Cognito::UserPoolUserToGroupAttachment",
		Properties: Props("GroupName!@ Username!@ UserPoolId!@"),
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.AdminAddUserToGroupInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			_, err := Do(op, cognitoidp.AdminAddUserToGroup, in)
			return &Made{PhysicalID: strings.Join([]string{in.UserPoolId, in.GroupName, in.Username}, "|")}, err
		},
		Delete: func(op *Op) error {
			in := &cognitoidp.AdminRemoveUserFromGroupInput{}
			if err := Bind(op, op.Old, in); err != nil {
				return err
			}
			_, err := Do(op, cognitoidp.AdminRemoveUserFromGroup, in)
			return err
		},
	}
}

func userPoolServer() *Type {
	return &Type{
		Name:       "AWS::Cognito::UserPoolResourceServer",
		Properties: Props("Identifier!@ Name! Scopes UserPoolId!@"),
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.CreateResourceServerInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			_, err := Do(op, cognitoidp.CreateResourceServer, in)
			return &Made{PhysicalID: in.Identifier}, err
		},
		Update: func(op *Op) (*Made, error) {
			in := &cognitoidp.UpdateResourceServerInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			_, err := Do(op, cognitoidp.UpdateResourceServer, in)
			return &Made{PhysicalID: op.PhysicalID}, err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.DeleteResourceServer, &cognitoidp.DeleteResourceServerInput{UserPoolId: text(op.Old["UserPoolId"]), Identifier: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			id := op.Text("Identifier")
			if _, err := Do(op, cognitoidp.DescribeResourceServer, &cognitoidp.DescribeResourceServerInput{UserPoolId: op.Text("UserPoolId"), Identifier: id}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: id}, nil
		},
	}
}

func userPoolProvider() *Type {
	return &Type{
		Name:       "AWS::Cognito::UserPoolIdentityProvider",
		Properties: Props("AttributeMapping IdpIdentifiers ProviderDetails! ProviderName!@ ProviderType!@ UserPoolId!@"),
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidp.CreateIdentityProviderInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			_, err := Do(op, cognitoidp.CreateIdentityProvider, in)
			return &Made{PhysicalID: in.ProviderName}, err
		},
		Update: func(op *Op) (*Made, error) {
			in := &cognitoidp.UpdateIdentityProviderInput{}
			if err := Bind(op, without(op.New, "ProviderType"), in); err != nil {
				return nil, err
			}
			_, err := Do(op, cognitoidp.UpdateIdentityProvider, in)
			return &Made{PhysicalID: op.PhysicalID}, err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidp.DeleteIdentityProvider, &cognitoidp.DeleteIdentityProviderInput{UserPoolId: text(op.Old["UserPoolId"]), ProviderName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Text("ProviderName")
			if _, err := Do(op, cognitoidp.DescribeIdentityProvider, &cognitoidp.DescribeIdentityProviderInput{UserPoolId: op.Text("UserPoolId"), ProviderName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
	}
}

func userPoolStyle() *Type {
	set := func(op *Op) (*Made, error) {
		in := &cognitoidp.SetUICustomizationInput{}
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		_, err := Do(op, cognitoidp.SetUICustomization, in)
		return &Made{PhysicalID: "UserPoolUICustomizationAttachment-" + in.UserPoolId + "-" + op.Text("ClientId")}, err
	}
	return &Type{
		Name:       "AWS::Cognito::UserPoolUICustomizationAttachment",
		Properties: Props("CSS ClientId!@ UserPoolId!@"),
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			in := &cognitoidp.SetUICustomizationInput{}
			if err := Bind(op, without(op.Old, "CSS"), in); err != nil {
				return err
			}
			_, err := Do(op, cognitoidp.SetUICustomization, in)
			if e := aws.Refusal(err); err != nil && strings.HasPrefix(e.Message, "There has to be an existing domain") {
				return nil // it went with the domain
			}
			return err
		},
	}
}

func userPoolRisk() *Type {
	set := func(op *Op) (*Made, error) {
		in := &cognitoidp.SetRiskConfigurationInput{}
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		made := &Made{PhysicalID: "UserPoolRiskConfigurationAttachment-" + in.UserPoolId + "-" + in.GetClientId()}
		if in.GetClientId() == "ALL" {
			in.ClientId = nil
		}
		_, err := Do(op, cognitoidp.SetRiskConfiguration, in)
		return made, err
	}
	return &Type{
		Name:       "AWS::Cognito::UserPoolRiskConfigurationAttachment",
		Properties: Props("AccountTakeoverRiskConfiguration ClientId!@ CompromisedCredentialsRiskConfiguration RiskExceptionConfiguration UserPoolId!@"),
		Note:       "Blocked addresses are refused; nothing else is ever found to be a risk.",
		Shape:      func() any { return new(cognitoidp.SetRiskConfigurationInput) },
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			in := &cognitoidp.SetRiskConfigurationInput{UserPoolId: text(op.Old["UserPoolId"])}
			if client := text(op.Old["ClientId"]); client != "ALL" {
				in.ClientId = &client
			}
			_, err := Do(op, cognitoidp.SetRiskConfiguration, in)
			return err
		},
	}
}
