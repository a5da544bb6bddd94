package aws

import "strings"

// An ARN names one resource. The partition is always "aws".
type ARN struct {
	Service  string // "sqs"
	Region   string // empty for global services
	Account  string // empty for buckets
	Resource string // "jobs", "function:resize:3", "role/deploy"
}

// ParseARN reads the text form of an ARN.
func ParseARN(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] != "aws" || p[2] == "" || p[5] == "" {
		return ARN{}, InvalidParameter.Errorf("Not an ARN: %q.", s)
	}
	return ARN{Service: p[2], Region: p[3], Account: p[4], Resource: p[5]}, nil
}

func (a ARN) String() string {
	if a == (ARN{}) {
		return ""
	}
	return "arn:aws:" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// AnyResource is what an operation that is about no one resource is done on,
// such as ListTables: policies must allow it on "*".
var AnyResource = ARN{Service: "*"}
