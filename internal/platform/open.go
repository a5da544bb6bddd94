package platform

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// open takes everyone as root, until package auth is here.
type open struct{}

// Authenticate implements edge.Authenticator.
func (open) Authenticate(r *http.Request, name string, body []byte) (*aws.Call, error) {
	const account = "000000000000"
	return &aws.Call{
		Account:   account,
		Region:    "us-east-1",
		Principal: aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::" + account + ":root", ID: account, Account: account},
		AccessKey: "test",
		UserAgent: r.UserAgent(),
		Host:      r.Host,
	}, nil
}

// Authorize implements dispatch.Authorizer.
func (open) Authorize(context.Context, *aws.Call, service.Access) error { return nil }
