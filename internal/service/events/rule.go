package events

import (
	"context"
	"iter"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event/cron"
	"github.com/aloft-cloud/aloft/internal/event/pattern"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxRules is how many rules a bus has.
const maxRules = 300

// keyOf names a rule of the bus that a caller means.
func keyOf(call *aws.Call, bus *string, name string) ruleKey {
	return ruleKey{busARN(call, aws.Value(bus)), name}
}

// PutRule makes a rule, or replaces what one asks.
func (s *Service) PutRule(ctx context.Context, call *aws.Call, in *api.PutRuleInput) (*api.PutRuleOutput, error) {
	key := keyOf(call, in.EventBusName, in.Name)
	if err := checkRule(key, in); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, key.Bus); err != nil {
			return err
		}
		r, err := rules.Get(tx, key)
		switch {
		case err == store.ErrNotFound:
			if r, err = s.newRule(tx, key, call, in); err != nil {
				return err
			}
		case err != nil:
			return err
		}
		if schedule := aws.Value(in.ScheduleExpression); schedule != r.Schedule || r.Since.IsZero() {
			r.Schedule, r.Since = schedule, time.Now()
		}
		r.Pattern, r.Description, r.Role = aws.Value(in.EventPattern), aws.Value(in.Description), aws.Value(in.RoleArn)
		r.State = aws.Or(in.State, api.RuleStateEnabled)
		return s.putRule(tx, key, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutRuleOutput{RuleArn: new(key.ARN().String())}, nil
}

// newRule is a rule that was not there before.
func (s *Service) newRule(tx *store.Tx, key ruleKey, call *aws.Call, in *api.PutRuleInput) (rule, error) {
	n := 0
	for range rules.Scan(tx, ruleKey{Bus: key.Bus}) {
		n++
	}
	if n >= maxRules {
		return rule{}, errLimit()
	}
	tags, err := s.tags().With("", nil, tagMap(in.Tags))
	return rule{CreatedBy: call.Account, Tags: tags}, err
}

// checkRule refuses a rule that makes no sense.
func checkRule(key ruleKey, in *api.PutRuleInput) error {
	text, schedule := aws.Value(in.EventPattern), aws.Value(in.ScheduleExpression)
	if text == "" && schedule == "" {
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if schedule != "" {
		if busName(key.Bus) != defaultBus {
			return invalid("ScheduleExpression is supported only on the default event bus.")
		}
		if _, err := cron.ParseRule(schedule); err != nil {
			return invalid("Parameter ScheduleExpression is not valid.")
		}
	}
	if text != "" {
		if _, err := parsePattern(text); err != nil {
			return err
		}
	}
	return nil
}

// parsePattern reads a pattern that somebody wrote.
func parsePattern(text string) (*pattern.Pattern, error) {
	p, err := pattern.Parse([]byte(text))
	if err != nil {
		return nil, api.InvalidEventPatternException.Errorf("Event pattern is not valid. Reason: %s", err)
	}
	return p, nil
}

// putRule keeps a rule, and when it is due.
func (s *Service) putRule(tx *store.Tx, key ruleKey, r rule) error {
	if err := dues.Move(tx, key, &r.Due, time.Time{}, s.due); err != nil {
		return err
	}
	if r.Schedule != "" && r.enabled() {
		if err := s.schedule(tx, key, &r, time.Now()); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.matchers.Drop(key.Bus.String()) })
	return rules.Put(tx, key, r)
}

// DeleteRule deletes a rule that has no targets. That there is none is no failure.
func (s *Service) DeleteRule(ctx context.Context, call *aws.Call, in *api.DeleteRuleInput) (*api.DeleteRuleOutput, error) {
	key := keyOf(call, in.EventBusName, in.Name)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, key.Bus); err != nil {
			return err
		}
		r, err := rules.Get(tx, key)
		switch {
		case err == store.ErrNotFound:
			return nil
		case err != nil:
			return err
		case len(r.Targets) > 0:
			return invalid("Rule can't be deleted since it has targets.")
		}
		if err := dues.Move(tx, key, &r.Due, time.Time{}, s.due); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.matchers.Drop(key.Bus.String()) })
		return rules.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRuleOutput{}, nil
}

// EnableRule has a rule work.
func (s *Service) EnableRule(ctx context.Context, call *aws.Call, in *api.EnableRuleInput) (*api.EnableRuleOutput, error) {
	if err := s.setState(ctx, keyOf(call, in.EventBusName, in.Name), api.RuleStateEnabled); err != nil {
		return nil, err
	}
	return &api.EnableRuleOutput{}, nil
}

