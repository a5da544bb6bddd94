package pack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aloft-cloud/aloft/internal/container"
	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/room"
	"github.com/aloft-cloud/aloft/internal/scratch"
)

// An Images is a registry of container images.
type Images interface {
	// Push puts the image of an archive into a repository, which is made if there
	// is none. Its tag is what name makes of its digest.
	Push(ctx context.Context, archive, repository string, name func(digest string) string) (Pushed, error)
}

// A Pushed says where an image is.
type Pushed struct{ Repository, Tag, Digest string }

// A recipe says of what an image is built.
type recipe struct {
	context string // directory
	file    string // in it
	args    map[string]string
	target  string
	tag     string // that is asked for
}

// place finds the files of r, whose paths are relative to dir.
func (r *recipe) place(dir string) error {
	from, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(r.context)))
	if err != nil {
		return err
	}
	r.context, r.file = from, filepath.Join(from, filepath.FromSlash(r.file))
	_, err = os.Stat(r.file)
	return err
}

// repositoryName is where images of templates are.
const repositoryName = "aloft-artifacts"

var notInTags = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

// pushImage builds the image of an artifact and pushes it. It returns its URI.
func (p *Packer) pushImage(ctx context.Context, dir string, a artifact) (string, error) {
	archive, remove, err := p.archiveOf(ctx, a.resource, dir, a.image, a.path)
	if err != nil {
		return "", err
	}
	defer remove()
	pushed, err := p.Images.Push(ctx, archive, repositoryName, func(digest string) string {
		// As SAM's own tool calls them: by the function, what is in them, and the tag.
		name := notInTags.ReplaceAllString(strings.ToLower(a.resource), "-") + "-" + strings.TrimPrefix(digest, "sha256:")[:12]
		if a.image != nil && a.image.tag != "" {
			name += "-" + notInTags.ReplaceAllString(a.image.tag, "-")
		}
		return name[:min(len(name), 128)]
	})
	if err != nil {
		return "", fmt.Errorf("push: %w", err)
	}
	return pushed.Repository + ":" + pushed.Tag, nil
}

// serviceImage builds and pushes an image of a service, as the framework does. It
// returns its URI.
func (p *Packer) serviceImage(ctx context.Context, dir string, i serverless.Image) (string, error) {
	archive, remove, err := p.archiveOf(ctx, i.Tag, dir, &recipe{context: i.Path, file: i.File, args: i.Args}, "")
	if err != nil {
		return "", err
	}
	defer remove()
	pushed, err := p.Images.Push(ctx, archive, i.Registry, func(string) string { return i.Tag })
	if err != nil {
		return "", fmt.Errorf("push: %w", err)
	}
	return pushed.Repository + "@" + pushed.Digest, nil
}

// archiveOf returns an archive with the image of r, which is built, or with the
// one that a file holds, if r is nil.
func (p *Packer) archiveOf(ctx context.Context, title, dir string, r *recipe, file string) (archive string, remove func(), err error) {
	if p.Images == nil {
		return "", nil, errors.New("there is no registry for images")
	}
	if r == nil {
		return filepath.Join(dir, file), func() {}, nil
	}
	recipe := *r
	if err := recipe.place(dir); err != nil {
		return "", nil, err
	}
	if tool := FindDocker(ctx); tool != "" {
		return p.dockerBuild(ctx, title, tool, &recipe)
	}
	archive, err = p.ownBuild(ctx, title, &recipe)
	return archive, func() {}, err
}

// A Dockerfile says what to build.
type Dockerfile struct {
	Context, File string
	Args          map[string]string
	Target        string // stage
}

// BuildImage builds an image without Docker, and returns the directory of its
// OCI layout.
func (p *Packer) BuildImage(ctx context.Context, d Dockerfile) (string, error) {
	from, err := filepath.Abs(d.Context)
	if err != nil {
		return "", err
	}
	return p.ownBuild(ctx, filepath.Base(from), &recipe{context: from, file: d.File, args: d.Args, target: d.Target})
}

// ownBuild builds an image without Docker.
func (p *Packer) ownBuild(ctx context.Context, title string, r *recipe) (string, error) {
	return container.Build(ctx, p.kitchen(ctx, title, r))
}

// kitchen says how images are built without Docker.
func (p *Packer) kitchen(ctx context.Context, title string, r *recipe) container.Config {
	home, _ := os.UserHomeDir() // where none is known, the host's own languages are found
	said := exec.CommandContext(ctx, "env")
	return container.Config{
		File: r.file, Context: r.context, Args: r.args, Target: r.target, Cache: p.Cache,
		Place: func(key string) string { return entry(p.Cache, "image\n"+key) },
		Rooms: room.Runner{Self: p.Rooms}, Tools: &lang.Finder{Home: home}, Env: said.Environ(),
		Tell: func(what string) {
			if p.Report != nil {
				p.Report(title, what)
			}
		},
	}
}

