package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// policyOf returns the policy of a repository, by which others may use it.
func (s *Service) policyOf(ctx context.Context, resource aws.ARN) (text string, err error) {
	if !strings.HasPrefix(resource.Resource, repositoryKind) {
		return "", nil
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := repositories.Get(tx, resource)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		text = policyFor(row.Policy, resource)
		return err
	})
	return text, err
}

// policyFor gives statements that name no resource the one they belong to.
func policyFor(text string, resource aws.ARN) string {
	var doc map[string]any
	if text == "" || json.Unmarshal([]byte(text), &doc) != nil || doc == nil {
		return text
	}
	list, ok := doc["Statement"].([]any)
	if !ok {
		list = []any{doc["Statement"]}
	}
	for _, s := range list {
		if m, ok := s.(map[string]any); ok && m["Resource"] == nil && m["NotResource"] == nil {
			m["Resource"] = resource.String()
		}
	}
	doc["Statement"] = list
	b, err := json.Marshal(doc)
	if err != nil {
		return text
	}
	return string(b)
}

// SetRepositoryPolicy says who may use a repository.
func (s *Service) SetRepositoryPolicy(ctx context.Context, call *aws.Call, in *api.SetRepositoryPolicyInput) (*api.SetRepositoryPolicyOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	if _, err := policy.Parse(policyFor(in.PolicyText, arn)); err != nil {
		return nil, api.InvalidParameterException.Errorf("Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	}
	if _, err := s.change(ctx, arn, func(r *repository) { r.Policy = in.PolicyText }); err != nil {
		return nil, err
	}
	return &api.SetRepositoryPolicyOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, PolicyText: &in.PolicyText}, nil
}

// read reads a repository, of which what must not be "".
func (s *Service) read(ctx context.Context, arn aws.ARN, what func(*repository) string, none aws.Fault, words string) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findRepository(tx, arn)
		if err != nil {
			return err
		}
		return checkThere(&text, what(&row), arn, none, words)
	})
	return text, err
}

func checkThere(to *string, text string, arn aws.ARN, none aws.Fault, words string) error {
	if *to = text; text == "" {
		return none.Errorf("%s does not exist for the repository with name '%s' in the registry with id '%s'", words, name(arn), arn.Account)
	}
	return nil
}

const (
	repositoryPolicy = "Repository policy"
	lifecyclePolicy  = "Lifecycle policy"
)

// GetRepositoryPolicy returns who may use a repository.
func (s *Service) GetRepositoryPolicy(ctx context.Context, call *aws.Call, in *api.GetRepositoryPolicyInput) (*api.GetRepositoryPolicyOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	text, err := s.read(ctx, arn, func(r *repository) string { return r.Policy }, api.RepositoryPolicyNotFoundException, repositoryPolicy)
	if err != nil {
		return nil, err
	}
	return &api.GetRepositoryPolicyOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, PolicyText: &text}, nil
}

// DeleteRepositoryPolicy leaves a repository to its account.
func (s *Service) DeleteRepositoryPolicy(ctx context.Context, call *aws.Call, in *api.DeleteRepositoryPolicyInput) (*api.DeleteRepositoryPolicyOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	was, err := s.change(ctx, arn, func(r *repository) { r.Policy = "" })
	var text string
	if err == nil {
		err = checkThere(&text, was.Policy, arn, api.RepositoryPolicyNotFoundException, repositoryPolicy)
	}
	if err != nil {
		return nil, err
	}
	return &api.DeleteRepositoryPolicyOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, PolicyText: &text}, nil
}

// PutLifecyclePolicy says which images are to go, and when.
func (s *Service) PutLifecyclePolicy(ctx context.Context, call *aws.Call, in *api.PutLifecyclePolicyInput) (*api.PutLifecyclePolicyOutput, error) {
	if !json.Valid([]byte(in.LifecyclePolicyText)) {
		return nil, api.InvalidParameterException.Errorf("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: not valid JSON'")
	}
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	if _, err := s.change(ctx, arn, func(r *repository) { r.Lifecycle = in.LifecyclePolicyText }); err != nil {
		return nil, err
	}
	return &api.PutLifecyclePolicyOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, LifecyclePolicyText: &in.LifecyclePolicyText}, nil
}

// GetLifecyclePolicy returns which images are to go.
func (s *Service) GetLifecyclePolicy(ctx context.Context, call *aws.Call, in *api.GetLifecyclePolicyInput) (*api.GetLifecyclePolicyOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	text, err := s.read(ctx, arn, func(r *repository) string { return r.Lifecycle }, api.LifecyclePolicyNotFoundException, lifecyclePolicy)
	if err != nil {
		return nil, err
	}
	return &api.GetLifecyclePolicyOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, LifecyclePolicyText: &text}, nil
}

// DeleteLifecyclePolicy has all images stay.
func (s *Service) DeleteLifecyclePolicy(ctx context.Context, call *aws.Call, in *api.DeleteLifecyclePolicyInput) (*api.DeleteLifecyclePolicyOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	was, err := s.change(ctx, arn, func(r *repository) { r.Lifecycle = "" })
	var text string
	if err == nil {
		err = checkThere(&text, was.Lifecycle, arn, api.LifecyclePolicyNotFoundException, lifecyclePolicy)
	}
	if err != nil {
		return nil, err
	}
	return &api.DeleteLifecyclePolicyOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, LifecyclePolicyText: &text}, nil
}
