package auth

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// Refusals of all services but S3.
var (
	unrecognizedClient = aws.Fault{Code: "UnrecognizedClientException", QueryCode: "InvalidClientTokenId", Status: 403, JSONStatus: 400}
	expiredToken       = aws.Fault{Code: "ExpiredTokenException", QueryCode: "ExpiredToken", Status: 403, JSONStatus: 400}
	invalidSignature   = aws.Fault{Code: "InvalidSignatureException", QueryCode: "SignatureDoesNotMatch", Status: 403, JSONStatus: 400}
)

// Refusals of single services.
var (
	s3AccessDenied    = aws.Fault{Code: "AccessDenied", Status: 403}
	s3UnknownKey      = aws.Fault{Code: "InvalidAccessKeyId", Status: 403}
	s3InvalidToken    = aws.Fault{Code: "InvalidToken", Status: 400}
	s3ExpiredToken    = aws.Fault{Code: "ExpiredToken", Status: 400}
	s3HeaderMalformed = aws.Fault{Code: "AuthorizationHeaderMalformed", Status: 400}
	snsDenied         = aws.Fault{Code: "AuthorizationErrorException", QueryCode: "AuthorizationError", Status: 403}
)

func errUnsigned() error { return sigv4.ErrUnsigned }

func errUnknownKey(s3 bool) error {
	if s3 {
		return s3UnknownKey.Errorf("The AWS Access Key Id you provided does not exist in our records.")
	}
	return unrecognizedClient.Errorf("The security token included in the request is invalid.")
}

func errInvalidToken(s3 bool) error {
	if s3 {
		return s3InvalidToken.Errorf("The provided token is malformed or otherwise invalid.")
	}
	return unrecognizedClient.Errorf("The security token included in the request is invalid.")
}

func errExpired(s3 bool) error {
	if s3 {
		return s3ExpiredToken.Errorf("The provided token has expired.")
	}
	return expiredToken.Errorf("The security token included in the request is expired")
}

func errWrongScope(s3 bool, got, want string) error {
	if s3 {
		return s3HeaderMalformed.Errorf("The authorization header is malformed; incorrect service %q. This endpoint belongs to \"s3\".", got)
	}
	return invalidSignature.Errorf("Credential should be scoped to correct service: '%s'.", want)
}

// errDenied refuses in the words of the service whose action it is. reason is
// why, or empty if that is not told.
func errDenied(call *aws.Call, a *service.Access, reason func(action string) string) error {
	prefix, _, _ := strings.Cut(a.Action, ":")
	who := &call.Principal
	ofObjects := prefix == "s3" || prefix == "s3-object-lambda"
	if who.Kind == aws.Anonymous {
		if ofObjects {
			return s3AccessDenied.Errorf("Access Denied")
		}
		return errUnsigned()
	}
	fault, action, resource := aws.AccessDenied, a.Action, a.Resource.String()
	if a.Resource == aws.AnyResource {
		resource = "*"
	}
	switch prefix {
	case "s3", "s3-object-lambda":
		if reason == nil {
			return s3AccessDenied.Errorf("Access Denied")
		}
		fault, resource = s3AccessDenied, `"`+resource+`"`
	case "sns":
		fault, action = snsDenied, "SNS"+action[len(prefix):]
	case "sqs":
		action = strings.ToLower(action)
	}
	text := "User: " + who.ARN + " is not authorized to perform: " + action + " on resource: " + resource
	if reason != nil && prefix != "sts" {
		text += " " + reason(action)
	}
	return fault.Errorf("%s", text)
}