// dockers are tools that build images from Dockerfiles, best first.
var dockers = []string{"docker", "podman", "nerdctl", "buildah"}

// dockerAnswers is how long a tool may take to say that it works.
const dockerAnswers = 3 * time.Second

// FindDocker returns the path of a tool that builds images here, or "".
func FindDocker(ctx context.Context) string {
	for _, name := range dockers {
		// The program alone may be there, without what does its work.
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, dockerAnswers)
		err = command(ctx, path, "info").Run()
		if cancel(); err == nil {
			return path
		}
	}
	return ""
}

// dockerBuild has a tool build an image, and save it.
func (p *Packer) dockerBuild(ctx context.Context, title, tool string, r *recipe) (string, func(), error) {
	if p.Report != nil {
		p.Report(title, filepath.Base(tool)+" build")
	}
	dir, remove, err := scratch.Dir("aloft-image-")
	if err != nil {
		return "", nil, err
	}
	done := func() { _ = remove() }
	name := "aloft-build:" + hashOf([]byte(r.file + "\n" + r.target))[:16]
	args := []string{"build", "-t", name, "-f", r.file}
	for _, arg := range sortedNames(r.args) {
		args = append(args, "--build-arg", arg+"="+r.args[arg])
	}
	if r.target != "" {
		args = append(args, "--target", r.target)
	}
	archive := filepath.Join(dir, "image.tar")
	save := []string{"save", "-o", archive, name}
	switch filepath.Base(tool) {
	case "podman":
		save = []string{"save", "--format", "oci-archive", "-o", archive, name}
	case "buildah":
		save = []string{"push", name, "oci-archive:" + archive + ":" + name}
	}
	if err := run(ctx, r.context, nil, tool, append(args, r.context)...); err != nil {
		done()
		return "", nil, err
	}
	if err := run(ctx, r.context, nil, tool, save...); err != nil {
		done()
		return "", nil, err
	}
	return archive, done, nil
}

func sortedNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// findImage returns the image of a function that is to be built, or is there as
// an archive. Where neither is said, what the template says is left.
func findImage(typ, resource string, props, metadata *yaml.Node, dir string) (artifact, bool) {
	in, property := props, "ImageUri"
	if typ == "AWS::Lambda::Function" {
		in = child(props, "Code")
	}
	if in != nil && in.Kind != yaml.MappingNode {
		return artifact{}, false
	}
	a := artifact{kind: kind{property: property, holds: containerImage}, resource: resource, node: child(in, property)}
	if file := scalar(a.node); a.node != nil && isLocal(a.node) && exists(dir, filepath.FromSlash(file)) {
		a.path = file
		return a, true
	}
	if child(metadata, "DockerContext") == nil && child(metadata, "Dockerfile") == nil {
		return artifact{}, false
	}
	r := &recipe{context: scalar(child(metadata, "DockerContext")), file: scalar(child(metadata, "Dockerfile")), tag: scalar(child(metadata, "DockerTag")), target: scalar(child(metadata, "DockerBuildTarget")), args: make(map[string]string)}
	if r.file == "" {
		r.file = "Dockerfile"
	}
	if args := child(metadata, "DockerBuildArgs"); args != nil && args.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(args.Content); i += 2 {
			r.args[args.Content[i].Value] = scalar(args.Content[i+1])
		}
	}
	if a.node == nil {
		a.node = &yaml.Node{Kind: yaml.ScalarNode, Line: metadata.Line}
		add(props, in, typ, a.node)
	}
	a.image = r
	return a, true
}

// add puts the place of an image into the properties of a function.
func add(props, in *yaml.Node, typ string, uri *yaml.Node) {
	name := &yaml.Node{Kind: yaml.ScalarNode, Value: "ImageUri"}
	if in == nil && typ == "AWS::Lambda::Function" {
		in = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		props.Content = append(props.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "Code"}, in)
	}
	in.Content = append(in.Content, name, uri)
}

// same says whether two images are built of the same.
func (r *recipe) same(other *recipe) bool {
	return r != nil && other != nil && r.context == other.context && r.file == other.file && r.target == other.target && r.tag == other.tag && hashOf([]byte(fmt.Sprint(r.args))) == hashOf([]byte(fmt.Sprint(other.args)))
}
