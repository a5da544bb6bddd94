package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// An Export is what a document is to be written of.
type Export struct {
	API         api.RestApi
	Region      string
	Stage       string
	Resources   []api.Resource
	Models      []api.Model
	Validators  []api.RequestValidator
	Authorizers []api.Authorizer
	Responses   []api.GatewayResponse
	Parts       []api.DocumentationPart

	Swagger      bool // version 2, not 3
	Integrations bool // what is API Gateway's own, of integrations and the API
	Security     bool // and of authorizers
	Documented   bool
	YAML         bool
}

type object = map[string]any

// Write writes the document.
func (e *Export) Write() ([]byte, error) {
	doc := object{"info": e.info(), "paths": e.paths()}
	host := aws.Value(e.API.Id) + ".execute-api." + e.Region + ".amazonaws.com"
	schemas := e.schemas()
	schemes := e.schemes()
	if e.Swagger {
		doc["swagger"], doc["host"], doc["basePath"], doc["schemes"] = "2.0", host, "/"+e.Stage, []string{"https"}
		if len(schemas) > 0 {
			doc["definitions"] = schemas
		}
		if len(schemes) > 0 {
			doc["securityDefinitions"] = schemes
		}
	} else {
		components := object{}
		if len(schemas) > 0 {
			components["schemas"] = schemas
		}
		if len(schemes) > 0 {
			components["securitySchemes"] = schemes
		}
		doc["openapi"], doc["components"] = "3.0.1", components
		doc["servers"] = []object{{"url": "https://" + host + "/{basePath}", "variables": object{"basePath": object{"default": e.Stage}}}}
	}
	e.extensions(doc)
	if !e.YAML {
		return json.MarshalIndent(doc, "", "  ")
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	return yaml.Marshal(tree)
}

// Name is the name of the document's file.
func (e *Export) Name() string {
	name, ending := "oas30_", ".json"
	if e.Swagger {
		name = "swagger_"
	}
	if e.YAML {
		ending = ".yaml"
	}
	return name + e.version() + ending
}

func (e *Export) version() string {
	if v := aws.Value(e.API.Version); v != "" {
		return v
	}
	return aws.Value(e.API.CreatedDate).UTC().Format("2006-01-02T15:04:05Z")
}

func (e *Export) info() object {
	info := object{"title": aws.Value(e.API.Name), "version": e.version()}
	if d := aws.Value(e.API.Description); d != "" {
		info["description"] = d
	}
	return info
}

// ref is what references to models begin with.
func (e *Export) ref() string {
	if e.Swagger {
		return "#/definitions/"
	}
	return "#/components/schemas/"
}

// used are the names of the models that methods refer to, and those that these do.
func (e *Export) used() map[string]bool {
	used := make(map[string]bool)
	for _, r := range e.Resources {
		for _, m := range r.ResourceMethods {
			for _, name := range m.RequestModels {
				used[name] = true
			}
			for _, resp := range m.MethodResponses {
				for _, name := range resp.ResponseModels {
					used[name] = true
				}
			}
		}
	}
	return used
}

func (e *Export) schemas() object {
	used, out := e.used(), object{}
	for _, m := range e.Models {
		var schema any
		text := aws.Value(m.Schema)
		for _, prefix := range []string{"https://apigateway.amazonaws.com/restapis/" + aws.Value(e.API.Id) + "/models/"} {
			text = strings.ReplaceAll(text, prefix, e.ref())
		}
		usual := *m.Name == "Empty" || *m.Name == "Error" // each API begins with them
		if json.Unmarshal([]byte(text), &schema) == nil && (!usual || used[*m.Name]) {
			if s, ok := schema.(map[string]any); ok {
				delete(s, "$schema")
			}
			out[*m.Name] = schema
		}
	}
	return out
}

func (e *Export) schemes() object {
	out := object{}
	for _, r := range e.Resources {
		for _, m := range r.ResourceMethods {
			if aws.Value(m.ApiKeyRequired) {
				out["api_key"] = object{"type": "apiKey", "name": "x-api-key", "in": "header"}
			}
			if e.Security && aws.Value(m.AuthorizationType) == "AWS_IAM" {
				out["sigv4"] = object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
			}
		}
	}
	if !e.Security {
		return out
	}
	for _, a := range e.Authorizers {
		header := strings.TrimPrefix(aws.Value(a.IdentitySource), "method.request.header.")
		said := object{"type": strings.ToLower(aws.Value(a.Type))}
		put(said, "authorizerUri", a.AuthorizerUri)
		put(said, "authorizerCredentials", a.AuthorizerCredentials)
		put(said, "identityValidationExpression", a.IdentityValidationExpression)
		if *a.Type == api.AuthorizerTypeRequest {
			put(said, "identitySource", a.IdentitySource)
			header = "Unused"
		}
		if a.AuthorizerResultTtlInSeconds != nil {
			said["authorizerResultTtlInSeconds"] = *a.AuthorizerResultTtlInSeconds
		}
		if a.ProviderARNs != nil {
			said["providerARNs"] = a.ProviderARNs
		}
		s := object{"type": "apiKey", "name": header, "in": "header", "x-amazon-apigateway-authorizer": said}
		put(s, "x-amazon-apigateway-authtype", a.AuthType)
		out[*a.Name] = s
	}
	return out
}

func put(o object, name string, v *string) {
	if v != nil && *v != "" {
		o[name] = *v
	}
}

func (e *Export) extensions(doc object) {
	if e.Integrations {
		if t := e.API.BinaryMediaTypes; len(t) > 0 {
			doc["x-amazon-apigateway-binary-media-types"] = t
		}
		if s := e.API.MinimumCompressionSize; s != nil {
			doc["x-amazon-apigateway-minimum-compression-size"] = *s
		}
		if p := aws.Value(e.API.Policy); p != "" && json.Valid([]byte(p)) {
			doc["x-amazon-apigateway-policy"] = json.RawMessage(p)
		}
		if aws.Value(e.API.ApiKeySource) == "AUTHORIZER" {
			doc["x-amazon-apigateway-api-key-source"] = "AUTHORIZER"
		}
		all := object{}
		for _, r := range e.Responses {
			said := object{"responseParameters": r.ResponseParameters, "responseTemplates": r.ResponseTemplates}
			put(said, "statusCode", r.StatusCode)
			all[*r.ResponseType] = said
		}
		if len(all) > 0 {
			doc["x-amazon-apigateway-gateway-responses"] = all
		}
		checks := object{}
		for _, v := range e.Validators {
			checks[aws.Value(v.Name)] = object{"validateRequestBody": aws.Value(v.ValidateRequestBody), "validateRequestParameters": aws.Value(v.ValidateRequestParameters)}
		}
		if len(checks) > 0 {
			doc["x-amazon-apigateway-request-validators"] = checks
		}
	}
	if !e.Documented || len(e.Parts) == 0 {
		return
	}
	var parts []object
	for _, p := range e.Parts {
		at := object{"type": p.Location.Type}
		put(at, "path", p.Location.Path)
		put(at, "method", p.Location.Method)
		put(at, "statusCode", p.Location.StatusCode)
		put(at, "name", p.Location.Name)
		parts = append(parts, object{"location": at, "properties": json.RawMessage(aws.Value(p.Properties))})
	}
	doc["x-amazon-apigateway-documentation"] = object{"documentationParts": parts}
}

func (e *Export) paths() object {
	out := object{}
	for _, r := range e.Resources {
		if len(r.ResourceMethods) == 0 {
			continue
		}
		item := object{}
		for name, m := range r.ResourceMethods {
			member := strings.ToLower(name)
			if name == "ANY" {
				member = "x-amazon-apigateway-any-method"
			}
			item[member] = e.operation(&m)
		}
		out[*r.Path] = item
	}
	return out
}

func (e *Export) operation(m *api.Method) object {
	op := object{"responses": e.responses(m)}
	put(op, "operationId", m.OperationName)
	if p := e.parameters(m); len(p) > 0 {
		op["parameters"] = p
	}
	var consumes, produces []string
	content := object{}
	for _, contentType := range slices.Sorted(maps.Keys(m.RequestModels)) {
		consumes = append(consumes, contentType)
		content[contentType] = object{"schema": object{"$ref": e.ref() + m.RequestModels[contentType]}}
	}
	if i := m.MethodIntegration; i != nil {
		consumes = append(consumes, slices.Sorted(maps.Keys(i.RequestTemplates))...)
		for _, r := range i.IntegrationResponses {
			produces = append(produces, slices.Sorted(maps.Keys(r.ResponseTemplates))...)
		}
		if e.Integrations {
			op["x-amazon-apigateway-integration"] = integrationOf(i)
		}
	}
	for _, r := range m.MethodResponses {
		produces = append(produces, slices.Sorted(maps.Keys(r.ResponseModels))...)
	}
	if e.Swagger {
		list(op, "consumes", consumes)
		list(op, "produces", produces)
	} else if len(content) > 0 {
		op["requestBody"] = object{"content": content, "required": true}
	}
	if security := e.security(m); len(security) > 0 {
		op["security"] = security
	}
	for _, v := range e.Validators {
		if e.Integrations && aws.Value(v.Id) == aws.Value(m.RequestValidatorId) {
			put(op, "x-amazon-apigateway-request-validator", v.Name)
		}
	}
	return op
}

func list(op object, name string, values []string) {
	slices.Sort(values)
	if values = slices.Compact(values); len(values) > 0 {
		op[name] = values
	}
}

func (e *Export) parameters(m *api.Method) []object {
	var out []object
	for _, name := range slices.Sorted(maps.Keys(m.RequestParameters)) {
		place, rest, _ := strings.Cut(strings.TrimPrefix(name, "method.request."), ".")
		if place == "querystring" {
			place = "query"
		}
		p := object{"name": rest, "in": place, "required": m.RequestParameters[name] || place == "path"}
		if e.Swagger {
			p["type"] = "string"
		} else {
			p["schema"] = object{"type": "string"}
		}
		out = append(out, p)
	}
	if !e.Swagger {
		return out
	}
	models := slices.Sorted(maps.Values(m.RequestModels))
	for _, name := range slices.Compact(models) {
		out = append(out, object{"in": "body", "name": name, "required": true, "schema": object{"$ref": e.ref() + name}})
	}
	return out
}

func (e *Export) responses(m *api.Method) object {
	out := object{}
	for status, r := range m.MethodResponses {
		said := object{"description": status + " response"}
		headers := object{}
		for name := range r.ResponseParameters {
			h := object{"schema": object{"type": "string"}}
			if e.Swagger {
				h = object{"type": "string"}
			}
			headers[strings.TrimPrefix(name, "method.response.header.")] = h
		}
		if len(headers) > 0 {
			said["headers"] = headers
		}
		content := object{}
		for contentType, name := range r.ResponseModels {
			content[contentType] = object{"schema": object{"$ref": e.ref() + name}}
			if e.Swagger {
				said["schema"] = object{"$ref": e.ref() + name}
			}
		}
		if !e.Swagger {
			said["content"] = content
		}
		out[status] = said
	}
	return out
}

func (e *Export) security(m *api.Method) []object {
	var out []object
	if e.Security {
		if aws.Value(m.AuthorizationType) == "AWS_IAM" {
			out = append(out, object{"sigv4": []string{}})
		}
		for _, a := range e.Authorizers {
			if aws.Value(a.Id) == aws.Value(m.AuthorizerId) {
				out = append(out, object{*a.Name: append([]string{}, m.AuthorizationScopes...)})
			}
		}
	}
	if aws.Value(m.ApiKeyRequired) {
		out = append(out, object{"api_key": []string{}})
	}
	return out
}

func integrationOf(i *api.Integration) object {
	out := object{"type": strings.ToLower(aws.Value(i.Type)), "passthroughBehavior": strings.ToLower(aws.Value(i.PassthroughBehavior))}
	put(out, "httpMethod", i.HttpMethod)
	put(out, "uri", i.Uri)
	put(out, "credentials", i.Credentials)
	put(out, "contentHandling", i.ContentHandling)
	put(out, "connectionId", i.ConnectionId)
	if aws.Value(i.ConnectionType) == "VPC_LINK" {
		out["connectionType"] = "VPC_LINK"
	}
	if t := aws.Value(i.TimeoutInMillis); t != 0 && t != 29_000 {
		out["timeoutInMillis"] = t
	}
	if len(i.CacheKeyParameters) > 0 {
		out["cacheKeyParameters"], out["cacheNamespace"] = i.CacheKeyParameters, aws.Value(i.CacheNamespace)
	}
	if len(i.RequestParameters) > 0 {
		out["requestParameters"] = i.RequestParameters
	}
	if len(i.RequestTemplates) > 0 {
		out["requestTemplates"] = i.RequestTemplates
	}
	responses := object{}
	for _, r := range i.IntegrationResponses {
		said := object{"statusCode": aws.Value(r.StatusCode)}
		put(said, "contentHandling", r.ContentHandling)
		if len(r.ResponseParameters) > 0 {
			said["responseParameters"] = r.ResponseParameters
		}
		if len(r.ResponseTemplates) > 0 {
			said["responseTemplates"] = r.ResponseTemplates
		}
		pattern := aws.Value(r.SelectionPattern)
		if pattern == "" {
			pattern = "default"
		}
		responses[pattern] = said
	}
	if len(responses) > 0 {
		out["responses"] = responses
	}
	return out
}
