package secretsmanager

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

func errReplicas() error {
	return aws.NotImplemented.Errorf("Aloft does not replicate secrets to other regions yet.")
}

// policyOf implements service.Definition's Policy.
func (s *Service) policyOf(ctx context.Context, resource aws.ARN) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		f, err := find(tx, nil, resource.String())
		if errors.Is(err, api.ResourceNotFoundException) || errors.Is(err, api.InvalidParameterException) {
			return nil
		}
		text = f.Policy
		return err
	})
	return text, err
}

// change changes a secret that is not to be deleted.
func (s *Service) change(ctx context.Context, call *aws.Call, id string, change func(tx *store.Tx, f *found) error) (f found, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if f, err = need(tx, call, id); err != nil {
			return err
		}
		if err := change(tx, &f); err != nil {
			return err
		}
		return secrets.Put(tx, f.key, f.secret)
	})
	return f, err
}

// PutResourcePolicy says who may use a secret.
func (s *Service) PutResourcePolicy(ctx context.Context, call *aws.Call, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	if _, err := policy.Parse(in.ResourcePolicy); err != nil {
		return nil, api.MalformedPolicyDocumentException.Errorf("This resource policy contains a syntax error: %s", err)
	}
	f, err := s.change(ctx, call, in.SecretId, func(tx *store.Tx, f *found) error {
		tx.AfterCommit(func() { s.epoch.Add(1) })
		f.Policy = in.ResourcePolicy
		return nil
	})
	return &api.PutResourcePolicyOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key))}, err
}

// GetResourcePolicy returns the policy of a secret.
func (s *Service) GetResourcePolicy(ctx context.Context, call *aws.Call, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	out := &api.GetResourcePolicyOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		f, err := need(tx, call, in.SecretId)
		if f.Policy != "" {
			out.ResourcePolicy = &f.Policy
		}
		out.ARN, out.Name = new(f.arn(f.key).String()), new(nameOf(f.key))
		return err
	})
	return out, err
}

// DeleteResourcePolicy removes the policy of a secret.
func (s *Service) DeleteResourcePolicy(ctx context.Context, call *aws.Call, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	f, err := s.change(ctx, call, in.SecretId, func(tx *store.Tx, f *found) error {
		tx.AfterCommit(func() { s.epoch.Add(1) })
		f.Policy = ""
		return nil
	})
	return &api.DeleteResourcePolicyOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key))}, err
}

// ValidateResourcePolicy says what keeps a text from being a policy.
func (s *Service) ValidateResourcePolicy(_ context.Context, _ *aws.Call, in *api.ValidateResourcePolicyInput) (*api.ValidateResourcePolicyOutput, error) {
	out := &api.ValidateResourcePolicyOutput{PolicyValidationPassed: new(true), ValidationErrors: []api.ValidationErrorsEntry{}}
	if _, err := policy.Parse(in.ResourcePolicy); err != nil {
		*out.PolicyValidationPassed = false
		out.ValidationErrors = append(out.ValidationErrors, api.ValidationErrorsEntry{CheckName: new("SYNTAX"), ErrorMessage: new(err.Error())})
	}
	return out, nil
}

// checkTags refuses tags that a secret with tags had may not get.
func checkTags(had, tags []api.Tag) error {
	names := make(map[string]bool)
	for _, t := range append(slices.Clone(had), tags...) {
		names[aws.Value(t.Key)] = true
	}
	for _, t := range tags {
		switch name := aws.Value(t.Key); {
		case name == "":
			return invalid("Tag keys can't be empty.")
		case strings.HasPrefix(name, "aws:"):
			return invalid("aws: prefixed tag key names are not allowed for external use.")
		}
	}
	if len(names) > maxTags {
		return api.LimitExceededException.Errorf("Too many tags.")
	}
	return nil
}

// TagResource gives a secret tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	_, err := s.change(ctx, call, in.SecretId, func(_ *store.Tx, f *found) error {
		if err := checkTags(f.Tags, in.Tags); err != nil {
			return err
		}
		for _, t := range in.Tags {
			f.Tags = append(withoutTags(f.Tags, *t.Key), t)
		}
		slices.SortFunc(f.Tags, func(a, b api.Tag) int { return cmp.Compare(*a.Key, *b.Key) })
		return nil
	})
	return &api.TagResourceOutput{}, err
}

// UntagResource takes tags from a secret.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	_, err := s.change(ctx, call, in.SecretId, func(_ *store.Tx, f *found) error {
		f.Tags = withoutTags(f.Tags, in.TagKeys...)
		return nil
	})
	return &api.UntagResourceOutput{}, err
}

func withoutTags(tags []api.Tag, names ...string) []api.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t api.Tag) bool { return slices.Contains(names, aws.Value(t.Key)) })
}
