package apigatewayv2

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/gateway/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// variable is one of a selection expression, or a dollar that is none:
// $request.body.action, ${request.body.action}, \$default.
var variable = regexp.MustCompile(`\\\$|\$\{([^{}]+)\}|\$([A-Za-z][\w\-]*(?:\.[\w\-]+|\[\d+\]|\['[^']*'\])+)`)

// evaluate is what a selection expression says of t: the key of what it chooses.
func (t *turn) evaluate(expression string) string {
	return variable.ReplaceAllStringFunc(expression, func(found string) string {
		if found == `\$` {
			return "$"
		}
		v, ok := t.value(strings.TrimSuffix(strings.TrimPrefix(found[1:], "{"), "}"))
		if !ok {
			return ""
		}
		return v
	})
}

// mapped is what a parameter is mapped from: a literal, or a variable.
func (t *turn) mapped(from string) (string, bool) {
	if len(from) >= 2 && from[0] == '\'' && from[len(from)-1] == '\'' {
		return from[1 : len(from)-1], true
	}
	return t.value(from)
}

// value is a variable of the request, its context or the stage:
// request.body.action, route.request.header.Host, context.connectionId.
func (t *turn) value(name string) (string, bool) {
	place, rest, _ := strings.Cut(strings.TrimPrefix(name, "route."), ".")
	switch place {
	case "stageVariables":
		v, ok := t.stage.variables[rest]
		return v, ok
	case "context":
		return found(t.contextMap(), rest)
	case "request":
		return t.requestValue(rest)
	}
	return "", false
}

// requestValue is a variable of the request: body.action, header.Host.
func (t *turn) requestValue(name string) (string, bool) {
	kind, rest, deeper := strings.Cut(name, ".")
	if i := strings.IndexByte(name, '['); i >= 0 && !deeper {
		kind, rest, deeper = name[:i], name[i:], true
	}
	switch kind {
	case "body":
		if !deeper {
			return string(t.body), true
		}
		return found(t.json(), rest)
	case "header", "multivalueheader":
		for h, values := range t.header {
			if strings.EqualFold(h, rest) {
				return several(values, kind == "header"), true
			}
		}
	case "querystring", "multivaluequerystring":
		values, ok := t.query[rest]
		return several(values, kind == "querystring"), ok
	}
	return "", false
}

// several are values as one: the last, or all.
func several(values []string, one bool) string {
	if one && len(values) > 0 {
		return values[len(values)-1]
	}
	return strings.Join(values, ",")
}

// json is the message as JSON, or nil if it is none.
func (t *turn) json() any {
	if !t.parsed {
		t.parsed = true
		t.message, _ = vtl.ParseJSON(string(t.body))
	}
	return t.message
}

// found is what a path finds in a value.
func found(in any, path string) (string, bool) {
	v, err := mapping.Find(in, path)
	if err != nil || v == nil {
		return "", false
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	return vtl.JSON(v), true
}

// contextMap is $context. It is made once: templates may set members of it.
func (t *turn) contextMap() *vtl.Map {
	if t.context != nil {
		return t.context
	}
	b, err := json.Marshal(t.event.Context)
	if err != nil {
		return vtl.NewMap()
	}
	v, err := vtl.ParseJSON(string(b))
	m, ok := v.(*vtl.Map)
	if err != nil || !ok {
		return vtl.NewMap()
	}
	m.Set("accountId", t.a.api.Account)
	prefix, _, _ := strings.Cut(t.event.Context.Domain, ".")
	m.Set("domainPrefix", prefix)
	if t.route != nil { // before, it is not all known
		t.context = m
	}
	return m
}

// Limits of templates: what one may make, and how often #foreach goes round.
const (
	maxMapped = 10 << 20
	maxRounds = 1000
)

// render runs a template on a body.
func (t *turn) render(m *mappedTemplate, body string) (string, error) {
	if m.err != nil {
		return "", m.err
	}
	stage := vtl.NewMap()
	for name, v := range t.stage.variables {
		stage.Set(name, v)
	}
	in := &mapping.Input{Body: body, Query: lasts(t.query), Header: lasts(t.header)}
	return m.template.Render(vtl.Config{Quiet: true, MaxOutput: maxMapped, MaxLoop: maxRounds},
		map[string]any{"input": in, "util": mapping.Util{}, "stageVariables": stage, "context": t.contextMap()})
}

// lasts are the last values of what may have several.
func lasts[M ~map[string][]string](m M) map[string]string {
	out := make(map[string]string, len(m))
	for name, values := range m {
		if len(values) > 0 {
			out[name] = values[len(values)-1]
		}
	}
	return out
}
