package cloudfront

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func control(arn aws.ARN, h *held[api.OriginAccessControlConfig]) *api.OriginAccessControl {
	return &api.OriginAccessControl{Id: controls.id(arn), OriginAccessControlConfig: &h.Config}
}

// CreateOriginAccessControl makes an origin access control.
func (s *Service) CreateOriginAccessControl(ctx context.Context, call *aws.Call, in *api.CreateOriginAccessControlInput) (*api.CreateOriginAccessControlOutput, error) {
	arn, h, err := controls.create(ctx, s, call, held[api.OriginAccessControlConfig]{Config: *in.OriginAccessControlConfig}, nil)
	if err != nil {
		return nil, err
	}
	return &api.CreateOriginAccessControlOutput{OriginAccessControl: control(arn, &h), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// GetOriginAccessControl returns an origin access control.
func (s *Service) GetOriginAccessControl(ctx context.Context, call *aws.Call, in *api.GetOriginAccessControlInput) (*api.GetOriginAccessControlOutput, error) {
	h, err := controls.view(ctx, s, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetOriginAccessControlOutput{OriginAccessControl: control(controls.arn(call, in.Id), &h), ETag: &h.Version}, nil
}

// GetOriginAccessControlConfig returns what UpdateOriginAccessControl changes.
func (s *Service) GetOriginAccessControlConfig(ctx context.Context, call *aws.Call, in *api.GetOriginAccessControlConfigInput) (*api.GetOriginAccessControlConfigOutput, error) {
	h, err := controls.view(ctx, s, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetOriginAccessControlConfigOutput{OriginAccessControlConfig: &h.Config, ETag: &h.Version}, nil
}

// UpdateOriginAccessControl replaces an origin access control.
func (s *Service) UpdateOriginAccessControl(ctx context.Context, call *aws.Call, in *api.UpdateOriginAccessControlInput) (*api.UpdateOriginAccessControlOutput, error) {
	arn, h, err := controls.update(ctx, s, call, in.Id, in.IfMatch, *in.OriginAccessControlConfig, nil)
	if err != nil {
		return nil, err
	}
	return &api.UpdateOriginAccessControlOutput{OriginAccessControl: control(arn, &h), ETag: &h.Version}, nil
}

// DeleteOriginAccessControl removes an origin access control that no origin uses.
func (s *Service) DeleteOriginAccessControl(ctx context.Context, call *aws.Call, in *api.DeleteOriginAccessControlInput) (*api.DeleteOriginAccessControlOutput, error) {
	return &api.DeleteOriginAccessControlOutput{}, controls.remove(ctx, s, call, in.Id, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[api.OriginAccessControlConfig]) error {
		return checkFree(tx, call, api.OriginAccessControlInUse, func(o *api.Origin) bool { return aws.Value(o.OriginAccessControlId) == controls.id(arn) })
	})
}

// ListOriginAccessControls lists the origin access controls of an account.
func (s *Service) ListOriginAccessControls(ctx context.Context, call *aws.Call, in *api.ListOriginAccessControlsInput) (*api.ListOriginAccessControlsOutput, error) {
	p, err := pageOf(ctx, s, controls, call, in.Marker, in.MaxItems, func(arn aws.ARN, h *held[api.OriginAccessControlConfig]) api.OriginAccessControlSummary {
		c := &h.Config
		return api.OriginAccessControlSummary{
			Id: controls.id(arn), Name: c.Name, Description: aws.Value(c.Description), SigningProtocol: c.SigningProtocol, SigningBehavior: c.SigningBehavior,
			OriginAccessControlOriginType: c.OriginAccessControlOriginType,
		}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListOriginAccessControlsOutput{OriginAccessControlList: &api.OriginAccessControlList{
		Marker: p.Marker, NextMarker: p.Next, MaxItems: p.MaxItems, IsTruncated: p.Truncated, Quantity: p.quantity(), Items: p.Items,
	}}, nil
}

// checkFree refuses to delete what an origin of the caller's uses.
func checkFree(tx *store.Tx, call *aws.Call, fault aws.Fault, uses func(*api.Origin) bool) error {
	for _, d := range distributions.rows.Scan(tx, global(call, "")) {
		for i := range d.Config.Origins.Items {
			if uses(&d.Config.Origins.Items[i]) {
				return fault.Errorf("Cannot delete it: it is in use by a distribution.")
			}
		}
	}
	return tx.Err()
}
