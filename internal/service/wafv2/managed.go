package wafv2

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
)

// ListAvailableManagedRuleGroups lists the groups of rules that AWS has made.
func (s *Service) ListAvailableManagedRuleGroups(ctx context.Context, call *aws.Call, in *api.ListAvailableManagedRuleGroupsInput) (*api.ListAvailableManagedRuleGroupsOutput, error) {
	out := &api.ListAvailableManagedRuleGroupsOutput{ManagedRuleGroups: []api.ManagedRuleGroupSummary{}}
	for _, g := range firewall.ManagedGroups() {
		out.ManagedRuleGroups = append(out.ManagedRuleGroups, api.ManagedRuleGroupSummary{VendorName: new("AWS"), Name: &g.Name, VersioningSupported: new(false), Description: &g.Description})
	}
	return out, nil
}

// ListAvailableManagedRuleGroupVersions lists the versions of a group: there are
// none to choose from.
func (s *Service) ListAvailableManagedRuleGroupVersions(ctx context.Context, call *aws.Call, in *api.ListAvailableManagedRuleGroupVersionsInput) (*api.ListAvailableManagedRuleGroupVersionsOutput, error) {
	if _, ok := firewall.ManagedGroup(in.VendorName, in.Name); !ok {
		return nil, errGone()
	}
	return &api.ListAvailableManagedRuleGroupVersionsOutput{Versions: []api.ManagedRuleGroupVersion{}}, nil
}

// DescribeManagedRuleGroup tells the rules of a group.
func (s *Service) DescribeManagedRuleGroup(ctx context.Context, call *aws.Call, in *api.DescribeManagedRuleGroupInput) (*api.DescribeManagedRuleGroupOutput, error) {
	g, ok := firewall.ManagedGroup(in.VendorName, in.Name)
	if !ok || in.VersionName != nil {
		return nil, errGone()
	}
	out := &api.DescribeManagedRuleGroupOutput{Capacity: &g.Capacity, LabelNamespace: &g.Namespace}
	for i := range g.Rules {
		out.Rules = append(out.Rules, api.RuleSummary{Name: &g.Rules[i].Name, Action: g.Rules[i].Action()})
	}
	for _, label := range g.Labels() {
		out.AvailableLabels = append(out.AvailableLabels, api.LabelSummary{Name: &label})
	}
	return out, nil
}
