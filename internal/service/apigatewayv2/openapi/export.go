package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

type object = map[string]any

// An Export is how a definition is to be written.
type Export struct {
	*Definition
	Host       string // of the API's addresses
	Stage      string // "" for none
	YAML       bool
	Extensions bool // those of API Gateway, without which a document says only how to ask
}

// Write writes a definition so that Parse reads the same again.
func (e *Export) Write() ([]byte, error) {
	paths, err := e.paths()
	if err != nil {
		return nil, err
	}
	info := object{"title": e.Title, "version": e.Version}
	if e.Description != "" {
		info["description"] = e.Description
	}
	doc := object{"openapi": "3.0.1", "info": info, "paths": paths, "servers": e.servers()}
	if e.Extensions {
		e.extend(doc)
	}
	if !e.YAML {
		return json.MarshalIndent(doc, "", "  ")
	}
	tree, err := plain(doc)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(tree)
}

// plain is v as it is read from JSON.
func plain(v any) (tree any, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &tree)
	}
	return tree, err
}

func (e *Export) servers() []object {
	if e.Stage == "" || e.Stage == "$default" {
		return []object{{"url": "https://" + e.Host}}
	}
	return []object{{"url": "https://" + e.Host + "/{basePath}", "variables": object{"basePath": object{"default": e.Stage}}}}
}

// extend adds what only API Gateway understands, besides integrations.
func (e *Export) extend(doc object) {
	if c := e.Cors; c != nil {
		doc["x-amazon-apigateway-cors"] = cors{c.AllowCredentials, c.AllowHeaders, c.AllowMethods, c.AllowOrigins, c.ExposeHeaders, c.MaxAge}
	}
	if e.Disabled {
		doc["x-amazon-apigateway-endpoint-configuration"] = object{"disableExecuteApiEndpoint": true}
	}
	if len(e.Tags) > 0 {
		var tags []object
		for _, name := range slices.Sorted(maps.Keys(e.Tags)) {
			tags = append(tags, object{"name": name, "x-amazon-apigateway-tag-value": e.Tags[name]})
		}
		doc["tags"] = tags
	}
	if schemes := e.schemes(); len(schemes) > 0 {
		doc["components"] = object{"securitySchemes": schemes}
	}
}

// paths are the routes, by path and method.
func (e *Export) paths() (object, error) {
	paths := object{}
	for i := range e.Routes {
		r := &e.Routes[i]
		method, path, ok := strings.Cut(r.Key, " ")
		member := strings.ToLower(method)
		if !ok {
			path, member = "/$default", anyMethod
		} else if method == "ANY" {
			member = anyMethod
		}
		op, err := e.operation(r)
		if err != nil {
			return nil, err
		}
		if path == "/$default" {
			op["isDefaultRoute"] = true
		}
		if names := placeholders(path); len(names) > 0 {
			op["parameters"] = names
		}
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path].(object)[member] = op
	}
	return paths, nil
}

// placeholders are the parameters that a path names.
func placeholders(path string) (names []object) {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "+")
			names = append(names, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	return names
}

func (e *Export) operation(r *Route) (object, error) {
	op := object{"responses": object{"default": object{"description": "Default response for " + r.Key}}}
	if r.Operation != "" {
		op["operationId"] = r.Operation
	}
	if !e.Extensions {
		return op, nil
	}
	if name := r.scheme(); name != "" {
		op["security"] = []object{{name: append([]string{}, r.Scopes...)}}
	}
	if r.Integration == nil {
		return op, nil
	}
	i, err := integrationOf(r.Integration)
	op["x-amazon-apigateway-integration"] = i
	return op, err
}

const sigv4Scheme = "sigv4"

// scheme names who may use a route; "" is everybody.
func (r *Route) scheme() string {
	switch r.Authorization {
	case "", api.AuthorizationTypeNone:
		return ""
	case api.AuthorizationTypeAwsIam:
		return sigv4Scheme
	}
	return r.Authorizer
}

// integrationOf is an integration as resolve reads it, without what is not said.
func integrationOf(i *api.Integration) (object, error) {
	tree, err := plain(integration{
		Type: strings.ToLower(aws.Value(i.IntegrationType)), URI: aws.Value(i.IntegrationUri), Method: aws.Value(i.IntegrationMethod),
		Format: aws.Value(i.PayloadFormatVersion), Timeout: i.TimeoutInMillis, ConnectionType: aws.Value(i.ConnectionType), ConnectionID: aws.Value(i.ConnectionId),
		Credentials: aws.Value(i.CredentialsArn), Subtype: aws.Value(i.IntegrationSubtype), Description: aws.Value(i.Description),
		RequestParameters: i.RequestParameters, ResponseParameters: i.ResponseParameters,
	})
	if err != nil {
		return nil, err
	}
	return without(tree.(object)), nil
}

// without is o without what is empty.
func without(o object) object {
	for name, v := range o {
		if v == nil || v == "" {
			delete(o, name)
		}
	}
	return o
}

// schemes are the ways in which callers of the routes say who they are.
func (e *Export) schemes() object {
	schemes := object{}
	for i := range e.Routes {
		if e.Routes[i].Authorization == api.AuthorizationTypeAwsIam {
			schemes[sigv4Scheme] = object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": signed}
		}
	}
	for i := range e.Authorizers {
		a := &e.Authorizers[i]
		x := without(object{
			"type": strings.ToLower(a.AuthorizerType), "identitySource": strings.Join(a.IdentitySource, ","),
			"identityValidationExpression": aws.Value(a.IdentityValidationExpression), "authorizerUri": aws.Value(a.AuthorizerUri),
			"authorizerCredentials": aws.Value(a.AuthorizerCredentialsArn), "authorizerPayloadFormatVersion": aws.Value(a.AuthorizerPayloadFormatVersion),
		})
		if a.AuthorizerResultTtlInSeconds != nil {
			x["authorizerResultTtlInSeconds"] = *a.AuthorizerResultTtlInSeconds
		}
		if a.EnableSimpleResponses != nil {
			x["enableSimpleResponses"] = *a.EnableSimpleResponses
		}
		scheme := object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authorizer": x}
		if j := a.JwtConfiguration; j != nil {
			x["jwtConfiguration"] = object{"audience": j.Audience, "issuer": aws.Value(j.Issuer)}
			scheme = object{"type": "oauth2", "flows": object{}, "x-amazon-apigateway-authorizer": x}
		}
		schemes[a.Name] = scheme
	}
	return schemes
}
