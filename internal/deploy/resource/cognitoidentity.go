package resource

import (
	"strings"

	cognitoidentity "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
)

func identityPool() *Type {
	made := func(p *cognitoidentity.IdentityPool) *Made {
		return &Made{PhysicalID: p.IdentityPoolId, Attributes: map[string]any{"Id": p.IdentityPoolId, "Name": p.IdentityPoolName}}
	}
	const ours = `AllowClassicFlow AllowUnauthenticatedIdentities! CognitoEvents- CognitoIdentityProviders CognitoStreams- DeveloperProviderName IdentityPoolName IdentityPoolTags
		OpenIdConnectProviderARNs PushSync- SamlProviderARNs SupportedLoginProviders`
	return &Type{
		Name:       "AWS::Cognito::IdentityPool",
		Properties: Props(ours),
		Attributes: []string{"Id", "Name"},
		Naming:     Naming{Property: "IdentityPoolName", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &cognitoidentity.CreateIdentityPoolInput{}
			if err := Bind(op, tagged(op), in); err != nil {
				return nil, err
			}
			in.IdentityPoolName = op.Named("IdentityPoolName")
			out, err := Do(op, cognitoidentity.CreateIdentityPool, in)
			if err != nil {
				return nil, err
			}
			return made(out), nil
		},
		Update: func(op *Op) (*Made, error) {
			is, err := Do(op, cognitoidentity.DescribeIdentityPool, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: op.PhysicalID})
			if err != nil {
				return nil, err
			}
			in := &cognitoidentity.UpdateIdentityPoolInput{IdentityPoolName: is.IdentityPoolName}
			if err := Bind(op, tagged(op), in); err != nil {
				return nil, err
			}
			in.IdentityPoolId = op.PhysicalID
			out, err := Do(op, cognitoidentity.UpdateIdentityPool, in)
			if err != nil {
				return nil, err
			}
			return made(out), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidentity.DeleteIdentityPool, &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: op.PhysicalID})
			return err
		},
	}
}

// tagged are the properties of an identity pool, with its tags as a map.
func tagged(op *Op) map[string]any {
	out := without(op.New, "IdentityPoolTags")
	tags := make(map[string]any)
	for name, value := range tagMap(op.New["IdentityPoolTags"]) {
		tags[name] = value
	}
	out["IdentityPoolTags"] = tags
	return out
}

func identityPoolRoles() *Type {
	set := func(op *Op) (*Made, error) {
		mappings := make(map[string]any)
		for name, m := range object(op.New["RoleMappings"]) {
			// A provider can be named by something that refers to others, which keys cannot.
			if provider := text(object(m)["IdentityProvider"]); provider != "" {
				name = provider
			}
			mappings[name] = without(object(m), "IdentityProvider")
		}
		in := &cognitoidentity.SetIdentityPoolRolesInput{Roles: map[string]string{}}
		if err := Bind(op, map[string]any{"IdentityPoolId": op.New["IdentityPoolId"], "Roles": op.New["Roles"], "RoleMappings": mappings}, in); err != nil {
			return nil, err
		}
		if len(mappings) == 0 {
			in.RoleMappings = nil
		}
		_, err := Do(op, cognitoidentity.SetIdentityPoolRoles, in)
		return &Made{PhysicalID: in.IdentityPoolId, Attributes: map[string]any{"Id": in.IdentityPoolId}}, err
	}
	return &Type{
		Name:       "AWS::Cognito::IdentityPoolRoleAttachment",
		Properties: Props("IdentityPoolId!@ RoleMappings Roles"),
		Attributes: []string{"Id"},
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			_, err := Do(op, cognitoidentity.SetIdentityPoolRoles, &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: op.PhysicalID, Roles: map[string]string{}})
			return err
		},
	}
}

func identityPoolTags() *Type {
	set := func(op *Op) (*Made, error) {
		in := &cognitoidentity.SetPrincipalTagAttributeMapInput{}
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		_, err := Do(op, cognitoidentity.SetPrincipalTagAttributeMap, in)
		return &Made{PhysicalID: strings.Join([]string{in.IdentityPoolId, in.IdentityProviderName}, "|")}, err
	}
	return &Type{
		Name:       "AWS::Cognito::IdentityPoolPrincipalTag",
		Properties: Props("IdentityPoolId!@ IdentityProviderName!@ PrincipalTags UseDefaults"),
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			pool, provider, _ := strings.Cut(op.PhysicalID, "|")
			_, err := Do(op, cognitoidentity.SetPrincipalTagAttributeMap, &cognitoidentity.SetPrincipalTagAttributeMapInput{IdentityPoolId: pool, IdentityProviderName: provider})
			return err
		},
	}
}
