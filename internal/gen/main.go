// Command gen makes package internal/api/<service> from the models AWS
// publishes with botocore: shapes, faults and operations, nothing that runs.
//
//	go run ./internal/gen [-models PATH]
//
// The models are those of the wheel that models/botocore.sum pins, which make
// gen fetches into .cache; models/services.txt says which services there are
// and models/patches.json what the models leave out or get wrong. PATH may be
// the wheel or a directory of <service>/service-2.json.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	models := flag.String("models", "", "`path` of the wheel, or of a directory of models (default the wheel in .cache)")
	root := flag.String("root", ".", "`directory` of the module")
	flag.Parse()
	if err := run(*root, *models); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(root, models string) error {
	files, err := generate(root, models)
	if err != nil {
		return err
	}
	old, err := generated(root)
	if err != nil {
		return err
	}
	for _, name := range old {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(root, name)); err != nil {
				return err
			}
		}
	}
	for name, source := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, source, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generated lists the files an earlier run made.
func generated(root string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(root, apiDir, "*", "*.go"))
	if err != nil {
		return nil, err
	}
	for i, p := range paths {
		if paths[i], err = filepath.Rel(root, p); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// generate returns the source of every generated file, by its path below root.
func generate(root, models string) (map[string][]byte, error) {
	src, err := openModels(root, models)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	services, err := readServices(filepath.Join(root, "models", "services.txt"))
	if err != nil {
		return nil, err
	}
	patches, err := readPatches(filepath.Join(root, "models", "patches.json"))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	var all []*api
	for _, s := range services {
		m, err := src.load(s.Model)
		if err != nil {
			return nil, fmt.Errorf("model of %s: %w", s.Folder, err)
		}
		if err := patches.apply(s.Folder, m); err != nil {
			return nil, err
		}
		a, err := newAPI(s, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Folder, err)
		}
		all = append(all, a)
		if s.Generate {
			if err := a.write(files); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Folder, err)
			}
		}
	}
	if err := patches.unused(); err != nil {
		return nil, err
	}
	return files, writeCatalog(all, files)
}
