package serverless

import (
	"path"
	"slices"
	"strings"
)

// An Artifact is an archive of code that the template needs.
type Artifact struct {
	Name            string
	Dir             string   // relative to the application's; names in the archive are below it
	File            string   // an archive that is there already; all else is not told then
	Patterns        []string // of files that are in it; "!" leaves out, and later ones count more
	Entries         []Entry  // functions that it is the code of
	DevDependencies bool     // modules for development are in it too
	Bundle          *Bundle  // how functions of Node.js become one file each; nil leaves them
	Python          *Python  // what of Python is installed; nil for nothing
	Cargo           string   // the program in Rust that is built and all there is; empty for none
	WSGI            string   // the application that a web handler of Python serves: "app.app"
	Layer           bool
}

// An Entry is a function as code.
type Entry struct{ Key, Handler, Runtime string }

// A Bundle says how functions are bundled.
type Bundle struct {
	Minify    bool
	SourceMap bool
	External  []string          // modules that are not bundled but packed as they are
	Exclude   []string          // modules that the runtime has
	Define    map[string]string // constants
	Loader    map[string]string // by extension
}

// Python says which requirements are installed.
type Python struct {
	File      string // requirements.txt
	NoDeploy  []string
	ExtraArgs []string
	Prefix    string // "python/" if they are a layer of their own
}

// An Image is a container image that is built from a Dockerfile.
type Image struct {
	Name     string // of the artifact
	Tag      string
	Path     string // directory, relative to the application's
	File     string // the Dockerfile, in it
	Args     map[string]string
	Registry string // name of the repository
}

// Images returns the images that functions are made of and that are built.
func (s *Service) Images() []Image {
	var all []Image
	images := asObject(at(s.provider(), "ecr", "images"))
	for _, name := range keys(images) {
		declared := images[name]
		if at(declared, "path") == nil || !s.usesImage(name) {
			continue
		}
		one := Image{
			Name: imageArtifact(name), Tag: name, Path: text(at(declared, "path")), File: text(first(at(declared, "file"), "Dockerfile")),
			Args: make(map[string]string), Registry: "serverless-" + strings.ToLower(s.Name+"-"+s.Stage),
		}
		for arg, v := range asObject(at(declared, "buildArgs")) {
			one.Args[arg] = text(v)
		}
		all = append(all, one)
	}
	return all
}

// usesImage says whether a function is made of an image.
func (s *Service) usesImage(name string) bool {
	return slices.ContainsFunc(s.functions, func(f *function) bool {
		image := f.config["image"]
		return image != nil && text(first(at(image, "name"), image)) == name
	})
}

func imageArtifact(name string) string    { return "image/" + name }
func layerArtifact(name string) string    { return "layer/" + name }
func functionArtifact(name string) string { return "function/" + name }

const (
	serviceArtifact      = "service"
	requirementsArtifact = "requirements"
	requirementsLayer    = "PythonRequirementsLambdaLayer"
)

// handler is what Lambda calls.
func (s *Service) handler(f *function) string { return text(f.config["handler"]) }

// cargo is the program that a function in Rust is, for the plugin serverless-rust;
// "" if it is none. A handler is a package's name, or that and its program's.
func (s *Service) cargo(f *function) string {
	if !s.plugins["serverless-rust"] || s.runtime(f) != "rust" {
		return ""
	}
	handler := s.handler(f)
	return handler[strings.LastIndexByte(handler, '.')+1:]
}

// artifactOf returns the name of the artifact that has a function's code: one
// for all unless something is of its own.
func (s *Service) artifactOf(f *function) string {
	own := first(at(f.config, "package", "individually"), at(s.root, "package", "individually"))
	if truthy(own) || at(f.config, "package", "artifact") != nil || s.cargo(f) != "" {
		return functionArtifact(f.key)
	}
	return serviceArtifact
}

// Artifacts returns the archives that the template needs, with those of
// functions first.
func (s *Service) Artifacts() []Artifact {
	var all []Artifact
	for _, f := range s.functions {
		if f.config["handler"] == nil {
			continue
		}
		name := s.artifactOf(f)
		entry := Entry{Key: f.key, Handler: s.handler(f), Runtime: s.runtime(f)}
		if i := slices.IndexFunc(all, func(a Artifact) bool { return a.Name == name }); i >= 0 {
			all[i].Entries = append(all[i].Entries, entry)
			continue
		}
		own := object{}
		if name != serviceArtifact {
			own = asObject(f.config["package"])
		}
		a := s.functionArtifact(name, own, entry)
		a.Cargo = s.cargo(f)
		all = append(all, a)
	}
	for _, name := range s.layers {
		config := asObject(at(s.root, "layers", name))
		own := asObject(config["package"])
		a := Artifact{Name: layerArtifact(name), Dir: path.Clean(text(config["path"])), Layer: true, File: s.file2(text(own["artifact"]))}
		a.Patterns = append(s.excluded(own, false), s.included(own)...)
		all = append(all, a)
	}
	if p := s.python(); p != nil && truthy(at(s.root, "custom", "pythonRequirements", "layer")) {
		p.Prefix = "python/"
		all = append(all, Artifact{Name: requirementsArtifact, Dir: ".", Patterns: []string{"!**"}, Python: p, Layer: true})
	}
	return all
}

