package apigatewayv2

import (
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/schema"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A socketTarget is what a deployment copies of a route of a WebSocket API
// besides where it leads.
type socketTarget struct {
	Answers        bool                     `json:",omitempty"` // what the integration says goes to the client
	KeyRequired    bool                     `json:",omitempty"`
	Required       []string                 `json:",omitempty"` // parameters
	ModelSelection string                   `json:",omitempty"`
	Models         map[string]string        `json:",omitempty"` // their names by the keys that the expression chooses
	Schemas        map[string]string        `json:",omitempty"` // of all models, which may refer to each other
	Responses      []integrationResponseRow `json:",omitempty"`
}

// A socketRoute is a socketTarget made ready.
type socketRoute struct {
	answers        bool
	keyRequired    bool
	required       []string
	modelSelection string // empty if messages are not checked
	checks         map[string]*schema.Check
	integration    *socketIntegration // nil if it leads nowhere
}

type socketIntegration struct {
	function    bool // it is one, not another service
	toBinary    bool // messages are in base64
	passthrough string
	requests    templates
	responses   []socketResponse // patterns, then the one for all others
}

type socketResponse struct {
	pattern    *regexp.Regexp // nil for all
	handling   string
	parameters map[string]string
	templates  templates
}

// templates are by the key that an expression chooses.
type templates struct {
	expression string
	all        map[string]*mappedTemplate
}

// A mappedTemplate is a template, or why it is none.
type mappedTemplate struct {
	template *vtl.Template
	err      error
}

// of is the template for t, or nil.
func (s *templates) of(t *turn) *mappedTemplate {
	if len(s.all) == 0 {
		return nil
	}
	if m := s.all[t.evaluate(s.expression)]; m != nil {
		return m
	}
	return s.all[defaultRoute]
}

func newTemplates(expression *string, texts map[string]string) templates {
	s := templates{expression: aws.Or(expression, defaultRoute), all: make(map[string]*mappedTemplate, len(texts))}
	for key, text := range texts {
		m := new(mappedTemplate)
		m.template, m.err = vtl.Parse(text)
		s.all[key] = m
	}
	return s
}

// response is the one for what an integration answered, or nil.
func (i *socketIntegration) response(match string) *socketResponse {
	for n := range i.responses {
		if r := &i.responses[n]; r.pattern == nil || r.pattern.MatchString(match) {
			return r
		}
	}
	return nil
}

// newSocketTarget reads what there is to copy of a route.
func newSocketTarget(tx *store.Tx, key partKey, row *routeRow, schemas map[string]string) *socketTarget {
	t := &socketTarget{Answers: aws.Value(row.RouteResponseSelectionExpression) != "", KeyRequired: aws.Value(row.ApiKeyRequired)}
	for range routeResponses.Scan(tx, responseKey{Of: key}) {
		t.Answers = true
		break
	}
	for name, c := range row.RequestParameters {
		if aws.Value(c.Required) {
			t.Required = append(t.Required, name)
		}
	}
	slices.Sort(t.Required)
	if t.ModelSelection = aws.Value(row.ModelSelectionExpression); t.ModelSelection != "" {
		t.Models, t.Schemas = row.RequestModels, schemas
	}
	if id, ok := strings.CutPrefix(aws.Value(row.Target), "integrations/"); ok {
		for _, r := range integrationResponses.Scan(tx, responseKey{Of: partKey{key.API, id}}) {
			t.Responses = append(t.Responses, r)
		}
	}
	return t
}

// newSocketRoute makes a route ready.
func newSocketRoute(apiID string, t *target) *socketRoute {
	s := t.Socket
	if s == nil { // it was deployed before there was one
		s = &socketTarget{Answers: t.Answers}
	}
	r := &socketRoute{answers: s.Answers, keyRequired: s.KeyRequired, required: s.Required, modelSelection: s.ModelSelection}
	if s.ModelSelection != "" {
		r.checks = make(map[string]*schema.Check)
		models := schema.New("https://apigateway.amazonaws.com/restapis/"+apiID+"/models/", s.Schemas)
		for key, name := range s.Models {
			r.checks[key] = models.Of(name)
		}
	}
	i := t.Integration
	if i == nil {
		return r
	}
	r.integration = &socketIntegration{
		function: uri.Function(aws.Value(i.IntegrationUri)) != "", toBinary: aws.Value(i.ContentHandlingStrategy) == api.ContentHandlingStrategyConvertToBinary,
		passthrough: aws.Value(i.PassthroughBehavior), requests: newTemplates(i.TemplateSelectionExpression, i.RequestTemplates),
	}
	for _, row := range s.Responses {
		one := socketResponse{
			handling: aws.Value(row.ContentHandlingStrategy), parameters: row.ResponseParameters,
			templates: newTemplates(row.TemplateSelectionExpression, row.ResponseTemplates),
		}
		if key := *row.IntegrationResponseKey; key != defaultRoute {
			pattern, err := responsePattern(key)
			if err != nil {
				continue // it was checked when it was made
			}
			one.pattern = pattern
		}
		r.integration.responses = append(r.integration.responses, one)
	}
	slices.SortStableFunc(r.integration.responses, func(a, b socketResponse) int {
		switch {
		case a.pattern != nil && b.pattern == nil:
			return -1
		case a.pattern == nil && b.pattern != nil:
			return 1
		}
		return 0
	})
	return r
}

// responsePattern is what the key of a response matches: /5\d\d/ what that says,
// and 500 that alone.
func responsePattern(key string) (*regexp.Regexp, error) {
	if inner, ok := strings.CutPrefix(key, "/"); ok && strings.HasSuffix(inner, "/") {
		return regexp.Compile("(?s)^(?:" + strings.TrimSuffix(inner, "/") + ")$")
	}
	return regexp.Compile("^" + regexp.QuoteMeta(key) + "$")
}

// schemasOf are the texts of an API's models by name. Errors are tx's.
func schemasOf(tx *store.Tx, arn aws.ARN) map[string]string {
	all := make(map[string]string)
	for _, m := range models.Scan(tx, partKey{API: arn}) {
		all[*m.Name] = *m.Schema
	}
	return all
}
