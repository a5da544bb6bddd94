package wafv2

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/cloudfront"
	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxCapacity = 5000 // of a list

// mentions reports whether rules name an ARN.
func mentions(rules []api.Rule, arn string) bool {
	text, err := json.Marshal(rules)
	return err == nil && strings.Contains(string(text), `"`+arn+`"`)
}

// checkRules refuses rules that cannot be asked, and returns what they cost.
func checkRules(tx *store.Tx, rules []api.Rule) (int64, error) {
	seen := make(map[int32]bool)
	for _, r := range rules {
		if seen[r.Priority] {
			return 0, errParameter("You have used the same priority for more than one rule.", "RULE", r.Name)
		}
		seen[r.Priority] = true
	}
	from := &source{tx}
	if err := firewall.Check(rules, from); err != nil {
		return 0, refusal(err)
	}
	return firewall.Capacity(rules, from.capacity), nil
}

func checkActs(a *api.DefaultAction) error {
	if (a.Allow == nil) == (a.Block == nil) {
		return errParameter("You have used none or multiple values for a field that requires exactly one value.", "DEFAULT_ACTION", "")
	}
	return nil
}

// CreateWebACL makes a list of rules.
func (s *Service) CreateWebACL(ctx context.Context, call *aws.Call, in *api.CreateWebACLInput) (*api.CreateWebACLOutput, error) {
	if err := checkActs(in.DefaultAction); err != nil {
		return nil, err
	}
	arn, token, err := acls.create(ctx, s, call, in.Scope, in.Name, in.Tags, func(tx *store.Tx, arn aws.ARN, id string) (api.WebACL, error) {
		capacity, err := checkRules(tx, in.Rules)
		if capacity > maxCapacity {
			err = api.WAFLimitsExceededException.Errorf("AWS WAF couldn’t perform the operation because you exceeded your resource limit.")
		}
		return api.WebACL{
			Name: in.Name, Id: id, ARN: arn.String(), DefaultAction: in.DefaultAction, Description: in.Description, Rules: in.Rules, VisibilityConfig: in.VisibilityConfig, Capacity: &capacity,
			LabelNamespace: new("awswaf:" + arn.Account + ":webacl:" + in.Name + ":"), CustomResponseBodies: in.CustomResponseBodies, CaptchaConfig: in.CaptchaConfig, ChallengeConfig: in.ChallengeConfig,
			TokenDomains: in.TokenDomains, AssociationConfig: in.AssociationConfig, DataProtectionConfig: in.DataProtectionConfig,
		}, err
	})
	if err != nil {
		return nil, err
	}
	_, id := names(arn)
	return &api.CreateWebACLOutput{Summary: &api.WebACLSummary{Name: &in.Name, Id: &id, Description: new(aws.Value(in.Description)), LockToken: &token, ARN: new(arn.String())}}, nil
}

// GetWebACL returns a list of rules.
func (s *Service) GetWebACL(ctx context.Context, call *aws.Call, in *api.GetWebACLInput) (*api.GetWebACLOutput, error) {
	arn, err := acls.arn(call, aws.Value(in.Scope), aws.Value(in.Name), aws.Value(in.Id))
	if in.ARN != nil {
		if arn, err = aws.ParseARN(*in.ARN); err != nil {
			return nil, errParameter("The ARN isn't valid.", "RESOURCE_ARN", *in.ARN)
		}
	}
	if err != nil {
		return nil, err
	}
	r, err := acls.view(ctx, s, arn)
	if err != nil {
		return nil, err
	}
	return &api.GetWebACLOutput{WebACL: &r.Config, LockToken: &r.Token}, nil
}

// UpdateWebACL replaces a list of rules.
func (s *Service) UpdateWebACL(ctx context.Context, call *aws.Call, in *api.UpdateWebACLInput) (*api.UpdateWebACLOutput, error) {
	if err := checkActs(in.DefaultAction); err != nil {
		return nil, err
	}
	next, err := acls.update(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken, func(tx *store.Tx, c *api.WebACL) error {
		capacity, err := checkRules(tx, in.Rules)
		c.DefaultAction, c.Description, c.Rules, c.VisibilityConfig, c.Capacity = in.DefaultAction, in.Description, in.Rules, in.VisibilityConfig, &capacity
		c.CustomResponseBodies, c.CaptchaConfig, c.ChallengeConfig, c.TokenDomains, c.AssociationConfig = in.CustomResponseBodies, in.CaptchaConfig, in.ChallengeConfig, in.TokenDomains, in.AssociationConfig
		return err
	})
	return &api.UpdateWebACLOutput{NextLockToken: next}, err
}

// DeleteWebACL removes a list of rules that guards nothing.
func (s *Service) DeleteWebACL(ctx context.Context, call *aws.Call, in *api.DeleteWebACLInput) (*api.DeleteWebACLOutput, error) {
	arn, err := acls.arn(call, in.Scope, in.Name, in.Id)
	if err != nil {
		return nil, err
	}
	if in.Scope == api.ScopeCloudfront {
		root := &aws.Call{Account: call.Account, Region: call.Region, Principal: auth.Root(call.Account), RequestID: aws.NewRequestID()}
		out, err := dispatch.Call(ctx, s.table, root, cloudfront.ListDistributionsByWebACLId, &cloudfront.ListDistributionsByWebACLIdInput{WebACLId: arn.String()})
		if err != nil {
			return nil, err
		}
		if out.DistributionList.Quantity > 0 {
			return nil, errInUse()
		}
	}
	return &api.DeleteWebACLOutput{}, acls.remove(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken)
}

