// Package openapi reads and writes definitions of REST APIs: OpenAPI 2, which
// is Swagger, and 3, with the extensions of API Gateway, in JSON or YAML.
//
//	openapi.go     documents        method.go    operations
//	security.go    authorizers      export.go    the way back
package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

// A Definition is what a document says of an API.
type Definition struct {
	Title, Description, Version string
	BasePath                    string

	BinaryMediaTypes       []string
	MinimumCompressionSize *int32
	APIKeySource           string
	Policy                 string
	DisableEndpoint        *bool
	VpcEndpointIDs         []string

	Models      []api.Model // their references are to Ref
	Validators  []api.RequestValidator
	Authorizers []api.Authorizer
	Responses   []api.GatewayResponse
	Parts       []api.DocumentationPart
	Methods     []Method
	Warnings    []string
}

// A Method is one of a path. Of what it refers to it has names in place of ids.
type Method struct {
	Path string
	api.Method
}

// Ref is what references of models to other models begin with, until it is
// known where they are.
const Ref = "aloft:model:"

// A node is an object of a document.
type node map[string]any

func (n node) at(name string) node {
	m, _ := n[name].(map[string]any)
	return m
}

func (n node) list(name string) []any {
	l, _ := n[name].([]any)
	return l
}

func (n node) text(name string) string { return text(n[name]) }

func (n node) flag(name string) bool {
	b, _ := n[name].(bool)
	return b
}

func (n node) keys() []string { return slices.Sorted(maps.Keys(n)) }

// texts are the elements of a list that are texts.
func (n node) texts(name string) []string {
	var out []string
	for _, v := range n.list(name) {
		out = append(out, text(v))
	}
	return out
}

// strings are the members of an object, as texts.
func (n node) strings(name string) map[string]string {
	m := n.at(name)
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = text(v)
	}
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return marshal(v)
}

func marshal(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// A document is being read.
type document struct {
	root    node
	is3     bool
	def     *Definition
	inline  int // models that were made of schemas without names
	schemes map[string]node
	usual   []any // security of operations that say none
	check   string
}

// Parse reads a document.
func Parse(source []byte) (*Definition, error) {
	root, err := read(source)
	if err != nil {
		return nil, err
	}
	d := &document{root: root, def: new(Definition), is3: strings.HasPrefix(root.text("openapi"), "3")}
	if v := root.text("swagger"); !d.is3 && v != "2.0" && v != "2" {
		return nil, bad("Invalid OpenAPI input.")
	}
	info := root.at("info")
	d.def.Title, d.def.Description, d.def.Version = info.text("title"), info.text("description"), info.text("version")
	d.def.BasePath = d.basePath()
	d.usual = root.list("security")
	if err := d.settings(); err != nil {
		return nil, err
	}
	d.models()
	if err := d.authorizers(); err != nil {
		return nil, err
	}
	if err := d.responses(); err != nil {
		return nil, err
	}
	paths := root.at("paths")
	for _, path := range paths.keys() {
		if err := d.path(path, paths.at(path)); err != nil {
			return nil, err
		}
	}
	return d.def, nil
}

// bad refuses a document in AWS's words.
func bad(format string, args ...any) error {
	return api.BadRequestException.Errorf("%s", fmt.Sprintf(format, args...))
}

// maxNodes is how many nodes a document may have: in YAML a few lines can stand
// for many.
const maxNodes = 1_000_000

// read reads JSON or YAML.
func read(source []byte) (node, error) {
	var v any
	if trimmed := bytes.TrimSpace(source); len(trimmed) > 0 && trimmed[0] == '{' {
		d := json.NewDecoder(bytes.NewReader(source))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return nil, bad("Unable to parse API definition because of a malformed document: %v", err)
		}
	} else {
		var tree any
		if err := yaml.Unmarshal(source, &tree); err != nil {
			return nil, bad("Unable to parse API definition because of a malformed document: %v", err)
		}
		budget := maxNodes
		var ok bool
		if v, ok = plain(tree, &budget); !ok {
			return nil, bad("Unable to parse API definition because of a malformed document: it is too large")
		}
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, bad("Invalid OpenAPI input.")
	}
	return root, nil
}

// plain is a tree of YAML as one of JSON.
func plain(v any, budget *int) (any, bool) {
	if *budget--; *budget < 0 {
		return nil, false
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			inner, ok := plain(x, budget)
			if !ok {
				return nil, false
			}
			out[k] = inner
		}
		return out, true
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			inner, ok := plain(x, budget)
			if !ok {
				return nil, false
			}
			out[fmt.Sprint(k)] = inner
		}
		return out, true
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			inner, ok := plain(x, budget)
			if !ok {
				return nil, false
			}
			out[i] = inner
		}
		return out, true
	case int, int64, uint64, float64:
		return json.Number(fmt.Sprint(v)), true
	}
	return v, true
}

