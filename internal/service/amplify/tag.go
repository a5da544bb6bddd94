package amplify

import (
	"context"
	"maps"
	"net/url"
	"regexp"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// ownTags begin the names of tags that CloudFormation alone gives, to find what
// it made.
const ownTags = "aws:cloudformation:"

// tagNames are what else tags are called.
var tagNames = regexp.MustCompile(`^[a-zA-Z+-=._:/]{1,128}$`)

// checkTags refuses tags that an app cannot have.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return api.BadRequestException.Errorf("A resource can have at most %d tags.", maxTags)
	}
	for key, value := range tags {
		if !strings.HasPrefix(key, ownTags) && (strings.HasPrefix(key, "aws:") || !tagNames.MatchString(key)) || len(value) > 256 {
			return api.BadRequestException.Errorf("The tag %s is not valid.", key)
		}
	}
	return nil
}

// TagResource adds tags to an app or a branch.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	_, err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	return &api.TagResourceOutput{}, err
}

// UntagResource removes tags from an app or a branch.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	_, err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
	return &api.UntagResourceOutput{}, err
}

// ListTagsForResource lists the tags of an app or a branch.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.retag(ctx, call, in.ResourceArn, func(map[string]string) {})
	return &api.ListTagsForResourceOutput{Tags: tags}, err
}

// retag changes the tags of an app or a branch, and returns them.
func (s *Service) retag(ctx context.Context, call *aws.Call, text string, change func(map[string]string)) (tags map[string]string, err error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Account != call.Account || !strings.HasPrefix(arn.Resource, appKind) {
		return nil, api.ResourceNotFoundException.Errorf("Resource %s not found.", text)
	}
	changed := func(had map[string]string) (map[string]string, error) {
		tags = make(map[string]string)
		maps.Copy(tags, had)
		if change(tags); len(tags) > maxTags {
			return nil, api.BadRequestException.Errorf("A resource can have at most %d tags.", maxTags)
		}
		return tags, nil
	}
	app, part, isPart := strings.Cut(strings.TrimPrefix(arn.Resource, appKind), "/")
	of := arn
	of.Resource = appKind + app
	return tags, s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := apps.Get(tx, of)
		if err != nil {
			return orMissing(err, text)
		}
		if !isPart {
			if a.Tags, err = changed(a.Tags); err != nil {
				return err
			}
			return apps.Put(tx, of, a)
		}
		name, _ := url.PathUnescape(strings.TrimPrefix(part, "branches/"))
		b, err := branches.Get(tx, partKey{of, name})
		if err != nil {
			return orMissing(err, text)
		}
		if b.Tags, err = changed(b.Tags); err != nil {
			return err
		}
		return branches.Put(tx, partKey{of, name}, b)
	})
}
