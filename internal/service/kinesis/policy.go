package kinesis

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxPolicy = 20 << 10

// resource returns the stream or consumer of an ARN, or a refusal if there is
// no such.
func resource(tx *store.Tx, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || !strings.HasPrefix(arn.Resource, streamKind) {
		return arn, api.InvalidArgumentException.Errorf("ResourceARN %s is invalid.", text)
	}
	if key, ok := parseConsumer(arn); ok {
		c, err := findConsumer(tx, key)
		return key.arn(&c), err
	}
	_, err = findStream(tx, arn)
	return arn, err
}

// PutResourcePolicy says who may use a stream or a consumer.
func (s *Service) PutResourcePolicy(ctx context.Context, _ *aws.Call, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	if len(in.Policy) > maxPolicy {
		return nil, api.InvalidArgumentException.Errorf("Resource policy is larger than %d bytes.", maxPolicy)
	}
	if _, err := policy.Parse(in.Policy); err != nil {
		return nil, api.InvalidArgumentException.Errorf("Resource policy is invalid: %s", err)
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, err := resource(tx, in.ResourceARN)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return policies.Put(tx, arn, in.Policy)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutResourcePolicyOutput{}, nil
}

// GetResourcePolicy returns the policy of a stream or a consumer, "{}" if it has none.
func (s *Service) GetResourcePolicy(ctx context.Context, _ *aws.Call, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	out := &api.GetResourcePolicyOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, err := resource(tx, in.ResourceARN)
		if err != nil {
			return err
		}
		out.Policy, err = policies.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			out.Policy = "{}"
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteResourcePolicy removes the policy of a stream or a consumer.
func (s *Service) DeleteResourcePolicy(ctx context.Context, _ *aws.Call, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, err := resource(tx, in.ResourceARN)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return policies.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteResourcePolicyOutput{}, nil
}

// policyOf returns the policy of a resource, or "".
func (s *Service) policyOf(ctx context.Context, arn aws.ARN) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		text, err = policies.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return text, err
}
