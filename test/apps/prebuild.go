package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

var (
	goBuild       = regexp.MustCompile(`(?m)^[\s$-]*((?:env )?(?:[A-Z0-9_]+=[\w"]+ )*go build -[^\n;&|<>$]*)$`)
	buildScript   = regexp.MustCompile(`"build"\s*:`)
	putsParameter = regexp.MustCompile(`aws ssm put-parameter[^` + "`" + `]*?--name[ =]["']?(/?[\w./-]+)`)
	nodeModule    = regexp.MustCompile(`^([\w./-]+)\.\w+$`)
)

// prebuild does what READMEs say is to be done before an application is
// deployed, where it is seen that it was not: its functions name modules that
// only `npm run build` makes, or a directory of libraries that pip fills.
func (g *given) prebuild() {
	readme, _ := os.ReadFile(filepath.Join(g.app.dir, "README.md")) // one that is not there asks for nothing
	for _, m := range putsParameter.FindAllSubmatch(readme, -1) {
		g.ssm(string(m[1]), "placeholder")
	}
	if text, err := os.ReadFile(g.app.file); err == nil && g.app.kind == kindService && bytes.Contains(text, []byte("vendored/**")) && !g.has("vendored") && g.has("requirements.txt") {
		g.vendor(text)
	}
	if text, err := os.ReadFile(filepath.Join(g.app.dir, "Makefile")); err == nil && bytes.Contains(text, []byte("> $(SRC_DIR)/requirements.txt")) && g.has("Pipfile.lock") && !g.has("src/requirements.txt") {
		g.runner.command(g.app.dir, nil, "sh", "-c", "pipenv requirements | grep -v ^-i > src/requirements.txt")
	}
	for _, name := range []string{"README.md", "buildspec.yml"} {
		text, _ := os.ReadFile(filepath.Join(g.app.dir, name)) // one that is not there says nothing
		for _, m := range goBuild.FindAllStringSubmatch(string(text), 20) {
			g.runner.command(g.app.dir, nil, "sh", "-c", m[1])
		}
	}
	if g.app.kind != kindSAM || !g.lacksModules() {
		return
	}
	if text, err := os.ReadFile(filepath.Join(g.app.dir, "package.json")); err == nil && buildScript.Match(text) {
		g.built[g.app.dir] = true
		g.runner.npm(g.app.dir)
	}
}

// openCompiler lets what builds of earlier Java were made with into the compiler
// of a later one.
const openCompiler = "MAVEN_OPTS=--add-opens=jdk.compiler/com.sun.tools.javac.processing=ALL-UNNAMED --add-opens=jdk.compiler/com.sun.tools.javac.code=ALL-UNNAMED" +
	" --add-opens=jdk.compiler/com.sun.tools.javac.comp=ALL-UNNAMED --add-opens=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED" +
	" --add-opens=jdk.compiler/com.sun.tools.javac.jvm=ALL-UNNAMED --add-opens=jdk.compiler/com.sun.tools.javac.main=ALL-UNNAMED" +
	" --add-opens=jdk.compiler/com.sun.tools.javac.model=ALL-UNNAMED --add-opens=jdk.compiler/com.sun.tools.javac.parser=ALL-UNNAMED" +
	" --add-opens=jdk.compiler/com.sun.tools.javac.tree=ALL-UNNAMED --add-opens=jdk.compiler/com.sun.tools.javac.util=ALL-UNNAMED"

// maven builds the package in a directory, with the newest Java where the usual
// one is too old for it, and returns what it complains of.
func (r *runner) maven(dir string) (said string) {
	for _, env := range [][]string{{openCompiler}, {openCompiler, "JAVA_HOME=" + newestJava()}} {
		args := []string{"-q", "-B", "-DskipTests", "package"}
		if len(env) > 1 {
			args = append(args, "-Dmaven.compiler.proc=full") // as every Java before 23 did by itself
		}
		printed, _ := r.command(dir, env, "mvn", args...)
		if _, said, _ = strings.Cut(string(printed), "[ERROR]"); !strings.Contains(said, "release version") {
			break
		}
	}
	return said
}

// newestJava is where the newest Java of this machine is.
func newestJava() string {
	home, _ := os.UserHomeDir() // where none is known, there are fewer places to look
	l, err := (&lang.Finder{Home: home}).Find("java99")
	if err != nil {
		return ""
	}
	return l.Prefix
}

var pythonRuntime = regexp.MustCompile(`runtime: ["']?(python3\.\d+)`)

// vendor installs what a service of Python requires beside it, for the Python
// that will run it.
func (g *given) vendor(text []byte) {
	python := "python3"
	if m := pythonRuntime.FindSubmatch(text); m != nil {
		home, _ := os.UserHomeDir() // where none is known, the host's own is found
		if l, err := (&lang.Finder{Home: home}).Find(string(m[1])); err == nil && l.Prefix != "" {
			python = filepath.Join(l.Prefix, l.Exec)
		}
	}
	g.runner.command(g.app.dir, nil, python, "-m", "pip", "install", "-q", "-r", "requirements.txt", "--target", "vendored")
}

func (g *given) has(name string) bool {
	_, err := os.Stat(filepath.Join(g.app.dir, filepath.FromSlash(name)))
	return err == nil
}

// lacksModules says whether a function of Node.js that is packed as it is names
// a module that is not there.
func (g *given) lacksModules() bool {
	text, err := os.ReadFile(g.app.file)
	if err != nil {
		return false
	}
	doc, err := template.Parse(string(text), template.Options{Aliases: true})
	if err != nil {
		return false
	}
	globals, _ := at(doc.Root, "Globals", "Function").(map[string]any)
	resources, _ := doc.Root["Resources"].(map[string]any)
	for _, r := range resources {
		of := func(name string) string {
			text, ok := at(r, "Properties", name).(string)
			if !ok {
				text, _ = globals[name].(string)
			}
			return text
		}
		m := nodeModule.FindStringSubmatch(of("Handler"))
		if at(r, "Type") != "AWS::Serverless::Function" || at(r, "Metadata", "BuildMethod") != nil || m == nil || !strings.HasPrefix(of("Runtime"), "nodejs") || of("CodeUri") == "" {
			continue
		}
		module := filepath.ToSlash(filepath.Join(of("CodeUri"), m[1]))
		if !g.has(module+".js") && !g.has(module+".mjs") && !g.has(module+".cjs") {
			return true
		}
	}
	return false
}
