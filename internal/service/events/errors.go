package events

import (
	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// invalid refuses an input.
func invalid(format string, args ...any) error {
	return aws.ValidationException.Errorf(format, args...)
}

func errNoBus(arn aws.ARN) error {
	return api.ResourceNotFoundException.Errorf("Event bus %s does not exist.", busName(arn))
}

func errLimit() error {
	return api.LimitExceededException.Errorf("The requested resource exceeds the maximum number allowed.")
}

// errAbsent refuses by name what is not there yet.
func errAbsent(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not have %s yet.", what)
}

// checkKey refuses encryption with a key of the customer's.
func checkKey(key *string) error {
	if aws.Value(key) != "" {
		return errAbsent("encryption of events with keys of KMS")
	}
	return nil
}
