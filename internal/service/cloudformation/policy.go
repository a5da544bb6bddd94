package cloudformation

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// UpdateTerminationProtection says whether a stack can be deleted.
func (s *Service) UpdateTerminationProtection(ctx context.Context, call *aws.Call, in *api.UpdateTerminationProtectionInput) (*api.UpdateTerminationProtectionOutput, error) {
	out := &api.UpdateTerminationProtectionOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		st.Protected = in.EnableTerminationProtection
		out.StackId = &st.ID
		return putStack(tx, nil, st)
	})
	return out, err
}

// GetStackPolicy returns the policy of a stack.
func (s *Service) GetStackPolicy(ctx context.Context, call *aws.Call, in *api.GetStackPolicyInput) (*api.GetStackPolicyOutput, error) {
	out := &api.GetStackPolicyOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		out.StackPolicyBody = optional(st.Policy)
		return err
	})
	return out, err
}

// SetStackPolicy sets the policy of a stack.
func (s *Service) SetStackPolicy(ctx context.Context, call *aws.Call, in *api.SetStackPolicyInput) (*api.SetStackPolicyOutput, error) {
	policy, err := s.policyText(ctx, call, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		st.Policy = policy
		return putStack(tx, nil, st)
	})
	return &api.SetStackPolicyOutput{}, err
}

// policyText finds a stack policy: in a request, or in a bucket.
func (s *Service) policyText(ctx context.Context, call *aws.Call, body, url *string) (string, error) {
	if body != nil && url != nil {
		return "", api.ValidationError.Errorf("You cannot specify both StackPolicyURL and StackPolicyBody")
	}
	text := aws.Value(body)
	if url != nil {
		var err error
		if text, err = s.fetch(ctx, call, *url); err != nil {
			return "", err
		}
	}
	if text == "" {
		return "", nil
	}
	if _, err := deploy.ParseStackPolicy(text); err != nil {
		return "", api.ValidationError.Errorf("Error validating stack policy: Invalid stack policy")
	}
	return text, nil
}
