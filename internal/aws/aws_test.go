package aws_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
)

func TestParseARN(t *testing.T) {
	f := func(s string, want aws.ARN, ok bool) {
		t.Helper()
		got, err := aws.ParseARN(s)
		if (err == nil) != ok || got != want {
			t.Errorf("ParseARN(%q) = %+v, %v", s, got, err)
		}
		if ok && got.String() != s {
			t.Errorf("ParseARN(%q) prints as %q", s, got)
		}
	}
	f("arn:aws:sqs:eu-central-1:123456789012:jobs", aws.ARN{Service: "sqs", Region: "eu-central-1", Account: "123456789012", Resource: "jobs"}, true)
	f("arn:aws:s3:::b/a:b", aws.ARN{Service: "s3", Resource: "b/a:b"}, true)
	f("arn:aws:lambda:us-east-1:000000000000:function:f:1", aws.ARN{Service: "lambda", Region: "us-east-1", Account: "000000000000", Resource: "function:f:1"}, true)
	f("", aws.ARN{}, false)
	f("arn:aws:sqs:eu-central-1:123456789012", aws.ARN{}, false)
	f("arn:aws-cn:sqs:::x", aws.ARN{}, false)
	f("arn:aws::::x", aws.ARN{}, false)
}

// FuzzParseARN holds that what parses prints as it was.
func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:s3:::b/k")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := aws.ParseARN(s); err == nil && a.String() != s {
			t.Errorf("ParseARN(%q) prints as %q", s, a)
		}
	})
}

func TestRefusal(t *testing.T) {
	err := fmt.Errorf("op: %w", aws.AccessDenied.Errorf("no %s", "way"))
	if got := aws.Refusal(err); got.Code != "AccessDeniedException" || got.Message != "no way" {
		t.Errorf("Refusal = %+v", got)
	}
	if !errors.Is(err, aws.AccessDenied) || errors.Is(err, aws.InvalidAction) {
		t.Error("errors.Is does not tell faults apart")
	}
	if got := aws.Refusal(errors.New("disk on fire")); got.Code != "InternalFailure" || got.Status != 500 || got.Message == "disk on fire" {
		t.Errorf("Refusal of a failure of ours = %+v", got)
	}
}

func TestRequestID(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a, b := aws.NewRequestID(), aws.NewRequestID()
	if !uuid.MatchString(a) || a == b {
		t.Errorf("request ids %s and %s", a, b)
	}
	long := regexp.MustCompile(`^[0-9A-Z]{52}$`)
	if a, b := aws.NewLongRequestID(), aws.NewLongRequestID(); !long.MatchString(a) || a == b {
		t.Errorf("long request ids %s and %s", a, b)
	}
}
