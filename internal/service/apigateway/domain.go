package apigateway

import (
	"context"
	"errors"
	"regexp"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	domains     = store.NewTable[aws.ARN, api.DomainName]("apigateway.domain")
	domainHomes = store.NewTable[aws.ARN, home]("apigateway.domainHome") // of domains by name alone
	mappings    = store.NewTable[memberKey, api.BasePathMapping]("apigateway.mapping")
)

// noPath is the base path of mappings that are for all paths.
const noPath = "(none)"

var domainName = regexp.MustCompile(`^(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9-]{2,63}$`)

func domainARN(call *aws.Call, name string) aws.ARN {
	return call.ARN("apigateway", "/domainnames/"+strings.ToLower(name))
}

func domainHomeARN(name string) aws.ARN {
	return aws.ARN{Service: "apigateway", Resource: "/domainnames/" + strings.ToLower(name)}
}

func findDomain(tx *store.Tx, call *aws.Call, name string) (aws.ARN, api.DomainName, error) {
	arn := domainARN(call, name)
	row, err := domains.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Invalid domain name identifier specified")
	}
	return arn, row, err
}

// CreateDomainName makes a name by which APIs can be asked.
func (s *Service) CreateDomainName(ctx context.Context, call *aws.Call, in *api.CreateDomainNameInput) (*api.DomainName, error) {
	row, err := newDomain(call, in)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		at := domainHomeARN(in.DomainName)
		if found, err := domainHomes.Has(tx, at); err != nil {
			return err
		} else if found {
			return api.ConflictException.Errorf("The domain name you provided already exists.")
		}
		return errors.Join(domainHomes.Put(tx, at, home{call.Account, call.Region}), domains.Put(tx, domainARN(call, in.DomainName), *row))
	})
	if err != nil {
		return nil, err
	}
	return row, nil
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
	case !domainName.MatchString(in.DomainName):
		return nil, errBad("Invalid domain name specified: %s", in.DomainName)
	case len(endpoint.Types) != 1:
		return nil, errBad("Only one endpoint type can be specified for a domain name")
	case endpoint.Types[0] == "PRIVATE":
		return nil, errNotYet("private domain names")
	case in.MutualTlsAuthentication != nil && aws.Value(in.MutualTlsAuthentication.TruststoreUri) == "":
		return nil, errBad("The truststore URI must be specified for mutual TLS")
	}
	row := &api.DomainName{
		DomainName: &in.DomainName, CertificateName: in.CertificateName, CertificateArn: in.CertificateArn, RegionalCertificateName: in.RegionalCertificateName,
		RegionalCertificateArn: in.RegionalCertificateArn, EndpointConfiguration: endpoint, DomainNameStatus: new("AVAILABLE"),
		SecurityPolicy: new(aws.Or(in.SecurityPolicy, "TLS_1_2")), EndpointAccessMode: in.EndpointAccessMode, Tags: in.Tags,
		OwnershipVerificationCertificateArn: in.OwnershipVerificationCertificateArn, RoutingMode: new(aws.Or(in.RoutingMode, "BASE_PATH_MAPPING_ONLY")),
	}
	row.DomainNameArn = new(aws.ARN{Service: "apigateway", Region: call.Region, Resource: "/domainnames/" + in.DomainName}.String())
	if m := in.MutualTlsAuthentication; m != nil {
		row.MutualTlsAuthentication = &api.MutualTlsAuthentication{TruststoreUri: m.TruststoreUri, TruststoreVersion: m.TruststoreVersion}
	}
	placeDomain(call, row)
	return row, nil
}

// placeDomain sets the names that a domain's own is to be an alias of.
func placeDomain(call *aws.Call, row *api.DomainName) {
	if row.EndpointConfiguration.Types[0] == "REGIONAL" {
		row.RegionalDomainName = new("d-" + newID(10) + ".execute-api." + call.Region + ".amazonaws.com")
		row.RegionalHostedZoneId = new("Z1U9ULNL0V5AJ3")
		return
	}
	row.DistributionDomainName = new("d" + newID(13) + ".cloudfront.net")
	row.DistributionHostedZoneId = new("Z2FDTNDATAQYW2")
	row.CertificateUploadDate = now()
}

