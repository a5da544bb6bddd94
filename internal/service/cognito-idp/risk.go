package cognitoidp

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// risks are what pools do about sign-ins that may not be the user's, by client;
// ALL is any. Which passwords are known to thieves, and how likely a sign-in is one's
// own, only AWS can tell: of all that is kept, ranges of addresses are acted upon.
var risks = store.NewTable[partKey, api.RiskConfigurationType]("cognito-idp.risk")

// SetRiskConfiguration keeps what a pool, or a client of it, does about risks.
// With nothing to do, it does as the pool does.
func (s *Service) SetRiskConfiguration(ctx context.Context, call *aws.Call, in *api.SetRiskConfigurationInput) (*api.SetRiskConfigurationOutput, error) {
	row := api.RiskConfigurationType{
		UserPoolId: &in.UserPoolId, ClientId: in.ClientId, CompromisedCredentialsRiskConfiguration: in.CompromisedCredentialsRiskConfiguration,
		AccountTakeoverRiskConfiguration: in.AccountTakeoverRiskConfiguration, RiskExceptionConfiguration: in.RiskExceptionConfiguration, LastModifiedDate: new(now()),
	}
	if _, err := rangesOf(in.RiskExceptionConfiguration); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		if in.ClientId != nil {
			if _, err := findClientOf(tx, p, *in.ClientId); err != nil {
				return err
			}
		}
		key := partKey{p.arn, aws.Or(in.ClientId, anyClient)}
		if in.CompromisedCredentialsRiskConfiguration == nil && in.AccountTakeoverRiskConfiguration == nil && in.RiskExceptionConfiguration == nil {
			return risks.Delete(tx, key)
		}
		if !p.protected() {
			return api.UserPoolAddOnNotEnabledException.Errorf("User pool add-ons are not enabled for user pool: %s", in.UserPoolId)
		}
		return risks.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetRiskConfigurationOutput{RiskConfiguration: &row}, nil
}

// DescribeRiskConfiguration returns what a pool, or a client of it, does about
// risks.
func (s *Service) DescribeRiskConfiguration(ctx context.Context, call *aws.Call, in *api.DescribeRiskConfigurationInput) (*api.DescribeRiskConfigurationOutput, error) {
	var row api.RiskConfigurationType
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		row, err = riskOf(tx, p, in.GetClientId())
		if row.UserPoolId == nil {
			row = api.RiskConfigurationType{UserPoolId: &in.UserPoolId, ClientId: in.ClientId}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeRiskConfigurationOutput{RiskConfiguration: &row}, nil
}

// protected reports whether the pool has threat protection.
func (p *userPool) protected() bool {
	return p.UserPoolAddOns != nil && p.UserPoolAddOns.AdvancedSecurityMode != api.AdvancedSecurityModeTypeOff
}

// riskOf is what is done about risks of a client: as it says, or its pool.
func riskOf(tx *store.Tx, p *userPool, client string) (api.RiskConfigurationType, error) {
	for _, id := range []string{client, anyClient} {
		row, err := risks.Get(tx, partKey{p.arn, id})
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return row, err
		}
	}
	return api.RiskConfigurationType{}, nil
}

// rangesOf are the addresses that are blocked.
func rangesOf(c *api.RiskExceptionConfigurationType) (blocked []netip.Prefix, err error) {
	if c == nil {
		return nil, nil
	}
	for _, text := range slices.Concat(c.BlockedIPRangeList, c.SkippedIPRangeList) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, invalid("Invalid CIDR notation: %s", text)
		}
		if len(blocked) < len(c.BlockedIPRangeList) {
			blocked = append(blocked, p.Masked())
		}
	}
	return blocked, nil
}

// checkAddress refuses to sign a user in from an address that the pool blocks,
// if it enforces that. address is "" if nobody knows it.
func (v *visit) checkAddress(tx *store.Tx, address string) error {
	ip, err := netip.ParseAddr(address)
	if err != nil || v.pool.UserPoolAddOns == nil || v.pool.UserPoolAddOns.AdvancedSecurityMode != api.AdvancedSecurityModeTypeEnforced {
		return nil
	}
	row, err := riskOf(tx, v.pool, *v.client.ClientId)
	if err != nil {
		return err
	}
	blocked, err := rangesOf(row.RiskExceptionConfiguration)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(blocked, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) }) {
		return api.NotAuthorizedException.Errorf("Unable to login because of security reasons")
	}
	return nil
}
