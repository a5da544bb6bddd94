package apigateway

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/store"
)

// noPath is the base path of mappings that are for all paths.
const noPath = "(none)"

// CreateDomainName makes a name by which APIs can be asked.
func (s *Service) CreateDomainName(ctx context.Context, call *aws.Call, in *api.CreateDomainNameInput) (*api.DomainName, error) {
	row, err := newDomain(call, in)
	if err != nil {
		return nil, err
	}
	if domain.IsPrivate(row) {
		if err := s.checkPrivate(row); err != nil {
			return nil, err
		}
	}
	trust := ""
	if m := row.MutualTlsAuthentication; m != nil {
		if trust, err = domain.ReadTrust(ctx, call, s.getObject, m.TruststoreUri, m.TruststoreVersion); err != nil {
			return nil, err
		}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		return s.cfg.Domains.Create(tx, call, row, trust, errBad("The domain name you provided already exists."))
	})
	if err != nil {
		return nil, err
	}
	return row, nil
}

// checkPrivate refuses a private domain whose policy cannot be, and all where
// whoever reaches the platform could say that it came by a network.
func (s *Service) checkPrivate(row *api.DomainName) error {
	if !s.cfg.Local {
		return errNotYet("private domain names, whose callers a network would have to vouch for,")
	}
	if text := aws.Value(row.Policy); text != "" {
		if _, err := policy.Parse(text); err != nil {
			return errBad("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
		}
	}
	return nil
}

// getObject gets an object of S3, as the caller may.
func (s *Service) getObject(ctx context.Context, call *aws.Call, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	return dispatch.Call(ctx, s.cfg.Table, call, s3.GetObject, in)
}

func newDomain(call *aws.Call, in *api.CreateDomainNameInput) (*api.DomainName, error) {
	endpoint := in.EndpointConfiguration
	if endpoint == nil {
		endpoint = &api.EndpointConfiguration{Types: []string{"EDGE"}}
	}
	if endpoint.IpAddressType == nil {
		endpoint.IpAddressType = usualAddresses(endpoint.Types)
	}
	switch {
	case len(endpoint.Types) != 1:
		return nil, errBad("Only one endpoint type can be specified for a domain name")
	case in.MutualTlsAuthentication != nil && aws.Value(in.MutualTlsAuthentication.TruststoreUri) == "":
		return nil, errBad("The truststore URI must be specified for mutual TLS")
	}
	row := &api.DomainName{
		DomainName: &in.DomainName, CertificateName: in.CertificateName, CertificateArn: in.CertificateArn, RegionalCertificateName: in.RegionalCertificateName,
		RegionalCertificateArn: in.RegionalCertificateArn, EndpointConfiguration: endpoint, DomainNameStatus: new("AVAILABLE"),
		SecurityPolicy: new(aws.Or(in.SecurityPolicy, "TLS_1_2")), EndpointAccessMode: in.EndpointAccessMode, Tags: in.Tags,
		OwnershipVerificationCertificateArn: in.OwnershipVerificationCertificateArn, Policy: in.Policy, RoutingMode: new(aws.Or(in.RoutingMode, "BASE_PATH_MAPPING_ONLY")),
	}
	row.DomainNameArn = new(aws.ARN{Service: "apigateway", Region: call.Region, Resource: "/domainnames/" + in.DomainName}.String())
	if m := in.MutualTlsAuthentication; m != nil {
		row.MutualTlsAuthentication = &api.MutualTlsAuthentication{TruststoreUri: m.TruststoreUri, TruststoreVersion: m.TruststoreVersion}
	}
	domain.Place(call, row)
	return row, nil
}

// GetDomainName returns a domain.
func (s *Service) GetDomainName(ctx context.Context, call *aws.Call, in *api.GetDomainNameInput) (*api.DomainName, error) {
	var row api.DomainName
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = s.cfg.Domains.Find(tx, call, in.DomainName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetDomainNames lists the domains of an account.
func (s *Service) GetDomainNames(ctx context.Context, call *aws.Call, in *api.GetDomainNamesInput) (*api.GetDomainNamesOutput, error) {
	p, err := pageOf(in.Limit, in.Position)
	if err != nil {
		return nil, err
	}
	out := new(api.GetDomainNamesOutput)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all := s.cfg.Domains.All(tx, call, p.after)
		out.Items, out.Position = pageFrom(p, all, func(row api.DomainName) (api.DomainName, string) { return row, strings.ToLower(*row.DomainName) })
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDomainName changes a domain.
func (s *Service) UpdateDomainName(ctx context.Context, call *aws.Call, in *api.UpdateDomainNameInput) (*api.DomainName, error) {
	var row api.DomainName
	change := func(tx *store.Tx) (err error) {
		if row, err = s.cfg.Domains.Find(tx, call, in.DomainName); err != nil {
			return err
		}
		if m := row.MutualTlsAuthentication; m != nil {
			row.MutualTlsAuthentication = new(*m)
		}
		return apply(in.PatchOperations, func(c *change) error { return patchDomain(call, &row, c) })
	}
	if err := s.db.View(ctx, change); err != nil {
		return nil, err
	}
	trust := ""
	if m := row.MutualTlsAuthentication; m != nil && slices.ContainsFunc(in.PatchOperations, aboutTrust) {
		var err error
		if trust, err = domain.ReadTrust(ctx, call, s.getObject, m.TruststoreUri, m.TruststoreVersion); err != nil {
			return nil, err
		}
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return s.cfg.Domains.Put(tx, call, &row, trust)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func aboutTrust(p api.PatchOperation) bool {
	return strings.HasPrefix(aws.Value(p.Path), "/mutualTlsAuthentication/")
}

func patchDomain(call *aws.Call, row *api.DomainName, c *change) error {
	switch c.path {
	case "/certificateArn":
		row.CertificateArn = c.text()
	case "/certificateName":
		row.CertificateName = c.text()
	case "/regionalCertificateArn":
		row.RegionalCertificateArn = c.text()
	case "/regionalCertificateName":
		row.RegionalCertificateName = c.text()
	case "/securityPolicy":
		row.SecurityPolicy = c.text()
	case "/endpointAccessMode":
		row.EndpointAccessMode = c.text()
	case "/routingMode":
		row.RoutingMode = c.text()
	case "/policy":
		row.Policy = c.text()
	case "/ownershipVerificationCertificateArn":
		row.OwnershipVerificationCertificateArn = c.text()
	case "/mutualTlsAuthentication/truststoreUri", "/mutualTlsAuthentication/truststoreVersion":
		if row.MutualTlsAuthentication == nil {
			row.MutualTlsAuthentication = new(api.MutualTlsAuthentication)
		}
		if c.parts[1] == "truststoreUri" {
			row.MutualTlsAuthentication.TruststoreUri = c.text()
		} else {
			row.MutualTlsAuthentication.TruststoreVersion = c.text()
		}
		if aws.Value(row.MutualTlsAuthentication.TruststoreUri) == "" {
			row.MutualTlsAuthentication = nil
		}
	default:
		if c.at(0) != "endpointConfiguration" {
			return c.errPath()
		}
		if c.at(1) == "types" && len(c.parts) == 3 { // of an index: /types/EDGE
			c = &change{op: c.op, path: c.path, parts: c.parts[:2], value: c.value}
		}
		if err := patchEndpoint(row.EndpointConfiguration, c); err != nil {
			return err
		}
		row.RegionalDomainName, row.RegionalHostedZoneId, row.DistributionDomainName, row.DistributionHostedZoneId = nil, nil, nil, nil
		domain.Place(call, row)
	}
	return nil
}

// DeleteDomainName removes a domain and its mappings.
func (s *Service) DeleteDomainName(ctx context.Context, call *aws.Call, in *api.DeleteDomainNameInput) (*api.DeleteDomainNameOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.Delete(tx, call, in.DomainName) })
	if err != nil {
		return nil, err
	}
	return &api.DeleteDomainNameOutput{}, nil
}
