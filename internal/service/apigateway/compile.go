package apigateway

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/limit"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/gateway/schema"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A served is an API made ready to serve requests. It never changes.
type served struct {
	arn    aws.ARN
	id     string
	stages map[string]*servedStage
}

type servedStage struct {
	name     string
	row      api.Stage
	main     *version
	canary   *version // nil if there is none
	percent  float64  // of requests that go to canary
	logged   logged
	identity *identity // that servers see; nil if there is none

	memory, canaryMemory *answers // that are remembered
}

// A version is a deployment of an API as a stage serves it.
type version struct {
	deployment string
	api        api.RestApi
	variables  map[string]string
	policy     *policy.Document // nil if there is none
	routes     router.Tree[*servedMethod]
	responses  map[string]api.GatewayResponse
}

// A servedMethod is a method of a resource.
type servedMethod struct {
	resource string // id
	path     string
	method   api.Method
	integ    api.Integration
	settings api.MethodSetting
	limit    *limit.Bucket // nil if any number may come
	guard    *guard        // nil if anyone may
	check    *check        // nil if any request is good
	cached   bool
	timeout  time.Duration
	picks    []pick // of responses, in order

	requests  map[string]*mapped            // templates by content type
	responses map[string]map[string]*mapped // by status and content type
}

// A mapped is a mapping template, or why it cannot be read.
type mapped struct {
	template *vtl.Template
	err      error

	constant       *string // what it makes, if that is always the same
	usesContext    bool
	usesParameters bool
}

func (m *mapped) missing() bool { return m == nil }

func compileTemplates(all map[string]string) map[string]*mapped {
	out := make(map[string]*mapped, len(all))
	for contentType, text := range all {
		m := &mapped{usesContext: strings.Contains(text, "context"), usesParameters: strings.Contains(text, "params")}
		if m.template, m.err = vtl.Parse(text); !strings.ContainsAny(text, "$#") {
			m.constant = &text
		}
		out[mediaType(contentType)] = m
	}
	return out
}

// A pick is a response of an integration, and what it is for.
type pick struct {
	pattern  *regexp.Regexp // nil: for all others
	response api.IntegrationResponse
}

// owns reports whether there is an API of that id.
func (s *Service) owns(ctx context.Context, id string) bool {
	id, _ = endpointOf(id)
	a, err := s.serve(ctx, id)
	return a != nil || err != nil
}

// endpointOf takes the first label of a host apart: the id of an API, and that
// of the endpoint of a network by which it is asked, if it says so.
func endpointOf(label string) (id, endpoint string) {
	label = strings.ToLower(label)
	if id, rest, ok := strings.Cut(label, "-vpce-"); ok {
		return id, "vpce-" + rest
	}
	return label, ""
}

