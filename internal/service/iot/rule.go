package iot

import (
	"context"
	"net/url"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/iot/query"
	"github.com/aloft-cloud/aloft/internal/service/iot/topic"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateTopicRule makes a rule.
func (s *Service) CreateTopicRule(ctx context.Context, call *aws.Call, in *api.CreateTopicRuleInput) (*api.CreateTopicRuleOutput, error) {
	row, err := newRule(in.TopicRulePayload)
	if err != nil {
		return nil, err
	}
	if row.Tags, err = parseTags(aws.Value(in.Tags)); err != nil {
		return nil, err
	}
	row.Created = time.Now()
	arn := ruleARN(call, in.RuleName)
	if _, err := compile(arn, &row); err != nil {
		return nil, err
	}
	return &api.CreateTopicRuleOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if exists, err := rules.Has(tx, arn); err != nil || exists {
			return firstOf(err, api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{
				ResourceId: &in.RuleName, ResourceArn: new(arn.String()),
			}, "Rule with name "+in.RuleName+" already exists"))
		}
		return s.putRule(tx, arn, row)
	})
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ReplaceTopicRule changes all of a rule.
func (s *Service) ReplaceTopicRule(ctx context.Context, call *aws.Call, in *api.ReplaceTopicRuleInput) (*api.ReplaceTopicRuleOutput, error) {
	row, err := newRule(in.TopicRulePayload)
	if err != nil {
		return nil, err
	}
	arn := ruleARN(call, in.RuleName)
	if _, err := compile(arn, &row); err != nil {
		return nil, err
	}
	return &api.ReplaceTopicRuleOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		old, err := findRule(tx, arn)
		if err != nil {
			return err
		}
		replaced := row
		replaced.Created, replaced.Tags = old.Created, old.Tags
		return s.putRule(tx, arn, replaced)
	})
}

// newRule is the rule that p describes.
func newRule(p *api.TopicRulePayload) (rule, error) {
	row := rule{
		SQL: p.Sql, Version: aws.Or(p.AwsIotSqlVersion, query.Version2015), Description: p.Description, Actions: p.Actions,
		ErrorAction: p.ErrorAction, Disabled: aws.Value(p.RuleDisabled),
	}
	switch row.Version {
	case query.Version2015, query.Version2016:
	case "beta":
		return row, aws.NotImplemented.Errorf("Aloft does not have version beta of the SQL of IoT.")
	default:
		return row, invalid("Invalid SQL version: %s", row.Version)
	}
	if len(row.Actions) == 0 {
		row.Actions = nil
	}
	return row, nil
}

// GetTopicRule describes a rule.
func (s *Service) GetTopicRule(ctx context.Context, call *aws.Call, in *api.GetTopicRuleInput) (*api.GetTopicRuleOutput, error) {
	arn := ruleARN(call, in.RuleName)
	var row rule
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findRule(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	actions := row.Actions
	if actions == nil {
		actions = []api.Action{}
	}
	return &api.GetTopicRuleOutput{RuleArn: new(arn.String()), Rule: &api.TopicRule{
		RuleName: &in.RuleName, Sql: &row.SQL, Description: row.Description, CreatedAt: new(row.Created.Truncate(time.Second)), Actions: actions,
		RuleDisabled: &row.Disabled, AwsIotSqlVersion: &row.Version, ErrorAction: row.ErrorAction,
	}}, nil
}

// ListTopicRules lists the rules of the account, or those that a topic matches.
func (s *Service) ListTopicRules(ctx context.Context, call *aws.Call, in *api.ListTopicRulesInput) (*api.ListTopicRulesOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListTopicRulesOutput{Rules: []api.TopicRuleListItem{}}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Rules = out.Rules[:0]
		var broken error
		out.NextToken = fill(p, rules.Scan(tx, all(call)), nameOf, func(name string, arn aws.ARN, row rule) bool {
			q, err := query.Parse(row.SQL, row.Version)
			if err != nil {
				broken = err // it was parsed when it was kept
				return false
			}
			if in.RuleDisabled != nil && *in.RuleDisabled != row.Disabled || in.Topic != nil && !topic.Match(q.From(), *in.Topic) {
				return false
			}
			out.Rules = append(out.Rules, api.TopicRuleListItem{
				RuleArn: new(arn.String()), RuleName: &name, TopicPattern: new(q.From()), CreatedAt: new(row.Created.Truncate(time.Second)), RuleDisabled: &row.Disabled,
			})
			return true
		})
		return broken
	})
}