// DisableRule has a rule do nothing.
func (s *Service) DisableRule(ctx context.Context, call *aws.Call, in *api.DisableRuleInput) (*api.DisableRuleOutput, error) {
	if err := s.setState(ctx, keyOf(call, in.EventBusName, in.Name), api.RuleStateDisabled); err != nil {
		return nil, err
	}
	return &api.DisableRuleOutput{}, nil
}

func (s *Service) setState(ctx context.Context, key ruleKey, state string) error {
	return s.changeRule(ctx, key, func(r *rule) error {
		r.State = state
		return nil
	})
}

// changeRule changes a rule that is there.
func (s *Service) changeRule(ctx context.Context, key ruleKey, change func(*rule) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		r, err := s.lookRule(tx, key)
		if err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		return s.putRule(tx, key, r)
	})
}

// lookRule returns a rule of a bus that is there.
func (s *Service) lookRule(tx *store.Tx, key ruleKey) (rule, error) {
	if _, err := findBus(tx, key.Bus); err != nil {
		return rule{}, err
	}
	return findRule(tx, key)
}

// DescribeRule describes a rule.
func (s *Service) DescribeRule(ctx context.Context, call *aws.Call, in *api.DescribeRuleInput) (*api.DescribeRuleOutput, error) {
	key := keyOf(call, in.EventBusName, in.Name)
	var r rule
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = s.lookRule(tx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeRuleOutput{
		Name: &key.Name, Arn: new(key.ARN().String()), EventPattern: optional(r.Pattern), ScheduleExpression: optional(r.Schedule),
		State: &r.State, Description: optional(r.Description), RoleArn: optional(r.Role), EventBusName: new(busName(key.Bus)), CreatedBy: &r.CreatedBy,
	}, nil
}

// ListRules lists the rules of a bus.
func (s *Service) ListRules(ctx context.Context, call *aws.Call, in *api.ListRulesInput) (*api.ListRulesOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	bus := busARN(call, aws.Value(in.EventBusName))
	out := &api.ListRulesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, bus); err != nil {
			return err
		}
		out.Rules = []api.Rule{}
		out.NextToken = fill(p, rulesOf(tx, bus), func(name string, r rule) bool {
			out.Rules = append(out.Rules, api.Rule{
				Name: &name, Arn: new(ruleKey{bus, name}.ARN().String()), EventPattern: optional(r.Pattern), State: &r.State,
				Description: optional(r.Description), ScheduleExpression: optional(r.Schedule), RoleArn: optional(r.Role), EventBusName: new(busName(bus)),
			})
			return true
		})
		return nil
	})
	return out, err
}

// rulesOf yields the rules of a bus by name.
func rulesOf(tx *store.Tx, bus aws.ARN) iter.Seq2[string, rule] {
	return func(yield func(string, rule) bool) {
		for key, r := range rules.Scan(tx, ruleKey{Bus: bus}) {
			if !yield(key.Name, r) {
				return
			}
		}
	}
}

// ListRuleNamesByTarget lists the rules of a bus that have a target.
func (s *Service) ListRuleNamesByTarget(ctx context.Context, call *aws.Call, in *api.ListRuleNamesByTargetInput) (*api.ListRuleNamesByTargetOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, nil)
	if err != nil {
		return nil, err
	}
	bus := busARN(call, aws.Value(in.EventBusName))
	out := &api.ListRuleNamesByTargetOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, bus); err != nil {
			return err
		}
		out.RuleNames = []string{}
		out.NextToken = fill(p, rulesOf(tx, bus), func(name string, r rule) bool {
			for _, t := range r.Targets {
				if t.Arn == in.TargetArn {
					out.RuleNames = append(out.RuleNames, name)
					return true
				}
			}
			return false
		})
		return nil
	})
	return out, err
}

// TestEventPattern says whether a pattern chooses an event.
func (s *Service) TestEventPattern(_ context.Context, _ *aws.Call, in *api.TestEventPatternInput) (*api.TestEventPatternOutput, error) {
	p, err := parsePattern(in.EventPattern)
	if err != nil {
		return nil, err
	}
	e, err := pattern.ParseEvent([]byte(in.Event))
	if err != nil {
		return nil, invalid("Parameter Event is not valid.")
	}
	for _, name := range []string{"id", "detail-type", "source", "account", "time", "region"} {
		if !e.Has(name) {
			return nil, invalid("Parameter Event is not valid. Reason: Event must contain the field %s.", name)
		}
	}
	return &api.TestEventPatternOutput{Result: new(p.Matches(e))}, nil
}
