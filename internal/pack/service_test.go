package pack_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/pack"
)

// packService packs the service of a directory and returns its functions' code
// by name, as names of files.
func packService(t *testing.T, dir string) (code map[string]string, b bucket, err error) {
	t.Helper()
	file, err := pack.FindTemplate(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := pack.LoadService(t.Context(), file, serverless.Config{Getenv: os.LookupEnv})
	if err != nil {
		return nil, nil, err
	}
	b = make(bucket)
	p := pack.Packer{Uploader: b}
	template, err := p.PackService(t.Context(), dir, s)
	if err != nil {
		return nil, nil, err
	}
	var made struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal(template, &made); err != nil {
		t.Fatal(err)
	}
	code = make(map[string]string)
	for _, r := range made.Resources {
		var p struct {
			FunctionName, LayerName string
			Code, Content           struct{ S3Key string }
		}
		if strings.HasPrefix(r.Type, "AWS::Lambda::") && r.Type != "AWS::Lambda::Permission" {
			_ = json.Unmarshal(r.Properties, &p) // versions refer to functions
		}
		switch r.Type {
		case "AWS::Lambda::Function":
			code[strings.TrimPrefix(p.FunctionName, "s-dev-")] = names(t, b[p.Code.S3Key])
		case "AWS::Lambda::LayerVersion":
			code[p.LayerName] = names(t, b[p.Content.S3Key])
		}
	}
	return code, b, nil
}

const head = "service: s\nprovider: {name: aws, runtime: nodejs20.x}\n"

func TestPackService(t *testing.T) {
	f := func(config string, others map[string]string, want map[string]string) {
		t.Helper()
		content := map[string]string{"serverless.yml": head + config}
		for name, text := range others {
			content[name] = text
		}
		got, _, err := packService(t, files(t, content))
		if err != nil {
			t.Errorf("%s: %v", config, err)
			return
		}
		for name, files := range want {
			if got[name] != files {
				t.Errorf("%s: %s holds %q, want %q", config, name, got[name], files)
			}
		}
	}
	sources := map[string]string{
		"a.js": "", "lib/b.js": "", "docs/x.md": "", ".env": "", ".git/HEAD": "", ".serverless/state": "", "tools/t.js": "",
	}
	f("functions: {one: {handler: a.run}, two: {handler: a.run}}", sources,
		map[string]string{"one": ".env a.js docs/x.md lib/b.js tools/t.js", "two": ".env a.js docs/x.md lib/b.js tools/t.js"})
	f("package: {patterns: ['!**', 'lib/**', './a.js']}\nfunctions: {one: {handler: a.run}}", sources, map[string]string{"one": "a.js lib/b.js"})
	f("package: {exclude: ['./**'], include: [a.js]}\nfunctions: {one: {handler: a.run}}", sources, map[string]string{"one": "a.js"})
	f("package: {individually: true, patterns: ['!docs/**']}\nfunctions: {one: {handler: a.run, package: {patterns: ['!lib/**', '!tools/**']}}, two: {handler: a.run, package: {exclude: ['*.js', 'tools/*']}}}", sources,
		map[string]string{"one": ".env a.js", "two": ".env lib/b.js"})
	f("useDotenv: true\nlayers: {tools: {path: tools}}\nfunctions: {one: {handler: a.run}}", sources,
		map[string]string{"one": "a.js docs/x.md lib/b.js", "tools": "t.js"})
	f("plugins: [serverless-esbuild]\npackage: {patterns: [docs/*]}\nfunctions: {one: {handler: src/main.run}}",
		map[string]string{"src/main.ts": "import {b} from './b'; import * as aws from 'of-the-runtime'; export const run = async (): Promise<number> => b(aws)", "src/b.ts": "export const b = (_: any) => 1", "docs/x.md": ""},
		map[string]string{"one": "docs/x.md src/main.js"})
	f("functions: {one: {handler: main.run}}", map[string]string{"main.ts": "export const run = async () => 1", "docs/x.md": ""}, map[string]string{"one": "main.js"})
	f("plugins: [serverless-esbuild]\ncustom: {esbuild: {external: [kept]}}\nfunctions: {one: {handler: a.run}}",
		map[string]string{"a.js": "exports.run = require('kept')", "node_modules/kept/package.json": `{"name":"kept","dependencies":{"needed":"1"}}`, "node_modules/kept/index.js": "", "node_modules/needed/package.json": "{}", "node_modules/other/package.json": "{}"},
		map[string]string{"one": "a.js node_modules/kept/index.js node_modules/kept/package.json node_modules/needed/package.json"})
	f("functions: {one: {handler: a.run}}",
		map[string]string{"a.js": "", "package.json": `{"dependencies":{"x":"1"}}`, "node_modules/.package-lock.json": `{"packages":{"node_modules/x":{},"node_modules/y":{"dev":true}}}`, "node_modules/x/i.js": "", "node_modules/y/i.js": "", "node_modules/.bin/y": ""},
		map[string]string{"one": "a.js node_modules/.package-lock.json node_modules/x/i.js package.json"})
}

func TestPackServiceRefusals(t *testing.T) {
	f := func(config string, others map[string]string, want string) {
		t.Helper()
		content := map[string]string{"serverless.yml": head + config}
		for name, text := range others {
			content[name] = text
		}
		if _, _, err := packService(t, files(t, content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one that says %q", config, err, want)
		}
	}
	f("package: {patterns: ['!**']}\nfunctions: {one: {handler: a.run}}", nil, "no file is in it")
	f("package: {patterns: ['../x/**']}\nfunctions: {one: {handler: a.run}}", nil, "outside the application")
	f("plugins: [serverless-python-requirements]\nfunctions: {one: {handler: a.run, runtime: python3.12}}", map[string]string{"uv.lock": "", "a.py": ""}, "not uv.lock")
	f("package: {patterns: ['x/!(a).js']}\nfunctions: {one: {handler: a.run}}", nil, "of a form that Aloft does not know")
	f("package: {artifact: code.zip}\nfunctions: {one: {handler: a.run}}", nil, "code.zip is not there")
	f("plugins: [serverless-esbuild]\nfunctions: {one: {handler: a.run}}", nil, "there is no source for a.run")
	f("plugins: [serverless-esbuild]\nfunctions: {one: {handler: a.run}}", map[string]string{"a.ts": "let x ="}, "a.ts")
	f("functions: {one: {handler: bin/one, runtime: go1.x}}", nil, "no Makefile says how to build it")
}

// TestPackUnchanged holds that what has not changed is not made again.
func TestPackUnchanged(t *testing.T) {
	dir := files(t, map[string]string{"serverless.yml": head + "functions: {one: {handler: a.run}}", "a.js": "1"})
	file := filepath.Join(dir, "serverless.yml")
	b := make(bucket)
	pack1 := func() string {
		s, err := pack.LoadService(t.Context(), file, serverless.Config{})
		if err != nil {
			t.Fatal(err)
		}
		p := pack.Packer{Uploader: b}
		out, err := p.PackService(t.Context(), dir, s)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	first := pack1()
	if again := pack1(); again != first || len(b) != 1 {
		t.Errorf("the same service made another template, or %d archives", len(b))
	}
	if err := os.WriteFile(filepath.Join(dir, "a.js"), []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	if changed := pack1(); changed == first || len(b) != 2 {
		t.Errorf("a changed service made the same template, or %d archives", len(b))
	}
}

func TestScripts(t *testing.T) {
	dir := files(t, map[string]string{
		"plain.js":   "module.exports = {a: {b: [1, 'two', null]}, f: () => 1}",
		"called.js":  "module.exports = async ({options, resolveVariable, resolveConfigurationProperty}) => ({stage: options.stage, v: await resolveVariable('opt:x'), p: await resolveConfigurationProperty(['custom', 'y'])})",
		"member.js":  "module.exports.secret = async ({options}) => { await null; return {of: options.stage} }; exports.n = 1",
		"imports.js": "const other = require('./other.json'); const path = require('path'); const fs = require('fs'); module.exports = {o: other.v, j: path.join('a', '..', 'b'), env: process.env.NAME, none: process.env.NONE || 'none', dir: path.basename(__dirname) !== '', text: fs.readFileSync(path.join(__dirname, 'note.txt'), 'utf8').trim()}",
		"other.json": `{"v": 7}`,
		"note.txt":   "noted\n",
		"typed.ts":   "interface A { b: number }\nconst a: A = { b: 2 };\nexport default a;",
		"module.mjs": "export default { esm: true }",
		"throws.js":  "throw new Error('on purpose')",
		"rejects.js": "module.exports = async () => { throw new Error('rejected') }",
		"endless.js": "for (;;) {}",
		"deep.js":    "const f = () => f(); f()",
		"spawns.js":  "require('child_process').execSync('true')",
		"outside.js": "require('fs').readFileSync('/etc/passwd')",
		"waits.js":   "module.exports = () => new Promise(() => {})",
		"unknown.js": "require('not-installed')",
	})
	run := pack.Scripts(dir)
	f := func(file, member, want string) {
		t.Helper()
		s := serverless.Script{
			File: file, Options: map[string]string{"stage": "dev"},
			Getenv:   func(name string) (string, bool) { return "value of " + name, name == "NAME" },
			Property: func(path []string) (any, error) { return strings.Join(path, "."), nil },
			Variable: func(text string) (any, error) { return map[string]any{"of": text}, nil },
		}
		if member != "" {
			s.Member = strings.Split(member, ".")
		}
		ctx := t.Context()
		if file == "endless.js" {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			cancel()
		}
		v, err := run(ctx, s)
		got, _ := json.Marshal(v)
		if err != nil {
			got = []byte(err.Error())
		}
		if !strings.Contains(string(got), want) {
			t.Errorf("%s:%s = %s, want %s", file, member, got, want)
		}
	}
	f("plain.js", "", `{"a":{"b":[1,"two",null]}}`)
	f("plain.js", "a.b.1", `"two"`)
	f("plain.js", "f", `1`)
	f("plain.js", "none", `null`)
	f("called.js", "", `{"p":"custom.y","stage":"dev","v":{"of":"opt:x"}}`)
	f("called.js", "v.of", `"opt:x"`)
	f("member.js", "secret.of", `"dev"`)
	f("imports.js", "", `{"dir":true,"env":"value of NAME","j":"b","none":"none","o":7,"text":"noted"}`)
	f("typed.ts", "b", `2`)
	f("module.mjs", "esm", `true`)
	f("throws.js", "", "on purpose")
	f("rejects.js", "", "rejected")
	f("endless.js", "", "did not end within")
	f("deep.js", "", "calls itself too deep")
	f("spawns.js", "", `no module "child_process"`)
	f("outside.js", "", "outside the application")
	f("waits.js", "", "waits for something that never comes")
	f("unknown.js", "", "not-installed")
}

// TestWebHandler serves a small application of WSGI as Lambda would.
func TestWebHandler(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	dir := files(t, map[string]string{
		"serverless.yml": "service: s\nprovider: {name: aws, runtime: python3.11}\nplugins: [serverless-wsgi]\ncustom: {wsgi: {app: web.app}}\nfunctions: {one: {handler: wsgi_handler.handler}}",
		"web.py":         "def app(environ, start):\n    start('201 Created', [('Content-Type', 'text/plain'), ('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2')])\n    body = environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))\n    return [('%s %s?%s %s ' % (environ['REQUEST_METHOD'], environ['PATH_INFO'], environ['QUERY_STRING'], environ['HTTP_X_A'])).encode(), body]\n",
	})
	_, b, err := packService(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, archive := range b {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		code := filepath.Join(t.TempDir(), "code")
		if out, err := exec.Command(python, "-m", "zipfile", "-e", file, code).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for event, want := range map[string]string{
			`{"version": "2.0", "rawPath": "/a b", "rawQueryString": "q=1", "headers": {"x-a": "A"}, "body": "aGk=", "isBase64Encoded": True, "requestContext": {"stage": "$default", "http": {"method": "POST"}}}`: `POST /a b?q=1 A hi`,
			`{"path": "/x", "httpMethod": "GET", "multiValueHeaders": {"X-A": ["B"]}, "multiValueQueryStringParameters": {"q": ["1", "2"]}, "requestContext": {"stage": "dev"}, "body": None}`:                      `GET /x?q=1&q=2 B `,
		} {
			cmd := exec.Command(python, "-c", "import wsgi_handler, json; print(json.dumps(wsgi_handler.handler("+event+", None)))")
			cmd.Dir = code
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "201") || !strings.Contains(string(out), `"b=2"`) {
				t.Errorf("handler(%s) = %s, %v; want %s", event, out, err, want)
			}
		}
	}
}
