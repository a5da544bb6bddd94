package kms

import (
	"context"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// regions says where else a key of several regions is.
func (f *found) regions() *api.MultiRegionConfiguration {
	at := func(region string) api.MultiRegionKey {
		arn := f.ARN
		arn.Region = region
		return api.MultiRegionKey{Arn: new(arn.String()), Region: &region}
	}
	primary := at(f.Primary)
	c := &api.MultiRegionConfiguration{MultiRegionKeyType: new(api.MultiRegionKeyTypeReplica), PrimaryKey: &primary, ReplicaKeys: []api.MultiRegionKey{}}
	if f.ARN.Region == f.Primary {
		c.MultiRegionKeyType = new(api.MultiRegionKeyTypePrimary)
	}
	for _, r := range f.Replicas {
		c.ReplicaKeys = append(c.ReplicaKeys, at(r))
	}
	return c
}

// ReplicateKey makes the same key in another region: what one encrypts, the
// other decrypts.
func (s *Service) ReplicateKey(ctx context.Context, call *aws.Call, in *api.ReplicateKeyInput) (*api.ReplicateKeyOutput, error) {
	text := aws.Or(in.Policy, ownersPolicy(call.Account))
	if err := checkPolicy(text); err != nil {
		return nil, err
	}
	if err := checkTags(call, nil, in.Tags); err != nil {
		return nil, err
	}
	var made found
	err := s.change(ctx, call, in.KeyId, func(tx *store.Tx, f *found) error {
		if f.Primary != call.Region {
			return api.UnsupportedOperationException.Errorf("%s is not a multi-region primary key.", f.ARN)
		}
		if err := f.key.usable(f.ARN); err != nil {
			return err
		}
		if in.ReplicaRegion == call.Region || slices.Contains(f.Replicas, in.ReplicaRegion) {
			return api.AlreadyExistsException.Errorf("A key with id %s exists in region %s already.", f.id(), in.ReplicaRegion)
		}
		f.Replicas = append(slices.Clone(f.Replicas), in.ReplicaRegion)
		made = *f
		made.ARN.Region = in.ReplicaRegion
		made.Policy, made.Tags, made.Description, made.Created = text, in.Tags, aws.Value(in.Description), time.Now().UTC()
		made.Rotates, made.Rotation = f.Rotates, time.Time{} // it rotates with its primary
		for _, r := range f.Replicas[:len(f.Replicas)-1] {
			arn := f.ARN
			arn.Region = r
			other, err := keys.Get(tx, arn)
			if err != nil {
				return err
			}
			other.Replicas = f.Replicas
			if err := s.put(tx, arn, other); err != nil {
				return err
			}
		}
		return s.put(tx, made.ARN, made.key)
	})
	if err != nil {
		return nil, err
	}
	return &api.ReplicateKeyOutput{ReplicaKeyMetadata: made.metadata(), ReplicaPolicy: &text, ReplicaTags: in.Tags}, nil
}
