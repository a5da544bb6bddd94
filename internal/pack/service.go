package pack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
)

// serviceNames are the files that make a directory a service of the Serverless
// Framework, best first.
var serviceNames = []string{"serverless.yml", "serverless.yaml", "serverless.json", "serverless.ts", "serverless.js", "serverless.cjs"}

// IsService says whether a file describes a service of the Serverless Framework.
func IsService(file string) bool {
	name := filepath.Base(file)
	return strings.HasPrefix(name, "serverless.") || strings.HasPrefix(name, "serverless-") && !strings.HasPrefix(name, "serverless-compose.")
}

// LoadService reads the service that a file describes. What cfg lacks of File,
// ReadFile and Script is set.
func LoadService(ctx context.Context, file string, cfg serverless.Config) (*serverless.Service, error) {
	dir := filepath.Dir(file)
	cfg.File = filepath.Base(file)
	cfg.ReadFile = func(path string) ([]byte, error) {
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fs.ErrNotExist
		}
		return body, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	cfg.Script = Scripts(abs)
	return serverless.Load(ctx, cfg)
}

// PackService packs the code of a service in dir and returns the template to
// deploy.
func (p *Packer) PackService(ctx context.Context, dir string, s *serverless.Service) ([]byte, error) {
	cache, done, err := p.cacheDir()
	if err != nil {
		return nil, err
	}
	defer done()
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	inner := *p
	inner.Cache = cache
	w := &workshop{dir: abs, builder: p.builder(cache)}
	code := make(map[string]serverless.Code)
	var mu sync.Mutex // guards code
	err = together(ctx, s.Artifacts(), func(ctx context.Context, a serverless.Artifact) error {
		c, err := p.placeCode(ctx, w, a)
		mu.Lock()
		defer mu.Unlock()
		code[a.Name] = c
		return err
	})
	if err == nil {
		err = together(ctx, s.Images(), func(ctx context.Context, i serverless.Image) error {
			uri, err := inner.serviceImage(ctx, abs, i)
			mu.Lock()
			defer mu.Unlock()
			code[i.Name] = serverless.Code{Image: uri}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	template, err := s.Template(code)
	if err != nil {
		return nil, err
	}
	return json.Marshal(template)
}

// placeCode packs and uploads one artifact.
func (p *Packer) placeCode(ctx context.Context, w *workshop, a serverless.Artifact) (serverless.Code, error) {
	digest, content, err := w.content(ctx, a)
	if err != nil {
		return serverless.Code{}, fmt.Errorf("%s: %w", title(a), err)
	}
	bucket, key, err := p.Uploader.Upload(ctx, digest+".zip", content)
	if err != nil {
		return serverless.Code{}, fmt.Errorf("upload: %w", err)
	}
	return serverless.Code{Bucket: bucket, Key: key, Digest: digest}, nil
}

// title is what people are told an artifact is.
func title(a serverless.Artifact) string {
	if len(a.Entries) == 1 {
		return a.Entries[0].Key
	}
	_, name, _ := strings.Cut(a.Name, "/")
	if name == "" {
		return a.Name
	}
	return name
}

// A workshop makes the artifacts of one service.
type workshop struct {
	builder
	dir     string // of the service
	install sync.Mutex

	transpiling sync.Mutex // guards what follows
	transpiled  bool
	plugin      *api.Plugin // that reads what was transpiled, for all artifacts
}

// content returns what an artifact's archive holds, named by its digest.
func (w *workshop) content(ctx context.Context, a serverless.Artifact) (string, func() ([]byte, error), error) {
	if a.File != "" {
		return w.archive(ctx, a)
	}
	var t *tree
	var err error
	if a.Cargo != "" {
		t, err = w.cargo(ctx, a)
	} else if err = w.prebuild(ctx, a); err == nil {
		t, err = w.tree(ctx, a)
	}
	if err != nil {
		return "", nil, err
	}
	if len(t.files) == 0 {
		return "", nil, errors.New("no file is in it: see package.patterns")
	}
	digest, err := t.hash()
	return digest, w.builder.archive(t), err
}

// cargo builds a function that is written in Rust.
func (w *workshop) cargo(ctx context.Context, a serverless.Artifact) (*tree, error) {
	of := artifact{resource: title(a), method: "rust-cargolambda", handler: a.Cargo}
	return w.into(of, w.dir, "cargo build", func(out string) error { return cargoBuild(ctx, of, w.dir, out) })
}

// archive returns an archive that the service names, made if it is not there
// and we know how.
func (w *workshop) archive(ctx context.Context, a serverless.Artifact) (string, func() ([]byte, error), error) {
	file := filepath.Join(w.dir, filepath.FromSlash(a.File))
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := w.makeArchive(ctx, a); err != nil {
			return "", nil, err
		}
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return "", nil, fmt.Errorf("package.artifact: %w", err)
	}
	return hashOf(body), func() ([]byte, error) { return body, nil }, nil
}

// tree gathers the files of an artifact.
func (w *workshop) tree(ctx context.Context, a serverless.Artifact) (*tree, error) {
	keep, err := newSieve(a.Patterns)
	if err != nil {
		return nil, err
	}
	t := &tree{}
	if a.Bundle == nil && w.onlyTyped(a) {
		a.Bundle = &serverless.Bundle{} // as version 4 of the framework does
	}
	switch {
	case a.Bundle != nil && hasNode(a):
		err = w.bundleEntries(ctx, a, keep, t)
	default:
		err = w.plainFiles(ctx, a, keep, t)
	}
	if err != nil {
		return nil, err
	}
	if a.Python != nil {
		if err := w.requirements(ctx, a, t); err != nil {
			return nil, err
		}
	}
	if a.WSGI != "" {
		if err := w.webHandler(a, t); err != nil {
			return nil, err
		}
	}
	return t.ordered()
}

func hasNode(a serverless.Artifact) bool {
	for _, e := range a.Entries {
		if strings.HasPrefix(e.Runtime, "nodejs") {
			return true
		}
	}
	return false
}

// onlyTyped says whether a function is there in TypeScript alone.
func (w *workshop) onlyTyped(a serverless.Artifact) bool {
	for _, e := range a.Entries {
		if !strings.HasPrefix(e.Runtime, "nodejs") {
			continue
		}
		file, module := entryFile(w.dir, e.Handler)
		if strings.Contains(filepath.Ext(file), "ts") && !exists(w.dir, filepath.FromSlash(module+".js")) {
			return true
		}
	}
	return false
}

// plainFiles takes the files that the patterns choose, and installs modules of
// Node.js that are not there.
func (w *workshop) plainFiles(ctx context.Context, a serverless.Artifact, keep *sieve, t *tree) error {
	src := filepath.Join(w.dir, filepath.FromSlash(a.Dir))
	dev := map[string]bool{}
	if !a.DevDependencies {
		dev = developmentModules(src)
	}
	err := t.follow(src, "", func(name string) bool { return keep.has(name) && !belongsTo(dev, name) })
	if err != nil {
		return err
	}
	if a.Layer || !hasNode(a) {
		return nil
	}
	old := w.wantsOldSDK(a, t)
	if exists(src, "node_modules") || !old && !hasDependencies(src) {
		return w.addOldSDK(ctx, old, t)
	}
	modules, err := w.nodeModules(ctx, oldSDKIf(old))
	if err != nil {
		return err
	}
	return t.follow(modules, "node_modules", keep.has)
}