// DeleteTopicRule deletes a rule.
func (s *Service) DeleteTopicRule(ctx context.Context, call *aws.Call, in *api.DeleteTopicRuleInput) (*api.DeleteTopicRuleOutput, error) {
	arn := ruleARN(call, in.RuleName)
	return &api.DeleteTopicRuleOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findRule(tx, arn); err != nil {
			return err
		}
		s.rules.Changed(tx)
		return rules.Delete(tx, arn)
	})
}

// EnableTopicRule has a rule work.
func (s *Service) EnableTopicRule(ctx context.Context, call *aws.Call, in *api.EnableTopicRuleInput) (*api.EnableTopicRuleOutput, error) {
	return &api.EnableTopicRuleOutput{}, s.setDisabled(ctx, ruleARN(call, in.RuleName), false)
}

// DisableTopicRule has a rule rest.
func (s *Service) DisableTopicRule(ctx context.Context, call *aws.Call, in *api.DisableTopicRuleInput) (*api.DisableTopicRuleOutput, error) {
	return &api.DisableTopicRuleOutput{}, s.setDisabled(ctx, ruleARN(call, in.RuleName), true)
}

func (s *Service) setDisabled(ctx context.Context, arn aws.ARN, disabled bool) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findRule(tx, arn)
		if err != nil {
			return err
		}
		row.Disabled = disabled
		return s.putRule(tx, arn, row)
	})
}

// A compiledRule is a rule, ready to be run.
type compiledRule struct {
	arn     aws.ARN
	query   *query.Query
	actions []*action
	failed  *action // nil: nobody hears of failures
}

// compile reads all of a rule, and refuses what cannot be done.
func compile(arn aws.ARN, row *rule) (*compiledRule, error) {
	q, err := query.Parse(row.SQL, row.Version)
	if err != nil {
		return nil, api.SqlParseException.Errorf("Unable to parse the SQL of the rule: %s", err)
	}
	if q.From() != "" {
		if err := topic.CheckFilter(q.From()); err != nil {
			return nil, api.SqlParseException.Errorf("Invalid topic filter %s: %s", q.From(), err)
		}
	}
	r := &compiledRule{arn: arn, query: q}
	for i := range row.Actions {
		a, err := newAction(arn, &row.Actions[i], row.Version)
		if err != nil {
			return nil, err
		}
		r.actions = append(r.actions, a)
	}
	if row.ErrorAction != nil {
		r.failed, err = newAction(arn, row.ErrorAction, row.Version)
	}
	return r, err
}

// A ruleIndex is all rules that work, by whose they are.
type ruleIndex map[home][]*compiledRule

// A home is an account in a region.
type home struct{ account, region string }

func (s *Service) indexRules(tx *store.Tx) (*ruleIndex, error) {
	index := make(ruleIndex)
	for arn, row := range rules.Scan(tx, aws.ARN{}) {
		if row.Disabled {
			continue
		}
		r, err := compile(arn, &row)
		if err != nil {
			s.Log.Error("a rule of IoT that was kept cannot be read", "rule", arn.String(), "err", err)
			continue
		}
		h := home{arn.Account, arn.Region}
		index[h] = append(index[h], r)
	}
	return &index, nil
}

// parseTags reads tags as a header has them: a=b&c=d.
func parseTags(text string) (map[string]string, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, invalid("Invalid tags")
	}
	var tags map[string]string
	for key, value := range values {
		if tags == nil {
			tags = make(map[string]string)
		}
		tags[key] = value[0]
	}
	return tags, nil
}

// allActions are the actions of a rule, the one for failures the last.
func allActions(p *api.TopicRulePayload) []*api.Action {
	if p == nil {
		return nil
	}
	var all []*api.Action
	for i := range p.Actions {
		all = append(all, &p.Actions[i])
	}
	if p.ErrorAction != nil {
		all = append(all, p.ErrorAction)
	}
	return slices.Clip(all)
}
