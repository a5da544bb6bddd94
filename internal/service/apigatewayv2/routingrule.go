package apigatewayv2

import (
	"context"
	"regexp"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateRoutingRule has requests to a domain that meet conditions lead to an API.
func (s *Service) CreateRoutingRule(ctx context.Context, call *aws.Call, in *api.CreateRoutingRuleInput) (*api.CreateRoutingRuleOutput, error) {
	out, err := s.putRule(ctx, call, in.DomainName, domain.NewID(), in.Priority, in.Conditions, in.Actions)
	if err != nil {
		return nil, err
	}
	return new(api.CreateRoutingRuleOutput(*out)), nil
}

// PutRoutingRule changes a rule.
func (s *Service) PutRoutingRule(ctx context.Context, call *aws.Call, in *api.PutRoutingRuleInput) (*api.PutRoutingRuleOutput, error) {
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, err := s.cfg.Domains.FindRule(tx, call, in.DomainName, in.RoutingRuleId)
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := s.putRule(ctx, call, in.DomainName, in.RoutingRuleId, in.Priority, in.Conditions, in.Actions)
	if err != nil {
		return nil, err
	}
	return new(api.PutRoutingRuleOutput(*out)), nil
}

func (s *Service) putRule(ctx context.Context, call *aws.Call, name, id string, priority int32, conditions []api.RoutingRuleCondition, actions []api.RoutingRuleAction) (*api.GetRoutingRuleOutput, error) {
	if len(actions) != 1 || actions[0].InvokeApi == nil {
		return nil, errBad("A routing rule must have exactly one action, which invokes an API")
	}
	a := actions[0].InvokeApi
	r := domain.Rule{ID: id, Priority: priority, API: a.ApiId, Stage: a.Stage, Strip: aws.Value(a.StripBasePath)}
	if err := setConditions(&r, conditions); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.PutRule(tx, call, name, r, errNoTarget(call, r.API)) })
	if err != nil {
		return nil, err
	}
	return new(shownRule(call, name, r)), nil
}

var headerGlob = regexp.MustCompile(`^\*?[^*?]{0,128}\*?$`)

// setConditions puts conditions in a rule.
func setConditions(r *domain.Rule, all []api.RoutingRuleCondition) error {
	for _, c := range all {
		if (c.MatchBasePaths == nil) == (c.MatchHeaders == nil) {
			return errBad("Each condition of a routing rule must match either base paths or headers")
		}
		if p := c.MatchBasePaths; p != nil {
			if r.Paths != nil {
				return errBad("A routing rule can have at most one condition that matches base paths")
			}
			r.Paths = append([]string{}, p.AnyOf...)
			for _, path := range p.AnyOf {
				if path == "" || !domain.IsPath(path) {
					return errBad("Invalid base path specified: %s", path)
				}
			}
			continue
		}
		var any []domain.Header
		for _, h := range c.MatchHeaders.AnyOf {
			if h.Header == "" || !headerGlob.MatchString(h.ValueGlob) {
				return errBad("Invalid header condition specified: %s", h.Header)
			}
			any = append(any, domain.Header{Name: h.Header, Glob: h.ValueGlob})
		}
		r.Headers = append(r.Headers, any)
	}
	return nil
}

// shownRule is a rule as it is answered.
func shownRule(call *aws.Call, name string, r domain.Rule) api.GetRoutingRuleOutput {
	out := api.GetRoutingRuleOutput{
		Actions:        []api.RoutingRuleAction{{InvokeApi: &api.RoutingRuleActionInvokeApi{ApiId: r.API, Stage: r.Stage, StripBasePath: &r.Strip}}},
		Conditions:     []api.RoutingRuleCondition{},
		Priority:       &r.Priority,
		RoutingRuleId:  &r.ID,
		RoutingRuleArn: new(call.ARN("apigateway", "/domainnames/"+name+"/routingrules/"+r.ID).String()),
	}
	if r.Paths != nil {
		out.Conditions = append(out.Conditions, api.RoutingRuleCondition{MatchBasePaths: &api.RoutingRuleMatchBasePaths{AnyOf: r.Paths}})
	}
	for _, any := range r.Headers {
		m := &api.RoutingRuleMatchHeaders{AnyOf: []api.RoutingRuleMatchHeaderValue{}}
		for _, h := range any {
			m.AnyOf = append(m.AnyOf, api.RoutingRuleMatchHeaderValue{Header: h.Name, ValueGlob: h.Glob})
		}
		out.Conditions = append(out.Conditions, api.RoutingRuleCondition{MatchHeaders: m})
	}
	return out
}

// GetRoutingRule returns a rule.
func (s *Service) GetRoutingRule(ctx context.Context, call *aws.Call, in *api.GetRoutingRuleInput) (*api.GetRoutingRuleOutput, error) {
	var r domain.Rule
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = s.cfg.Domains.FindRule(tx, call, in.DomainName, in.RoutingRuleId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(shownRule(call, in.DomainName, r)), nil
}

// ListRoutingRules lists the rules of a domain.
func (s *Service) ListRoutingRules(ctx context.Context, call *aws.Call, in *api.ListRoutingRulesInput) (*api.ListRoutingRulesOutput, error) {
	_, after, err := pageOf(nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.MaxResults, usualPage))
	var out *api.ListRoutingRulesOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.ListRoutingRulesOutput{RoutingRules: []api.RoutingRule{}}
		if _, err := s.cfg.Domains.Find(tx, call, in.DomainName); err != nil {
			return err
		}
		for r := range s.cfg.Domains.Rules(tx, call, in.DomainName) {
			switch {
			case r.ID <= after:
			case len(out.RoutingRules) == limit:
				out.NextToken = tokenAfter(*out.RoutingRules[limit-1].RoutingRuleId)
				return nil
			default:
				out.RoutingRules = append(out.RoutingRules, api.RoutingRule(shownRule(call, in.DomainName, r)))
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteRoutingRule removes a rule.
func (s *Service) DeleteRoutingRule(ctx context.Context, call *aws.Call, in *api.DeleteRoutingRuleInput) (*api.DeleteRoutingRuleOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return s.cfg.Domains.DeleteRule(tx, call, in.DomainName, in.RoutingRuleId)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRoutingRuleOutput{}, nil
}
