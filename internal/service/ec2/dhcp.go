package ec2

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateDhcpOptions makes options that VPCs may have.
func (s *Service) CreateDhcpOptions(ctx context.Context, call *aws.Call, in *api.CreateDhcpOptionsInput) (*api.CreateDhcpOptionsOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, dhcpOptions.name)
	if err != nil {
		return nil, err
	}
	v := api.DhcpOptions{DhcpOptionsId: newID("dopt"), OwnerId: &call.Account, Tags: tags}
	for _, c := range in.DhcpConfigurations {
		is := api.DhcpConfiguration{Key: c.Key}
		for _, value := range c.Values {
			is.Values = append(is.Values, api.AttributeValue{Value: &value})
		}
		v.DhcpConfigurations = append(v.DhcpConfigurations, is)
	}
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return dhcpOptions.put(tx, call, v) }); err != nil {
		return nil, err
	}
	return &api.CreateDhcpOptionsOutput{DhcpOptions: &v}, nil
}

// DescribeDhcpOptions describes options.
func (s *Service) DescribeDhcpOptions(ctx context.Context, call *aws.Call, in *api.DescribeDhcpOptionsInput) (*api.DescribeDhcpOptionsOutput, error) {
	list, next, err := describe(ctx, s, call, dhcpOptions, ask{in.DhcpOptionsIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeDhcpOptionsOutput{DhcpOptions: some(list), NextToken: next}, nil
}

// AssociateDhcpOptions gives options to a VPC; "default" are none of its own.
func (s *Service) AssociateDhcpOptions(ctx context.Context, call *aws.Call, in *api.AssociateDhcpOptionsInput) (*api.AssociateDhcpOptionsOutput, error) {
	return &api.AssociateDhcpOptionsOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if in.DhcpOptionsId != "default" {
			if _, err := dhcpOptions.find(tx, call, in.DhcpOptionsId); err != nil {
				return err
			}
		}
		return vpcs.change(tx, call, in.VpcId, func(v *vpc) error {
			v.Is.DhcpOptionsId = &in.DhcpOptionsId
			return nil
		})
	})
}

// DeleteDhcpOptions deletes options that no VPC has.
func (s *Service) DeleteDhcpOptions(ctx context.Context, call *aws.Call, in *api.DeleteDhcpOptionsInput) (*api.DeleteDhcpOptionsOutput, error) {
	return &api.DeleteDhcpOptionsOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if vpcs.some(tx, call, func(v *vpc) bool { return *v.Is.DhcpOptionsId == in.DhcpOptionsId }) {
			return refused("DependencyViolation", "The dhcpOptions '%s' has dependencies and cannot be deleted.", in.DhcpOptionsId)
		}
		return dhcpOptions.remove(tx, call, in.DhcpOptionsId)
	})
}
