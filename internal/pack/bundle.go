package pack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"go.yaml.in/yaml/v3"
)

// bundleOptions are the BuildProperties of a function that esbuild bundles.
type bundleOptions struct {
	Minify         bool
	Target         string
	Sourcemap      bool
	SourcesContent *bool
	EntryPoints    []string
	External       []string
	Format         string
	MainFields     string
	Loader         []string // ".ext=loader"
	Banner         []string // "js=text"
	Define         []string
	OutExtension   []string // ".js=.mjs"
	KeepNames      bool
	TreeShaking    string
	UseNpmCi       bool
}

var esTargets = map[string]api.Target{
	"es2017": api.ES2017, "es2018": api.ES2018, "es2019": api.ES2019, "es2020": api.ES2020, "es2021": api.ES2021,
	"es2022": api.ES2022, "es2023": api.ES2023, "es2024": api.ES2024, "esnext": api.ESNext,
}

var loaders = map[string]api.Loader{
	"js": api.LoaderJS, "jsx": api.LoaderJSX, "ts": api.LoaderTS, "tsx": api.LoaderTSX, "json": api.LoaderJSON, "text": api.LoaderText,
	"base64": api.LoaderBase64, "dataurl": api.LoaderDataURL, "file": api.LoaderFile, "binary": api.LoaderBinary, "copy": api.LoaderCopy,
	"empty": api.LoaderEmpty, "css": api.LoaderCSS,
}

// bundle bundles a function with what it imports.
func (b *builder) bundle(ctx context.Context, a artifact, src, out string) error {
	var o bundleOptions
	if a.options != nil {
		if err := decodeStrictly(a.options, &o); err != nil {
			return fmt.Errorf("Metadata.BuildProperties: %w", err)
		}
	}
	if len(o.EntryPoints) == 0 {
		return errors.New("Metadata.BuildProperties has no EntryPoints")
	}
	from := src
	if exists(src, "package.json") && !exists(src, "node_modules") && hasDependencies(src) {
		from = out + "-sources"
		if err := os.MkdirAll(from, 0o755); err != nil {
			return err
		}
		if err := npmInstall(ctx, src, from); err != nil {
			return err
		}
	}
	abs, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	options, err := o.esbuild(abs, out)
	if err != nil {
		return err
	}
	if err := renew(options.Outdir); err != nil {
		return err
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		messages := api.FormatMessages(result.Errors, api.FormatMessagesOptions{})
		return errors.New("esbuild: " + strings.TrimSpace(strings.Join(messages, "")))
	}
	return nil
}

// hasDependencies says whether a package needs others to be installed.
func hasDependencies(src string) bool {
	text, err := os.ReadFile(filepath.Join(src, "package.json"))
	if err != nil {
		return false
	}
	var p struct {
		Dependencies map[string]string `yaml:"dependencies"`
	}
	return yaml.Unmarshal(text, &p) == nil && len(p.Dependencies) > 0
}

func (o *bundleOptions) esbuild(from, out string) (api.BuildOptions, error) {
	options := api.BuildOptions{
		Bundle: true, Platform: api.PlatformNode, Write: true, Outdir: out, AbsWorkingDir: from, LogLevel: api.LogLevelSilent,
		EntryPoints: o.EntryPoints, MinifyWhitespace: o.Minify, MinifyIdentifiers: o.Minify, MinifySyntax: o.Minify, KeepNames: o.KeepNames,
		External: o.External, Target: api.ES2020, Format: api.FormatCommonJS,
	}
	if o.Target != "" {
		target, known := esTargets[strings.ToLower(o.Target)]
		if !known {
			return options, fmt.Errorf("Target %q is not supported", o.Target)
		}
		options.Target = target
	}
	switch o.Format {
	case "", "cjs":
	case "esm":
		options.Format = api.FormatESModule
	default:
		return options, fmt.Errorf("Format %q is not supported", o.Format)
	}
	if o.Sourcemap {
		options.Sourcemap = api.SourceMapLinked
	}
	if o.SourcesContent != nil && !*o.SourcesContent {
		options.SourcesContent = api.SourcesContentExclude
	}
	if o.MainFields != "" {
		options.MainFields = strings.Split(o.MainFields, ",")
	}
	var err error
	if options.Banner, err = pairs(o.Banner); err != nil {
		return options, err
	}
	if options.Define, err = pairs(o.Define); err != nil {
		return options, err
	}
	if options.OutExtension, err = pairs(o.OutExtension); err != nil {
		return options, err
	}
	named, err := pairs(o.Loader)
	if err != nil {
		return options, err
	}
	for ext, name := range named {
		loader, known := loaders[name]
		if !known {
			return options, fmt.Errorf("Loader %q is not supported", name)
		}
		if options.Loader == nil {
			options.Loader = make(map[string]api.Loader)
		}
		options.Loader[ext] = loader
	}
	return options, nil
}

// pairs reads "name=value".
func pairs(list []string) (map[string]string, error) {
	if list == nil {
		return nil, nil
	}
	out := make(map[string]string)
	for _, pair := range list {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%q: want NAME=VALUE", pair)
		}
		out[name] = value
	}
	return out, nil
}

// decodeStrictly reads the options of a build, and refuses those there are not.
func decodeStrictly(n *yaml.Node, o *bundleOptions) error {
	known := map[string]any{
		"Minify": &o.Minify, "Target": &o.Target, "Sourcemap": &o.Sourcemap, "SourcesContent": &o.SourcesContent,
		"EntryPoints": &o.EntryPoints, "External": &o.External, "Format": &o.Format, "MainFields": &o.MainFields, "Loader": &o.Loader,
		"Banner": &o.Banner, "Define": &o.Define, "OutExtension": &o.OutExtension, "KeepNames": &o.KeepNames,
		"TreeShaking": &o.TreeShaking, "UseNpmCi": &o.UseNpmCi,
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		field, ok := known[n.Content[i].Value]
		if !ok {
			return fmt.Errorf("%s is not supported", n.Content[i].Value)
		}
		if err := n.Content[i+1].Decode(field); err != nil {
			return fmt.Errorf("%s: %w", n.Content[i].Value, err)
		}
	}
	return nil
}
