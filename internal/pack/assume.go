package pack

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/container"
)

// A Missing is a local path that a template names and that is not there, or that
// nothing can be made of.
type Missing struct {
	Resource, Property, Path string
	Err                      error // why not; nil: it is not there
}

// String says what is missing.
func (m Missing) String() string {
	if m.Err != nil {
		return m.Err.Error()
	}
	return m.Property + " names " + m.Path + ", which is not there"
}

// Assume puts a place in a bucket where a template names a local path, as if
// that had been packed, and returns the paths that are not there.
func Assume(ctx context.Context, root map[string]any, dir string) []Missing {
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
		if k.holds == code {
			metadata, _ := r["Metadata"].(map[string]any)
			if err := assumeImage(ctx, properties, metadata, usual["PackageType"] == "Image", typ, dir); err != nil {
				missing = append(missing, Missing{Resource: id, Property: "ImageUri", Err: err})
			}
		}
		if typ == "AWS::Serverless::Function" && properties != nil {
			takeUsual(properties, usual, shared)
		}
		if path := assumeIn(properties, k, dir); path != "" {
			missing = append(missing, Missing{Resource: id, Property: k.property, Path: path})
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

// assumeImage puts an image where one would be built, and says why it would not.
func assumeImage(ctx context.Context, properties, metadata map[string]any, usual bool, typ, dir string) error {
	if metadata["DockerContext"] == nil && metadata["Dockerfile"] == nil || properties["PackageType"] != "Image" && !usual {
		return nil
	}
	in := properties
	if typ == "AWS::Lambda::Function" {
		code, _ := properties["Code"].(map[string]any)
		if code == nil {
			code = make(map[string]any)
			properties["Code"] = code
		}
		in = code
	}
	in["ImageUri"] = "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:latest"
	text := func(name string) string { s, _ := metadata[name].(string); return s }
	r := recipe{context: text("DockerContext"), file: cmp.Or(text("Dockerfile"), "Dockerfile"), target: text("DockerBuildTarget"), args: make(map[string]string)}
	args, _ := metadata["DockerBuildArgs"].(map[string]any)
	for name, value := range args {
		r.args[name] = fmt.Sprint(value)
	}
	if err := r.place(dir); err != nil || FindDocker(ctx) != "" {
		return err
	}
	return container.Check((&Packer{}).kitchen(ctx, "", &r))
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
