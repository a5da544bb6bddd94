package pack

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What a property may name by a local path.
const (
	code = iota
	layer
	plainFile
	nestedTemplate
	containerImage
)

// A kind is a property that may name a local path, and what takes its place.
type kind struct {
	property string
	holds    int
	names    [2]string // of bucket and key; empty: a URL takes its place
}

var (
	bucketAndKey   = [2]string{"Bucket", "Key"}
	s3BucketAndKey = [2]string{"S3Bucket", "S3Key"}
)

// kinds are the properties that may name a local path, by resource type.
var kinds = map[string]kind{
	"AWS::Serverless::Function":        {"CodeUri", code, bucketAndKey},
	"AWS::Serverless::LayerVersion":    {"ContentUri", layer, bucketAndKey},
	"AWS::Serverless::Api":             {"DefinitionUri", plainFile, bucketAndKey},
	"AWS::Serverless::HttpApi":         {"DefinitionUri", plainFile, bucketAndKey},
	"AWS::Serverless::StateMachine":    {"DefinitionUri", plainFile, bucketAndKey},
	"AWS::Serverless::Application":     {"Location", nestedTemplate, [2]string{}},
	"AWS::CloudFormation::Stack":       {"TemplateURL", nestedTemplate, [2]string{}},
	"AWS::Lambda::Function":            {"Code", code, s3BucketAndKey},
	"AWS::Lambda::LayerVersion":        {"Content", layer, s3BucketAndKey},
	"AWS::ApiGateway::RestApi":         {"BodyS3Location", plainFile, bucketAndKey},
	"AWS::ApiGatewayV2::Api":           {"BodyS3Location", plainFile, bucketAndKey},
	"AWS::StepFunctions::StateMachine": {"DefinitionS3Location", plainFile, bucketAndKey},
	"AWS::AppSync::GraphQLSchema":      {"DefinitionS3Location", plainFile, [2]string{}},
}

// An artifact is what a template names by a local path.
type artifact struct {
	kind     kind
	resource string // logical id
	runtime  string
	method   string // Metadata.BuildMethod, if any
	options  *yaml.Node
	handler  string
	arm      bool // it is to run on arm64
	path     string
	node     *yaml.Node // the value that names the path
	image    *recipe    // of an image that is built
}

// same says whether what is built of a and b is the same.
func (a artifact) same(b artifact) bool {
	if a.kind.holds == containerImage || b.kind.holds == containerImage {
		return a.image.same(b.image)
	}
	if a.runtime == "go1.x" && a.handler != b.handler {
		return false // what it is called in the archive
	}
	return !a.ownBuild() && a.path == b.path && a.method == b.method && a.kind.holds == b.kind.holds && language(a.runtime) == language(b.runtime)
}

// ownBuild says whether an artifact is built by its name, or by options.
func (a artifact) ownBuild() bool {
	return a.method == "makefile" || a.method == "esbuild" || a.method == "rust-cargolambda"
}

// language is a runtime without its version.
func language(runtime string) string { return strings.TrimRight(runtime, "0123456789.x") }

// set replaces the path of a by a place in a bucket.
func (a artifact) set(bucket, key string) {
	if a.kind.names[0] == "" {
		a.node.Value = "s3://" + bucket + "/" + key
		if a.kind.holds == nestedTemplate {
			a.node.Value = "https://s3.amazonaws.com/" + bucket + "/" + key
		}
		return
	}
	a.node.Kind, a.node.Tag, a.node.Value, a.node.Style = yaml.MappingNode, "!!map", "", 0
	a.node.Content = []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: a.kind.names[0]}, {Kind: yaml.ScalarNode, Value: bucket},
		{Kind: yaml.ScalarNode, Value: a.kind.names[1]}, {Kind: yaml.ScalarNode, Value: key},
	}
}

