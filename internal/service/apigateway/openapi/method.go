package openapi

import (
	"encoding/json"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

// methods are the members of a path that are operations.
var methods = map[string]string{
	"get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "options": "OPTIONS", "head": "HEAD", "patch": "PATCH",
	"x-amazon-apigateway-any-method": "ANY",
}

// path reads the operations of a path.
func (d *document) path(path string, item node) error {
	if !strings.HasPrefix(path, "/") {
		return bad("Unable to parse API definition because of a malformed path %s", path)
	}
	found := false
	for _, member := range item.keys() {
		name, ok := methods[member]
		if !ok {
			continue
		}
		found = true
		op := item.at(member)
		if op == nil {
			op = node{}
		}
		m, err := d.method(path, name, op, item.list("parameters"))
		if err != nil {
			return err
		}
		d.def.Methods = append(d.def.Methods, *m)
	}
	if !found {
		d.def.Methods = append(d.def.Methods, Method{Path: path})
	}
	return nil
}

func (d *document) method(path, name string, op node, shared []any) (*Method, error) {
	m := &Method{Path: path, Method: api.Method{
		HttpMethod: &name, AuthorizationType: new("NONE"), ApiKeyRequired: new(false), OperationName: given(op.text("operationId")),
	}}
	d.parameters(m, append(append([]any{}, shared...), op.list("parameters")...), op)
	if d.is3 {
		body := d.resolve(op["requestBody"])
		for contentType := range body.at("content") {
			m.addModel(contentType, d.modelOf(body.at("content").at(contentType)["schema"]))
		}
	}
	check := op.text("x-amazon-apigateway-request-validator")
	if check == "" {
		check = d.check
	}
	m.RequestValidatorId = given(check)
	d.methodResponses(m, op)
	if err := d.secure(m, op); err != nil {
		return nil, err
	}
	raw, has := op["x-amazon-apigateway-integration"]
	if !has {
		return m, nil
	}
	i, err := d.integration(path, name, d.resolve(raw))
	m.MethodIntegration = i
	return m, err
}

func (m *Method) addModel(contentType, model string) {
	if model == "" {
		return
	}
	if m.RequestModels == nil {
		m.RequestModels = make(map[string]string)
	}
	m.RequestModels[contentType] = model
}

// places are where parameters are, as methods name them.
var places = map[string]string{"path": "path", "query": "querystring", "header": "header"}

func (d *document) parameters(m *Method, all []any, op node) {
	for _, raw := range all {
		p := d.resolve(raw)
		if place, ok := places[p.text("in")]; ok {
			if m.RequestParameters == nil {
				m.RequestParameters = make(map[string]bool)
			}
			m.RequestParameters["method.request."+place+"."+p.text("name")] = p.flag("required")
			continue
		}
		if p.text("in") != "body" {
			continue
		}
		model := d.modelOf(p["schema"])
		consumes := op.texts("consumes")
		if len(consumes) == 0 {
			consumes = d.root.texts("consumes")
		}
		if len(consumes) == 0 {
			consumes = []string{"application/json"}
		}
		for _, contentType := range consumes {
			m.addModel(contentType, model)
		}
	}
}

func (d *document) methodResponses(m *Method, op node) {
	all := op.at("responses")
	for _, status := range all.keys() {
		if len(status) != 3 || status[0] < '1' || status[0] > '5' {
			continue // default is for people
		}
		said := d.resolve(all[status])
		r := api.MethodResponse{StatusCode: &status}
		for name := range said.at("headers") {
			if r.ResponseParameters == nil {
				r.ResponseParameters = make(map[string]bool)
			}
			r.ResponseParameters["method.response.header."+name] = false
		}
		r.ResponseModels = d.responseModels(said, op)
		if m.MethodResponses == nil {
			m.MethodResponses = make(map[string]api.MethodResponse)
		}
		m.MethodResponses[status] = r
	}
}

func (d *document) responseModels(said, op node) map[string]string {
	out := make(map[string]string)
	if d.is3 {
		for contentType := range said.at("content") {
			if name := d.modelOf(said.at("content").at(contentType)["schema"]); name != "" {
				out[contentType] = name
			}
		}
	} else if name := d.modelOf(said["schema"]); name != "" {
		produces := op.texts("produces")
		if len(produces) == 0 {
			produces = d.root.texts("produces")
		}
		if len(produces) == 0 {
			produces = []string{"application/json"}
		}
		for _, contentType := range produces {
			out[contentType] = name
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (d *document) integration(path, method string, said node) (*api.Integration, error) {
	kind := strings.ToUpper(said.text("type"))
	switch kind {
	case "HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY", "MOCK":
	default:
		return nil, bad("Unable to put integration on '%s' for resource at path '%s': Invalid integration type %s", method, path, said.text("type"))
	}
	i := &api.Integration{
		Type: &kind, HttpMethod: given(strings.ToUpper(said.text("httpMethod"))), Uri: given(said.text("uri")), Credentials: given(said.text("credentials")),
		ConnectionId: given(said.text("connectionId")), ConnectionType: given(strings.ToUpper(said.text("connectionType"))),
		PassthroughBehavior: given(strings.ToUpper(said.text("passthroughBehavior"))), ContentHandling: given(strings.ToUpper(said.text("contentHandling"))),
		CacheNamespace: given(said.text("cacheNamespace")), CacheKeyParameters: said.texts("cacheKeyParameters"),
		RequestTemplates: said.strings("requestTemplates"), ResponseTransferMode: given(said.text("responseTransferMode")),
	}
	if n, ok := said["timeoutInMillis"].(json.Number); ok {
		if ms, err := n.Int64(); err == nil {
			i.TimeoutInMillis = new(int32(ms))
		}
	}
	if t := said.at("tlsConfig"); t != nil {
		i.TlsConfig = &api.TlsConfig{InsecureSkipVerification: new(t.flag("insecureSkipVerification"))}
	}
	for name, v := range said.at("requestParameters") {
		s, ok := v.(string)
		if !ok {
			d.def.Warnings = append(d.def.Warnings, "Invalid format for 'requestParameters'. Expected type string for property '"+name+
				"' of resource '"+path+"' and method '"+method+"' but got '"+text(v)+"'")
			continue
		}
		if i.RequestParameters == nil {
			i.RequestParameters = make(map[string]string)
		}
		i.RequestParameters[name] = s
	}
	i.IntegrationResponses = integrationResponses(said.at("responses"))
	return i, nil
}

// integrationResponses are keyed by patterns in documents, and by status in APIs.
func integrationResponses(all node) map[string]api.IntegrationResponse {
	var out map[string]api.IntegrationResponse
	for _, pattern := range all.keys() {
		said := all.at(pattern)
		status := said.text("statusCode")
		if status == "" {
			continue
		}
		r := api.IntegrationResponse{
			StatusCode: &status, ResponseParameters: said.strings("responseParameters"), ResponseTemplates: said.strings("responseTemplates"),
			ContentHandling: given(strings.ToUpper(said.text("contentHandling"))),
		}
		if pattern != "default" {
			r.SelectionPattern = &pattern
		}
		if out == nil {
			out = make(map[string]api.IntegrationResponse)
		}
		out[status] = r
	}
	return out
}
