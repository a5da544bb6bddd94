package apigatewayv2

import (
	"context"
	"net/http"
	"slices"
	"strings"

	rest "github.com/aloft-cloud/aloft/internal/api/apigateway"
	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A gateway is what domains know of HTTP and WebSocket APIs.
type gateway struct{ *Service }

// Owns implements domain.Gateway.
func (g gateway) Owns(ctx context.Context, id string) bool {
	a, err := g.serve(ctx, id)
	return a != nil || err != nil
}

// HasStage implements domain.Gateway.
func (g gateway) HasStage(tx *store.Tx, call *aws.Call, id, stage string) (hasAPI, hasStage bool, err error) {
	if hasAPI, err = apis.Has(tx, apiARN(call, id)); err == nil && hasAPI {
		hasStage, err = stages.Has(tx, partKey{apiARN(call, id), stage})
	}
	return hasAPI, hasStage, err
}

// ServeVia implements domain.Gateway.
func (g gateway) ServeVia(w http.ResponseWriter, r *http.Request, call *aws.Call, id string, via *domain.Via) {
	g.answerTo(w, r, call, id, via)
}

// CreateDomainName makes a name by which APIs can be asked.
func (s *Service) CreateDomainName(ctx context.Context, call *aws.Call, in *api.CreateDomainNameInput) (*api.CreateDomainNameOutput, error) {
	row := rest.DomainName{
		DomainName: new(strings.ToLower(in.DomainName)), DomainNameStatus: new("AVAILABLE"), RoutingMode: new(modeKept(aws.Or(in.RoutingMode, mappingsOnly))), Tags: in.Tags,
		DomainNameArn: new(aws.ARN{Service: "apigateway", Region: call.Region, Resource: "/domainnames/" + strings.ToLower(in.DomainName)}.String()),
	}
	if err := configure(&row, in.DomainNameConfigurations); err != nil {
		return nil, err
	}
	domain.Place(call, &row)
	trust, err := s.trust(ctx, call, &row, in.MutualTlsAuthentication)
	if err != nil {
		return nil, err
	}
	taken := api.ConflictException.Errorf("The domain name you provided already exists.")
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.Create(tx, call, &row, trust, taken) })
	if err != nil {
		return nil, err
	}
	return new(api.CreateDomainNameOutput(shownDomain(row))), nil
}

const mappingsOnly = "API_MAPPING_ONLY"

// REST APIs have other words for what is asked at a domain; those are kept.
func modeKept(mode string) string {
	return strings.Replace(mode, "API_MAPPING", "BASE_PATH_MAPPING", 1)
}
func modeShown(mode string) string {
	return strings.Replace(mode, "BASE_PATH_MAPPING", "API_MAPPING", 1)
}

// configure puts what a configuration says in a domain.
func configure(row *rest.DomainName, all []api.DomainNameConfiguration) error {
	if len(all) != 1 {
		return errBad("Invalid input. Expected one domain name configuration")
	}
	c := all[0]
	kind := aws.Or(c.EndpointType, api.EndpointTypeRegional)
	row.EndpointConfiguration = &rest.EndpointConfiguration{Types: []string{kind}, IpAddressType: new(aws.Or(c.IpAddressType, "ipv4"))}
	row.SecurityPolicy = new(aws.Or(c.SecurityPolicy, api.SecurityPolicyTls12))
	if kind == api.EndpointTypeEdge {
		row.CertificateArn, row.CertificateName = c.CertificateArn, c.CertificateName
	} else {
		row.RegionalCertificateArn, row.RegionalCertificateName = c.CertificateArn, c.CertificateName
	}
	if aws.Value(c.CertificateArn) == "" {
		return errBad("Certificate ARN must be specified for the domain name configuration")
	}
	row.OwnershipVerificationCertificateArn = c.OwnershipVerificationCertificateArn
	return nil
}

// trust sets whom a domain trusts, and returns their certificates, or "" if
// that does not change.
func (s *Service) trust(ctx context.Context, call *aws.Call, row *rest.DomainName, in *api.MutualTlsAuthenticationInput) (string, error) {
	if in == nil {
		return "", nil
	}
	m := rest.MutualTlsAuthentication{TruststoreUri: in.TruststoreUri, TruststoreVersion: in.TruststoreVersion}
	if old := row.MutualTlsAuthentication; m.TruststoreUri == nil && old != nil {
		m.TruststoreUri = old.TruststoreUri
	}
	if aws.Value(m.TruststoreUri) == "" { // which is how it is turned off
		row.MutualTlsAuthentication = nil
		return "", nil
	}
	row.MutualTlsAuthentication = &m
	return domain.ReadTrust(ctx, call, func(ctx context.Context, call *aws.Call, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
		return dispatch.Call(ctx, s.cfg.Table, call, s3.GetObject, in)
	}, m.TruststoreUri, m.TruststoreVersion)
}

