package s3

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// PutBucketWebsite makes a website of a bucket.
func (s *Service) PutBucketWebsite(ctx context.Context, call *aws.Call, in *api.PutBucketWebsiteInput) (*api.PutBucketWebsiteOutput, error) {
	if in.WebsiteConfiguration == nil {
		return nil, errMalformed()
	}
	if err := checkWebsite(in.WebsiteConfiguration); err != nil {
		return nil, err
	}
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Website = in.WebsiteConfiguration })
	return &api.PutBucketWebsiteOutput{}, err
}

// GetBucketWebsite returns what PutBucketWebsite was told.
func (s *Service) GetBucketWebsite(ctx context.Context, call *aws.Call, in *api.GetBucketWebsiteInput) (*api.GetBucketWebsiteOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if c.Website == nil {
		return nil, errNoWebsite(in.Bucket)
	}
	w := c.Website
	return &api.GetBucketWebsiteOutput{
		IndexDocument: w.IndexDocument, ErrorDocument: w.ErrorDocument, RedirectAllRequestsTo: w.RedirectAllRequestsTo, RoutingRules: w.RoutingRules,
	}, nil
}

// DeleteBucketWebsite leaves a bucket without a website.
func (s *Service) DeleteBucketWebsite(ctx context.Context, call *aws.Call, in *api.DeleteBucketWebsiteInput) (*api.DeleteBucketWebsiteOutput, error) {
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Website = nil })
	return &api.DeleteBucketWebsiteOutput{}, err
}

func errNoWebsite(bucket string) error {
	return api.NoSuchWebsiteConfiguration.With(&api.NoSuchWebsiteConfigurationDetail{BucketName: bucket},
		"The specified bucket does not have a website configuration")
}

// checkWebsite refuses a website that S3 does not take.
func checkWebsite(w *api.WebsiteConfiguration) error {
	if all := w.RedirectAllRequestsTo; all != nil {
		if w.IndexDocument != nil || w.ErrorDocument != nil || w.RoutingRules != nil {
			return errArgument("RedirectAllRequestsTo", "not null", "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
		}
		if all.HostName == "" {
			return errMalformed()
		}
		return checkScheme(all.Protocol)
	}
	switch {
	case w.IndexDocument == nil:
		return errArgument("IndexDocument", "null", "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
	case w.IndexDocument.Suffix == "" || strings.Contains(w.IndexDocument.Suffix, "/"):
		return errArgument("IndexDocument", w.IndexDocument.Suffix, "The IndexDocument Suffix is not well formed")
	case w.ErrorDocument != nil && w.ErrorDocument.Key == "":
		return errMalformed()
	case len(w.RoutingRules) > 50:
		return api.InvalidRequest.Errorf("%d routing rules provided, the number of routing rules in a website configuration is limited to 50.", len(w.RoutingRules))
	}
	for _, r := range w.RoutingRules {
		if err := checkRoutingRule(&r); err != nil {
			return err
		}
	}
	return nil
}

func checkRoutingRule(r *api.RoutingRule) error {
	if r.Redirect == nil {
		return errMalformed()
	}
	if c := r.Condition; c != nil {
		if c.HttpErrorCodeReturnedEquals == nil && c.KeyPrefixEquals == nil {
			return api.InvalidRequest.Errorf("Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.")
		}
		if code := c.HttpErrorCodeReturnedEquals; code != nil && !isCode(*code, "45") {
			return api.InvalidRequest.Errorf("The provided HTTP error code (%s) is not valid. Valid codes are 4XX or 5XX.", *code)
		}
	}
	if code := r.Redirect.HttpRedirectCode; code != nil && !isCode(*code, "3") {
		return api.InvalidRequest.Errorf("The provided HTTP redirect code (%s) is not valid. Valid codes are 3XX except 300.", *code)
	}
	if r.Redirect.ReplaceKeyPrefixWith != nil && r.Redirect.ReplaceKeyWith != nil {
		return api.InvalidRequest.Errorf("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
	}
	return checkScheme(r.Redirect.Protocol)
}

// isCode says whether s is a status whose first digit is one of those.
func isCode(s, first string) bool {
	return len(s) == 3 && strings.IndexByte(first, s[0]) >= 0 && s != "300" &&
		s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9'
}

func checkScheme(p *string) error {
	if p == nil || *p == api.ProtocolHttp || *p == api.ProtocolHttps {
		return nil
	}
	return api.InvalidRequest.Errorf("Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")
}
