package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/client"
)

var (
	noFile    = regexp.MustCompile(`there is no file ([\w./-]+)`)
	asksFile  = regexp.MustCompile(`(\S+): \$\{(file\([^:]*?(?:\$\{[^}]*\}[^:]*?)*\))[^ ]*: there is no file`)
	emptyFile = regexp.MustCompile(`\$\{file\(.*?\):([\w.]+)\}: has no value`)
)

// copyExample makes a file of the example of it that is beside it.
func (g *given) copyExample(name string) bool {
	path := filepath.Join(g.app.dir, name)
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	for _, mark := range []string{"example", "sample", "template", "dist"} {
		for _, from := range []string{path + "." + mark, stem + "." + mark + ext, stem + "-" + mark + ext, stem + "_" + mark + ext, filepath.Join(filepath.Dir(path), mark+"."+filepath.Base(path))} {
			text, err := os.ReadFile(from)
			if err == nil {
				return os.WriteFile(path, text, 0o644) == nil
			}
		}
	}
	return false
}

// writeFile makes a file that is the user's to write: what a template takes of
// it is what belongs there.
func (g *given) writeFile(name, words string) bool {
	m := asksFile.FindStringSubmatch(words)
	text, err := os.ReadFile(g.app.file)
	ext := filepath.Ext(name)
	if m == nil || err != nil || !slices.Contains([]string{".json", ".yml", ".yaml"}, ext) {
		return false
	}
	path := filepath.Join(g.app.dir, name)
	if _, err := os.Stat(strings.TrimSuffix(path, ext)); err == nil || !strings.HasPrefix(path, g.app.top+"/") {
		return false
	}
	content := make(map[string]any)
	file := regexp.MustCompile(`\\\$\\\{.*?\\\}`).ReplaceAllLiteralString(regexp.QuoteMeta(m[2]), `\$\{[^}]*\}`)
	for _, from := range []string{file + `:`, `self:` + regexp.QuoteMeta(m[1][max(0, strings.LastIndex(m[1], "custom")):]) + `\.`} {
		for _, key := range regexp.MustCompile(from+`([A-Za-z_][\w.-]*)`).FindAllSubmatch(text, -1) {
			g.setIn(content, strings.Split(string(key[1]), "."))
		}
	}
	if len(content) == 0 {
		return false
	}
	body, err := json.MarshalIndent(content, "", "  ") // YAML too
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	return err == nil && os.WriteFile(path, body, 0o644) == nil
}

// setIn sets what names lead to.
func (g *given) setIn(content map[string]any, names []string) {
	last := len(names) - 1
	for _, name := range names[:last] {
		inner, ok := content[name].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			content[name] = inner
		}
		content = inner
	}
	if _, ok := content[names[last]]; !ok {
		content[names[last]] = g.value(names[last], nil, &uses{})
	}
}

// fillFile gives a value to a key that has none in a file of settings.
func (g *given) fillFile(key string) bool {
	names := strings.Split(key, ".")
	empty := regexp.MustCompile(`(?m)^(\s*` + regexp.QuoteMeta(names[len(names)-1]) + `:)[ \t]*$`)
	done := false
	_ = filepath.WalkDir(g.app.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return nil // it can be read, or has nothing to fill
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(path); ext != ".yml" && ext != ".yaml" || path == g.app.file {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil && empty.Match(text) {
			filled := empty.ReplaceAll(text, []byte("${1} "+g.value(names[len(names)-1], nil, &uses{})))
			done = os.WriteFile(path, filled, 0o644) == nil || done
		}
		return nil
	})
	return done
}

// makeBuckets makes the buckets that a service says are there already.
func (g *given) makeBuckets() bool {
	text, err := os.ReadFile(g.app.file)
	var doc map[string]any
	if err != nil || g.copied["buckets"] || yaml.Unmarshal(text, &doc) != nil {
		return false
	}
	g.copied["buckets"] = true
	made := false
	functions, _ := doc["functions"].(map[string]any)
	for _, f := range functions {
		f, _ := f.(map[string]any)
		events, _ := f["events"].([]any)
		for _, e := range events {
			e, _ := e.(map[string]any)
			if on, ok := e["s3"].(map[string]any); ok && on["existing"] == true {
				made = g.makeBucket(settled(doc, on["bucket"]), settled(doc, at(doc, "provider", "region"))) || made
			}
		}
	}
	return made
}

var ownSetting = regexp.MustCompile(`\$\{self:([\w.-]+)\}`)

// settled is a text with the settings of a service that it names.
func settled(doc map[string]any, v any) string {
	text, _ := v.(string)
	for range 5 {
		text = ownSetting.ReplaceAllStringFunc(text, func(name string) string {
			inner, _ := at(doc, strings.Split(ownSetting.FindStringSubmatch(name)[1], ".")...).(string)
			return inner
		})
	}
	return text
}

// makeBucket makes a bucket in the region of a service.
func (g *given) makeBucket(name, region string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	in := &s3.CreateBucketInput{Bucket: name}
	if region != "" && region != usualRegion {
		in.CreateBucketConfiguration = &s3.CreateBucketConfiguration{LocationConstraint: &region}
	}
	_, err := client.Do(ctx, g.runner.client().In(cmp.Or(region, usualRegion)), s3.CreateBucket, in)
	return err == nil
}

// at is what names lead to.
func at(v any, names ...string) any {
	for _, name := range names {
		inner, _ := v.(map[string]any)
		v = inner[name]
	}
	return v
}
