package pack_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDecorated holds that the application's own compiler makes JavaScript of
// sources whose decorators read types at run time.
func TestDecorated(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node")
	}
	compiler := `exports.sys = { readFile: () => '' }
exports.ModuleKind = { CommonJS: 1 }
exports.readConfigFile = () => ({ config: {} })
exports.parseJsonConfigFileContent = () => ({ options: {} })
exports.transpileModule = (text, { fileName }) => ({ outputText: 'exports.run = () => "by the compiler of ' + fileName + '"' })`
	content := map[string]string{
		"serverless.yml":                       head + "plugins: [serverless-plugin-typescript]\nfunctions: {one: {handler: src/a.run}}",
		"tsconfig.json":                        `{"compilerOptions": {"emitDecoratorMetadata": true}} // as the framework says`,
		"package.json":                         `{"devDependencies":{"typescript":"5"}}`,
		"src/a.ts":                             "export const run = (): string => 'by esbuild'",
		"node_modules/typescript/package.json": `{"main":"index.js"}`, "node_modules/typescript/index.js": compiler,
	}
	got := func() string {
		t.Helper()
		code, b, err := packService(t, files(t, content))
		if err != nil || code["one"] != "src/a.js" {
			t.Fatal(code, err)
		}
		for _, archive := range b {
			r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
			if err != nil {
				t.Fatal(err)
			}
			text, err := fs.ReadFile(r, "src/a.js")
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		return ""
	}
	if text := got(); !strings.Contains(text, "by the compiler of src/a.ts") {
		t.Error(text)
	}
	content["tsconfig.json"] = "{}"
	content["src/a.ts"] = "import * as make from 'made'\nexport const run = (): string => make()"
	if text := got(); !strings.Contains(text, "by the compiler of src/a.ts") {
		t.Error(text)
	}
	content["src/a.ts"] = "import * as made from 'made'\nexport const run = (): string => 'by esbuild' + made.one"
	if text := got(); !strings.Contains(text, "by esbuild") {
		t.Error(text)
	}
}

// TestTranspiledOnce holds that functions that are packed at the same time read
// what was compiled once: none removes it while another writes there or reads it.
func TestTranspiledOnce(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node")
	}
	dir := files(t, map[string]string{
		"serverless.yml":                       head + "package: {individually: true}\nplugins: [serverless-plugin-typescript]\nfunctions: {one: {handler: a.run}, two: {handler: b.run}, three: {handler: c.run}}",
		"tsconfig.json":                        `{"compilerOptions": {"emitDecoratorMetadata": true}}`,
		"package.json":                         `{"devDependencies":{"typescript":"5"}}`,
		"a.ts":                                 "export const run = 1",
		"b.ts":                                 "export const run = 2",
		"c.ts":                                 "export const run = 3",
		"node_modules/typescript/package.json": `{"main":"index.js"}`,
		"node_modules/typescript/index.js": `require('fs').appendFileSync(__dirname + '/runs', 'x')
exports.sys = { readFile: () => '' }
exports.ModuleKind = { CommonJS: 1 }
exports.readConfigFile = () => ({ config: {} })
exports.parseJsonConfigFileContent = () => ({ options: {} })
exports.transpileModule = (text, { fileName }) => ({ outputText: 'exports.run = "' + fileName + '"' })`,
	})
	code, _, err := packService(t, dir)
	if err != nil || code["one"] != "a.js" || code["two"] != "b.js" || code["three"] != "c.js" {
		t.Fatal(code, err)
	}
	if runs, err := os.ReadFile(filepath.Join(dir, "node_modules", "typescript", "runs")); err != nil || string(runs) != "x" {
		t.Errorf("compiled %d times: %v", len(runs), err)
	}
}
