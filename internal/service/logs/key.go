package logs

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// checkKey refuses what is not the ARN of a key.
func checkKey(text string) error {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "kms" {
		return api.InvalidParameterException.Errorf("The specified KMS Key Id could not be found.")
	}
	return nil
}

// keyed is the group whose key an operation changes.
func keyed(call *aws.Call, name, resource *string) (aws.ARN, error) {
	if (name == nil) == (resource == nil) {
		return aws.ARN{}, api.InvalidParameterException.Errorf("Exactly one of logGroupName and resourceIdentifier must be specified.")
	}
	arn := findARN(call, aws.Value(name), aws.Value(resource))
	if resource != nil && groupName(arn) == "" {
		return arn, aws.NotImplemented.Errorf("Aloft does not answer keys of logs for anything but log groups yet.")
	}
	return arn, nil
}

// AssociateKmsKey says with which key a group is to be sealed.
func (s *Service) AssociateKmsKey(ctx context.Context, call *aws.Call, in *api.AssociateKmsKeyInput) (*api.AssociateKmsKeyOutput, error) {
	if err := checkKey(in.KmsKeyId); err != nil {
		return nil, err
	}
	arn, err := keyed(call, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	return &api.AssociateKmsKeyOutput{}, s.changeGroup(ctx, arn, func(_ *store.Tx, g *group) error {
		g.Key = in.KmsKeyId
		return nil
	})
}

// DisassociateKmsKey takes the key of a group away.
func (s *Service) DisassociateKmsKey(ctx context.Context, call *aws.Call, in *api.DisassociateKmsKeyInput) (*api.DisassociateKmsKeyOutput, error) {
	arn, err := keyed(call, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	return &api.DisassociateKmsKeyOutput{}, s.changeGroup(ctx, arn, func(_ *store.Tx, g *group) error {
		g.Key = ""
		return nil
	})
}