// A shown domain is one as HTTP APIs have it.
func shownDomain(row rest.DomainName) api.GetDomainNameOutput {
	kind := row.EndpointConfiguration.Types[0]
	c := api.DomainNameConfiguration{
		ApiGatewayDomainName: row.RegionalDomainName, CertificateArn: row.RegionalCertificateArn, CertificateName: row.RegionalCertificateName,
		CertificateUploadDate: row.CertificateUploadDate, DomainNameStatus: row.DomainNameStatus, EndpointType: &kind, HostedZoneId: row.RegionalHostedZoneId,
		IpAddressType: row.EndpointConfiguration.IpAddressType, SecurityPolicy: row.SecurityPolicy, OwnershipVerificationCertificateArn: row.OwnershipVerificationCertificateArn,
	}
	if kind == api.EndpointTypeEdge {
		c.ApiGatewayDomainName, c.CertificateArn, c.CertificateName, c.HostedZoneId = row.DistributionDomainName, row.CertificateArn, row.CertificateName, row.DistributionHostedZoneId
	}
	out := api.GetDomainNameOutput{
		ApiMappingSelectionExpression: new("$request.basepath"), DomainName: row.DomainName, DomainNameArn: row.DomainNameArn,
		DomainNameConfigurations: []api.DomainNameConfiguration{c}, RoutingMode: new(modeShown(aws.Value(row.RoutingMode))), Tags: row.Tags,
	}
	if m := row.MutualTlsAuthentication; m != nil {
		out.MutualTlsAuthentication = &api.MutualTlsAuthentication{TruststoreUri: m.TruststoreUri, TruststoreVersion: m.TruststoreVersion}
	}
	return out
}

// GetDomainName returns a domain.
func (s *Service) GetDomainName(ctx context.Context, call *aws.Call, in *api.GetDomainNameInput) (*api.GetDomainNameOutput, error) {
	var row rest.DomainName
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = s.cfg.Domains.Find(tx, call, in.DomainName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(shownDomain(row)), nil
}

// GetDomainNames lists the domains of an account.
func (s *Service) GetDomainNames(ctx context.Context, call *aws.Call, in *api.GetDomainNamesInput) (*api.GetDomainNamesOutput, error) {
	limit, after, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	var out *api.GetDomainNamesOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.GetDomainNamesOutput{Items: []api.DomainName{}}
		for row := range s.cfg.Domains.All(tx, call, after) {
			if len(out.Items) == limit {
				out.NextToken = tokenAfter(out.Items[limit-1].DomainName)
				break
			}
			d := shownDomain(row)
			out.Items = append(out.Items, api.DomainName{
				ApiMappingSelectionExpression: d.ApiMappingSelectionExpression, DomainName: *d.DomainName, DomainNameArn: d.DomainNameArn,
				DomainNameConfigurations: d.DomainNameConfigurations, MutualTlsAuthentication: d.MutualTlsAuthentication, RoutingMode: d.RoutingMode, Tags: d.Tags,
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDomainName changes a domain.
func (s *Service) UpdateDomainName(ctx context.Context, call *aws.Call, in *api.UpdateDomainNameInput) (*api.UpdateDomainNameOutput, error) {
	var row rest.DomainName
	trust := ""
	change := func(tx *store.Tx) (err error) {
		if row, err = s.cfg.Domains.Find(tx, call, in.DomainName); err != nil {
			return err
		}
		if in.RoutingMode != nil {
			row.RoutingMode = new(modeKept(*in.RoutingMode))
		}
		if in.DomainNameConfigurations == nil {
			return nil
		}
		before := row.EndpointConfiguration
		if err := configure(&row, in.DomainNameConfigurations); err != nil {
			return err
		}
		if !slices.Equal(before.Types, row.EndpointConfiguration.Types) {
			domain.Place(call, &row)
		}
		return nil
	}
	err := s.db.View(ctx, change)
	if err != nil {
		return nil, err
	}
	if trust, err = s.trust(ctx, call, &row, in.MutualTlsAuthentication); err != nil {
		return nil, err
	}
	trusting := row.MutualTlsAuthentication
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		if in.MutualTlsAuthentication != nil {
			row.MutualTlsAuthentication = trusting
		}
		return s.cfg.Domains.Put(tx, call, &row, trust)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateDomainNameOutput(shownDomain(row))), nil
}

// DeleteDomainName removes a domain and its mappings.
func (s *Service) DeleteDomainName(ctx context.Context, call *aws.Call, in *api.DeleteDomainNameInput) (*api.DeleteDomainNameOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.Delete(tx, call, in.DomainName) })
	if err != nil {
		return nil, err
	}
	return &api.DeleteDomainNameOutput{}, nil
}
