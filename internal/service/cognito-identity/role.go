package cognitoidentity

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Roles of a pool, for those who have logged in and those who have not.
const (
	authenticated   = "authenticated"
	unauthenticated = "unauthenticated"
)

// SetIdentityPoolRoles says which roles identities of a pool get.
func (s *Service) SetIdentityPoolRoles(ctx context.Context, call *aws.Call, in *api.SetIdentityPoolRolesInput) (*api.SetIdentityPoolRolesOutput, error) {
	for provider, m := range in.RoleMappings {
		switch {
		case m.Type == "Rules" && m.RulesConfiguration == nil:
			return nil, invalid("RulesConfiguration is needed for the role mapping of %s.", provider)
		case m.AmbiguousRoleResolution == nil:
			return nil, invalid("AmbiguousRoleResolution is needed for the role mapping of %s.", provider)
		}
	}
	err := s.updatePool(ctx, call, in.IdentityPoolId, func(p *identityPool) error {
		p.Roles, p.Mappings = in.Roles, in.RoleMappings
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.SetIdentityPoolRolesOutput{}, nil
}

// GetIdentityPoolRoles returns which roles identities of a pool get.
func (s *Service) GetIdentityPoolRoles(ctx context.Context, call *aws.Call, in *api.GetIdentityPoolRolesInput) (*api.GetIdentityPoolRolesOutput, error) {
	out := &api.GetIdentityPoolRolesOutput{IdentityPoolId: &in.IdentityPoolId}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.IdentityPoolId)
		if err != nil {
			return err
		}
		out.Roles, out.RoleMappings = p.Roles, p.Mappings
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetPrincipalTagAttributeMap says which claims of a provider's become tags of
// sessions.
func (s *Service) SetPrincipalTagAttributeMap(ctx context.Context, call *aws.Call, in *api.SetPrincipalTagAttributeMapInput) (*api.SetPrincipalTagAttributeMapOutput, error) {
	err := s.updatePool(ctx, call, in.IdentityPoolId, func(p *identityPool) error {
		if p.TagMaps == nil {
			p.TagMaps, p.Defaults = make(map[string]map[string]string), make(map[string]bool)
		}
		p.TagMaps[in.IdentityProviderName], p.Defaults[in.IdentityProviderName] = in.PrincipalTags, aws.Value(in.UseDefaults)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.SetPrincipalTagAttributeMapOutput{IdentityPoolId: &in.IdentityPoolId, IdentityProviderName: &in.IdentityProviderName, PrincipalTags: in.PrincipalTags, UseDefaults: in.UseDefaults}, nil
}

// GetPrincipalTagAttributeMap returns which claims of a provider's become tags.
func (s *Service) GetPrincipalTagAttributeMap(ctx context.Context, call *aws.Call, in *api.GetPrincipalTagAttributeMapInput) (*api.GetPrincipalTagAttributeMapOutput, error) {
	out := &api.GetPrincipalTagAttributeMapOutput{IdentityPoolId: &in.IdentityPoolId, IdentityProviderName: &in.IdentityProviderName}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.IdentityPoolId)
		if err != nil {
			return err
		}
		out.UseDefaults, out.PrincipalTags = new(p.Defaults[in.IdentityProviderName]), p.TagMaps[in.IdentityProviderName]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// tags are those of the session of who logged in by l.
func (p *pool) tags(l *verified) map[string]any {
	tags := make(map[string]any)
	claims := p.TagMaps[l.provider]
	if p.Defaults[l.provider] {
		claims = map[string]string{"username": "sub", "client": "aud"}
	}
	for tag, claim := range claims {
		if text, ok := l.claims[claim].(string); ok && text != "" {
			tags[tag] = []string{text}
		}
	}
	return tags
}

// roleOf is the role that who logged in gets, who may wish for one of several.
func (p *identityPool) roleOf(logins []verified, wish string) (string, error) {
	if len(logins) == 0 {
		if wish != "" {
			return "", invalid("Invalid identity pool configuration: a role can be chosen by who has logged in only.")
		}
		return p.named(unauthenticated)
	}
	l := logins[0]
	m, mapped := p.Mappings[l.provider+":"+l.client]
	if !mapped {
		m, mapped = p.Mappings[l.provider]
	}
	if !mapped {
		return p.named(authenticated)
	}
	var role string
	if m.Type == "Rules" {
		role = ruled(m.RulesConfiguration.Rules, l.claims)
	} else {
		roles := jwt.Values(l.claims["cognito:roles"])
		role, _ = l.claims["cognito:preferred_role"].(string)
		switch {
		case wish != "" && !slices.Contains(roles, wish):
			return "", unauthorized("Access to Role '%s' is forbidden.", wish)
		case wish != "":
			return wish, nil
		case role == "" && len(roles) == 1:
			role = roles[0]
		}
	}
	switch {
	case role != "":
		return role, nil
	case aws.Value(m.AmbiguousRoleResolution) == api.AmbiguousRoleResolutionTypeDeny:
		return "", unauthorized("Token is not authorized to assume a role.")
	}
	return p.named(authenticated)
}

func (p *identityPool) named(which string) (string, error) {
	if role := p.Roles[which]; role != "" {
		return role, nil
	}
	return "", api.InvalidIdentityPoolConfigurationException.Errorf("Invalid identity pool configuration. Check assigned IAM roles for this pool.")
}

// ruled is the role of the first rule that claims fit; empty if there is none.
func ruled(rules []api.MappingRule, claims map[string]any) string {
	for _, r := range rules {
		all := jwt.Values(claims[r.Claim])
		if all == nil {
			continue
		}
		fits := slices.ContainsFunc(all, func(value string) bool {
			switch r.MatchType {
			case api.MappingRuleMatchTypeEquals, api.MappingRuleMatchTypeNotEqual:
				return value == r.Value
			case api.MappingRuleMatchTypeContains:
				return strings.Contains(value, r.Value)
			}
			return strings.HasPrefix(value, r.Value)
		})
		if fits != (r.MatchType == api.MappingRuleMatchTypeNotEqual) {
			return r.RoleARN
		}
	}
	return ""
}