// findArtifacts returns what a template names by local path.
func findArtifacts(root *yaml.Node, dir string) []artifact {
	var found []artifact
	globals := child(child(root, "Globals"), "Function")
	resources := child(root, "Resources")
	for i := 0; resources != nil && i+1 < len(resources.Content); i += 2 {
		r := resources.Content[i+1]
		typ := scalar(child(r, "Type"))
		k, ok := kinds[typ]
		if !ok {
			continue
		}
		props := child(r, "Properties")
		if k.holds == code && isImage(props, globalsOf(typ, globals)) {
			if a, ok := findImage(typ, resources.Content[i].Value, props, child(r, "Metadata"), dir); ok {
				found = append(found, a)
			}
			continue
		}
		node := child(props, k.property)
		ofGlobals := typ == "AWS::Serverless::Function"
		usual := scalar(child(globals, k.property))
		if usual == "" {
			usual = "." // as SAM's own tool has it
		}
		if ofGlobals && node == nil && props != nil && child(props, "InlineCode") == nil {
			node = &yaml.Node{Kind: yaml.ScalarNode, Value: usual, Line: r.Line}
			props.Content = append(props.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: k.property}, node)
		}
		if !isLocal(node) {
			continue
		}
		runtime := scalar(child(props, "Runtime"))
		if runtime == "" && ofGlobals {
			runtime = scalar(child(globals, "Runtime"))
		}
		metadata := child(r, "Metadata")
		architectures := child(props, "Architectures")
		if architectures == nil && ofGlobals {
			architectures = child(globals, "Architectures")
		}
		handler := scalar(child(props, "Handler"))
		if handler == "" && ofGlobals {
			handler = scalar(child(globals, "Handler"))
		}
		found = append(found, artifact{
			kind: k, resource: resources.Content[i].Value, runtime: runtime, path: scalar(node), node: node,
			method: scalar(child(metadata, "BuildMethod")), options: child(metadata, "BuildProperties"), handler: handler,
			arm: architectures != nil && len(architectures.Content) > 0 && scalar(architectures.Content[0]) == "arm64",
		})
	}
	found = append(found, findTexts(resources)...)
	return append(found, findIncludes(root, "", 0)...)
}

// texts are properties that may name a file of text by local path, besides those
// of kinds, by resource type. A * is any member.
var texts = map[string][]string{
	"AWS::AppSync::Resolver":              {"CodeS3Location", "RequestMappingTemplateS3Location", "ResponseMappingTemplateS3Location"},
	"AWS::AppSync::FunctionConfiguration": {"CodeS3Location", "RequestMappingTemplateS3Location", "ResponseMappingTemplateS3Location"},
	"AWS::AppSync::ChannelNamespace":      {"CodeS3Location"},
	"AWS::Serverless::GraphQLApi":         {"SchemaUri", "Functions.*.CodeUri", "Resolvers.*.*.CodeUri"},
}

// findTexts returns what resources name by those.
func findTexts(resources *yaml.Node) []artifact {
	var found []artifact
	for i := 0; resources != nil && i+1 < len(resources.Content); i += 2 {
		r := resources.Content[i+1]
		for _, path := range texts[scalar(child(r, "Type"))] {
			for _, node := range below([]*yaml.Node{child(r, "Properties")}, strings.Split(path, ".")) {
				if isLocal(node) {
					found = append(found, artifact{kind: kind{property: path, holds: plainFile}, resource: resources.Content[i].Value, path: scalar(node), node: node})
				}
			}
		}
	}
	return found
}

// below are the nodes that a path leads to.
func below(nodes []*yaml.Node, path []string) []*yaml.Node {
	for _, name := range path {
		var next []*yaml.Node
		for _, n := range nodes {
			if name != "*" {
				if c := child(n, name); c != nil {
					next = append(next, c)
				}
				continue
			}
			for j := 1; n != nil && j < len(n.Content); j += 2 {
				next = append(next, n.Content[j])
			}
		}
		nodes = next
	}
	return nodes
}

// globalsOf are what is said for all functions of a type.
func globalsOf(typ string, globals *yaml.Node) *yaml.Node {
	if typ == "AWS::Serverless::Function" {
		return globals
	}
	return nil
}

// isImage says whether a function is an image, and not code.
func isImage(props, globals *yaml.Node) bool {
	return child(props, "ImageUri") != nil || child(child(props, "Code"), "ImageUri") != nil || scalar(child(props, "PackageType")) == "Image" || scalar(child(globals, "PackageType")) == "Image"
}

// findIncludes returns the parts that AWS::Include takes from local paths.
func findIncludes(n *yaml.Node, resource string, depth int) []artifact {
	const maxDepth = 100
	if n == nil || depth > maxDepth {
		return nil
	}
	var found []artifact
	if scalar(child(n, "Name")) == "AWS::Include" {
		if at := child(child(n, "Parameters"), "Location"); isLocal(at) {
			found = append(found, artifact{kind: kind{holds: plainFile}, resource: "AWS::Include", path: at.Value, node: at})
		}
	}
	for _, c := range n.Content {
		found = append(found, findIncludes(c, resource, depth+1)...)
	}
	return found
}

// isLocal says whether n names a path on this machine.
func isLocal(n *yaml.Node) bool {
	path := scalar(n)
	if path == "" || n.Tag != "" && n.Tag != "!!str" || filepath.IsAbs(path) && strings.HasPrefix(path, "//") {
		return false
	}
	return !isURL(path)
}

// child returns the value of key in a mapping, or nil. Of two of one key the
// last counts, as to all who read templates.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
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
