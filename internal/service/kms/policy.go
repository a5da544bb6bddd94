package kms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	policyName = "default" // the only one a key has
	maxPolicy  = 32 << 10
)

// ownersPolicy is the policy of a key that was made with none: it leaves the
// key to the account's own policies.
func ownersPolicy(account string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, account)
}

// servicesPolicy is the policy of a key that AWS keeps for a service: all of the
// account may use it, but only through that service.
func servicesPolicy(call *aws.Call, name string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "auto-%[1]s-2",
  "Statement" : [ {
    "Sid" : "Allow access through %[1]s for all principals in the account that are authorized to use %[1]s",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "%[2]s",
        "kms:ViaService" : "%[1]s.%[3]s.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%[2]s:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`, name, call.Account, call.Region)
}

func checkPolicy(text string) error {
	if len(text) > maxPolicy {
		return api.LimitExceededException.Errorf("The policy is larger than %d bytes.", maxPolicy)
	}
	if _, err := policy.Parse(text); err != nil {
		return api.MalformedPolicyDocumentException.Errorf("%s", err)
	}
	return nil
}

// policyOf implements service.Definition's Policy.
func (s *Service) policyOf(ctx context.Context, resource aws.ARN) (text string, err error) {
	if !strings.HasPrefix(resource.Resource, keyKind) {
		return "", nil
	}
	return text, s.db.View(ctx, func(tx *store.Tx) error {
		row, err := keys.Get(tx, resource)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		text = row.Policy
		return err
	})
}

func checkPolicyName(name *string) error {
	if aws.Or(name, policyName) == policyName {
		return nil
	}
	return api.NotFoundException.Errorf("No such policy exists")
}

// GetKeyPolicy returns the policy of a key.
func (s *Service) GetKeyPolicy(ctx context.Context, call *aws.Call, in *api.GetKeyPolicyInput) (*api.GetKeyPolicyOutput, error) {
	f, err := s.find(ctx, call, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &api.GetKeyPolicyOutput{Policy: &f.Policy, PolicyName: new(policyName)}, checkPolicyName(in.PolicyName)
}

// PutKeyPolicy changes the policy of a key.
func (s *Service) PutKeyPolicy(ctx context.Context, call *aws.Call, in *api.PutKeyPolicyInput) (*api.PutKeyPolicyOutput, error) {
	if err := errors.Join(checkPolicyName(in.PolicyName), checkPolicy(in.Policy)); err != nil {
		return nil, err
	}
	return &api.PutKeyPolicyOutput{}, s.change(ctx, call, in.KeyId, func(tx *store.Tx, f *found) error {
		tx.AfterCommit(func() { s.epoch.Add(1) })
		f.Policy = in.Policy
		return nil
	})
}

// ListKeyPolicies lists the names of a key's policies: there is one.
func (s *Service) ListKeyPolicies(ctx context.Context, call *aws.Call, in *api.ListKeyPoliciesInput) (*api.ListKeyPoliciesOutput, error) {
	_, err := s.find(ctx, call, in.KeyId)
	return &api.ListKeyPoliciesOutput{PolicyNames: []string{policyName}, Truncated: new(false)}, err
}
