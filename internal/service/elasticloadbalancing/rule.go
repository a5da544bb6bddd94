package elasticloadbalancing

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxRules = 100 // of a load balancer, besides the default ones

// CreateRule adds a rule to a listener.
func (s *Service) CreateRule(ctx context.Context, call *aws.Call, in *api.CreateRuleInput) (*api.CreateRuleOutput, error) {
	if len(in.Transforms) > 0 {
		return nil, notYet("transforms")
	}
	conditions, err := checkConditions(in.Conditions)
	if err != nil {
		return nil, err
	}
	tags, err := tagged(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	actions, secret, err := s.prepare(ctx, call, in.Actions, nil)
	if err != nil {
		return nil, err
	}
	r := rule{Secret: secret, Tags: tags, Rule: api.Rule{
		Priority: new(strconv.Itoa(int(in.Priority))), Conditions: conditions, Actions: actions, IsDefault: new(false),
	}}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		at, l, err := listeners.find(tx, call, in.ListenerArn)
		if err != nil {
			return err
		}
		if err := checkPriority(tx, at, *r.Priority); err != nil {
			return err
		}
		_, b, err := balancers.find(tx, call, *l.LoadBalancerArn)
		if err != nil {
			return err
		}
		if b.network() {
			return api.OperationNotPermittedException.Errorf("Rules are unsupported for this listener type")
		}
		if err := checkActions(tx, call, &b, *l.Protocol, actions); err != nil {
			return err
		}
		arn := rules.belowARN(at)
		r.RuleArn = new(arn.String())
		s.index.Changed(tx)
		return rules.Put(tx, arn, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRuleOutput{Rules: []api.Rule{r.Rule}}, nil
}

// checkPriority refuses a priority that a rule of the listener has, and too many rules.
func checkPriority(tx *store.Tx, listener aws.ARN, priority string) error {
	count := 0
	for _, r := range rules.below(tx, listener) {
		if *r.Priority == priority {
			return api.PriorityInUseException.Errorf("Priority '%s' is currently in use", priority)
		}
		count++
	}
	if count > maxRules {
		return api.TooManyRulesException.Errorf("The maximum number of rules has been reached on listener '%s'", listener)
	}
	return tx.Err()
}

// order is where rules are tried: by priority, and the default one last.
func order(a, b *api.Rule) int {
	rank := func(r *api.Rule) int {
		n, err := strconv.Atoi(*r.Priority)
		if err != nil {
			return 1 << 30
		}
		return n
	}
	return cmp.Compare(rank(a), rank(b))
}

// DescribeRules tells of rules: of a listener's, or those that are named.
func (s *Service) DescribeRules(ctx context.Context, call *aws.Call, in *api.DescribeRulesInput) (*api.DescribeRulesOutput, error) {
	switch {
	case in.ListenerArn == nil && len(in.RuleArns) == 0:
		return nil, bad("You must specify either listener rule ARNs or a listener ARN")
	case in.ListenerArn != nil && len(in.RuleArns) > 0:
		return nil, bad("A listener ARN and listener rule ARNs cannot be specified at the same time")
	}
	all := []api.Rule{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		for _, text := range in.RuleArns {
			_, r, err := rules.find(tx, call, text)
			if err != nil {
				return err
			}
			all = append(all, r.Rule)
		}
		if in.ListenerArn == nil {
			return nil
		}
		at, _, err := listeners.find(tx, call, *in.ListenerArn)
		if err != nil {
			return err
		}
		for _, r := range rules.below(tx, at) {
			all = append(all, r.Rule)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b api.Rule) int { return order(&a, &b) })
	out := new(api.DescribeRulesOutput)
	if in.Marker != nil {
		at := slices.IndexFunc(all, func(r api.Rule) bool { return *r.RuleArn == *in.Marker })
		all = all[at+1:]
	}
	if most := int(aws.Or(in.PageSize, 400)); len(all) > most {
		all, out.NextMarker = all[:most], all[most-1].RuleArn
	}
	out.Rules = all
	return out, nil
}

// ModifyRule changes the conditions of a rule, its actions, or both.
func (s *Service) ModifyRule(ctx context.Context, call *aws.Call, in *api.ModifyRuleInput) (*api.ModifyRuleOutput, error) {
	switch {
	case len(in.Transforms) > 0:
		return nil, notYet("transforms")
	case in.Conditions == nil && in.Actions == nil && in.ResetTransforms == nil:
		return nil, bad("Either conditions or actions must be specified")
	}
	conditions, err := checkConditions(in.Conditions)
	if err != nil {
		return nil, err
	}
	was, err := s.secretOf(ctx, call, in.RuleArn)
	if err != nil {
		return nil, err
	}
	actions, secret, err := s.prepare(ctx, call, in.Actions, was)
	if err != nil {
		return nil, err
	}
	var out api.Rule
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn, r, err := rules.find(tx, call, in.RuleArn)
		if err != nil {
			return err
		}
		l, err := listeners.Get(tx, listeners.above(arn))
		if err != nil {
			return err
		}
		_, b, err := balancers.find(tx, call, *l.LoadBalancerArn)
		if err != nil {
			return err
		}
		if in.Conditions != nil {
			if *r.IsDefault {
				return api.OperationNotPermittedException.Errorf("Default rule '%s' cannot have conditions", in.RuleArn)
			}
			r.Conditions = conditions
		}
		if in.Actions != nil {
			if err := checkActions(tx, call, &b, *l.Protocol, actions); err != nil {
				return err
			}
			r.Actions, r.Secret = actions, secret
		}
		out = r.Rule
		s.index.Changed(tx)
		return rules.Put(tx, arn, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyRuleOutput{Rules: []api.Rule{out}}, nil
}

// SetRulePriorities gives rules new priorities, all at once.
func (s *Service) SetRulePriorities(ctx context.Context, call *aws.Call, in *api.SetRulePrioritiesInput) (*api.SetRulePrioritiesOutput, error) {
	var out []api.Rule
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		out = nil
		taken := make(map[string]bool)
		moved := make(map[aws.ARN]rule)
		for _, p := range in.RulePriorities {
			arn, r, err := rules.find(tx, call, aws.Value(p.RuleArn))
			if err != nil {
				return err
			}
			priority := strconv.Itoa(int(aws.Value(p.Priority)))
			switch {
			case *r.IsDefault:
				return api.OperationNotPermittedException.Errorf("Priority of default rule '%s' cannot be changed", arn)
			case taken[priority]:
				return bad("Priority '%s' was provided multiple times", priority)
			}
			taken[priority], r.Priority = true, &priority
			moved[arn] = r
			out = append(out, r.Rule)
		}
		for arn := range moved {
			for at, other := range rules.below(tx, listeners.above(arn)) {
				if _, moves := moved[at]; !moves && taken[*other.Priority] {
					return api.PriorityInUseException.Errorf("Priority '%s' is currently in use", *other.Priority)
				}
			}
		}
		for arn, r := range moved {
			if err := rules.Put(tx, arn, r); err != nil {
				return err
			}
		}
		s.index.Changed(tx)
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return &api.SetRulePrioritiesOutput{Rules: out}, nil
}

// DeleteRule removes a rule, but no default one.
func (s *Service) DeleteRule(ctx context.Context, call *aws.Call, in *api.DeleteRuleInput) (*api.DeleteRuleOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, r, err := rules.find(tx, call, in.RuleArn)
		if err != nil {
			return err
		}
		if *r.IsDefault {
			return api.OperationNotPermittedException.Errorf("Default rule '%s' cannot be deleted", in.RuleArn)
		}
		s.index.Changed(tx)
		return rules.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRuleOutput{}, nil
}
