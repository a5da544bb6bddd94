package pack

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
)

var sourceExtensions = []string{".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"}

// entryFile returns the source of a handler: of src/a.b.run it is src/a.b.ts or
// src/a.js.
func entryFile(dir, handler string) (file, module string) {
	for module = handler; ; {
		i := strings.LastIndexByte(module, '.')
		if i <= strings.LastIndexByte(module, '/') {
			return "", ""
		}
		module = module[:i]
		for _, ext := range sourceExtensions {
			if exists(dir, filepath.FromSlash(module+ext)) {
				return module + ext, module
			}
		}
	}
}

// bundleEntries makes one file of each function of Node.js, and adds what
// patterns ask for besides.
func (w *workshop) bundleEntries(ctx context.Context, a serverless.Artifact, keep *sieve, t *tree) error {
	out := entry(w.cache, w.dir+"\nbundle\n"+a.Name)
	if err := renew(out); err != nil {
		return err
	}
	options, err := w.bundleOptions(a, out)
	if err != nil {
		return err
	}
	root := w.dir
	if !exists(w.dir, "node_modules") && exists(w.dir, "package.json") {
		modules, err := w.nodeModules(ctx, nil)
		if err != nil {
			return err
		}
		options.NodePaths, root = []string{modules}, filepath.Dir(modules)
	}
	decorated, err := w.decorated(ctx)
	if err != nil {
		return err
	}
	if decorated != nil {
		options.Plugins = []api.Plugin{*decorated}
	}
	w.tell("esbuild")
	unknown, err := build(options)
	if err != nil {
		return err
	}
	// Some keep under devDependencies what is bundled anyway, or bundle what
	// only their modules for development brought.
	extra := w.declaredForDevelopment(unknown)
	extra = append(extra, w.locksHave(unknown, extra)...)
	if len(extra) == 0 && hasNewNode(a) && slices.ContainsFunc(unknown, func(m string) bool { return packageName.FindString(m) == oldSDK }) {
		extra = oldSDKIf(true)
	}
	if len(extra) > 0 {
		modules, err := w.nodeModules(ctx, extra)
		if err != nil {
			return err
		}
		options.NodePaths = []string{modules}
		if _, err := build(options); err != nil {
			return err
		}
	}
	if err := t.follow(w.dir, "", func(name string) bool { return !strings.HasPrefix(name, "node_modules/") && keep.chosen(name) }); err != nil {
		return err
	}
	if err := t.follow(out, "", func(string) bool { return true }); err != nil {
		return err
	}
	if len(a.Bundle.External) == 0 {
		return nil
	}
	return t.addModules(root, a.Bundle.External)
}

func (w *workshop) bundleOptions(a serverless.Artifact, out string) (api.BuildOptions, error) {
	b := a.Bundle
	options := api.BuildOptions{
		Bundle: true, Platform: api.PlatformNode, Write: true, Outdir: out, AbsWorkingDir: w.dir, LogLevel: api.LogLevelSilent,
		MinifyWhitespace: b.Minify, MinifyIdentifiers: b.Minify, MinifySyntax: b.Minify, KeepNames: true,
		Target: api.ES2021, Format: api.FormatCommonJS, External: append(slices.Clone(b.External), b.Exclude...), Define: b.Define,
		Loader: map[string]api.Loader{".node": api.LoaderCopy, ".graphql": api.LoaderText, ".gql": api.LoaderText},
	}
	if b.SourceMap {
		options.Sourcemap = api.SourceMapLinked
	}
	for ext, name := range b.Loader {
		loader, known := loaders[name]
		if !known {
			return options, fmt.Errorf("there is no loader %q", name)
		}
		options.Loader[ext] = loader
	}
	for _, e := range a.Entries {
		if !strings.HasPrefix(e.Runtime, "nodejs") {
			continue
		}
		file, module := entryFile(w.dir, e.Handler)
		if file == "" {
			return options, fmt.Errorf("functions.%s.handler: there is no source for %s", e.Key, e.Handler)
		}
		entry := api.EntryPoint{InputPath: filepath.Join(w.dir, filepath.FromSlash(file)), OutputPath: path.Clean(module)}
		if !slices.Contains(options.EntryPointsAdvanced, entry) {
			options.EntryPointsAdvanced = append(options.EntryPointsAdvanced, entry)
		}
	}
	return options, nil
}

