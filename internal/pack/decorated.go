package pack

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Frameworks such as NestJS read at run time what types the parameters of a
// class have: the compiler of TypeScript writes that down for decorators, where
// tsconfig.json says so, and esbuild does not. And what is imported whole is a
// module of CommonJS itself for that compiler, which can be called, but never
// for esbuild. There the application's own compiler makes JavaScript of its
// sources, which is bundled then.

//go:embed transpile.js
var transpileSource []byte

var (
	wantsMetadata = regexp.MustCompile(`"emitDecoratorMetadata"\s*:\s*true`)
	wantsInterop  = regexp.MustCompile(`"esModuleInterop"\s*:\s*true`)
	importsWhole  = regexp.MustCompile(`import \* as (\w+) from`)
)

const compiler = "typescript"

// decorated returns what has esbuild read sources of TypeScript as the
// compiler leaves them, or nil where esbuild can read them itself. All artifacts
// of a service read what was compiled once: one that compiled anew would take it
// away from those that are bundled at the same time.
func (w *workshop) decorated(ctx context.Context) (*api.Plugin, error) {
	w.transpiling.Lock()
	defer w.transpiling.Unlock()
	if !w.transpiled {
		plugin, err := w.transpile(ctx)
		if err != nil {
			return nil, err
		}
		w.plugin, w.transpiled = plugin, true
	}
	return w.plugin, nil
}

// transpile compiles the sources of a service.
func (w *workshop) transpile(ctx context.Context) (*api.Plugin, error) {
	config := filepath.Join(w.dir, "tsconfig.json")
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, nil
	}
	sources, err := treeOf(w.dir, func(name string) bool {
		return !strings.HasPrefix(name, "node_modules/") && !strings.Contains(name, "/node_modules/") &&
			(strings.HasSuffix(name, ".ts") || strings.HasSuffix(name, ".tsx")) && !strings.HasSuffix(name, ".d.ts")
	})
	if err != nil {
		return nil, err
	}
	if !wantsMetadata.Match(text) && (wantsInterop.Match(text) || !slices.ContainsFunc(sources.files, callsModule)) {
		return nil, nil
	}
	modules := filepath.Join(w.dir, "node_modules")
	if !exists(modules, compiler) {
		if modules, err = w.nodeModules(ctx, w.versionOf(compiler)); err != nil {
			return nil, err
		}
	}
	out := entry(w.cache, w.dir+"\ntranspiled")
	if err := renew(out); err != nil {
		return nil, err
	}
	script := filepath.Join(out, ".transpile.js")
	if err := os.WriteFile(script, transpileSource, 0o600); err != nil {
		return nil, err
	}
	w.tell("typescript")
	var names, said bytes.Buffer
	for _, f := range sources.files {
		fmt.Fprintln(&names, f.name)
	}
	cmd := command(ctx, "node", script, filepath.Join(modules, compiler), config, w.dir, out)
	cmd.Stdin, cmd.Stderr = &names, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("typescript: %w\n%s", err, bytes.TrimSpace(said.Bytes()))
	}
	return &api.Plugin{Name: "decorated", Setup: func(b api.PluginBuild) {
		b.OnLoad(api.OnLoadOptions{Filter: `\.tsx?$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			name, err := filepath.Rel(w.dir, args.Path)
			if err != nil {
				return api.OnLoadResult{}, nil
			}
			text, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				return api.OnLoadResult{}, nil // a module's: esbuild reads it
			}
			return api.OnLoadResult{Contents: new(string(text)), Loader: api.LoaderJSX, ResolveDir: filepath.Dir(args.Path)}, nil
		})
	}}, nil
}

// callsModule says whether a source calls something that it imports whole.
func callsModule(f treeFile) bool {
	if info, err := os.Stat(f.path); err != nil || info.Size() > maxSource {
		return false
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false
	}
	for _, m := range importsWhole.FindAllSubmatch(text, -1) {
		if regexp.MustCompile(`(?:^|[^.\w])` + string(m[1]) + `\s*\(`).Match(text) {
			return true
		}
	}
	return false
}

// versionOf is a module as npm takes it, of the version that package.json wants.
func (w *workshop) versionOf(module string) []string {
	if declared := w.declaredForDevelopment([]string{module}); declared != nil {
		return declared
	}
	return []string{module}
}