func (s *Service) file2(file string) string { return strings.TrimPrefix(file, "./") }

func (s *Service) functionArtifact(name string, own object, entry Entry) Artifact {
	pkg := asObject(s.root["package"])
	a := Artifact{Name: name, Dir: ".", Entries: []Entry{entry}}
	a.File = s.file2(text(own["artifact"]))
	if a.File == "" && !truthy(own["individually"]) {
		a.File = s.file2(text(pkg["artifact"]))
	}
	a.Patterns = append(s.excluded(own, true), s.included(own)...)
	if v := pkg["excludeDevDependencies"]; v != nil && !truthy(v) {
		a.DevDependencies = true
	}
	a.Bundle = s.bundle()
	if !truthy(at(s.root, "custom", "pythonRequirements", "layer")) {
		a.Python = s.python()
	}
	if s.plugins["serverless-wsgi"] && entry.Handler == "wsgi_handler.handler" {
		a.WSGI = text(at(s.root, "custom", "wsgi", "app"))
	}
	return a
}

// usualExcludes are left out of every archive.
var usualExcludes = []string{
	".git/**", ".gitignore", ".DS_Store", "npm-debug.log", "yarn-*.log", ".serverless/**", ".serverless_plugins/**", ".aloft/**",
}

// excluded are the patterns of what is left out.
func (s *Service) excluded(own object, layers bool) []string {
	all := append(slices.Clone(usualExcludes), s.file)
	all = append(all, texts(at(s.root, "package", "exclude"))...)
	if layers {
		for _, name := range s.layers {
			all = append(all, path.Clean(text(at(s.root, "layers", name, "path")))+"/**")
		}
	}
	if s.root["useDotenv"] == true {
		all = append(all, ".env*")
	}
	all = append(all, texts(own["exclude"])...)
	for i, p := range all {
		if included, negated := strings.CutPrefix(p, "!"); negated {
			all[i] = included
		} else {
			all[i] = "!" + p
		}
	}
	return all
}

// included are the patterns of what is said to be in it.
func (s *Service) included(own object) []string {
	pkg := asObject(s.root["package"])
	var all []string
	for _, config := range []object{pkg, own} {
		all = append(append(all, texts(config["include"])...), texts(config["patterns"])...)
	}
	return all
}

// bundlers are the plugins that make one file of each function, and the member
// of custom that says how.
var bundlers = map[string]string{
	"serverless-esbuild": "esbuild", "serverless-webpack": "webpack", "serverless-plugin-typescript": "serverlessPluginTypescript",
	"@hewmen/serverless-plugin-typescript": "serverlessPluginTypescript", "serverless-bundle": "bundle", "serverless-plugin-optimize": "optimize",
}

// bundle says how functions are bundled, nil if no plugin does so and the
// framework would not by itself.
func (s *Service) bundle() *Bundle {
	var config any
	found := false
	for _, plugin := range keys(bundlers) {
		if s.plugins[plugin] {
			config, found = at(s.root, "custom", bundlers[plugin]), true
		}
	}
	if build := at(s.root, "build", "esbuild"); truthy(build) || text(s.root["build"]) == "esbuild" {
		config, found = build, true
	}
	if !found {
		return nil
	}
	b := &Bundle{
		Minify:    truthy(at(config, "minify")),
		SourceMap: truthy(first(at(config, "sourcemap"), at(config, "sourcemaps"))),
		External:  texts(first(at(config, "external"), at(config, "externals"))),
		Exclude:   texts(at(config, "exclude")),
		Define:    make(map[string]string),
		Loader:    make(map[string]string),
	}
	b.External = append(b.External, texts(at(config, "includeModules", "forceInclude"))...)
	b.External = append(b.External, texts(at(config, "forceInclude"))...)
	b.Exclude = append(append(b.Exclude, texts(at(config, "forceExclude"))...), texts(at(config, "includeModules", "forceExclude"))...)
	for name, v := range asObject(at(config, "define")) {
		b.Define[name] = text(v)
	}
	for ext, v := range asObject(at(config, "loader")) {
		b.Loader[ext] = text(v)
	}
	return b
}

// python says which requirements are installed, nil if no plugin does so.
func (s *Service) python() *Python {
	if !s.plugins["serverless-python-requirements"] && !s.plugins["serverless-wsgi"] {
		return nil
	}
	config := at(s.root, "custom", "pythonRequirements")
	return &Python{
		File:      text(first(at(config, "fileName"), "requirements.txt")),
		NoDeploy:  texts(at(config, "noDeploy")),
		ExtraArgs: texts(at(config, "pipCmdExtraArgs")),
	}
}