// serve returns the API of that id, ready, or nil if there is none.
func (s *Service) serve(ctx context.Context, id string) (*served, error) {
	a, changes := s.cache.Get(id)
	if a != nil {
		return a, nil
	}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		a, err = s.compile(tx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.cache.Put(id, a, changes)
	return a, nil
}

// compile makes an API ready.
func (s *Service) compile(tx *store.Tx, id string) (*served, error) {
	at, err := homes.Get(tx, homeARN(id))
	if err != nil {
		return nil, err
	}
	a := &served{
		arn: aws.ARN{Service: "apigateway", Region: at.Region, Account: at.Account, Resource: "/restapis/" + id}, id: id,
		stages: make(map[string]*servedStage),
	}
	for key, row := range stages.Scan(tx, partKey{API: a.arn}) {
		st := &servedStage{name: key.ID, row: row, logged: newLogged(a.arn, id, &row), memory: s.memories.of(id + "/" + key.ID), canaryMemory: s.memories.of(id + "/" + key.ID + "/canary")}
		if st.identity, err = identityOf(tx, a.arn, &row); err != nil {
			return nil, err
		}
		if st.main, err = compileVersion(tx, a.arn, &row, *row.DeploymentId, nil); err != nil {
			return nil, err
		}
		if c := row.CanarySettings; c != nil {
			st.percent = aws.Value(c.PercentTraffic)
			if st.canary, err = compileVersion(tx, a.arn, &row, *c.DeploymentId, c.StageVariableOverrides); err != nil {
				return nil, err
			}
		}
		a.stages[key.ID] = st
	}
	return a, tx.Err()
}

// compileVersion makes a deployment ready for a stage.
func compileVersion(tx *store.Tx, arn aws.ARN, stage *api.Stage, id string, overrides map[string]string) (*version, error) {
	d, err := deployments.Get(tx, partKey{arn, id})
	if err != nil {
		return nil, err
	}
	v := &version{deployment: id, api: d.API, variables: make(map[string]string), responses: make(map[string]api.GatewayResponse)}
	for _, all := range []map[string]string{stage.Variables, overrides} {
		for name, value := range all {
			v.variables[name] = value
		}
	}
	if text := aws.Value(d.API.Policy); text != "" {
		if v.policy, err = policy.Parse(expandResources(text, arn)); err != nil {
			return nil, err
		}
	}
	all := copyKey{API: arn, Deployment: id}
	for key, r := range deployedResponses.Scan(tx, all) {
		v.responses[key.ID] = r
	}
	parts, err := deployedPartsOf(tx, all)
	if err != nil {
		return nil, err
	}
	for key, r := range deployedResources.Scan(tx, all) {
		for name, m := range r.ResourceMethods {
			if err := v.routes.Add(name+" "+*r.Path, v.compileMethod(key.ID, *r.Path, m, stage, parts)); err != nil {
				return nil, err
			}
		}
	}
	return v, tx.Err()
}

// expandResources writes out the resources of a policy that are short for those
// of the API that has it: execute-api:/stage/GET/path.
func expandResources(text string, of aws.ARN) string {
	of.Service, of.Resource = "execute-api", strings.TrimPrefix(of.Resource, "/restapis/")
	return strings.ReplaceAll(text, `"execute-api:/`, `"`+of.String()+"/")
}

// deployedParts are what methods of a deployment refer to.
type deployedParts struct {
	models      map[string]api.Model
	validators  map[string]api.RequestValidator
	authorizers map[string]api.Authorizer
	memories    map[string]*proxy.Verdicts // of authorizers
	schemas     *schema.Models
}

func newParts() *deployedParts {
	return &deployedParts{
		models: make(map[string]api.Model), validators: make(map[string]api.RequestValidator), authorizers: make(map[string]api.Authorizer),
		memories: make(map[string]*proxy.Verdicts),
	}
}

func deployedPartsOf(tx *store.Tx, all copyKey) (*deployedParts, error) {
	p := newParts()
	for key, v := range deployedModels.Scan(tx, all) {
		p.models[key.ID] = v
	}
	for key, v := range deployedValidators.Scan(tx, all) {
		p.validators[key.ID] = v
	}
	for key, v := range deployedAuthorizers.Scan(tx, all) {
		p.authorizers[key.ID] = v
	}
	p.schemas = newSchemas(strings.TrimPrefix(all.API.Resource, "/restapis/"), p.models)
	return p, tx.Err()
}

func (v *version) compileMethod(id, path string, m api.Method, stage *api.Stage, parts *deployedParts) *servedMethod {
	s := &servedMethod{resource: id, path: path, method: m, timeout: usualTimeout * time.Millisecond, settings: settingsOf(stage, path, *m.HttpMethod)}
	// Settings that say nothing of it have what an account may, which is its own matter.
	if rate, burst := aws.Value(s.settings.ThrottlingRateLimit), aws.Value(s.settings.ThrottlingBurstLimit); rate >= 0 && (rate != accountRate || burst != accountBurst) {
		s.limit = limit.NewBucket(rate, float64(burst))
	}
	if i := m.MethodIntegration; i != nil {
		s.integ = *i
		s.timeout = time.Duration(aws.Or(i.TimeoutInMillis, usualTimeout)) * time.Millisecond
		s.picks = picksOf(i)
		s.requests, s.responses = compileTemplates(i.RequestTemplates), make(map[string]map[string]*mapped)
		for status, r := range i.IntegrationResponses {
			s.responses[status] = compileTemplates(r.ResponseTemplates)
		}
	}
	s.cached = caches(stage, s)
	var by *api.Authorizer
	if a, ok := parts.authorizers[aws.Value(m.AuthorizerId)]; ok {
		by = &a
	}
	s.guard = newGuard(&m, by, v.variables, parts.memories)
	if validator, ok := parts.validators[aws.Value(m.RequestValidatorId)]; ok {
		s.check = newCheck(&m, &validator, parts.schemas)
	}
	return s
}

func hasSetting(stage *api.Stage, key string) bool {
	_, ok := stage.MethodSettings[key]
	return ok
}

// settingsOf are the settings of a method on a stage: its own, else those of
// all methods, else the usual.
func settingsOf(stage *api.Stage, path, method string) api.MethodSetting {
	for _, key := range []string{strings.TrimPrefix(path, "/") + "/" + method, path + "/" + method, "*/*"} {
		if set, ok := stage.MethodSettings[key]; ok {
			return set
		}
	}
	return usualSetting()
}

// picksOf are the responses of an integration: those with patterns by status,
// and the one without last.
func picksOf(i *api.Integration) []pick {
	var picks []pick
	var usual *pick
	for _, status := range sortedKeys(i.IntegrationResponses) {
		r := i.IntegrationResponses[status]
		if aws.Value(r.SelectionPattern) == "" {
			if usual == nil {
				usual = &pick{response: r}
			}
			continue
		}
		if re, err := compilePattern(*r.SelectionPattern); err == nil {
			picks = append(picks, pick{pattern: re, response: r})
		}
	}
	if usual != nil {
		picks = append(picks, *usual)
	}
	return picks
}

// compilePattern reads a pattern that must match all of a text.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// checkPattern refuses a pattern that we cannot read.
func checkPattern(pattern string) error {
	if _, err := compilePattern(pattern); err != nil {
		return errNotYet("the pattern " + pattern)
	}
	return nil
}
