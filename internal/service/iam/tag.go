package iam

import (
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
)

const maxTags = 50

// addTags returns tags with more of them.
func addTags(tags map[string]string, more []api.Tag) (map[string]string, error) {
	out := make(map[string]string, len(tags)+len(more))
	maps.Copy(out, tags)
	seen := make(map[string]bool)
	for _, t := range more {
		lower := strings.ToLower(t.Key)
		switch {
		case seen[lower]:
			return nil, api.InvalidInputException.Errorf("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case strings.HasPrefix(lower, "aws:"):
			return nil, api.InvalidInputException.Errorf("Tag keys that start with 'aws:' are reserved and can not be specified.")
		}
		seen[lower] = true
		for old := range out {
			if strings.EqualFold(old, t.Key) {
				delete(out, old)
			}
		}
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, api.LimitExceededException.Errorf("The number of tags has reached the maximum limit.")
	}
	return out, nil
}

// removeTags returns tags without some of them.
func removeTags(tags map[string]string, names []string) map[string]string {
	out := maps.Clone(tags)
	maps.DeleteFunc(out, func(name, _ string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	})
	return out
}

// tagList returns tags as operations do; nil if there are none.
func tagList(tags map[string]string) []api.Tag {
	var out []api.Tag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, api.Tag{Key: name, Value: tags[name]})
	}
	return out
}

// tagSeq yields tags by name.
func tagSeq(tags map[string]string) func(func(string, api.Tag) bool) {
	return func(yield func(string, api.Tag) bool) {
		for _, t := range tagList(tags) {
			if !yield(t.Key, t) {
				return
			}
		}
	}
}
