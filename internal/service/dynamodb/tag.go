package dynamodb

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func tagMap(tags []api.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

func checkTags(tags []api.Tag) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		switch {
		case seen[t.Key]:
			return refuse("Duplicate tag keys found in the request: " + t.Key)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return refuse("User-defined tag keys can't start with aws:")
		case !tagPattern.MatchString(t.Key) || !tagPattern.MatchString(t.Value):
			return refuse(invalid + "Tags may hold letters, spaces, numbers and _ . : / = + - @ only: " + t.Key + "=" + t.Value)
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		return errTooManyTags()
	}
	return nil
}

func errTooManyTags() error {
	return refuse("One or more parameter values were invalid: Too many tags: a table can have at most 50")
}

// resourceTable is the table that an ARN names.
func resourceTable(resource string) (aws.ARN, error) {
	arn, err := aws.ParseARN(resource)
	if resource == "" {
		return arn, refuse("Invalid TableArn")
	}
	if !strings.HasPrefix(resource, "arn:") {
		return arn, refuse(invalid + "ARNs must start with 'arn:': " + resource)
	}
	if err != nil || arn.Service != "dynamodb" || !strings.HasPrefix(arn.Resource, tableKind) || checkName(tableName(arn)) != nil {
		return arn, refuse("Invalid TableArn: Invalid ResourceArn provided as input " + resource)
	}
	return arn, nil
}

// changeResource is changeTable for a table that is meant by its ARN.
func (s *Service) changeResource(ctx context.Context, arn aws.ARN, change func(*table) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := changeTable(tx, arn, change)
		if errors.Is(err, api.ResourceNotFoundException) {
			return errNoARN(arn)
		}
		return err
	})
}

func errNoARN(arn aws.ARN) error {
	return api.ResourceNotFoundException.With(nil, "Requested resource not found: ResourcArn: "+arn.String()+" not found")
}

// TagResource sets tags of a table.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	arn, err := resourceTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, refuse("Atleast one Tag needs to be provided as Input.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err = s.changeResource(ctx, arn, func(t *table) error {
		if t.Tags == nil {
			t.Tags = make(map[string]string)
		}
		maps.Copy(t.Tags, tagMap(in.Tags))
		if len(t.Tags) > maxTags {
			return errTooManyTags()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags of a table.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	arn, err := resourceTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, refuse("Atleast one Tag Key needs to be provided as Input.")
	}
	err = s.changeResource(ctx, arn, func(t *table) error {
		for _, k := range in.TagKeys {
			delete(t.Tags, k)
		}
		return nil
	})
	if errors.Is(err, api.ResourceNotFoundException) {
		return nil, errNoResource // AWS does not say which, here
	}
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsOfResource lists the tags of a table.
func (s *Service) ListTagsOfResource(ctx context.Context, call *aws.Call, in *api.ListTagsOfResourceInput) (*api.ListTagsOfResourceOutput, error) {
	arn, err := resourceTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsOfResourceOutput{Tags: []api.Tag{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err := s.lookTable(tx, arn)
		if errors.Is(err, api.ResourceNotFoundException) {
			return errNoARN(arn)
		}
		if err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(t.Tags)) {
			out.Tags = append(out.Tags, api.Tag{Key: k, Value: t.Tags[k]})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
