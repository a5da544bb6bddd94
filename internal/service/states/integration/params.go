package integration

import (
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// Parameters are what the operation is called with.
func (t *Target) Parameters(args tree.Value, f Facts) (tree.Value, *asl.Error) {
	given, ok := args.(*tree.Object)
	if !ok {
		return nil, &asl.Error{Name: asl.ErrRuntime, Cause: "The parameters of a task that calls a service must be a JSON object."}
	}
	if t.before == nil {
		return given, nil
	}
	o := given.Clone()
	t.before(o, f)
	return o, nil
}

// nameSources says of events which execution they come from.
func nameSources(args *tree.Object, f Facts) {
	given, _ := args.Get("Entries")
	list, _ := given.([]tree.Value)
	entries := make([]tree.Value, len(list))
	for i, v := range list {
		entries[i] = v
		if entry, ok := v.(*tree.Object); ok {
			resources, _ := entry.Get("Resources")
			named, _ := resources.([]tree.Value)
			entries[i] = entry.With("Resources", append(append([]tree.Value{}, named...), f.Execution, f.Machine))
		}
	}
	if list != nil {
		args.Set("Entries", entries)
	}
}

// nameOnce names an execution that has no name.
func nameOnce(args *tree.Object, f Facts) {
	if name, _ := args.Get("Name"); name == nil && f.Once != "" {
		args.Set("Name", f.Once)
	}
}

// typeTexts takes plain texts for attributes of the type S, as AWS does though it
// does not say so.
func typeTexts(args *tree.Object, _ Facts) {
	for _, name := range []string{"Item", "Key", "ExpressionAttributeValues"} {
		given, _ := args.Get(name)
		attributes, ok := given.(*tree.Object)
		if !ok {
			continue
		}
		typed := attributes.Clone()
		for attribute, v := range attributes.All() {
			if text, ok := v.(string); ok {
				typed.Set(attribute, tree.NewObject("S", text))
			}
		}
		args.Set(name, typed)
	}
}
