package secretsmanager

import (
	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func invalid(format string, args ...any) error {
	return api.InvalidParameterException.Errorf(format, args...)
}

func refused(format string, args ...any) error {
	return api.InvalidRequestException.Errorf(format, args...)
}

func errNoSecret() error {
	return api.ResourceNotFoundException.Errorf("Secrets Manager can't find the specified secret.")
}

func errNoValue(what, which string) error {
	return api.ResourceNotFoundException.Errorf("Secrets Manager can't find the specified secret value for %s: %s", what, which)
}

func errDeleted() error {
	return refused("You can't perform this operation on the secret because it was marked for deletion.")
}

func errExists(name string) error {
	return api.ResourceExistsException.Errorf("The operation failed because the secret %s already exists.", name)
}

func errName() error {
	return aws.ValidationException.Errorf("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
}
