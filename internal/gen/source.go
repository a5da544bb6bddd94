package main

import (
	"archive/zip"
	"bufio"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A source is where models are read: a botocore wheel or a directory.
type source struct {
	files fs.FS
	dir   string // of the services within files
	io.Closer
}

// openModels opens the models at name, or else the pinned wheel in .cache. A
// wheel must be the pinned one, byte for byte.
func openModels(root, name string) (*source, error) {
	sum, wheel, err := readSum(filepath.Join(root, "models", "botocore.sum"))
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = filepath.Join(root, ".cache", wheel)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("%w; make gen fetches it", err)
	}
	if info.IsDir() {
		return &source{files: os.DirFS(name), dir: ".", Closer: io.NopCloser(nil)}, nil
	}
	if err := checkSum(name, sum); err != nil {
		return nil, err
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	return &source{files: z, dir: "botocore/data", Closer: z}, nil
}

// readSum reads a line as sha256sum prints it.
func readSum(name string) (sum, file string, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", "", err
	}
	f := strings.Fields(string(b))
	if len(f) != 2 {
		return "", "", fmt.Errorf("%s: want one line, a SHA-256 and a file name", name)
	}
	return f[0], f[1], nil
}

func checkSum(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s: SHA-256 is %s, want %s", name, got, want)
	}
	return nil
}

// load reads the newest version of a service's model.
func (s *source) load(service string) (*model, error) {
	for _, pattern := range []string{"service-2.json", "*/service-2.json.gz", "*/service-2.json"} {
		found, err := fs.Glob(s.files, path.Join(s.dir, service, pattern))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		b, err := s.read(slices.Max(found)) // folders are dates
		if err != nil {
			return nil, err
		}
		m := new(model)
		return m, json.Unmarshal(b, m)
	}
	return nil, fmt.Errorf("no service-2.json of %s", service)
}

func (s *source) read(name string) ([]byte, error) {
	f, err := s.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !strings.HasSuffix(name, ".gz") {
		return io.ReadAll(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// A serviceLine is one line of models/services.txt.
type serviceLine struct {
	Folder   string // also the service's name in our table
	Model    string // botocore's name
	ARN      string // in ARNs and policies
	Generate bool   // shapes too, not only a place in the catalog

	// Some are the operations that have shapes; nil: all have. The protocols
	// know the others by their names alone.
	Some map[string]bool
}

func readServices(name string) ([]serviceLine, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var services []serviceLine
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		w := strings.Fields(line)
		switch {
		case len(w) == 0:
		case len(w) == 4 && (w[3] == "yes" || w[3] == "no"):
			services = append(services, serviceLine{Folder: w[0], Model: w[1], ARN: w[2], Generate: w[3] == "yes"})
		case len(w) == 4 && w[3] == "some":
			some, err := readNames(filepath.Join(filepath.Dir(name), w[0]+".txt"))
			if err != nil {
				return nil, err
			}
			services = append(services, serviceLine{Folder: w[0], Model: w[1], ARN: w[2], Generate: true, Some: some})
		default:
			return nil, fmt.Errorf("%s: want four words and the last yes, some or no, got %q", name, line)
		}
	}
	return services, nil
}

// readNames reads a list of operations, separated by space.
func readNames(name string) (map[string]bool, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		for _, n := range strings.Fields(line) {
			names[n] = true
		}
	}
	return names, nil
}

// A patch says what a model leaves out or gets wrong.
type patch struct {
	Service string          `json:"service"`
	Why     string          `json:"why"`
	Merge   json.RawMessage `json:"merge"` // a piece of a model

	// Faults are those that the service answers with and the model leaves out,
	// or the members it leaves out of one.
	Faults map[string]struct {
		Status  int      `json:"status"`
		Members []string `json:"members"` // all strings; "Name?" is optional
	} `json:"faults"`
	used bool
}

type patches []*patch

func readPatches(name string) (patches, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var ps patches
	if err := json.Unmarshal(b, &ps); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, p := range ps {
		if p.Why == "" {
			return nil, fmt.Errorf("%s: patch %d of %s has no reason", name, i, p.Service)
		}
	}
	return ps, nil
}

func (ps patches) apply(service string, m *model) error {
	for _, p := range ps {
		if p.Service != service {
			continue
		}
		p.used = true
		p.addFaults(m)
		if p.Merge == nil {
			continue
		}
		if err := json.Unmarshal(p.Merge, m); err != nil {
			return fmt.Errorf("patch of %s (%s): %w", service, p.Why, err)
		}
	}
	return nil
}

func (p *patch) addFaults(m *model) {
	const text = "FaultText"
	for _, name := range slices.Sorted(maps.Keys(p.Faults)) {
		m.Shapes.add(text).Type = "string"
		s := m.Shapes.add(name)
		s.Type, s.Exception = "structure", true
		s.Error.Status = cmp.Or(p.Faults[name].Status, s.Error.Status)
		for _, member := range p.Faults[name].Members {
			member, optional := strings.CutSuffix(member, "?")
			s.Members.add(member).Shape = text
			if !optional {
				s.Required = append(s.Required, member)
			}
		}
	}
}

func (ps patches) unused() error {
	var errs []error
	for _, p := range ps {
		if !p.used {
			errs = append(errs, fmt.Errorf("a patch is for %s, which is no service of ours", p.Service))
		}
	}
	return errors.Join(errs...)
}
