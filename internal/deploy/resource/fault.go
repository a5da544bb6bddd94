package resource

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// IsGone says whether err refuses because there is no such resource.
func IsGone(err error) bool {
	e, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return false
	}
	switch {
	case strings.Contains(e.Code, "NotFound"), strings.HasPrefix(e.Code, "NoSuch"), strings.HasSuffix(e.Code, "DoesNotExist"):
		return true
	case e.Code == "ValidationError":
		return strings.Contains(e.Message, "does not exist")
	}
	return false
}

// IsTaken says whether err refuses because there is such a resource already.
func IsTaken(err error) bool {
	e, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return false
	}
	for _, word := range []string{"AlreadyExists", "NameExists", "AlreadyOwned", "ResourceInUse", "ResourceConflict", "Conflict"} {
		if strings.Contains(e.Code, word) {
			return true
		}
	}
	return false
}

// Reason is what the event of a failure says.
func Reason(op *Op, err error) string {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Message
	}
	e := aws.Refusal(err)
	service := strings.Split(op.Type, "::")
	name := op.Type
	if len(service) > 1 {
		name = service[1]
	}
	return fmt.Sprintf("Resource handler returned message: \"%s (Service: %s, Status Code: %d, Request ID: %s)\" (RequestToken: %s, HandlerErrorCode: %s)",
		e.Message, name, e.Status, op.Call.RequestID, op.Token, handlerCode(e))
}

// HandlerCode is the kind of a failure, as AWS names kinds.
func HandlerCode(err error) string {
	if _, ok := errors.AsType[*Refusal](err); ok {
		return "InvalidRequest"
	}
	return handlerCode(aws.Refusal(err))
}

func handlerCode(e *aws.Error) string {
	switch {
	case strings.Contains(e.Code, "AlreadyExists"), strings.Contains(e.Code, "AlreadyOwned"), strings.Contains(e.Code, "ResourceInUse"):
		return "AlreadyExists"
	case strings.Contains(e.Code, "AccessDenied"):
		return "AccessDenied"
	case strings.Contains(e.Code, "NotFound"), strings.HasPrefix(e.Code, "NoSuch"):
		return "NotFound"
	case strings.Contains(e.Code, "LimitExceeded"):
		return "ServiceLimitExceeded"
	case strings.Contains(e.Code, "Conflict"):
		return "ResourceConflict"
	case e.Status >= 500:
		return "GeneralServiceException"
	}
	return "InvalidRequest"
}

// invalidRequest refuses what CloudFormation refuses before it asks a service.
func invalidRequest(message string) error {
	return &aws.Error{Fault: aws.Fault{Code: "InvalidRequest", Status: 400}, Message: message}
}

// alreadyExists refuses to make what is there.
func alreadyExists(format string, args ...any) error {
	return aws.Fault{Code: "AlreadyExists", Status: 409}.Errorf(format, args...)
}
