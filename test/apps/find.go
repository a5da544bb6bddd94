package main

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An application is one that was found.
type application struct {
	title, name string
	top         string // directory of the collection's entry
	dir         string // of the template
	file        string // its template; for the CDK its directory
	kind        string
}

// Kinds of applications.
const (
	kindSAM     = "SAM"
	kindService = "serverless.yml"
	kindPlain   = "CloudFormation"
	kindCDK     = "CDK"
)

// find returns the applications in top: the one nearest to it, or all that
// are not inside of others.
func find(top string, all bool) ([]application, error) {
	best := make(map[string]application) // by directory
	var dirs []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != top && (skipped(d.Name()) || depth(path)-depth(top) > 4) {
				return fs.SkipDir
			}
			return nil
		}
		kind := kindOf(path, d.Name())
		dir := filepath.Dir(path)
		known, ok := best[dir]
		if kind == "" || ok && rank(known.file) <= rank(path) {
			return nil
		}
		if !ok {
			dirs = append(dirs, dir)
		}
		best[dir] = application{dir: dir, file: path, kind: kind}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return cmp.Compare(depth(a), depth(b)) })
	var apps []application
	for _, dir := range dirs {
		a := best[dir]
		if a.kind == kindCDK {
			a.file = dir
		}
		inside := slices.ContainsFunc(apps, func(o application) bool {
			return strings.HasPrefix(dir, o.dir+"/") && (o.dir != top || o.kind != kindPlain)
		})
		if !inside {
			apps = append(apps, a)
		}
	}
	slices.SortStableFunc(apps, func(a, b application) int { return cmp.Compare(weight(a), weight(b)) })
	if !all && len(apps) > 1 {
		apps = apps[:1]
	}
	return apps, nil
}

// weight is smaller for what is more likely the application: nearer to the
// top, and with a template.
func weight(a application) int {
	w := depth(a.dir)
	if a.kind == kindCDK {
		w += 10
	}
	return w
}

func depth(path string) int { return strings.Count(path, string(filepath.Separator)) }

// skipped says of what directories nothing is an application.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") ||
		slices.Contains([]string{"node_modules", "cdk.out", "test", "tests", "docs", "dist", "build", "target", "vendor"}, name)
}

// rank is smaller for names that are more usual.
func rank(path string) int {
	for i, usual := range []string{"serverless.", "cdk.json", "template.y", "template.", "sam."} {
		if strings.HasPrefix(filepath.Base(path), usual) {
			return i
		}
	}
	return 9
}

func kindOf(path, name string) string {
	ext := filepath.Ext(name)
	if name == "cdk.json" {
		return kindCDK
	}
	if strings.HasPrefix(name, "serverless.") && !strings.Contains(name, ".template.") && slices.Contains([]string{".yml", ".yaml", ".ts", ".js", ".json"}, ext) {
		if text, err := os.ReadFile(path); err != nil || !bytes.Contains(text, []byte("provider")) {
			return "" // of a tool for serverless things
		}
		return kindService
	}
	if !slices.Contains([]string{".yml", ".yaml", ".json", ".template"}, ext) || name == "package-lock.json" {
		return ""
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil || !bytes.Contains(text, []byte("Resources")) || !bytes.Contains(text, []byte("AWS::")):
		return ""
	case bytes.Contains(text, []byte("AWS::Serverless")):
		return kindSAM
	case bytes.Contains(text, []byte("AWSTemplateFormatVersion")) || strings.HasPrefix(name, "template."):
		return kindPlain
	}
	return ""
}
