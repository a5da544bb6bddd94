// Package pack makes an application ready to be deployed: it builds the code
// that a template names by local path, zips it, hands the archives on to be
// uploaded, and returns the template with the places they went to.
//
// Archives depend on their content alone, and are named by their hash. So what
// has not changed is not uploaded again, and its function is not updated.
package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Uploader keeps an archive, unless it has one of that name already, and
// says where.
type Uploader interface {
	Upload(ctx context.Context, name string, archive []byte) (bucket, key string, err error)
}

// A Packer packs applications.
type Packer struct {
	Uploader Uploader
	Report   func(resource, what string) // told of each step; may be nil
}

// templateNames are the files that make a directory an application, best first.
var templateNames = []string{"template.yaml", "template.yml", "template.json"}

// FindTemplate returns the template of the application in dir, or path itself
// if it is a file.
func FindTemplate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range templateNames {
		file := filepath.Join(path, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	for _, name := range []string{"serverless.yml", "serverless.yaml", "serverless.ts", "cdk.json"} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return "", fmt.Errorf("%s: Aloft does not deploy %s yet; give it a SAM or CloudFormation template", path, name)
		}
	}
	return "", fmt.Errorf("%s: found no %s", path, strings.Join(templateNames, ", "))
}

// Pack packs the application of a template file and returns the template to
// deploy.
func (p *Packer) Pack(ctx context.Context, templateFile string) ([]byte, error) {
	text, err := os.ReadFile(templateFile)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", templateFile, err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s: the template is empty", templateFile)
	}
	found := findArtifacts(doc.Content[0])
	if len(found) == 0 {
		return text, nil
	}
	build := builder{dir: filepath.Dir(templateFile), report: p.Report, done: make(map[buildKey][]byte)}
	for _, a := range found {
		if err := p.place(ctx, &build, a); err != nil {
			return nil, fmt.Errorf("%s: %w", a.resource, err)
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err = errors.Join(enc.Encode(&doc), enc.Close())
	return out.Bytes(), err
}

// place builds and uploads a, and writes into the template where it went.
func (p *Packer) place(ctx context.Context, build *builder, a artifact) error {
	archive, err := build.archive(ctx, a)
	if err != nil {
		return err
	}
	bucket, key, err := p.Uploader.Upload(ctx, hashOf(archive)+".zip", archive)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	a.set(bucket, key)
	return nil
}

// An artifact is code that a template names by a local path.
type artifact struct {
	resource string // logical id
	runtime  string
	method   string // Metadata.BuildMethod, if any
	path     string
	node     *yaml.Node // the value that names the path
	names    [2]string  // of bucket and key in what takes its place
}

// set replaces the path of a by a place in a bucket.
func (a artifact) set(bucket, key string) {
	a.node.Kind, a.node.Tag, a.node.Value, a.node.Style = yaml.MappingNode, "!!map", "", 0
	a.node.Content = []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: a.names[0]}, {Kind: yaml.ScalarNode, Value: bucket},
		{Kind: yaml.ScalarNode, Value: a.names[1]}, {Kind: yaml.ScalarNode, Value: key},
	}
}

// kinds are the properties that hold code, by resource type.
var kinds = map[string]struct {
	property string
	names    [2]string
}{
	"AWS::Serverless::Function":     {"CodeUri", [2]string{"Bucket", "Key"}},
	"AWS::Serverless::LayerVersion": {"ContentUri", [2]string{"Bucket", "Key"}},
	"AWS::Lambda::Function":         {"Code", [2]string{"S3Bucket", "S3Key"}},
	"AWS::Lambda::LayerVersion":     {"Content", [2]string{"S3Bucket", "S3Key"}},
}

// findArtifacts returns the code that root's resources name by local path.
func findArtifacts(root *yaml.Node) []artifact {
	var found []artifact
	globals := child(child(root, "Globals"), "Function")
	resources := child(root, "Resources")
	for i := 0; resources != nil && i+1 < len(resources.Content); i += 2 {
		r := resources.Content[i+1]
		kind, ok := kinds[scalar(child(r, "Type"))]
		if !ok {
			continue
		}
		props := child(r, "Properties")
		node := child(props, kind.property)
		usual := scalar(child(globals, kind.property))
		if node == nil && usual != "" && child(props, "InlineCode") == nil && props != nil {
			node = &yaml.Node{Kind: yaml.ScalarNode, Value: usual}
			props.Content = append(props.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: kind.property}, node)
		}
		path := scalar(node)
		if path == "" || node.Tag != "" && node.Tag != "!!str" || strings.HasPrefix(path, "s3://") {
			continue
		}
		runtime := scalar(child(props, "Runtime"))
		if runtime == "" {
			runtime = scalar(child(globals, "Runtime"))
		}
		found = append(found, artifact{
			resource: resources.Content[i].Value,
			runtime:  runtime,
			method:   scalar(child(child(r, "Metadata"), "BuildMethod")),
			path:     path,
			node:     node,
			names:    kind.names,
		})
	}
	return found
}

// child returns the value of key in a mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalar returns the text of n, or "" if it is no scalar.
func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
