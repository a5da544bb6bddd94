package lambda

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTags is how many tags a function has at most.
const maxTags = 50

// TagResource adds tags to a function.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.changeTags(ctx, call, in.Resource, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return invalid("Too many tags: a function can have no more than %d.", maxTags)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a function.
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

// ListTags lists the tags of a function.
func (s *Service) ListTags(ctx context.Context, call *aws.Call, in *api.ListTagsInput) (*api.ListTagsOutput, error) {
	fn, err := taggable(call, in.Resource)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, fn)
		maps.Copy(tags, row.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.ListTagsOutput{Tags: tags}, nil
}

func (s *Service) changeTags(ctx context.Context, call *aws.Call, resource string, change func(map[string]string) error) error {
	fn, err := taggable(call, resource)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, fn)
		if err != nil {
			return err
		}
		tags := maps.Clone(row.Tags)
		if tags == nil {
			tags = make(map[string]string)
		}
		if err := change(tags); err != nil {
			return err
		}
		row.Tags = tags
		row.Latest.touch()
		return functions.Put(tx, fn, row)
	})
}

// taggable is the function of an ARN, or a refusal if it cannot have tags.
func taggable(call *aws.Call, resource string) (aws.ARN, error) {
	arn, err := aws.ParseARN(resource)
	if err != nil {
		return arn, err
	}
	rest, ok := strings.CutPrefix(arn.Resource, functionKind)
	switch {
	case !ok:
		kind, _, _ := strings.Cut(arn.Resource, ":")
		return arn, aws.NotImplemented.Errorf("Aloft does not answer for tags of a %s yet.", kind)
	case strings.Contains(rest, ":"):
		return arn, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	case arn.Region != call.Region:
		return arn, errRegion(call, arn.Region)
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
