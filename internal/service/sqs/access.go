package sqs

import (
	"context"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// onQueue is the row of an operation on the queue that its input names by URL.
func onQueue[In, Out any, P interface {
	*In
	GetQueueUrl() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), action string) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := queueARN(call, P(in).GetQueueUrl())
		if err != nil {
			return err
		}
		return check(service.Access{Action: "sqs:" + action, Resource: arn})
	})
}

// queueARN returns the ARN of the queue that a URL names by the end of its path.
// Its region is that of the call, unless the host of the URL says another.
func queueARN(call *aws.Call, queueURL string) (aws.ARN, error) {
	if queueURL == "" {
		return aws.ARN{}, errMissing("QueueUrl")
	}
	path, region := queueURL, call.Region
	if _, rest, ok := strings.Cut(queueURL, "://"); ok {
		var host string
		host, path, _ = strings.Cut(rest, "/")
		if name, ok := strings.CutPrefix(host, "sqs."); ok {
			if label, _, ok := strings.Cut(name, "."); ok && strings.Contains(label, "-") {
				region = label
			}
		}
	}
	account, name := lastSegment(strings.Trim(path, "/"))
	_, account = lastSegment(account)
	if name, err := url.PathUnescape(name); err == nil && isAccount(account) {
		return aws.ARN{Service: "sqs", Region: region, Account: account, Resource: name}, nil
	}
	return aws.ARN{}, api.InvalidAddress.Errorf("The address %s is not valid for this endpoint.", queueURL)
}

// lastSegment splits a path before its last segment.
func lastSegment(path string) (before, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// queueNamed is the queue that GetQueueUrl asks for.
func queueNamed(call *aws.Call, in *api.GetQueueUrlInput) aws.ARN {
	arn := call.ARN("sqs", in.QueueName)
	if owner := aws.Value(in.QueueOwnerAWSAccountId); owner != "" {
		arn.Account = owner
	}
	return arn
}

// urlOf returns the URL of a queue, on the host that was asked.
func (s *Service) urlOf(call *aws.Call, arn aws.ARN) string {
	base := strings.TrimSuffix(s.endpoint, "/")
	if call.Host != "" {
		base = "http://" + call.Host
		if call.Secure {
			base = "https://" + call.Host
		}
	}
	return base + "/" + arn.Account + "/" + arn.Resource
}

// policyOf implements service.Definition.Policy.
func (s *Service) policyOf(ctx context.Context, arn aws.ARN) (string, error) {
	q, err := s.look(ctx, arn)
	if err != nil {
		if isGone(err) {
			return "", nil
		}
		return "", err
	}
	return q.Policy, nil
}
