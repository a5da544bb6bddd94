// Package openapi reads definitions of HTTP APIs: OpenAPI 3 with the
// extensions of API Gateway, in JSON or YAML.
package openapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
)

// A Definition is what a document says of an API, as far as we answer it.
type Definition struct {
	Title       string
	Description string
	Version     string
	Tags        map[string]string
	Cors        *api.Cors
	Disabled    bool // its own endpoint
	Authorizers []api.CreateAuthorizerInput
	Routes      []Route
	Warnings    []string
}

// A Route is one route and what it leads to.
type Route struct {
	Key         string // "GET /pets/{id}", or "$default"
	Operation   string // its operationId
	Integration *api.Integration

	Authorization string   // type of its authorization, empty if it has none
	Authorizer    string   // name of its authorizer, if the type needs one
	Scopes        []string // one of which a token must have
}

// A document is the part of OpenAPI that we read.
type document struct {
	OpenAPI string `json:"openapi"`
	Swagger string `json:"swagger"`
	Info    struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Version     any    `json:"version"`
	} `json:"info"`
	Tags []struct {
		Name  string `json:"name"`
		Value any    `json:"x-amazon-apigateway-tag-value"`
	} `json:"tags"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Integrations map[string]integration `json:"x-amazon-apigateway-integrations"`
		Schemes      map[string]scheme      `json:"securitySchemes"`
	} `json:"components"`
	Security []map[string][]string `json:"security"`
	Cors     *cors                 `json:"x-amazon-apigateway-cors"`
	Endpoint struct {
		Disabled bool `json:"disableExecuteApiEndpoint"`
	} `json:"x-amazon-apigateway-endpoint-configuration"`
}

type cors struct {
	AllowCredentials *bool    `json:"allowCredentials"`
	AllowHeaders     []string `json:"allowHeaders"`
	AllowMethods     []string `json:"allowMethods"`
	AllowOrigins     []string `json:"allowOrigins"`
	ExposeHeaders    []string `json:"exposeHeaders"`
	MaxAge           *int32   `json:"maxAge"`
}

type operation struct {
	ID          string                 `json:"operationId"`
	Security    *[]map[string][]string `json:"security"`
	Integration *integration           `json:"x-amazon-apigateway-integration"`
}

type integration struct {
	Ref                string                       `json:"$ref"`
	Type               string                       `json:"type"`
	URI                string                       `json:"uri"`
	Method             string                       `json:"httpMethod"`
	Format             any                          `json:"payloadFormatVersion"`
	Timeout            *int32                       `json:"timeoutInMillis"`
	ConnectionType     string                       `json:"connectionType"`
	ConnectionID       string                       `json:"connectionId"`
	Credentials        string                       `json:"credentials"`
	Subtype            string                       `json:"integrationSubtype"`
	Description        string                       `json:"description"`
	RequestParameters  map[string]string            `json:"requestParameters"`
	ResponseParameters map[string]map[string]string `json:"responseParameters"`
	TLS                map[string]any               `json:"tlsConfig"`
}

const anyMethod = "x-amazon-apigateway-any-method"

// methodKeys are the members of a path that are operations, and their methods.
var methodKeys = map[string]string{
	anyMethod: "ANY", "get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "options": "OPTIONS", "head": "HEAD", "patch": "PATCH",
}

// Parse reads a definition. It refuses by name what an API could say and we do
// not answer.
func Parse(source string) (*Definition, error) {
	var doc document
	if err := unmarshal(source, &doc); err != nil {
		return nil, api.BadRequestException.Errorf("Unable to parse API definition because of a malformed document: %s", explain(err))
	}
	if doc.Swagger != "" || !strings.HasPrefix(doc.OpenAPI, "3.") && doc.OpenAPI != "3" {
		return nil, api.BadRequestException.Errorf("Unsupported OpenAPI version. Only OpenAPI 3.0 definitions are supported for HTTP APIs.")
	}
	d := &Definition{
		Title: doc.Info.Title, Description: doc.Info.Description, Version: text(doc.Info.Version),
		Tags: make(map[string]string), Disabled: doc.Endpoint.Disabled,
	}
	for _, t := range doc.Tags {
		if v := text(t.Value); v != "" {
			d.Tags[t.Name] = v
		}
	}
	if c := doc.Cors; c != nil {
		d.Cors = &api.Cors{
			AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
			AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAge,
		}
	}
	if err := doc.authorizers(d); err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		if err := doc.routes(d, path); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// explain says what is wrong with a document, without words of Go.
func explain(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return cmp.Or(e.Field, "the document") + " cannot be of type " + e.Value
	}
	if _, ok := errors.AsType[*json.UnsupportedTypeError](err); ok {
		return "a key is not a string"
	}
	return err.Error()
}

func unmarshal(source string, doc *document) error {
	if strings.HasPrefix(strings.TrimSpace(source), "{") {
		return json.Unmarshal([]byte(source), doc)
	}
	var tree any
	if err := yaml.Unmarshal([]byte(source), &tree); err != nil {
		return err
	}
	b, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, doc)
}

// text is a value that people write as a string or a number.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		if v == float64(int64(v)) {
			b, _ := json.Marshal(v)
			return string(b) + ".0"
		}
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// routes adds the routes of one path to d.
func (doc *document) routes(d *Definition, path string) error {
	for _, member := range slices.Sorted(maps.Keys(doc.Paths[path])) {
		method, ok := methodKeys[member]
		if !ok {
			continue
		}
		var op operation
		if err := json.Unmarshal(doc.Paths[path][member], &op); err != nil {
			return api.BadRequestException.Errorf("Unable to parse API definition because of a malformed operation at path %s", path)
		}
		r := Route{Key: method + " " + path, Operation: op.ID}
		if strings.TrimPrefix(path, "/") == "$default" {
			r.Key = "$default"
		}
		if err := doc.secure(&r, op.Security); err != nil {
			return err
		}
		if op.Integration == nil {
			d.Warnings = append(d.Warnings, "No integration is defined for route "+r.Key+".")
		} else {
			i, err := doc.resolve(path, *op.Integration)
			if err != nil {
				return err
			}
			r.Integration = i
		}
		d.Routes = append(d.Routes, r)
	}
	return nil
}

// resolve returns an integration as an API has it.
func (doc *document) resolve(path string, i integration) (*api.Integration, error) {
	if i.Ref != "" {
		name, ok := strings.CutPrefix(i.Ref, "#/components/x-amazon-apigateway-integrations/")
		found, have := doc.Components.Integrations[name]
		if !ok || !have || found.Ref != "" {
			return nil, api.BadRequestException.Errorf("Unable to parse API definition because of a malformed integration at path %s", path)
		}
		i = found
	}
	if i.Type == "" || i.URI == "" && i.Subtype == "" {
		return nil, api.BadRequestException.Errorf("Unable to parse API definition because of a malformed integration at path %s", path)
	}
	out := &api.Integration{
		IntegrationType: new(strings.ToUpper(i.Type)), TimeoutInMillis: i.Timeout,
		RequestParameters: i.RequestParameters, ResponseParameters: i.ResponseParameters,
		PayloadFormatVersion: given(text(i.Format)), IntegrationUri: given(i.URI), IntegrationMethod: given(i.Method),
		ConnectionId: given(i.ConnectionID), CredentialsArn: given(i.Credentials), IntegrationSubtype: given(i.Subtype), Description: given(i.Description),
	}
	if out.ConnectionType = given(i.ConnectionType); out.ConnectionType == nil {
		out.ConnectionType = new("INTERNET")
	}
	if i.TLS != nil {
		out.TlsConfig = new(api.TlsConfig)
	}
	return out, nil
}

// given is nil for what was not said.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
