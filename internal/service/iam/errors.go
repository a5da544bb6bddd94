package iam

import (
	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func errNone(what, name string) error {
	return api.NoSuchEntityException.Errorf("The %s with name %s cannot be found.", what, name)
}

func errNoPolicy(arn string) error {
	return api.NoSuchEntityException.Errorf("Policy %s was not found.", arn)
}

func errNotAttachable(arn string) error {
	return api.NoSuchEntityException.Errorf("Policy %s does not exist or is not attachable.", arn)
}

func errNoVersion(arn, version string) error {
	return api.NoSuchEntityException.Errorf("Policy %s version %s does not exist or is not attachable.", arn, version)
}

func errNoKey(id string) error {
	return api.NoSuchEntityException.Errorf("The Access Key with id %s cannot be found.", id)
}

func errInUse(why string) error {
	return api.DeleteConflictException.Errorf("Cannot delete entity, must %s first.", why)
}

func errQuota(name string, most int) error {
	return api.LimitExceededException.Errorf("Cannot exceed quota for %s: %d", name, most)
}

func errProtected(role string) error {
	return api.UnmodifiableEntityException.Errorf("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", role)
}

// checkDocument refuses a document that AWS would not take for a use.
func checkDocument(text string, use policy.Use) error {
	if err := policy.Check(text, use); err != nil {
		return api.MalformedPolicyDocumentException.Errorf("%s", err)
	}
	return nil
}

// parsePolicyARN reads the ARN of a managed policy.
func parsePolicyARN(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "iam" {
		return arn, api.ValidationError.Errorf("Invalid ARN:  Could not be parsed!")
	}
	return arn, nil
}
