package service

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// MaxTags is how many tags a resource has at most, in most services.
const MaxTags = 50

// Tags changes and lists the tags of a service's resources.
type Tags struct {
	DB *store.DB

	// Find returns the tags of the resource that an ARN names, and what keeps
	// others in their place.
	Find func(tx *store.Tx, call *aws.Call, arn string) (tags map[string]string, keep func(map[string]string) error, err error)

	// TooMany is the refusal of more than MaxTags.
	TooMany func(arn string) error

	// Reserved is the refusal of a key that begins with aws:. nil: it is taken.
	Reserved func(key string) error
}

// Add adds tags to a resource.
func (t *Tags) Add(ctx context.Context, call *aws.Call, arn string, more map[string]string) error {
	return t.change(ctx, call, arn, func(had map[string]string) (map[string]string, error) { return t.With(arn, had, more) })
}

// Remove takes tags from a resource.
func (t *Tags) Remove(ctx context.Context, call *aws.Call, arn string, keys []string) error {
	return t.change(ctx, call, arn, func(had map[string]string) (map[string]string, error) {
		tags := maps.Clone(had)
		for _, key := range keys {
			delete(tags, key)
		}
		return tags, nil
	})
}

// With returns had with more, if a resource may have them all.
func (t *Tags) With(arn string, had, more map[string]string) (map[string]string, error) {
	tags := make(map[string]string, len(had)+len(more))
	maps.Copy(tags, had)
	for key, value := range more {
		if t.Reserved != nil && strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, t.Reserved(key)
		}
		tags[key] = value
	}
	if len(tags) > MaxTags {
		return nil, t.TooMany(arn)
	}
	return tags, nil
}

func (t *Tags) change(ctx context.Context, call *aws.Call, arn string, change func(map[string]string) (map[string]string, error)) error {
	return t.DB.Update(ctx, func(tx *store.Tx) error {
		had, keep, err := t.Find(tx, call, arn)
		if err != nil {
			return err
		}
		tags, err := change(had)
		if err != nil || maps.Equal(tags, had) {
			return err
		}
		return keep(tags)
	})
}

// List returns the tags of a resource; those of one without are empty, not nil.
func (t *Tags) List(ctx context.Context, call *aws.Call, arn string) (map[string]string, error) {
	tags := make(map[string]string)
	err := t.DB.View(ctx, func(tx *store.Tx) error {
		had, _, err := t.Find(tx, call, arn)
		maps.Copy(tags, had)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tags, nil
}

// TagMap makes a map of a list of tags, nil of an empty one.
func TagMap[T any](list []T, pair func(T) (key, value string)) map[string]string {
	if len(list) == 0 {
		return nil
	}
	tags := make(map[string]string, len(list))
	for _, t := range list {
		key, value := pair(t)
		tags[key] = value
	}
	return tags
}

// Untag takes tags from a map: those of the key, and of the value if there is one.
func Untag[T any](tags map[string]string, list []T, pair func(T) (key string, value *string)) {
	for _, t := range list {
		if key, value := pair(t); value == nil || tags[key] == *value {
			delete(tags, key)
		}
	}
}

// TagList makes a list of a map of tags, by key; it is never nil.
func TagList[T any](tags map[string]string, tag func(key, value string) T) []T {
	list := make([]T, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag(key, tags[key]))
	}
	return list
}
