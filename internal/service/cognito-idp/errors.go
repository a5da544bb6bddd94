package cognitoidp

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func invalid(format string, args ...any) error {
	return api.InvalidParameterException.Errorf(format, args...)
}

func unauthorized(format string, args ...any) error {
	return api.NotAuthorizedException.Errorf(format, args...)
}

func errNoPool(id string) error {
	return api.ResourceNotFoundException.Errorf("User pool %s does not exist.", id)
}

func errNoClient(id string) error {
	return api.ResourceNotFoundException.Errorf("User pool client %s does not exist.", id)
}

func errNoUser() error    { return api.UserNotFoundException.Errorf("User does not exist.") }
func errNoGroup() error   { return api.ResourceNotFoundException.Errorf("Group not found.") }
func errPassword() error  { return unauthorized("Incorrect username or password.") }
func errDisabled() error  { return unauthorized("User is disabled.") }
func errLocked() error    { return unauthorized("Password attempts exceeded") }
func errUserTaken() error { return api.UsernameExistsException.Errorf("User already exists") }
func errMismatch() error {
	return api.CodeMismatchException.Errorf("Invalid verification code provided, please try again.")
}
func errExpiredCode() error {
	return api.ExpiredCodeException.Errorf("Invalid code provided, please request a code again.")
}
func errAttempts() error {
	return api.LimitExceededException.Errorf("Attempt limit exceeded, please try after some time.")
}

// errAlias refuses what another user is called already.
func errAlias(attribute string) error {
	return api.AliasExistsException.Errorf("An account with the given %s already exists.", attribute)
}

// notYet refuses what Aloft lacks.
func notYet(what string, args ...any) error {
	return aws.NotImplemented.Errorf("Aloft does not have "+strings.TrimSuffix(what, ".")+" yet.", args...)
}

// A kept error is a refusal that is remembered: the transaction that it comes
// from is kept, such as one that counts wrong passwords.
type kept struct{ error }
