package sqs

import (
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
)

var (
	errNoQueue    = api.QueueDoesNotExist.Errorf("The specified queue does not exist.")
	errNoResource = api.ResourceNotFoundException.Errorf("The resource that you specified for the SourceArn parameter doesn't exist.")
)

func isGone(err error) bool { return errors.Is(err, api.QueueDoesNotExist) }

func errMissing(parameter string) error {
	return api.MissingRequiredParameterException.Errorf("The request must contain the parameter %s.", parameter)
}

// errValue refuses the value of a parameter.
func errValue(value any, parameter, reason string) error {
	return api.InvalidParameterValueException.Errorf("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func errUnknownAttribute(name string) error {
	return api.InvalidAttributeName.Errorf("Unknown Attribute %s.", name)
}

func errAttribute(name string) error {
	return api.InvalidAttributeValue.Errorf("Invalid value for the parameter %s.", name)
}

// failed is the entry of a batch that err refuses.
func failed(id string, err error) api.BatchResultErrorEntry {
	e := aws.Refusal(err)
	code := e.QueryCode
	if code == "" {
		code = e.Code
	}
	return api.BatchResultErrorEntry{Id: id, Code: code, Message: &e.Message, SenderFault: e.Status < 500}
}

// onlyRefusals returns err if it is a failure of ours, which ends a whole
// batch, and nil if it refuses one entry.
func onlyRefusals(err error) error {
	if _, ok := errors.AsType[*aws.Error](err); ok {
		return nil
	}
	return err
}