// build bundles, and returns the modules that could not be found: they are left
// to the runtime, which has some.
func build(options api.BuildOptions) ([]string, error) {
	unknown := make(map[string]bool)
	var mu sync.Mutex // guards unknown
	options.Plugins = append(slices.Clone(options.Plugins), api.Plugin{Name: "missing", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^[^./]`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Kind == api.ResolveEntryPoint || args.PluginData != nil {
				return api.OnResolveResult{}, nil
			}
			found := b.Resolve(args.Path, api.ResolveOptions{Kind: args.Kind, Importer: args.Importer, ResolveDir: args.ResolveDir, PluginData: true})
			if len(found.Errors) == 0 {
				return api.OnResolveResult{}, nil
			}
			mu.Lock()
			defer mu.Unlock()
			unknown[args.Path] = true
			return api.OnResolveResult{Path: args.Path, External: true}, nil
		})
	}})
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return nil, errors.New(esbuildWords(result.Errors))
	}
	return slices.Sorted(maps.Keys(unknown)), nil
}

var packageName = regexp.MustCompile(`^(@[^/]+/)?[^/]+`)

// declaredForDevelopment returns the modules of those that package.json wants
// for development, as npm takes them.
func (w *workshop) declaredForDevelopment(modules []string) []string {
	body, err := os.ReadFile(filepath.Join(w.dir, "package.json"))
	if err != nil {
		return nil
	}
	var p struct{ DevDependencies map[string]string }
	if json.Unmarshal(body, &p) != nil {
		return nil
	}
	var out []string
	for _, m := range modules {
		name := packageName.FindString(m)
		if version, has := p.DevDependencies[name]; has && !slices.Contains(out, name+"@"+version) {
			out = append(out, name+"@"+version)
		}
	}
	return out
}

// locksHave returns the modules of those that are among all that the lock of a
// package has installed, as npm takes them, without those that are had already.
// The SDKs are the runtime's.
func (w *workshop) locksHave(modules, had []string) []string {
	body, err := os.ReadFile(filepath.Join(w.dir, "package-lock.json"))
	if err != nil {
		return nil
	}
	type locked struct{ Version string }
	var lock struct{ Packages, Dependencies map[string]locked }
	if json.Unmarshal(body, &lock) != nil {
		return nil
	}
	var out []string
	for _, m := range modules {
		name := packageName.FindString(m)
		if slices.ContainsFunc(had, func(one string) bool { return strings.HasPrefix(one, name+"@") }) {
			continue
		}
		version := cmp.Or(lock.Packages["node_modules/"+name], lock.Dependencies[name]).Version
		if version != "" && name != oldSDK && !strings.HasPrefix(name, "@aws-sdk/") && !slices.Contains(out, name+"@"+version) {
			out = append(out, name+"@"+version)
		}
	}
	return out
}

// webHandlerSource serves an application of WSGI: Flask, Django, Bottle.
//
//go:embed wsgi_handler.py
var webHandlerSource []byte

// webHandler adds the handler that serves an application of WSGI.
func (w *workshop) webHandler(a serverless.Artifact, t *tree) error {
	module, app, ok := strings.Cut(a.WSGI, ".")
	if i := strings.LastIndexByte(a.WSGI, '.'); i > 0 {
		module, app, ok = a.WSGI[:i], a.WSGI[i+1:], true
	}
	if !ok {
		return fmt.Errorf("custom.wsgi.app: want module.application, not %q", a.WSGI)
	}
	out := entry(w.cache, w.dir+"\nwsgi\n"+a.Name)
	if err := renew(out); err != nil {
		return err
	}
	config, err := json.Marshal(map[string]string{"module": strings.ReplaceAll(module, "/", "."), "app": app})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, ".aloft-wsgi.json"), config, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "wsgi_handler.py"), webHandlerSource, 0o600); err != nil {
		return err
	}
	return t.follow(out, "", func(string) bool { return true })
}
