package serverless

import (
	"slices"
	"strings"
)

// cors says which pages of other origins may call an endpoint.
type cors struct {
	origins     []string
	headers     []string
	methods     []string
	credentials bool
	maxAge      any
	cache       any
}

var corsHeaders = []string{
	"Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amz-User-Agent", "X-Amzn-Trace-Id",
}

// newCORS reads what an endpoint says; true is what is usual.
func newCORS(v any, method string) *cors {
	c := &cors{origins: []string{"*"}, headers: corsHeaders}
	if origins := first(at(v, "origins"), at(v, "origin")); origins != nil {
		c.origins = nil
		for _, o := range texts(origins) {
			for part := range strings.SplitSeq(o, ",") {
				c.origins = append(c.origins, strings.TrimSpace(part))
			}
		}
	}
	if h := at(v, "headers"); h != nil {
		c.headers = texts(h)
	}
	c.methods = append(texts(at(v, "methods")), "OPTIONS", method)
	c.credentials, c.maxAge, c.cache = truthy(at(v, "allowCredentials")), at(v, "maxAge"), at(v, "cacheControl")
	return c
}

func union(a, b []string) []string {
	var all []string
	for _, s := range append(slices.Clone(a), b...) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// preflights adds, for each path that has CORS, the method that answers OPTIONS.
func (b *builder) preflights(endpoints []*endpoint, ids map[string]any) {
	byPath := make(map[string]*cors)
	for _, h := range endpoints {
		if h.cors == nil {
			continue
		}
		c := *h.cors
		if old := byPath[h.path]; old != nil {
			c.headers, c.methods = union(c.headers, old.headers), union(c.methods, old.methods)
			c.credentials = c.credentials || old.credentials
			c.maxAge, c.cache = first(c.maxAge, old.maxAge), first(c.cache, old.cache)
			if len(old.origins) > 1 || len(c.origins) > 1 {
				c.origins = union(c.origins, old.origins)
			}
		}
		byPath[h.path] = &c
	}
	for _, path := range keys(byPath) {
		b.preflight(path, ids[path], byPath[path])
	}
}

func (b *builder) preflight(path string, resource any, c *cors) {
	quote := func(s string) string { return "'" + s + "'" }
	allowed := strings.Join(union(c.methods, nil), ",")
	allowed = strings.Replace(allowed, "ANY", "DELETE,GET,HEAD,PATCH,POST,PUT", 1)
	headers := object{
		"Access-Control-Allow-Origin":  quote(c.origins[0]),
		"Access-Control-Allow-Headers": quote(strings.Join(union(c.headers, nil), ",")),
		"Access-Control-Allow-Methods": quote(allowed),
	}
	if c.credentials {
		headers["Access-Control-Allow-Credentials"] = quote("true")
	}
	if truthy(c.maxAge) {
		headers["Access-Control-Max-Age"] = quote(text(c.maxAge))
	}
	if truthy(c.cache) {
		headers["Cache-Control"] = quote(text(c.cache))
	}
	declared, mapped := object{}, object{}
	for name, v := range headers {
		declared["method.response.header."+name] = true
		mapped["method.response.header."+name] = v
	}
	id := methodID(path, "options")
	b.methods = append(b.methods, id)
	b.add(id, "AWS::ApiGateway::Method", object{
		"AuthorizationType": "NONE",
		"HttpMethod":        "OPTIONS",
		"MethodResponses":   []any{object{"StatusCode": "200", "ResponseParameters": declared, "ResponseModels": object{}}},
		"RequestParameters": object{},
		"Integration": object{
			"Type":             "MOCK",
			"RequestTemplates": object{"application/json": "{statusCode:200}"},
			"ContentHandling":  "CONVERT_TO_TEXT",
			"IntegrationResponses": []any{object{
				"StatusCode": "200", "ResponseParameters": mapped,
				"ResponseTemplates": object{"application/json": originTemplate(c.origins)},
			}},
		},
		"ResourceId": resource,
		"RestApiId":  b.restRef(),
	})
}

// originTemplate answers with the caller's origin if it is one of several.
func originTemplate(origins []string) string {
	if len(origins) < 2 {
		return ""
	}
	var tests []string
	for _, o := range origins {
		pattern := strings.Replace(strings.ReplaceAll(o, ".", "[.]"), "*", ".+", 1)
		tests = append(tests, `$origin.matches("`+pattern+`")`)
	}
	return `#set($origin = $input.params("Origin"))
#if($origin == "") #set($origin = $input.params("origin")) #end
#if(` + strings.Join(tests, " || ") + `) #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin) #end`
}
