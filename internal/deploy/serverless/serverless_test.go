package serverless

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the tests of testdata make")

// load loads the application in dir, with no environment but env.
func load(dir, file, stage string, env map[string]string) (*Service, error) {
	return Load(context.Background(), Config{
		File: file, Stage: stage, UsualRegion: "us-east-1",
		Getenv:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, path)) },
		Lookup:   cloud{},
	})
}

// cloud answers what the tests ask.
type cloud struct{}

func (cloud) Account(context.Context) (string, error) { return "000000000000", nil }

func (cloud) Parameter(_ context.Context, _, name string, _ bool) (*Parameter, error) {
	switch name {
	case "/list":
		return &Parameter{"StringList", "a,b"}, nil
	case "/secret":
		return &Parameter{"SecureString", `{"user":"u"}`}, nil
	case "/text":
		return &Parameter{"String", "plain"}, nil
	}
	return nil, nil
}

func (cloud) Output(_ context.Context, region, stack, output string) (string, error) {
	if stack != "other-dev" {
		return "", nil
	}
	return region + output, nil
}

func (cloud) Object(_ context.Context, bucket, key string) ([]byte, error) {
	if key == "none" {
		return nil, nil
	}
	return []byte(bucket + " " + key), nil
}

// fakeCode says of all artifacts that they are packed.
func fakeCode(s *Service) map[string]Code {
	code := make(map[string]Code)
	for _, a := range s.Artifacts() {
		code[a.Name] = Code{Bucket: "artifacts", Key: a.Name + ".zip", Digest: "digest-of-" + a.Name}
	}
	return code
}

// TestGolden holds what applications stand for: testdata/x/serverless.yml
// makes testdata/x/template.json.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*/serverless.yml")
	if err != nil || len(dirs) == 0 {
		t.Fatal(err, dirs)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s, err := load(dir, "serverless.yml", "", map[string]string{"TOKEN": "t0ken"})
			if err != nil {
				t.Fatal(err)
			}
			template, err := s.Template(fakeCode(s))
			if err != nil {
				t.Fatal(err)
			}
			notes := notes(s)
			checkReferences(t, template)
			if _, _, err := s.Links(); err != nil {
				t.Error(err)
			}
			if again, err := s.Template(fakeCode(s)); err != nil || asJSON(again) != asJSON(template) {
				t.Errorf("the second template is other than the first, %v", err)
			}
			made := object{"Template": template, "Artifacts": s.Artifacts(), "Notes": notes}
			golden(t, filepath.Join(dir, "template.json"), made)
		})
	}
}

func notes(s *Service) []string {
	out := []string{}
	for _, n := range s.Notes {
		out = append(out, n.String())
	}
	return out
}

func golden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is other than what is made now; see with -update and git diff", file)
	}
}

// checkReferences holds that what a template refers to and depends on is there.
func checkReferences(t *testing.T, template object) {
	t.Helper()
	resources := asObject(template["Resources"])
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			id := text(v["Ref"])
			if l := asList(v["Fn::GetAtt"]); l != nil {
				id = text(l[0])
			}
			if id != "" && !strings.Contains(id, "::") && resources[id] == nil && at(template, "Parameters", id) == nil {
				t.Errorf("the template refers to %s, which is not there", id)
			}
			for _, m := range v {
				walk(m)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(template)
	for id, r := range resources {
		for _, on := range texts(at(r, "DependsOn")) {
			if resources[on] == nil {
				t.Errorf("%s depends on %s, which is not there", id, on)
			}
		}
	}
}

// TestOracle holds templates to those that the Serverless Framework makes. It
// needs a directory of applications that `serverless package --stage dev
// --region us-east-1` was run in.
func TestOracle(t *testing.T) {
	root := os.Getenv("ALOFT_SERVERLESS")
	if root == "" {
		t.Skip("ALOFT_SERVERLESS names no directory of packaged applications")
	}
	files, _ := filepath.Glob(filepath.Join(root, "*", ".serverless", "cloudformation-template-update-stack.json"))
	for _, file := range files {
		dir := filepath.Dir(filepath.Dir(file))
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s, err := load(dir, "serverless.yml", "dev", map[string]string{"MONGO_DB_USER": "x"})
			if err != nil {
				t.Fatal(err)
			}
			template, err := s.Template(fakeCode(s))
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range s.Notes {
				t.Log(n)
			}
			var want object
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatal(err)
			}
			compare(t, "", comparable(want), comparable(clone(template)))
		})
	}
}

var digests = regexp.MustCompile(`(LambdaVersion|ApiGatewayDeployment|WebsocketsDeployment)([A-Za-z0-9]{20,}|\d+|[0-9a-f]{12})\b`)

// comparable writes what differs for no reason in one way.
func comparable(v any) any {
	text := asJSON(v)
	text = digests.ReplaceAllString(text, "${1}X")
	var out any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return sorted(out)
}

func sorted(v any) any {
	switch v := v.(type) {
	case object:
		for key, m := range v {
			if key == "S3Key" || key == "S3Bucket" || key == "RequestTemplates" {
				m = "…"
			}
			if key == "CodeSha256" { // the id of our versions is made of it
				m = nil
			}
			if s, isText := m.(string); isText && key == "DependsOn" {
				m = []any{s}
			}
			if v[key] = sorted(m); m == nil || key == "DependsOn" && len(asList(m)) == 0 {
				delete(v, key)
			}
		}
	case []any:
		for i, e := range v {
			v[i] = sorted(e)
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(asJSON(a), asJSON(b)) })
	}
	return v
}

func compare(t *testing.T, path string, want, got any) {
	w, isMap := want.(object)
	g, both := got.(object)
	if isMap && both {
		for _, key := range keys(w) {
			compare(t, path+"/"+key, w[key], g[key])
		}
		for _, key := range keys(g) {
			if _, has := w[key]; !has {
				t.Errorf("%s/%s: more than wanted: %.300s", path, key, asJSON(g[key]))
			}
		}
		return
	}
	if asJSON(want) != asJSON(got) {
		t.Errorf("%s:\n got %.600s\nwant %.600s", path, asJSON(got), asJSON(want))
	}
}

// wantError holds that err says text, as an *Error with a place.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Error(), text) {
		t.Errorf("got error %v, want one that says %q", err, text)
	}
}
