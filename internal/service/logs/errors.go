package logs

import api "github.com/aloft-cloud/aloft/internal/api/logs"

func errNoGroup() error {
	return api.ResourceNotFoundException.Errorf("The specified log group does not exist.")
}

func errNoStream() error {
	return api.ResourceNotFoundException.Errorf("The specified log stream does not exist.")
}

func errToken() error {
	return api.InvalidParameterException.Errorf("The specified nextToken is invalid.")
}

// checkIdentified refuses an input that does not say which group is meant, or says it twice.
func checkIdentified(name, identifier *string) error {
	if (name == nil) == (identifier == nil) {
		return api.InvalidParameterException.Errorf("Exactly one of logGroupName and logGroupIdentifier must be specified.")
	}
	return nil
}
