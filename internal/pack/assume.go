package pack

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// A Missing is a local path that a template names and that is not there.
type Missing struct{ Resource, Property, Path string }

// Assume puts a place in a bucket where a template names a local path, as if
// that had been packed, and returns the paths that are not there.
func Assume(root map[string]any, dir string) []Missing {
	var missing []Missing
	resources, _ := root["Resources"].(map[string]any)
	globals, _ := root["Globals"].(map[string]any)
	usual, _ := globals["Function"].(map[string]any)
	shared := usual["CodeUri"]
	delete(usual, "CodeUri")
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[id].(map[string]any)
		typ, _ := r["Type"].(string)
		properties, _ := r["Properties"].(map[string]any)
		k, known := kinds[typ]
		if !known {
			continue
		}
		if typ == "AWS::Serverless::Function" && properties != nil {
			takeUsual(properties, usual, shared)
		}
		if path := assumeIn(properties, k, dir); path != "" {
			missing = append(missing, Missing{id, k.property, path})
		}
	}
	return missing
}

// takeUsual gives a function that names no code what it usually has.
func takeUsual(properties, globals map[string]any, shared any) {
	for _, name := range []string{"CodeUri", "InlineCode", "ImageUri"} {
		if properties[name] != nil {
			return
		}
	}
	if properties["PackageType"] == "Image" || globals["PackageType"] == "Image" {
		return
	}
	if shared == nil {
		shared = "."
	}
	properties["CodeUri"] = shared
}

// assumeIn replaces a property that is a local path. It returns the path if
// nothing is there.
func assumeIn(properties map[string]any, k kind, dir string) string {
	path, ok := properties[k.property].(string)
	if !ok || path == "" || isURL(path) {
		return ""
	}
	properties[k.property] = map[string]any{k.names[0]: "bucket", k.names[1]: "key"}
	if k.names[0] == "" {
		properties[k.property] = "https://s3.amazonaws.com/bucket/key"
	}
	if _, err := os.Stat(spelled(dir, path)); err != nil {
		return path
	}
	return ""
}

func isURL(path string) bool {
	return slices.ContainsFunc([]string{"s3://", "https://", "http://", "{{resolve:"}, func(scheme string) bool { return strings.HasPrefix(path, scheme) })
}