// basePath is what the paths of a document stand below.
func (d *document) basePath() string {
	if !d.is3 {
		return strings.Trim(d.root.text("basePath"), "/")
	}
	for _, s := range d.root.list("servers") {
		server, _ := s.(map[string]any)
		if v := node(server).at("variables").at("basePath"); v != nil {
			return strings.Trim(v.text("default"), "/")
		}
		if u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(node(server).text("url"))); err == nil {
			return strings.Trim(u.Path, "/")
		}
	}
	return ""
}

// settings reads what the document says of the API as a whole.
func (d *document) settings() error {
	r, def := d.root, d.def
	def.BinaryMediaTypes = r.texts("x-amazon-apigateway-binary-media-types")
	def.APIKeySource = r.text("x-amazon-apigateway-api-key-source")
	if n, ok := r["x-amazon-apigateway-minimum-compression-size"].(json.Number); ok {
		size, err := n.Int64()
		if err != nil || size < 0 || size > 10<<20 {
			return bad("Invalid minimum compression size, must be between 0 and 10485760")
		}
		def.MinimumCompressionSize = new(int32(size))
	}
	if p := r.at("x-amazon-apigateway-policy"); p != nil {
		def.Policy = marshal(p)
	}
	if e := r.at("x-amazon-apigateway-endpoint-configuration"); e != nil {
		if v, ok := e["disableExecuteApiEndpoint"].(bool); ok {
			def.DisableEndpoint = &v
		}
		def.VpcEndpointIDs = e.texts("vpcEndpointIds")
	}
	for _, name := range r.at("x-amazon-apigateway-request-validators").keys() {
		v := r.at("x-amazon-apigateway-request-validators").at(name)
		def.Validators = append(def.Validators, api.RequestValidator{
			Name: &name, ValidateRequestBody: new(v.flag("validateRequestBody")), ValidateRequestParameters: new(v.flag("validateRequestParameters")),
		})
	}
	d.check = r.text("x-amazon-apigateway-request-validator")
	for _, p := range r.at("x-amazon-apigateway-documentation").list("documentationParts") {
		part, _ := p.(map[string]any)
		location := node(part).at("location")
		def.Parts = append(def.Parts, api.DocumentationPart{
			Location: &api.DocumentationPartLocation{
				Type: location.text("type"), Path: given(location.text("path")), Method: given(location.text("method")),
				StatusCode: given(location.text("statusCode")), Name: given(location.text("name")),
			},
			Properties: new(marshal(part["properties"])),
		})
	}
	return nil
}

// responses reads the answers of the gateway's own.
func (d *document) responses() error {
	all := d.root.at("x-amazon-apigateway-gateway-responses")
	for _, kind := range all.keys() {
		r := all.at(kind)
		d.def.Responses = append(d.def.Responses, api.GatewayResponse{
			ResponseType: &kind, StatusCode: given(r.text("statusCode")), ResponseParameters: r.strings("responseParameters"),
			ResponseTemplates: r.strings("responseTemplates"),
		})
	}
	return nil
}

// schemas are the models of a document.
func (d *document) schemas() node {
	if d.is3 {
		return d.root.at("components").at("schemas")
	}
	return d.root.at("definitions")
}

func (d *document) models() {
	all := d.schemas()
	for _, name := range all.keys() {
		d.addModel(name, all[name])
	}
}

func (d *document) addModel(name string, schema any) {
	description := ""
	if s, ok := schema.(map[string]any); ok {
		description = node(s).text("description")
	}
	d.def.Models = append(d.def.Models, api.Model{
		Name: new(modelName(name)), Description: given(description), ContentType: new("application/json"), Schema: new(marshal(d.linked(schema))),
	})
}

// modelName is a name with the letters that names of models may have.
func modelName(name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			return c
		}
		return -1
	}, name)
}

// linked is a schema whose references are to models, not into the document.
func (d *document) linked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if ref, ok := x.(string); ok && k == "$ref" {
				out[k] = ref
				if name := refName(ref); name != "" {
					out[k] = Ref + modelName(name)
				}
				continue
			}
			out[k] = d.linked(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = d.linked(x)
		}
		return out
	}
	return v
}

// refName is the name of the model that a reference is to, or "".
func refName(ref string) string {
	for _, prefix := range []string{"#/definitions/", "#/components/schemas/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			return name
		}
	}
	return ""
}

// modelOf is the name of the model of a schema. One without a name gets one.
func (d *document) modelOf(schema any) string {
	s, ok := schema.(map[string]any)
	if !ok || len(s) == 0 {
		return ""
	}
	if name := refName(node(s).text("$ref")); name != "" {
		return modelName(name)
	}
	d.inline++
	name := fmt.Sprintf("MODEL%06x", d.inline)
	d.addModel(name, schema)
	return name
}

// resolve follows a reference into the document: #/parameters/page.
func (d *document) resolve(v any) node {
	for range 10 {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		path, ok := strings.CutPrefix(node(m).text("$ref"), "#/")
		if !ok {
			return m
		}
		at := d.root
		parts := strings.Split(path, "/")
		for _, p := range parts[:len(parts)-1] {
			at = at.at(p)
		}
		v = at[parts[len(parts)-1]]
	}
	return nil
}
