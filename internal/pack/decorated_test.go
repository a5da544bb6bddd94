package pack_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os/exec"
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