// GetDomainName returns a domain.
func (s *Service) GetDomainName(ctx context.Context, call *aws.Call, in *api.GetDomainNameInput) (*api.DomainName, error) {
	var row api.DomainName
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findDomain(tx, call, in.DomainName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetDomainNames lists the domains of an account.
func (s *Service) GetDomainNames(ctx context.Context, call *aws.Call, in *api.GetDomainNamesInput) (*api.GetDomainNamesOutput, error) {
	out := new(api.GetDomainNamesOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listOf(tx, domains, call, "/domainnames/", in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDomainName changes a domain.
func (s *Service) UpdateDomainName(ctx context.Context, call *aws.Call, in *api.UpdateDomainNameInput) (*api.DomainName, error) {
	var row api.DomainName
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		row = found
		if err := apply(in.PatchOperations, func(c *change) error { return patchDomain(call, &row, c) }); err != nil {
			return err
		}
		return domains.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
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
		placeDomain(call, row)
	}
	return nil
}

// DeleteDomainName removes a domain and its mappings.
func (s *Service) DeleteDomainName(ctx context.Context, call *aws.Call, in *api.DeleteDomainNameInput) (*api.DeleteDomainNameOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		return errors.Join(mappings.DeletePrefix(tx, memberKey{Of: arn}), domainHomes.Delete(tx, domainHomeARN(*row.DomainName)), domains.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDomainNameOutput{}, nil
}

// checkUnmapped refuses to remove an API that a domain leads to.
func checkUnmapped(tx *store.Tx, call *aws.Call, apiID string) error {
	for d := range domains.Scan(tx, call.ARN("apigateway", "")) {
		for _, m := range mappings.Scan(tx, memberKey{Of: d}) {
			if *m.RestApiId == apiID {
				return errBad("Please remove all base path mappings related to the API in your domain: %s", strings.TrimPrefix(d.Resource, "/domainnames/"))
			}
		}
	}
	return tx.Err()
}

// CreateBasePathMapping has paths of a domain lead to an API.
func (s *Service) CreateBasePathMapping(ctx context.Context, call *aws.Call, in *api.CreateBasePathMappingInput) (*api.BasePathMapping, error) {
	row := api.BasePathMapping{BasePath: new(basePath(in.BasePath)), RestApiId: &in.RestApiId, Stage: in.Stage}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		key := memberKey{arn, *row.BasePath}
		if found, err := mappings.Has(tx, key); err != nil {
			return err
		} else if found {
			return api.ConflictException.Errorf("Base path already exists for this domain name")
		}
		if err := checkMapping(tx, call, &row); err != nil {
			return err
		}
		return mappings.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func basePath(path *string) string {
	if aws.Value(path) == "" {
		return noPath
	}
	return *path
}

func checkMapping(tx *store.Tx, call *aws.Call, row *api.BasePathMapping) error {
	if strings.Contains(*row.BasePath, "/") {
		return errBad("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	}
	if _, _, err := findAPI(tx, call, *row.RestApiId); err != nil {
		return errBad("Invalid REST API identifier specified")
	}
	if name := aws.Value(row.Stage); name != "" && name != noPath {
		if found, err := stages.Has(tx, partKey{apiARN(call, *row.RestApiId), name}); err != nil {
			return err
		} else if !found {
			return errBad("Invalid stage identifier specified")
		}
	}
	return nil
}

// GetBasePathMapping returns a mapping.
func (s *Service) GetBasePathMapping(ctx context.Context, call *aws.Call, in *api.GetBasePathMappingInput) (*api.BasePathMapping, error) {
	var row api.BasePathMapping
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		row, err = mappings.Get(tx, memberKey{arn, basePath(&in.BasePath)})
		return errNoMapping(err)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func errNoMapping(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.NotFoundException.Errorf("Invalid base path mapping identifier specified")
	}
	return err
}

// GetBasePathMappings lists the mappings of a domain.
func (s *Service) GetBasePathMappings(ctx context.Context, call *aws.Call, in *api.GetBasePathMappingsInput) (*api.GetBasePathMappingsOutput, error) {
	p, err := pageOf(in.Limit, in.Position)
	if err != nil {
		return nil, err
	}
	var out *api.GetBasePathMappingsOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.GetBasePathMappingsOutput{Items: []api.BasePathMapping{}}
		arn, _, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		for _, row := range mappings.ScanAfter(tx, memberKey{Of: arn}, memberKey{arn, p.after}) {
			if len(out.Items) == p.limit {
				if p.limit > 0 {
					out.Position = positionAfter(*out.Items[p.limit-1].BasePath)
				}
				break
			}
			out.Items = append(out.Items, row)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateBasePathMapping changes a mapping.
func (s *Service) UpdateBasePathMapping(ctx context.Context, call *aws.Call, in *api.UpdateBasePathMappingInput) (*api.BasePathMapping, error) {
	var row api.BasePathMapping
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		key := memberKey{arn, basePath(&in.BasePath)}
		if row, err = mappings.Get(tx, key); err != nil {
			return errNoMapping(err)
		}
		err = replace(in.PatchOperations, []string{"/basePath", "/stage", "/restapiId"}, func(c *change) error {
			switch c.path {
			case "/basePath":
				row.BasePath = new(basePath(&c.value))
			case "/stage":
				row.Stage = c.text()
			default:
				row.RestApiId = &c.value
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := checkMapping(tx, call, &row); err != nil {
			return err
		}
		return errors.Join(mappings.Delete(tx, key), mappings.Put(tx, memberKey{arn, *row.BasePath}, row))
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteBasePathMapping removes a mapping.
func (s *Service) DeleteBasePathMapping(ctx context.Context, call *aws.Call, in *api.DeleteBasePathMappingInput) (*api.DeleteBasePathMappingOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		key := memberKey{arn, basePath(&in.BasePath)}
		if _, err := mappings.Get(tx, key); err != nil {
			return errNoMapping(err)
		}
		return mappings.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteBasePathMappingOutput{}, nil
}
