package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/pack"
)

// A part is one of several applications that are deployed together.
type part struct {
	name      string // in the file that composes them; else its directory
	file      string // template or service
	params    map[string]string
	dependsOn []string // names

	service *serverless.Service // once it could be read
	needs   []string            // names of exports of others
	offers  []string            // names of its exports
	problem error               // why it could not be read yet
}

// composeNames are the files that compose services.
var composeNames = []string{"serverless-compose.yml", "serverless-compose.yaml"}

// findParts returns what is to be deployed of a path: the application that it
// is, or those that are composed in it, or are in the directories below it.
func findParts(path string) ([]*part, error) {
	for _, name := range composeNames {
		file := filepath.Join(path, name)
		if _, err := os.Stat(file); err == nil {
			return composedParts(file)
		}
	}
	file, err := pack.FindTemplate(path)
	if err == nil {
		return []*part{{name: filepath.Base(path), file: file}}, nil
	}
	below, globErr := filepath.Glob(filepath.Join(path, "*"))
	if globErr != nil {
		return nil, globErr
	}
	var parts []*part
	for _, dir := range below {
		if file, err := pack.FindTemplate(dir); err == nil && filepath.Dir(file) == dir {
			parts = append(parts, &part{name: filepath.Base(dir), file: file})
		}
	}
	if len(parts) == 0 {
		return nil, err
	}
	return parts, nil
}

// composedParts reads a file that composes services.
func composedParts(file string) ([]*part, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var compose struct {
		Services map[string]struct {
			Path, Config string
			Params       map[string]string
			DependsOn    any `yaml:"dependsOn"`
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var parts []*part
	for _, name := range sortedKeys(compose.Services) {
		s := compose.Services[name]
		p := &part{name: name, params: s.Params}
		dir := filepath.Join(filepath.Dir(file), filepath.FromSlash(s.Path))
		if s.Config != "" {
			p.file = filepath.Join(dir, s.Config)
		} else if p.file, err = pack.FindTemplate(dir); err != nil {
			return nil, fmt.Errorf("%s: services.%s: %w", file, name, err)
		}
		switch on := s.DependsOn.(type) {
		case string:
			p.dependsOn = []string{on}
		case []any:
			for _, o := range on {
				p.dependsOn = append(p.dependsOn, fmt.Sprint(o))
			}
		}
		for _, v := range s.Params {
			for _, m := range partOutput.FindAllStringSubmatch(v, -1) {
				p.dependsOn = append(p.dependsOn, m[1])
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// partOutput is how one service names an output of another.
var partOutput = regexp.MustCompile(`\$\{([A-Za-z0-9_-]+)\.([A-Za-z0-9_.-]+)\}`)

// deployAll deploys the applications of paths, each after those it refers to.
func (d *deployer) deployAll(ctx context.Context, paths []string) ([]*deployment, error) {
	var open []*part
	for _, path := range paths {
		parts, err := findParts(path)
		if err != nil {
			return nil, err
		}
		open = append(open, parts...)
	}
	if len(open) > 1 && d.stack != "" {
		return nil, errors.New("--stack names one stack, and there are several applications")
	}
	var all []*deployment
	done := make(map[string]*deployment)
	for len(open) > 0 {
		next, err := d.next(ctx, open, done)
		if err != nil {
			return all, err
		}
		p := open[next]
		open = slices.Delete(open, next, next+1)
		result, err := d.deployPart(ctx, p)
		if result != nil {
			all = append(all, result)
			done[p.name] = result
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func (d *deployer) deployPart(ctx context.Context, p *part) (*deployment, error) {
	if p.service == nil {
		return d.deploy(ctx, p.file)
	}
	return d.deployLoaded(ctx, p.file, p.service, time.Now())
}

// next returns the index of a part that needs nothing of those still open.
func (d *deployer) next(ctx context.Context, open []*part, done map[string]*deployment) (int, error) {
	for _, p := range open {
		if err := d.read(ctx, p, done); err != nil {
			return 0, err
		}
	}
	var problem error
	for i, p := range open {
		waits := p.problem != nil
		if waits && problem == nil {
			problem = p.problem
		}
		for j, other := range open {
			if i != j && (slices.Contains(p.dependsOn, other.name) || shareOne(p.needs, other.offers)) {
				waits = true
			}
		}
		if !waits {
			return i, nil
		}
	}
	if problem != nil {
		return 0, problem
	}
	names := make([]string, len(open))
	for i, p := range open {
		names[i] = p.name
	}
	return 0, fmt.Errorf("each of these needs another of them first: %s", strings.Join(names, ", "))
}

func shareOne(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// read reads a part's service, unless it has been. It may refer to outputs of
// others that are not there yet, which is a problem of it and no failure.
func (d *deployer) read(ctx context.Context, p *part, done map[string]*deployment) error {
	if p.service != nil || !pack.IsService(p.file) {
		return nil
	}
	params := make(map[string]string)
	for name, v := range maps.All(p.params) {
		missing := ""
		params[name] = partOutput.ReplaceAllStringFunc(v, func(ref string) string {
			m := partOutput.FindStringSubmatch(ref)
			if of := done[m[1]]; of != nil && of.Outputs[m[2]] != "" {
				return of.Outputs[m[2]]
			}
			missing = ref
			return ref
		})
		if missing != "" {
			p.problem = fmt.Errorf("%s: params.%s: %s is not there", p.name, name, missing)
			return nil
		}
	}
	s, err := d.loadService(ctx, p.file, params)
	if err != nil {
		p.problem = err
		return nil
	}
	if p.needs, p.offers, err = s.Links(); err != nil {
		return inDirectory(p.file, err)
	}
	p.service, p.problem = s, nil
	return nil
}
