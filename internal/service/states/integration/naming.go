package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A Naming is how the failures of a service are called.
type Naming struct {
	Prefix  string // "DynamoDB"
	Service string // in causes: "AmazonDynamoDBv2"
	Usual   string // of what the service's model has not
	SDK     bool   // causes are those of version 2 of the SDK for Java
}

// Lambda is the naming of functions.
var Lambda = Naming{"Lambda", "AWSLambda", "AWSLambdaException", false}

var dynamo = Naming{"DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException", false}

// generic are faults that models have not: every service may answer with them.
var generic = []aws.Fault{
	aws.AccessDenied, aws.InternalFailure, aws.InvalidParameter, aws.InvalidAction, aws.NotImplemented,
	aws.SerializationFault, aws.UnknownOperation, aws.ValidationException, aws.RequestEntityTooLarge,
}

// modelled are the faults of S3 that its model has; the others are known by their code alone.
var modelled = []string{
	"BucketAlreadyExists", "BucketAlreadyOwnedByYou", "EncryptionTypeMismatch", "IdempotencyParameterMismatch", "InvalidObjectState",
	"InvalidRequest", "InvalidWriteOffset", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "ObjectAlreadyInActiveTierError", "ObjectNotInActiveTierError", "TooManyParts",
}

// Error is a refusal as the task's failure.
func (n *Naming) Error(e *aws.Error, requestID string) *asl.Error {
	if e.Fault == aws.NotImplemented {
		return &asl.Error{Name: asl.ErrTaskFailed, Cause: e.Message}
	}
	name := e.Code
	if !strings.HasSuffix(name, "Exception") {
		name += "Exception"
	}
	if slices.Contains(generic, e.Fault) || n.Prefix == "S3" && !slices.Contains(modelled, e.Code) {
		name = n.Usual
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	cause := fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", e.Message, n.Service, status, e.Code, requestID)
	if n.SDK {
		cause = fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s) (SDK Attempt Count: 1)", e.Message, n.Service, status, requestID)
	}
	return &asl.Error{Name: n.Prefix + "." + name, Cause: cause}
}