// ListWebACLs lists the lists of a scope.
func (s *Service) ListWebACLs(ctx context.Context, call *aws.Call, in *api.ListWebACLsInput) (*api.ListWebACLsOutput, error) {
	all, err := list(ctx, s, acls, call, in.Scope, func(arn aws.ARN, r *row[api.WebACL]) api.WebACLSummary {
		return api.WebACLSummary{Name: &r.Config.Name, Id: &r.Config.Id, Description: new(aws.Value(r.Config.Description)), LockToken: &r.Token, ARN: &r.Config.ARN}
	})
	return &api.ListWebACLsOutput{WebACLs: all}, err
}

// CheckCapacity tells what rules would cost.
func (s *Service) CheckCapacity(ctx context.Context, call *aws.Call, in *api.CheckCapacityInput) (*api.CheckCapacityOutput, error) {
	out := &api.CheckCapacityOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		n, err := checkRules(tx, in.Rules)
		out.Capacity = &n
		return err
	})
}

// CreateRuleGroup makes a group of rules.
func (s *Service) CreateRuleGroup(ctx context.Context, call *aws.Call, in *api.CreateRuleGroupInput) (*api.CreateRuleGroupOutput, error) {
	arn, token, err := groups.create(ctx, s, call, in.Scope, in.Name, in.Tags, func(tx *store.Tx, arn aws.ARN, id string) (api.RuleGroup, error) {
		return api.RuleGroup{
			Name: in.Name, Id: id, Capacity: in.Capacity, ARN: arn.String(), Description: in.Description, Rules: in.Rules, VisibilityConfig: in.VisibilityConfig,
			LabelNamespace: new("awswaf:" + arn.Account + ":rulegroup:" + in.Name + ":"), CustomResponseBodies: in.CustomResponseBodies,
		}, checkGroup(tx, in.Rules, in.Capacity)
	})
	if err != nil {
		return nil, err
	}
	_, id := names(arn)
	return &api.CreateRuleGroupOutput{Summary: &api.RuleGroupSummary{Name: &in.Name, Id: &id, Description: new(aws.Value(in.Description)), LockToken: &token, ARN: new(arn.String())}}, nil
}

// checkGroup refuses rules that cannot be asked, or cost more than they may.
func checkGroup(tx *store.Tx, rules []api.Rule, most int64) error {
	for _, r := range rules {
		if r.Statement.RuleGroupReferenceStatement != nil {
			return errParameter("You can't use a rule group within a rule group.", "STATEMENT", r.Name)
		}
		if r.Statement.ManagedRuleGroupStatement != nil {
			return errParameter("You can't use a managed rule group within a rule group.", "STATEMENT", r.Name)
		}
	}
	n, err := checkRules(tx, rules)
	if err == nil && n > most {
		return errParameter("Your rule group's capacity is too small.", "CAPACITY", strconv.FormatInt(most, 10))
	}
	return err
}

// GetRuleGroup returns a group of rules.
func (s *Service) GetRuleGroup(ctx context.Context, call *aws.Call, in *api.GetRuleGroupInput) (*api.GetRuleGroupOutput, error) {
	arn, err := groups.arn(call, aws.Value(in.Scope), aws.Value(in.Name), aws.Value(in.Id))
	if in.ARN != nil {
		arn, err = aws.ParseARN(*in.ARN)
	}
	if err != nil {
		return nil, err
	}
	g, err := groups.view(ctx, s, arn)
	if err != nil {
		return nil, err
	}
	return &api.GetRuleGroupOutput{RuleGroup: &g.Config, LockToken: &g.Token}, nil
}

// UpdateRuleGroup replaces the rules of a group.
func (s *Service) UpdateRuleGroup(ctx context.Context, call *aws.Call, in *api.UpdateRuleGroupInput) (*api.UpdateRuleGroupOutput, error) {
	next, err := groups.update(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken, func(tx *store.Tx, c *api.RuleGroup) error {
		c.Description, c.Rules, c.VisibilityConfig, c.CustomResponseBodies = in.Description, in.Rules, in.VisibilityConfig, in.CustomResponseBodies
		return checkGroup(tx, in.Rules, c.Capacity)
	})
	return &api.UpdateRuleGroupOutput{NextLockToken: next}, err
}

// DeleteRuleGroup removes a group that no list names.
func (s *Service) DeleteRuleGroup(ctx context.Context, call *aws.Call, in *api.DeleteRuleGroupInput) (*api.DeleteRuleGroupOutput, error) {
	return &api.DeleteRuleGroupOutput{}, groups.remove(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken)
}

// ListRuleGroups lists the groups of a scope.
func (s *Service) ListRuleGroups(ctx context.Context, call *aws.Call, in *api.ListRuleGroupsInput) (*api.ListRuleGroupsOutput, error) {
	all, err := list(ctx, s, groups, call, in.Scope, func(arn aws.ARN, r *row[api.RuleGroup]) api.RuleGroupSummary {
		return api.RuleGroupSummary{Name: &r.Config.Name, Id: &r.Config.Id, Description: new(aws.Value(r.Config.Description)), LockToken: &r.Token, ARN: &r.Config.ARN}
	})
	return &api.ListRuleGroupsOutput{RuleGroups: all}, err
}
