// Package pack makes an application ready to be deployed: it builds the code
// that a template names by local path, hands it on to be uploaded, and returns
// the template with the places it went to.
//
// What is uploaded is named by the hash of the files in it. So what has not
// changed is neither compressed nor uploaded again, and its function is not
// updated.
//
//	pack.go      Packer
//	artifact.go  what a template names by local path
//	tree.go      files, their hash and their archive
//	build.go     from sources to what runs, by language
//	golang.go    Go, by its own command
//	bundle.go    JavaScript and TypeScript, by esbuild
//	java.go      Java, by Maven and Gradle
//	service.go   services of the Serverless Framework
//	sieve.go     which of their files are packed
//	install.go   what they require, and what is built for them
//	entries.go   their functions, bundled or served as web applications
//	decorated.go TypeScript whose decorators are read at run time
//	image.go     container images, from their Dockerfiles
//	script.go    scripts that say what their configuration is
package pack

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aloft-cloud/aloft/internal/scratch"
	"github.com/aloft-cloud/aloft/internal/task"
)

// An Uploader keeps what content returns, unless it has something of that name
// already, and says where.
type Uploader interface {
	Upload(ctx context.Context, name string, content func() ([]byte, error)) (bucket, key string, err error)
}

// A Packer packs applications.
type Packer struct {
	Uploader Uploader
	Report   func(resource, what string) // told of each step; may be nil
	Cache    string                      // directory for what builders may use again; empty: nothing is
	Images   Images                      // where images go that are built; nil refuses them
	Rooms    []string                    // the program, with arguments, that calls room.Enter
	Near     bool                        // what is uploaded stays on this machine: to compress it takes longer than to copy it
}

// templateNames are the files that make a directory an application, best first.
var templateNames = []string{"template.yaml", "template.yml", "template.json"}

// FindTemplate returns the template or the service of the application in dir, or
// path itself if it is a file.
func FindTemplate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return path, nil
	}
	names := append(slices.Clone(serviceNames), templateNames...)
	for _, name := range names {
		file := filepath.Join(path, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	if _, err := os.Stat(filepath.Join(path, "cdk.json")); err == nil {
		return "", fmt.Errorf("%s: Aloft does not deploy cdk.json itself; use the CDK against it, or give it a template", path)
	}
	return "", fmt.Errorf("%s: found none of %s", path, strings.Join(names, ", "))
}

// Pack packs the application of a template file and returns the template to
// deploy.
func (p *Packer) Pack(ctx context.Context, templateFile string) ([]byte, error) {
	dir, done, err := p.cacheDir()
	if err != nil {
		return nil, err
	}
	defer done()
	inner := *p
	inner.Cache = dir
	return inner.pack(ctx, templateFile, 0)
}

// cacheDir returns the directory to build in, and what removes one that is not
// to be used again.
func (p *Packer) cacheDir() (dir string, done func(), err error) {
	if p.Cache != "" {
		// What cannot be removed now is no reason not to deploy.
		return p.Cache, func() { _ = trim(p.Cache, cacheBytes, cachePause) }, nil
	}
	dir, remove, err := scratch.Dir("aloft-build-")
	return dir, func() { _ = remove() }, err
}

const maxNested = 5 // templates within templates

func (p *Packer) pack(ctx context.Context, templateFile string, depth int) ([]byte, error) {
	if depth > maxNested {
		return nil, fmt.Errorf("%s: templates are nested more than %d deep", templateFile, maxNested)
	}
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
	found := findArtifacts(doc.Content[0], filepath.Dir(templateFile))
	if len(found) == 0 {
		return text, nil
	}
	if err := p.placeAll(ctx, filepath.Dir(templateFile), found, depth); err != nil {
		var at *artifactError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("%s:%d: %s: %w", templateFile, at.line, at.resource, at.err)
		}
		return nil, err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err = errors.Join(enc.Encode(&doc), enc.Close())
	return out.Bytes(), err
}

// An artifactError is why something that a template names cannot be packed.
type artifactError struct {
	resource string
	line     int
	err      error
}

func (e *artifactError) Error() string { return e.resource + ": " + e.err.Error() }
func (e *artifactError) Unwrap() error { return e.err }

// placeAll builds and uploads what artifacts name, as many at once as there are
// processors, each place once.
func (p *Packer) placeAll(ctx context.Context, dir string, found []artifact, depth int) error {
	var groups [][]artifact // that are built as one
	for _, a := range found {
		i := slices.IndexFunc(groups, func(g []artifact) bool { return g[0].same(a) })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], a)
	}
	return together(ctx, groups, func(ctx context.Context, g []artifact) error {
		if err := p.place(ctx, dir, g, depth); err != nil {
			return &artifactError{g[0].resource, g[0].node.Line, err}
		}
		return nil
	})
}

// together calls do for each of list, as many at once as there are processors,
// and returns the first error. After that no more are begun.
func together[T any](ctx context.Context, list []T, do func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all task.Group
	turns := make(chan struct{}, runtime.NumCPU())
	for _, one := range list {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if ctx.Err() != nil {
				return
			}
			if err := do(ctx, one); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// place builds and uploads what artifacts have in common, and writes into the
// template where it went.
func (p *Packer) place(ctx context.Context, dir string, same []artifact, depth int) error {
	a := same[0]
	if a.kind.holds == containerImage {
		uri, err := p.pushImage(ctx, dir, a)
		if err != nil {
			return err
		}
		for _, a := range same {
			a.node.Kind, a.node.Tag, a.node.Value, a.node.Style, a.node.Content = yaml.ScalarNode, "!!str", uri, 0, nil
		}
		return nil
	}
	name, content, err := p.content(ctx, dir, a, depth)
	if err != nil {
		return err
	}
	bucket, key, err := p.Uploader.Upload(ctx, name, content)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	for _, a := range same {
		a.set(bucket, key)
	}
	return nil
}

// content returns what is to be uploaded for an artifact, and its name.
func (p *Packer) content(ctx context.Context, dir string, a artifact, depth int) (string, func() ([]byte, error), error) {
	src := spelled(dir, a.path)
	if p.Report != nil && src != filepath.Join(dir, a.path) {
		p.Report(a.resource, "takes "+src+" for "+a.path)
	}
	info, err := os.Stat(src)
	if err != nil {
		return "", nil, err
	}
	switch {
	case a.kind.holds == nestedTemplate:
		text, err := p.pack(ctx, src, depth+1)
		return hashOf(text) + ".template", func() ([]byte, error) { return text, nil }, err
	case a.kind.holds == plainFile:
		text, err := os.ReadFile(src)
		return hashOf(text) + filepath.Ext(src), func() ([]byte, error) { return text, nil }, err
	case !info.IsDir() && isArchive(src):
		text, err := os.ReadFile(src)
		return hashOf(text) + ".zip", func() ([]byte, error) { return text, nil }, err
	}
	b := p.builder(p.Cache)
	t, err := b.build(ctx, a, src)
	if err != nil {
		return "", nil, err
	}
	name, err := t.hash()
	return name + ".zip", b.archive(t), err
}

// builder returns a builder that builds in cache.
func (p *Packer) builder(cache string) builder {
	b := builder{cache: cache, report: p.Report, method: zip.Deflate}
	if p.Near {
		b.method = zip.Store
	}
	return b
}
