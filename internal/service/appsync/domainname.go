package appsync

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	domainNames  = store.NewTable[aws.ARN, api.DomainNameConfig]("appsync.domain")
	associations = store.NewTable[aws.ARN, string]("appsync.association") // ids of APIs, by their domains alone
)

const domainKind = "domainnames/"

func domainARN(call *aws.Call, name string) aws.ARN {
	return call.ARN("appsync", domainKind+strings.ToLower(name))
}

// associationARN is a domain wherever it is: hosts do not say.
func associationARN(name string) aws.ARN {
	return aws.ARN{Service: "appsync", Resource: domainKind + strings.ToLower(name)}
}

// CreateDomainName makes a domain, by which one API may be asked.
func (s *Service) CreateDomainName(ctx context.Context, call *aws.Call, in *api.CreateDomainNameInput) (*api.CreateDomainNameOutput, error) {
	name := strings.ToLower(in.DomainName)
	arn := domainARN(call, name)
	row := api.DomainNameConfig{DomainName: &name, Description: in.Description, CertificateArn: &in.CertificateArn, Tags: in.Tags,
		AppsyncDomainName: new("d" + newID(13) + ".cloudfront.net"), HostedZoneId: new("Z2FDTNDATAQYW2"), DomainNameArn: new(arn.String())}
	if err := checkTags(row.Tags); err != nil {
		return nil, err
	}
	err := s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		has, err := associations.Has(tx, associationARN(name))
		if err != nil || has {
			return errors.Join(err, errBad("Domain name already exists: %s", name))
		}
		if err := associations.Put(tx, associationARN(name), ""); err != nil { // it is taken, everywhere
			return err
		}
		tx.AfterCommit(s.domains.DropAll)
		return domainNames.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDomainNameOutput{DomainNameConfig: &row}, nil
}

func findDomain(tx *store.Tx, call *aws.Call, name string) (aws.ARN, api.DomainNameConfig, error) {
	arn := domainARN(call, name)
	row, err := domainNames.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Domain name %s not found.", name)
	}
	return arn, row, err
}

// GetDomainName returns a domain.
func (s *Service) GetDomainName(ctx context.Context, call *aws.Call, in *api.GetDomainNameInput) (*api.GetDomainNameOutput, error) {
	var row api.DomainNameConfig
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findDomain(tx, call, in.DomainName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetDomainNameOutput{DomainNameConfig: &row}, nil
}

// ListDomainNames lists the domains of the account and region.
func (s *Service) ListDomainNames(ctx context.Context, call *aws.Call, in *api.ListDomainNamesInput) (out *api.ListDomainNamesOutput, err error) {
	out = new(api.ListDomainNamesOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		scan := func(after string) iter.Seq2[aws.ARN, api.DomainNameConfig] {
			return domainNames.ScanAfter(tx, call.ARN("appsync", ""), domainARN(call, after))
		}
		out.DomainNameConfigs, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k aws.ARN) string { return strings.TrimPrefix(k.Resource, domainKind) },
			func(_ aws.ARN, row api.DomainNameConfig) (api.DomainNameConfig, bool) { return row, true })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDomainName changes what a domain is described as.
func (s *Service) UpdateDomainName(ctx context.Context, call *aws.Call, in *api.UpdateDomainNameInput) (*api.UpdateDomainNameOutput, error) {
	var row api.DomainNameConfig
	err := s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		arn, old, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		row = old
		row.Description = in.Description
		return domainNames.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateDomainNameOutput{DomainNameConfig: &row}, nil
}

// DeleteDomainName removes a domain that no API has.
func (s *Service) DeleteDomainName(ctx context.Context, call *aws.Call, in *api.DeleteDomainNameInput) (*api.DeleteDomainNameOutput, error) {
	err := s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findDomain(tx, call, in.DomainName)
		if err != nil {
			return err
		}
		if id, err := associations.Get(tx, associationARN(in.DomainName)); err != nil || id != "" {
			return errors.Join(err, errBad("The domain name is associated with an API: disassociate it first."))
		}
		tx.AfterCommit(s.domains.DropAll)
		return errors.Join(associations.Delete(tx, associationARN(in.DomainName)), domainNames.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDomainNameOutput{}, nil
}

// AssociateApi has a domain lead to an API.
func (s *Service) AssociateApi(ctx context.Context, call *aws.Call, in *api.AssociateApiInput) (*api.AssociateApiOutput, error) {
	err := s.associate(ctx, call, in.DomainName, func(tx *store.Tx, _ string) (string, error) {
		_, err := findEither(tx, call, in.ApiId)
		return in.ApiId, err
	})
	if err != nil {
		return nil, err
	}
	return &api.AssociateApiOutput{ApiAssociation: association(in.DomainName, in.ApiId)}, nil
}

// DisassociateApi has a domain lead nowhere.
func (s *Service) DisassociateApi(ctx context.Context, call *aws.Call, in *api.DisassociateApiInput) (*api.DisassociateApiOutput, error) {
	err := s.associate(ctx, call, in.DomainName, func(_ *store.Tx, old string) (string, error) {
		if old == "" {
			return "", errNoAssociation(in.DomainName)
		}
		return "", nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DisassociateApiOutput{}, nil
}

func errNoAssociation(name string) error {
	return api.NotFoundException.Errorf("Domain name %s is not associated with an API.", name)
}

func (s *Service) associate(ctx context.Context, call *aws.Call, name string, to func(tx *store.Tx, old string) (string, error)) error {
	return s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := findDomain(tx, call, name); err != nil {
			return err
		}
		old, err := associations.Get(tx, associationARN(name))
		if err != nil {
			return err
		}
		id, err := to(tx, old)
		if err != nil {
			return err
		}
		tx.AfterCommit(s.domains.DropAll)
		return associations.Put(tx, associationARN(name), id)
	})
}

func association(name, id string) *api.ApiAssociation {
	return &api.ApiAssociation{DomainName: &name, ApiId: &id, AssociationStatus: new(api.AssociationStatusSuccess)}
}

// GetApiAssociation says which API a domain leads to.
func (s *Service) GetApiAssociation(ctx context.Context, call *aws.Call, in *api.GetApiAssociationInput) (*api.GetApiAssociationOutput, error) {
	var id string
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		if _, _, err := findDomain(tx, call, in.DomainName); err != nil {
			return err
		}
		if id, err = associations.Get(tx, associationARN(in.DomainName)); err == nil && id == "" {
			err = errNoAssociation(in.DomainName)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetApiAssociationOutput{ApiAssociation: association(in.DomainName, id)}, nil
}

// domainAPI returns the id of the API that a domain leads to; known is false if
// the host is no domain of ours.
func (s *Service) domainAPI(ctx context.Context, host string) (id string, known bool) {
	host = strings.ToLower(host)
	d, changes := s.domains.Get(host)
	if d == nil {
		d = new(domainOf)
		err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
			var err error
			d.id, err = associations.Get(tx, associationARN(host))
			d.known = err == nil
			return ignoreNone(err)
		})
		if err != nil {
			return "", false
		}
		s.domains.Put(host, d, changes)
	}
	return d.id, d.known
}

// A domainOf is what is known of a host.
type domainOf struct {
	id    string
	known bool
}

// ServeDomain answers what comes to a domain.
func (s *Service) ServeDomain(w http.ResponseWriter, r *http.Request, call *aws.Call, host string) {
	id, _ := s.domainAPI(r.Context(), host)
	s.ServeGraphQL(w, r, call, id)
}
