package secretsmanager

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Services keep secrets of their own in an account, such as those of connections
// of EventBridge: their names begin with the service's and "!". Others may read
// them if policies say so, and change none.

// owns reports whether call is of the service that a secret of that name is of.
func owns(call *aws.Call, name string) bool {
	service, _, managed := strings.Cut(name, "!")
	return managed && call.Principal.Kind == aws.Service && call.Principal.ARN == service+".amazonaws.com"
}

// ownerOf is the service that a new secret of that name is of, or "".
func ownerOf(call *aws.Call, name string) string {
	if owns(call, name) {
		return call.Principal.ARN
	}
	return ""
}

// readOnly are the operations on secrets that others than their owners may do.
var readOnly = map[string]bool{
	"DescribeSecret": true, "GetSecretValue": true, "ListSecretVersionIds": true, "GetResourcePolicy": true,
}
