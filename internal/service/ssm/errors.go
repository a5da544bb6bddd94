package ssm

import (
	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// errNotFound is without words, as AWS's is.
func errNotFound() error { return api.ParameterNotFound.Errorf("") }

func errNoVersion(name, selector string) error {
	return api.ParameterVersionNotFound.Errorf("Systems Manager could not find version %s of %s. Verify the version and try again.", selector, name)
}

func invalid(format string, args ...any) error {
	return aws.ValidationException.Errorf(format, args...)
}
