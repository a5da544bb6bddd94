package apigateway

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateDomainNameAccessAssociation lets an endpoint of a network ask a private domain.
func (s *Service) CreateDomainNameAccessAssociation(ctx context.Context, call *aws.Call, in *api.CreateDomainNameAccessAssociationInput) (*api.DomainNameAccessAssociation, error) {
	if !strings.Contains(in.DomainNameArn, "/domainnames/") {
		return nil, errBad("Invalid domain name ARN specified")
	}
	row := api.DomainNameAccessAssociation{
		DomainNameArn: &in.DomainNameArn, AccessAssociationSourceType: &in.AccessAssociationSourceType, AccessAssociationSource: &in.AccessAssociationSource, Tags: in.Tags,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.Associate(tx, call, &row) })
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetDomainNameAccessAssociations lists the associations of an account.
func (s *Service) GetDomainNameAccessAssociations(ctx context.Context, call *aws.Call, in *api.GetDomainNameAccessAssociationsInput) (*api.GetDomainNameAccessAssociationsOutput, error) {
	if aws.Value(in.ResourceOwner) == "OTHER_ACCOUNTS" {
		return &api.GetDomainNameAccessAssociationsOutput{Items: []api.DomainNameAccessAssociation{}}, nil
	}
	p, err := pageOf(in.Limit, in.Position)
	if err != nil {
		return nil, err
	}
	out := new(api.GetDomainNameAccessAssociationsOutput)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all := s.cfg.Domains.Associations(tx, call, p.after)
		out.Items, out.Position = pageFrom(p, all, func(a domain.Association) (domain.Association, string) {
			_, resource, _ := strings.Cut(*a.DomainNameAccessAssociationArn, ":"+call.Account+":")
			return a, resource
		})
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteDomainNameAccessAssociation removes an association.
func (s *Service) DeleteDomainNameAccessAssociation(ctx context.Context, call *aws.Call, in *api.DeleteDomainNameAccessAssociationInput) (*api.DeleteDomainNameAccessAssociationOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return s.cfg.Domains.Dissociate(tx, call, in.DomainNameAccessAssociationArn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDomainNameAccessAssociationOutput{}, nil
}
