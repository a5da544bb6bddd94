package wafv2

import (
	"context"
	"net/netip"
	"regexp"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// checkAddresses refuses what is no network of a version.
func checkAddresses(version string, all []string) error {
	for _, text := range all {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4() != (version == api.IPAddressVersionIpv4) || p.Bits() == 0 {
			return errParameter("The parameter contains formatting that is not valid.", "IP_ADDRESS", text)
		}
	}
	return nil
}

// CreateIPSet makes a set of addresses.
func (s *Service) CreateIPSet(ctx context.Context, call *aws.Call, in *api.CreateIPSetInput) (*api.CreateIPSetOutput, error) {
	if err := checkAddresses(in.IPAddressVersion, in.Addresses); err != nil {
		return nil, err
	}
	arn, token, err := ipSets.create(ctx, s, call, in.Scope, in.Name, in.Tags, func(_ *store.Tx, arn aws.ARN, id string) (api.IPSet, error) {
		return api.IPSet{Name: in.Name, Id: id, ARN: arn.String(), Description: in.Description, IPAddressVersion: in.IPAddressVersion, Addresses: in.Addresses}, nil
	})
	if err != nil {
		return nil, err
	}
	_, id := names(arn)
	return &api.CreateIPSetOutput{Summary: &api.IPSetSummary{Name: &in.Name, Id: &id, Description: new(aws.Value(in.Description)), LockToken: &token, ARN: new(arn.String())}}, nil
}

// GetIPSet returns a set of addresses.
func (s *Service) GetIPSet(ctx context.Context, call *aws.Call, in *api.GetIPSetInput) (*api.GetIPSetOutput, error) {
	arn, err := ipSets.arn(call, in.Scope, in.Name, in.Id)
	if err != nil {
		return nil, err
	}
	r, err := ipSets.view(ctx, s, arn)
	if err != nil {
		return nil, err
	}
	return &api.GetIPSetOutput{IPSet: &r.Config, LockToken: &r.Token}, nil
}

// UpdateIPSet replaces the addresses of a set.
func (s *Service) UpdateIPSet(ctx context.Context, call *aws.Call, in *api.UpdateIPSetInput) (*api.UpdateIPSetOutput, error) {
	next, err := ipSets.update(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken, func(_ *store.Tx, c *api.IPSet) error {
		c.Description, c.Addresses = in.Description, in.Addresses
		return checkAddresses(c.IPAddressVersion, in.Addresses)
	})
	return &api.UpdateIPSetOutput{NextLockToken: next}, err
}

// DeleteIPSet removes a set that no rule names.
func (s *Service) DeleteIPSet(ctx context.Context, call *aws.Call, in *api.DeleteIPSetInput) (*api.DeleteIPSetOutput, error) {
	return &api.DeleteIPSetOutput{}, ipSets.remove(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken)
}

// ListIPSets lists the sets of addresses of a scope.
func (s *Service) ListIPSets(ctx context.Context, call *aws.Call, in *api.ListIPSetsInput) (*api.ListIPSetsOutput, error) {
	all, err := list(ctx, s, ipSets, call, in.Scope, func(arn aws.ARN, r *row[api.IPSet]) api.IPSetSummary {
		return api.IPSetSummary{Name: &r.Config.Name, Id: &r.Config.Id, Description: new(aws.Value(r.Config.Description)), LockToken: &r.Token, ARN: &r.Config.ARN}
	})
	return &api.ListIPSetsOutput{IPSets: all}, err
}

// checkPatterns refuses what is no regular expression.
func checkPatterns(all []api.Regex) error {
	for _, r := range all {
		if _, err := regexp.Compile(aws.Value(r.RegexString)); err != nil {
			return errParameter("The regular expression is not valid.", "REGULAR_EXPRESSION", aws.Value(r.RegexString))
		}
	}
	return nil
}

// CreateRegexPatternSet makes a set of patterns.
func (s *Service) CreateRegexPatternSet(ctx context.Context, call *aws.Call, in *api.CreateRegexPatternSetInput) (*api.CreateRegexPatternSetOutput, error) {
	if err := checkPatterns(in.RegularExpressionList); err != nil {
		return nil, err
	}
	arn, token, err := patterns.create(ctx, s, call, in.Scope, in.Name, in.Tags, func(_ *store.Tx, arn aws.ARN, id string) (api.RegexPatternSet, error) {
		return api.RegexPatternSet{Name: &in.Name, Id: &id, ARN: new(arn.String()), Description: in.Description, RegularExpressionList: in.RegularExpressionList}, nil
	})
	if err != nil {
		return nil, err
	}
	_, id := names(arn)
	return &api.CreateRegexPatternSetOutput{Summary: &api.RegexPatternSetSummary{Name: &in.Name, Id: &id, Description: new(aws.Value(in.Description)), LockToken: &token, ARN: new(arn.String())}}, nil
}

// GetRegexPatternSet returns a set of patterns.
func (s *Service) GetRegexPatternSet(ctx context.Context, call *aws.Call, in *api.GetRegexPatternSetInput) (*api.GetRegexPatternSetOutput, error) {
	arn, err := patterns.arn(call, in.Scope, in.Name, in.Id)
	if err != nil {
		return nil, err
	}
	r, err := patterns.view(ctx, s, arn)
	if err != nil {
		return nil, err
	}
	return &api.GetRegexPatternSetOutput{RegexPatternSet: &r.Config, LockToken: &r.Token}, nil
}

// UpdateRegexPatternSet replaces the patterns of a set.
func (s *Service) UpdateRegexPatternSet(ctx context.Context, call *aws.Call, in *api.UpdateRegexPatternSetInput) (*api.UpdateRegexPatternSetOutput, error) {
	next, err := patterns.update(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken, func(_ *store.Tx, c *api.RegexPatternSet) error {
		c.Description, c.RegularExpressionList = in.Description, in.RegularExpressionList
		return checkPatterns(in.RegularExpressionList)
	})
	return &api.UpdateRegexPatternSetOutput{NextLockToken: next}, err
}

// DeleteRegexPatternSet removes a set that no rule names.
func (s *Service) DeleteRegexPatternSet(ctx context.Context, call *aws.Call, in *api.DeleteRegexPatternSetInput) (*api.DeleteRegexPatternSetOutput, error) {
	return &api.DeleteRegexPatternSetOutput{}, patterns.remove(ctx, s, call, in.Scope, in.Name, in.Id, in.LockToken)
}

// ListRegexPatternSets lists the sets of patterns of a scope.
func (s *Service) ListRegexPatternSets(ctx context.Context, call *aws.Call, in *api.ListRegexPatternSetsInput) (*api.ListRegexPatternSetsOutput, error) {
	all, err := list(ctx, s, patterns, call, in.Scope, func(arn aws.ARN, r *row[api.RegexPatternSet]) api.RegexPatternSetSummary {
		return api.RegexPatternSetSummary{Name: r.Config.Name, Id: r.Config.Id, Description: new(aws.Value(r.Config.Description)), LockToken: &r.Token, ARN: r.Config.ARN}
	})
	return &api.ListRegexPatternSetsOutput{RegexPatternSets: all}, err
}
