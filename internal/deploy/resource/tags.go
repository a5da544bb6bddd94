package resource

import (
	"maps"
	"slices"
)

// tagMap reads the tags of a resource: a list of keys and values, or a map.
func tagMap(v any) map[string]string {
	out := make(map[string]string)
	for key, value := range object(v) {
		out[key] = text(value)
	}
	for _, element := range list(v) {
		tag := object(element)
		out[text(tag["Key"])] = text(tag["Value"])
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// retag makes the tags of a resource those of op.New: it sets those that are new
// or differ, and removes those that are gone.
func retag(op *Op, read func(any) map[string]string, set func(map[string]string) error, remove func([]string) error) error {
	old, tags := read(op.Old["Tags"]), read(op.New["Tags"])
	changed := make(map[string]string)
	var gone []string
	for key, value := range tags {
		if before, has := old[key]; !has || before != value {
			changed[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, has := tags[key]; !has {
			gone = append(gone, key)
		}
	}
	if len(gone) > 0 {
		if err := remove(gone); err != nil {
			return err
		}
	}
	if len(changed) > 0 {
		return set(changed)
	}
	return nil
}
