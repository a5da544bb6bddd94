package lambda

import (
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func invalid(format string, args ...any) error {
	return api.InvalidParameterValueException.Errorf(format, args...)
}

func notFound(format string, args ...any) error {
	return api.ResourceNotFoundException.Errorf(format, args...)
}

func conflict(format string, args ...any) error {
	return api.ResourceConflictException.Errorf(format, args...)
}

// errNoFunction says that there is no such function, version or alias.
func errNoFunction(arn aws.ARN) error { return notFound("Function not found: %s", arn) }

func errNoAlias(arn aws.ARN) error { return notFound("Cannot find alias arn: %s", arn) }

func errNoResource() error { return notFound("The resource you requested does not exist.") }

func errNoPolicy() error { return notFound("No policy is associated with the given resource.") }

func errRegion(call *aws.Call, region string) error {
	return notFound("Functions from '%s' are not reachable in this region ('%s')", region, call.Region)
}

// errRevision says that what was to be changed has changed; get tells how it is now.
func errRevision(get string) error {
	return api.PreconditionFailedException.Errorf("The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", get)
}

func errStatementExists(id string) error {
	return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", id)
}

// errConstraint refuses a value in the words of the model's constraints.
func errConstraint(fault aws.Fault, value any, member, constraint string) error {
	return fault.Errorf("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

// unsupported refuses a part of an operation by name.
func unsupported(operation, what string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer lambda:%s with %s yet.", operation, what)
}
