package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
)

// A scheme is a way in which callers say who they are.
type scheme struct {
	AuthType   string      `json:"x-amazon-apigateway-authtype"`
	Authorizer *authorizer `json:"x-amazon-apigateway-authorizer"`
}

type authorizer struct {
	Type        string          `json:"type"` // "jwt" or "request"
	Source      json.RawMessage `json:"identitySource"`
	Expression  string          `json:"identityValidationExpression"`
	URI         string          `json:"authorizerUri"`
	Credentials string          `json:"authorizerCredentials"`
	Format      any             `json:"authorizerPayloadFormatVersion"`
	TTL         *int32          `json:"authorizerResultTtlInSeconds"`
	Simple      *bool           `json:"enableSimpleResponses"`
	JWT         *struct {
		Audience []string `json:"audience"`
		Issuer   string   `json:"issuer"`
	} `json:"jwtConfiguration"`
}

// signed is the authorization type of routes whose callers sign as for AWS.
const signed = "awsSigv4"

// authorizers adds the authorizers of the document to d.
func (doc *document) authorizers(d *Definition) error {
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemes)) {
		a := doc.Components.Schemes[name].Authorizer
		if a == nil {
			continue
		}
		sources, err := a.sources()
		if err != nil {
			return api.BadRequestException.Errorf("Unable to parse API definition because of a malformed authorizer %s", name)
		}
		in := api.CreateAuthorizerInput{
			Name: name, AuthorizerType: strings.ToUpper(a.Type), IdentitySource: sources, IdentityValidationExpression: given(a.Expression),
			AuthorizerUri: given(a.URI), AuthorizerCredentialsArn: given(a.Credentials), AuthorizerPayloadFormatVersion: given(text(a.Format)),
			AuthorizerResultTtlInSeconds: a.TTL, EnableSimpleResponses: a.Simple,
		}
		if a.JWT != nil {
			in.JwtConfiguration = &api.JWTConfiguration{Audience: a.JWT.Audience, Issuer: &a.JWT.Issuer}
		}
		d.Authorizers = append(d.Authorizers, in)
	}
	return nil
}

// sources are where the caller says who it is: a list, or separated by commas.
func (a *authorizer) sources() ([]string, error) {
	if a.Source == nil {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(a.Source, &list) == nil {
		return list, nil
	}
	var one string
	if err := json.Unmarshal(a.Source, &one); err != nil {
		return nil, err
	}
	for s := range strings.SplitSeq(one, ",") {
		list = append(list, strings.TrimSpace(s))
	}
	return list, nil
}

// secure sets who may use a route: what its own security says, or the document's.
func (doc *document) secure(r *Route, own *[]map[string][]string) error {
	needs := doc.Security
	if own != nil {
		needs = *own
	}
	for _, n := range needs {
		for name, scopes := range n {
			if len(needs) > 1 || len(n) > 1 {
				return api.BadRequestException.Errorf("Only one security scheme is supported for a route, and %s has several", r.Key)
			}
			s, ok := doc.Components.Schemes[name]
			switch {
			case !ok && name == "NONE": // SAM's word for a route that is open where others are not
			case ok && strings.EqualFold(s.AuthType, signed):
				r.Authorization = api.AuthorizationTypeAwsIam
			case s.Authorizer == nil: // whoever asks for security must not get none
				return api.BadRequestException.Errorf("Unable to find an authorizer for the security scheme %s of %s", name, r.Key)
			case strings.EqualFold(s.Authorizer.Type, "jwt"):
				r.Authorization, r.Authorizer, r.Scopes = api.AuthorizationTypeJwt, name, scopes
			default:
				r.Authorization, r.Authorizer = api.AuthorizationTypeCustom, name
			}
		}
	}
	return nil
}
