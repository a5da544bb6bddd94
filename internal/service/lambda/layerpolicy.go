package lambda

import (
	"context"
	"errors"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// policy is the key of the policy of a layer's version.
func (k layerKey) policy() policyKey {
	return policyKey{k.Layer, strconv.FormatInt(k.Number, 10)}
}

// findLayer returns a layer's version, or a refusal if there is none.
func findLayer(tx *store.Tx, key layerKey) (layerVersion, error) {
	row, err := layerVersions.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = notFound("Layer version %s does not exist.", key.arn())
	}
	return row, err
}

// AddLayerVersionPermission lets other accounts use a layer's version.
func (s *Service) AddLayerVersionPermission(ctx context.Context, call *aws.Call, in *api.AddLayerVersionPermissionInput) (*api.AddLayerVersionPermissionOutput, error) {
	key := layerKey{layerARN(call, in.LayerName), in.VersionNumber}
	principal, err := parsePrincipal(in.Principal)
	if err != nil {
		return nil, err
	}
	st := statement{Sid: in.StatementId, Effect: "Allow", Principal: principal, Action: in.Action, Resource: key.arn().String()}
	if in.OrganizationId != nil {
		st.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": *in.OrganizationId}}
	}
	revision := ""
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findLayer(tx, key); err != nil {
			return err
		}
		if err := s.addStatement(tx, key.policy(), st, in.RevisionId, "", "GetLayerPolicy"); err != nil {
			return err
		}
		p, err := policies.Get(tx, key.policy())
		revision = p.Revision
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.AddLayerVersionPermissionOutput{Statement: new(toJSON(st)), RevisionId: &revision}, nil
}

// RemoveLayerVersionPermission takes back what AddLayerVersionPermission gave.
func (s *Service) RemoveLayerVersionPermission(ctx context.Context, call *aws.Call, in *api.RemoveLayerVersionPermissionInput) (*api.RemoveLayerVersionPermissionOutput, error) {
	key := layerKey{layerARN(call, in.LayerName), in.VersionNumber}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findLayer(tx, key); err != nil {
			return err
		}
		return s.removeStatement(tx, key.policy(), in.StatementId, in.RevisionId, "GetLayerPolicy")
	})
	if err != nil {
		return nil, err
	}
	return &api.RemoveLayerVersionPermissionOutput{}, nil
}

// GetLayerVersionPolicy returns the policy of a layer's version.
func (s *Service) GetLayerVersionPolicy(ctx context.Context, call *aws.Call, in *api.GetLayerVersionPolicyInput) (*api.GetLayerVersionPolicyOutput, error) {
	key := layerKey{layerARN(call, in.LayerName), in.VersionNumber}
	var p policy
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, err := findLayer(tx, key)
		if err != nil {
			return err
		}
		if p, err = policies.Get(tx, key.policy()); errors.Is(err, store.ErrNotFound) {
			err = errNoPolicy()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetLayerVersionPolicyOutput{Policy: new(p.document()), RevisionId: &p.Revision}, nil
}
