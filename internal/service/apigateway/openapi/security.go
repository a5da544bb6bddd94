package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

// authorizers reads the ways in which callers say who they are, and adds those
// that are authorizers.
func (d *document) authorizers() error {
	all := make(node)
	maps.Copy(all, d.root.at("securityDefinitions"))
	maps.Copy(all, d.root.at("components").at("securitySchemes"))
	d.schemes = make(map[string]node)
	for _, name := range all.keys() {
		s := d.resolve(all[name])
		d.schemes[name] = s
		said := d.resolve(s["x-amazon-apigateway-authorizer"])
		if said == nil {
			continue
		}
		a, err := authorizer(name, s, said)
		if err != nil {
			return err
		}
		d.def.Authorizers = append(d.def.Authorizers, *a)
	}
	return nil
}

func authorizer(name string, scheme, said node) (*api.Authorizer, error) {
	a := &api.Authorizer{
		Name: &name, AuthType: given(scheme.text("x-amazon-apigateway-authtype")), AuthorizerUri: given(said.text("authorizerUri")),
		AuthorizerCredentials: given(said.text("authorizerCredentials")), IdentityValidationExpression: given(said.text("identityValidationExpression")),
		IdentitySource: given(said.text("identitySource")),
	}
	switch strings.ToLower(said.text("type")) {
	case "token":
		a.Type = new(api.AuthorizerTypeToken)
	case "request":
		a.Type = new(api.AuthorizerTypeRequest)
	case "cognito_user_pools":
		a.Type, a.ProviderARNs = new(api.AuthorizerTypeCognitoUserPools), said.texts("providerARNs")
	default:
		return nil, bad("Unable to create authorizer from the security definition '%s': Invalid authorizer type %s", name, said.text("type"))
	}
	if a.IdentitySource == nil && *a.Type != api.AuthorizerTypeRequest {
		header := scheme.text("name")
		if header == "" {
			header = "Authorization"
		}
		a.IdentitySource = new("method.request.header." + header)
	}
	if n, ok := said["authorizerResultTtlInSeconds"].(json.Number); ok {
		if ttl, err := n.Int64(); err == nil {
			a.AuthorizerResultTtlInSeconds = new(int32(ttl))
		}
	}
	return a, nil
}

// secure sets who may use a method: what its own security says, or the
// document's. Its authorizer is named.
func (d *document) secure(m *Method, op node) error {
	needs := d.usual
	if own, ok := op["security"].([]any); ok {
		needs = own
	}
	if auth := op.at("x-amazon-apigateway-auth"); auth != nil {
		if kind := strings.ToUpper(auth.text("type")); kind == "AWS_IAM" {
			m.AuthorizationType = &kind
		}
	}
	for _, need := range needs {
		n, _ := need.(map[string]any)
		for _, name := range node(n).keys() {
			s, ok := d.schemes[name]
			if !ok && name == "NONE" { // that is how SAM writes that anyone may
				continue
			}
			if !ok {
				return bad("Unable to find the security definition %s of %s %s", name, *m.HttpMethod, m.Path)
			}
			d.apply(m, name, s, node(n).texts(name))
		}
	}
	return nil
}

// apply puts one way on a method.
func (d *document) apply(m *Method, name string, s node, scopes []string) {
	i := slices.IndexFunc(d.def.Authorizers, func(a api.Authorizer) bool { return *a.Name == name })
	switch {
	case strings.EqualFold(s.text("x-amazon-apigateway-authtype"), "awsSigv4"):
		m.AuthorizationType = new("AWS_IAM")
	case i >= 0:
		m.AuthorizationType, m.AuthorizerId = new("CUSTOM"), &name
		if *d.def.Authorizers[i].Type == api.AuthorizerTypeCognitoUserPools {
			m.AuthorizationType = new("COGNITO_USER_POOLS")
			m.AuthorizationScopes = nil
			if len(scopes) > 0 {
				slices.Sort(scopes)
				m.AuthorizationScopes = scopes
			}
		}
	case s.text("type") == "apiKey" && strings.EqualFold(s.text("name"), "x-api-key"):
		m.ApiKeyRequired = new(true)
	}
}
