package aws

import (
	"cmp"
	"errors"
	"fmt"
)

// A Fault is a kind of refusal that SDKs know by its code. Services refuse
// with the faults generated for them in package api:
//
//	return nil, api.QueueDoesNotExist.Errorf("No queue named %q.", name)
//
// and callers test for them with errors.Is(err, api.QueueDoesNotExist).
//
// A fault that every service shares is written differently by each family of
// services; it carries all its forms, and the protocol of the answer chooses.
type Fault struct {
	Code       string // "QueueDoesNotExist"
	QueryCode  string // the code in query and REST XML answers, and for older SDKs, if it differs
	Status     int    // HTTP status
	JSONStatus int    // HTTP status in awsJson and CBOR answers, if it differs
}

// Faults any service may answer with.
var (
	AccessDenied          = Fault{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: 403, JSONStatus: 400}
	InternalFailure       = Fault{Code: "InternalFailure", Status: 500}
	InvalidParameter      = Fault{Code: "InvalidParameterValue", Status: 400}
	InvalidAction         = Fault{Code: "InvalidAction", Status: 400}
	NotImplemented        = Fault{Code: "NotImplemented", Status: 501}
	SerializationFault    = Fault{Code: "SerializationException", Status: 400}
	UnknownOperation      = Fault{Code: "UnknownOperationException", QueryCode: "InvalidAction", Status: 400}
	ValidationException   = Fault{Code: "ValidationException", QueryCode: "ValidationError", Status: 400}
	RequestEntityTooLarge = Fault{Code: "RequestEntityTooLargeException", Status: 413}
)

func (f Fault) Error() string { return f.Code }

// QueryName is the code in query and REST XML answers.
func (f Fault) QueryName() string { return cmp.Or(f.QueryCode, f.Code) }

// Errorf refuses a request with f and a message the caller is meant to read.
func (f Fault) Errorf(format string, args ...any) error {
	return &Error{Fault: f, Message: fmt.Sprintf(format, args...)}
}

// With refuses a request with f, a message, and the fault's other members:
// detail is a pointer to the structure generated for them.
func (f Fault) With(detail any, message string) error {
	return &Error{Fault: f, Message: message, Detail: detail}
}

// An Error is a refusal: a fault and the message that explains it.
type Error struct {
	Fault
	Message string
	Detail  any // pointer to the generated structure of the fault's other members, or nil
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }
func (e *Error) Unwrap() error { return e.Fault }

// Refusal returns the refusal within err. An error that holds none is a
// failure of ours, and what the caller learns of it is InternalFailure.
func Refusal(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Fault: InternalFailure, Message: "The request failed because of an internal error."}
}
