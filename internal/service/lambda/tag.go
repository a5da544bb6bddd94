package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTags is how many tags a resource has at most.
const maxTags = 50

// TagResource adds tags to a function, a mapping or a code signing configuration.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.changeTags(ctx, call, in.Resource, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return invalid("Too many tags: a resource can have no more than %d.", maxTags)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from what TagResource gives them.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.changeTags(ctx, call, in.Resource, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTags lists the tags of a resource.
func (s *Service) ListTags(ctx context.Context, call *aws.Call, in *api.ListTagsInput) (*api.ListTagsOutput, error) {
	arn, err := taggable(call, in.Resource)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		found, _, err := findTagged(tx, arn)
		maps.Copy(tags, found)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.ListTagsOutput{Tags: tags}, nil
}

// changeTags changes the tags of a resource.
func (s *Service) changeTags(ctx context.Context, call *aws.Call, resource string, change func(map[string]string) error) error {
	arn, err := taggable(call, resource)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		found, put, err := findTagged(tx, arn)
		if err != nil {
			return err
		}
		tags := maps.Clone(found)
		if tags == nil {
			tags = make(map[string]string)
		}
		if err := change(tags); err != nil {
			return err
		}
		return put(tags)
	})
}

// findTagged returns the tags of a resource, and what sets them.
func findTagged(tx *store.Tx, arn aws.ARN) (tags map[string]string, put func(map[string]string) error, err error) {
	switch {
	case strings.HasPrefix(arn.Resource, mappingKind):
		row, err := mappings.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			err = notFound("Event source mapping not found: %s", arn)
		}
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return mappings.Put(tx, arn, row)
		}, err
	case strings.HasPrefix(arn.Resource, codeSigningKind):
		row, err := findCodeSigning(tx, arn)
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return codeSignings.Put(tx, arn, row)
		}, err
	}
	row, err := findFunction(tx, arn)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		row.Latest.touch()
		return functions.Put(tx, arn, row)
	}, err
}

// taggable is the resource of an ARN, or a refusal if it cannot have tags.
func taggable(call *aws.Call, resource string) (aws.ARN, error) {
	arn, err := aws.ParseARN(resource)
	if err != nil {
		return arn, err
	}
	rest, ok := strings.CutPrefix(arn.Resource, functionKind)
	switch {
	case arn.Region != call.Region:
		return arn, errRegion(call, arn.Region)
	case strings.HasPrefix(arn.Resource, mappingKind), strings.HasPrefix(arn.Resource, codeSigningKind):
		return arn, nil
	case !ok:
		kind, _, _ := strings.Cut(arn.Resource, ":")
		return arn, aws.NotImplemented.Errorf("Aloft does not answer for tags of a %s yet.", kind)
	case strings.Contains(rest, ":"):
		return arn, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return arn, nil
}

// toJSON is v, which can be written so, as JSON without escapes for HTML.
func toJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
