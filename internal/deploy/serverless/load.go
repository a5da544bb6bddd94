package serverless

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// Config says what an application is loaded with.
type Config struct {
	File          string            // "serverless.yml"
	Stage, Region string            // as the command line says; "" leaves it to the file
	UsualRegion   string            // if the file has none
	Options       map[string]string // of the command line, for ${opt:…}
	Params        map[string]string // of the command line, for ${param:…}
	Getenv        func(name string) (string, bool)
	ReadFile      func(path string) ([]byte, error) // relative to the application's directory
	Script        func(ctx context.Context, s Script) (any, error)
	Lookup        Lookup // nil if there is nothing to ask
}

// A Script is a question to a file of JavaScript: what is your member of that
// name? Functions on the way are called, with Options, Property and Variable.
type Script struct {
	File     string
	Member   []string // empty for all that it exports
	Options  map[string]string
	Getenv   func(name string) (string, bool)
	Property func(path []string) (any, error) // of the configuration
	Variable func(text string) (any, error)   // "opt:stage"
}

// A Lookup finds what variables refer to in the cloud. Region may be "".
type Lookup interface {
	Account(ctx context.Context) (string, error)
	Parameter(ctx context.Context, region, name string, decrypt bool) (*Parameter, error) // nil if there is none
	Output(ctx context.Context, region, stack, output string) (string, error)             // "" if there is none
	Object(ctx context.Context, bucket, key string) ([]byte, error)                       // nil if there is none
}

// A Parameter is one of Systems Manager.
type Parameter struct{ Type, Value string }

const (
	usualStage = "dev"
	instanceID = "AloftInstanceId" // stands for the digest of the API until it is known
)

func (c *Config) usualRegion() string {
	if c.UsualRegion != "" {
		return c.UsualRegion
	}
	return "us-east-1"
}

func (c *Config) getenv(name string) (string, bool) {
	if c.Getenv == nil {
		return "", false
	}
	return c.Getenv(name)
}

// A Service is an application whose variables are resolved.
type Service struct {
	Name, Stage, Region string
	Notes               []Note

	file      string
	doc       *template.Document // nil if a script made the configuration
	root      object
	functions []*function // in the order of the file
	layers    []string
	plugins   map[string]bool

	read func(name string) ([]byte, error) // a file of the application
}

var (
	serviceName = regexp.MustCompile(`^[a-zA-Z][0-9a-zA-Z-]*$`)
	stageName   = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
)

// Load reads an application.
func Load(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{file: cfg.File, plugins: make(map[string]bool)}
	r := &resolver{cfg: &cfg, s: s, active: make(map[string]bool), done: make(map[string]bool), files: make(map[string]any)}
	s.read = r.readFile
	if err := s.open(ctx, r); err != nil {
		return nil, err
	}
	if err := r.readEnv(ctx); err != nil {
		return nil, err
	}
	if err := s.normalizeHead(); err != nil {
		return nil, err
	}
	r.ownSyntax(text(s.provider()["variableSyntax"]))
	if _, err := r.whole(ctx, nil); err != nil {
		return nil, err
	}
	var err error
	if s.Stage, err = r.stage(ctx); err != nil {
		return nil, err
	}
	if s.Region, err = r.region(ctx); err != nil {
		return nil, err
	}
	if s.Name = text(first(at(s.root["service"], "name"), s.root["service"])); !serviceName.MatchString(s.Name) {
		return nil, s.errorAt([]string{"service"}, "%q is no name of a service: letters, digits and hyphens, a letter first", s.Name)
	}
	if !stageName.MatchString(s.Stage) {
		return nil, s.errorAt([]string{"provider", "stage"}, "%q is no name of a stage: letters, digits, hyphens and underscores", s.Stage)
	}
	return s, s.normalize(r.env)
}

// open reads the configuration file itself.
func (s *Service) open(ctx context.Context, r *resolver) error {
	var v any
	switch path.Ext(s.file) {
	case ".js", ".cjs", ".mjs", ".ts":
		found, err := r.script(ctx, s.file, nil)
		if err != nil {
			return err
		}
		v = clone(found)
	default:
		body, err := r.readFile(s.file)
		if err != nil {
			return err
		}
		if s.doc, err = parse(s.file, body); err != nil {
			return err
		}
		v = s.doc.Value
	}
	root, ok := v.(object)
	if !ok {
		return &Error{File: s.file, Message: "want a map of service, provider and functions"}
	}
	s.root = root
	return nil
}

// StackName is what the framework calls the application's stack.
func (s *Service) StackName() string {
	if name := text(at(s.root, "provider", "stackName")); name != "" {
		return name
	}
	return s.Name + "-" + s.Stage
}

func (s *Service) provider() object { return asObject(s.root["provider"]) }

// prefix begins the names of the service's things.
func (s *Service) prefix() string { return s.Name + "-" + s.Stage }

// readEnv reads the .env files that the application wants read.
func (r *resolver) readEnv(ctx context.Context) error {
	plugin := false
	for _, p := range texts(pluginList(r.s.root["plugins"])) {
		plugin = plugin || p == "serverless-dotenv-plugin"
	}
	if r.s.root["useDotenv"] != true && !plugin {
		return nil
	}
	stage, err := r.stage(ctx)
	if err != nil {
		stage = usualStage // the stage may depend on what we are to read
	}
	base := strings.TrimSuffix(text(at(r.s.root, "custom", "dotenv", "basePath")), "/")
	if base != "" {
		base += "/"
	}
	names := []string{".env." + stage + ".local", ".env." + stage, ".env.local", ".env"}
	if name := text(at(r.s.root, "custom", "dotenv", "path")); name != "" {
		if name, err = r.expandText(ctx, name, nil, 0); err != nil {
			return err
		}
		base, names = "", []string{name}
	}
	r.env = make(map[string]string)
	for _, name := range names {
		body, err := r.readFile(path.Clean(base + name))
		if err != nil {
			continue // each may be missing
		}
		if err := parseEnv(string(body), r.env, r.cfg.getenv); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
