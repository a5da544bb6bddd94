package elasticloadbalancing

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// limits are what an account may have, as AWS names them.
var limits = map[string]int32{
	"application-load-balancers": maxBalancers, "network-load-balancers": maxBalancers, "gateway-load-balancers": 0, "target-groups": maxGroups,
	"listeners-per-application-load-balancer": maxListeners, "listeners-per-network-load-balancer": maxListeners, "rules-per-application-load-balancer": maxRules,
	"targets-per-target-group": maxTargets, "certificates-per-application-load-balancer": maxCertificates, "target-groups-per-action-on-application-load-balancer": maxForwards,
	"condition-values-per-alb-rule": maxValues, "condition-wildcards-per-alb-rule": maxWildcards,
}

// DescribeAccountLimits tells how many of each an account may have.
func (s *Service) DescribeAccountLimits(_ context.Context, _ *aws.Call, in *api.DescribeAccountLimitsInput) (*api.DescribeAccountLimitsOutput, error) {
	all := []api.Limit{}
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		all = append(all, api.Limit{Name: &name, Max: new(itoa(limits[name]))})
	}
	out := new(api.DescribeAccountLimitsOutput)
	out.Limits, out.NextMarker = page(all, in.PageSize, in.Marker, func(l *api.Limit) string { return *l.Name })
	return out, nil
}

// sslPolicies are the names by which listeners say which TLS they speak, and
// the versions in each.
var sslPolicies = map[string][]string{
	"ELBSecurityPolicy-2016-08":                  {"TLSv1", "TLSv1.1", "TLSv1.2"},
	"ELBSecurityPolicy-TLS-1-0-2015-04":          {"TLSv1", "TLSv1.1", "TLSv1.2"},
	"ELBSecurityPolicy-TLS-1-1-2017-01":          {"TLSv1.1", "TLSv1.2"},
	"ELBSecurityPolicy-TLS-1-2-2017-01":          {"TLSv1.2"},
	"ELBSecurityPolicy-TLS-1-2-Ext-2018-06":      {"TLSv1.2"},
	"ELBSecurityPolicy-FS-2018-06":               {"TLSv1", "TLSv1.1", "TLSv1.2"},
	"ELBSecurityPolicy-FS-1-1-2019-08":           {"TLSv1.1", "TLSv1.2"},
	"ELBSecurityPolicy-FS-1-2-2019-08":           {"TLSv1.2"},
	"ELBSecurityPolicy-FS-1-2-Res-2019-08":       {"TLSv1.2"},
	"ELBSecurityPolicy-FS-1-2-Res-2020-10":       {"TLSv1.2"},
	"ELBSecurityPolicy-TLS13-1-0-2021-06":        {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-1-2021-06":        {"TLSv1.1", "TLSv1.2", "TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-2-2021-06":        {"TLSv1.2", "TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-2-Res-2021-06":    {"TLSv1.2", "TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06":   {"TLSv1.2", "TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06":   {"TLSv1.2", "TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-3-2021-06":        {"TLSv1.3"},
	"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09": {"TLSv1.2", "TLSv1.3"},
}

// DescribeSSLPolicies lists the policies that listeners can have.
func (s *Service) DescribeSSLPolicies(_ context.Context, _ *aws.Call, in *api.DescribeSSLPoliciesInput) (*api.DescribeSSLPoliciesOutput, error) {
	all := []api.SslPolicy{}
	for _, name := range in.Names {
		if _, known := sslPolicies[name]; !known {
			return nil, api.SSLPolicyNotFoundException.Errorf("SSL policy '%s' not found", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sslPolicies)) {
		if in.Names == nil || slices.Contains(in.Names, name) {
			all = append(all, api.SslPolicy{
				Name: &name, SslProtocols: sslPolicies[name], Ciphers: []api.Cipher{}, SupportedLoadBalancerTypes: []string{api.LoadBalancerTypeEnumApplication, api.LoadBalancerTypeEnumNetwork},
			})
		}
	}
	out := new(api.DescribeSSLPoliciesOutput)
	out.SslPolicies, out.NextMarker = page(all, in.PageSize, in.Marker, func(p *api.SslPolicy) string { return *p.Name })
	return out, nil
}
