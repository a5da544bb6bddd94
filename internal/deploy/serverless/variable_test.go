package serverless

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseVariables(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		found, err := parseVariables(text)
		if err != nil {
			t.Errorf("parseVariables(%q): %v", text, err)
			return
		}
		var got []string
		for _, v := range found {
			var sources []string
			for _, s := range v.sources {
				if s.kind == "" {
					sources = append(sources, asJSON(s.literal))
				} else {
					sources = append(sources, s.String())
				}
			}
			got = append(got, text[v.start:v.end]+" = "+strings.Join(sources, " | "))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("parseVariables(%q) = %q, want %q", text, got, want)
		}
	}
	f("no variable, $ and {x}")
	f("${self:a.b}", "${self:a.b} = self:a.b")
	f("x-${opt:stage, self:provider.stage, 'dev'}-y", `${opt:stage, self:provider.stage, 'dev'} = opt:stage | self:provider.stage | "dev"`)
	f("${self:a.${opt:b, 'c'}.d}", "${self:a.${opt:b, 'c'}.d} = self:a.${opt:b, 'c'}.d")
	f("${file(./x.yml):a.b}", "${file(./x.yml):a.b} = file(./x.yml):a.b")
	f("${file(./${opt:stage}.yml), 5}", "${file(./${opt:stage}.yml), 5} = file(./${opt:stage}.yml): | 5")
	f(`${env:A, "x, }y"}`, `${env:A, "x, }y"} = env:A | "x, }y"`)
	f("${ssm(us-east-1, raw):/a/b}", "${ssm(us-east-1, raw):/a/b} = ssm(us-east-1, raw):/a/b")
	f("${AWS::Region} ${Resource.Arn} ${name} ${aws::x}")
	f("${AWS::${self:x}}", "${self:x} = self:x")
	f("${don't} ${self:a}", "${self:a} = self:a")
	f(`\${self:a}`, `\${ = "${"`)
	f("${self:a, true} ${self:b, null}", "${self:a, true} = self:a | true", "${self:b, null} = self:b | null")
}

func TestVariableErrors(t *testing.T) {
	f := func(config, want string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "serverless.yml"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := load(dir, "serverless.yml", "", nil)
		wantError(t, err, want)
	}
	const head = "service: s\nprovider: {name: aws, runtime: nodejs20.x}\n"
	f(head+"custom:\n  a: ${env:NONE}", "serverless.yml:4: custom.a: ${env:NONE}: the environment has no variable NONE")
	f(head+"custom: {a: '${self:custom.b}', b: '${self:custom.a}'}", "the value refers to itself")
	f(head+"custom: {a: '${self:custom.a}'}", "the value refers to itself")
	f(head+"custom: {a: 'x${self:provider}'}", "is no text")
	f(head+"custom: {a: '${secrets:b}'}", `knows no variable source "secrets"`)
	f(head+"custom: {a: '${file(/etc/passwd)}'}", "paths of files are relative")
	f(head+"custom: {a: '${self:b'}", "missing }")
	f(head+"custom: {a: '${cf:nodots}'}", "want the name of a stack")
	f(head+"custom: {a: '${strToBool(maybe)}'}", "strToBool wants true")
	f("service: s\nprovider: {name: google}", "not for \"google\"")
	f("service: 1s\nprovider: aws", "is no name of a service")
	f("service: s", "there is no provider")
	f("[1]", "want a map")
	f("a: *b", "unknown anchor")
	f(head+"constructs: {site: {type: static-website}}", "constructs.site: Aloft makes constructs of type queue and storage only")
	f(head+"functions: {a: {handler: a.b}}\nplugins: [serverless-fargate]\nfargate: {}", "serverless-fargate")
}

// TestVariableBombs holds that what grows without end ends.
func TestVariableBombs(t *testing.T) {
	var b strings.Builder
	b.WriteString("service: s\nprovider: aws\ncustom:\n  a0: xxxxxxxxxxxxxxxx\n")
	for i := range 40 {
		n := itoa(i)
		b.WriteString("  a" + itoa(i+1) + ": ${self:custom.a" + n + "}${self:custom.a" + n + "}\n")
	}
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "serverless.yml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(b.String())
	_, err := load(dir, "serverless.yml", "", nil)
	wantError(t, err, "grows over")
	write(strings.NewReplacer("${", "['${", "}$", "}', '$", "}\n", "}']\n").Replace(b.String()))
	_, err = load(dir, "serverless.yml", "", nil)
	wantError(t, err, "put more than")
	write("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e]\n")
	_, err = load(dir, "serverless.yml", "", nil)
	wantError(t, err, "more than")
}

// FuzzVariables holds that parsing ends without a panic, and that what is
// found lies in the text, in order.
func FuzzVariables(f *testing.F) {
	for _, s := range []string{"${self:a}", "${opt:a, 'b'}${file(x):y}", "${a:${b:c}}", `\${x}`, "${", "${a('b", "${a:b}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		found, err := parseVariables(s)
		if err != nil {
			return
		}
		last := 0
		for _, v := range found {
			if v.start < last || v.end <= v.start || v.end > len(s) || len(v.sources) == 0 {
				t.Fatalf("parseVariables(%q) = %+v", s, found)
			}
			last = v.end
		}
	})
}

// FuzzLoad holds that any file is loaded or refused, and that what is loaded
// has a template or is refused.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/serverless.yml")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load(t.Context(), Config{
			File: "serverless.yml",
			ReadFile: func(name string) ([]byte, error) {
				if name != "serverless.yml" {
					return nil, os.ErrNotExist
				}
				return []byte(text), nil
			},
		})
		if err == nil {
			_, _ = s.Template(fakeCode(s))
		}
	})
}
