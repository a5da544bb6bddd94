package amplify

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ownTags begin the names of tags that CloudFormation alone gives, to find what
// it made.
const ownTags = "aws:cloudformation:"

// tagNames are what else tags are called.
var tagNames = regexp.MustCompile(`^[a-zA-Z+-=._:/]{1,128}$`)

// checkTags refuses tags that an app cannot have.
func checkTags(tags map[string]string) error {
	if len(tags) > service.MaxTags {
		return api.BadRequestException.Errorf("A resource can have at most %d tags.", service.MaxTags)
	}
	for key, value := range tags {
		if !strings.HasPrefix(key, ownTags) && (strings.HasPrefix(key, "aws:") || !tagNames.MatchString(key)) || len(value) > 256 {
			return api.BadRequestException.Errorf("The tag %s is not valid.", key)
		}
	}
	return nil
}

// tags are those of apps and branches.
func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags, TooMany: func(string) error {
		return api.BadRequestException.Errorf("A resource can have at most %d tags.", service.MaxTags)
	}}
}

// findTags returns the tags of the app or branch that an ARN of the caller's
// names, and what keeps others.
func findTags(tx *store.Tx, call *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Account != call.Account || !strings.HasPrefix(arn.Resource, appKind) {
		return nil, nil, api.ResourceNotFoundException.Errorf("Resource %s not found.", text)
	}
	app, part, isPart := strings.Cut(strings.TrimPrefix(arn.Resource, appKind), "/")
	of := arn
	of.Resource = appKind + app
	a, err := apps.Get(tx, of)
	if err != nil || !isPart {
		return a.Tags, func(tags map[string]string) error { a.Tags = tags; return apps.Put(tx, of, a) }, orMissing(err, text)
	}
	name, _ := url.PathUnescape(strings.TrimPrefix(part, "branches/"))
	b, err := branches.Get(tx, partKey{of, name})
	return b.Tags, func(tags map[string]string) error { b.Tags = tags; return branches.Put(tx, partKey{of, name}, b) }, orMissing(err, text)
}

// TagResource adds tags to an app or a branch.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.tags().Add(ctx, call, in.ResourceArn, in.Tags)
}

// UntagResource removes tags from an app or a branch.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys)
}

// ListTagsForResource lists the tags of an app or a branch.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	return &api.ListTagsForResourceOutput{Tags: tags}, err
}
