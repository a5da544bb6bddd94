package cloudwatch

import (
	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
)

func badValue(format string, args ...any) error {
	return api.InvalidParameterValueException.Errorf(format, args...)
}

func badCombination(format string, args ...any) error {
	return api.InvalidParameterCombinationException.Errorf(format, args...)
}

func invalid(format string, args ...any) error {
	return api.ValidationException.Errorf(format, args...)
}

// exclusive refuses the nth datum for two members of which it has both.
func exclusive(n int, a, b string) error {
	return badCombination("The parameters MetricData.member.%d.%s and MetricData.member.%d.%s are mutually exclusive and you have specified both.", n, a, n, b)
}

// required refuses an input that lacks a member.
func required(member string) error {
	return api.MissingRequiredParameterException.Errorf("The parameter %s is required.", member)
}
