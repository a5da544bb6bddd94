package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// synthesise has the CDK make templates of the application in dir, into made,
// and returns what it complains of. The libraries that are found above dir are
// tried first, and then those that the application itself asks for, which are
// not left there: they are large.
func (r *runner) synthesise(dir, made string, env []string) (said string) {
	isMade := func() bool {
		_, err := os.Stat(filepath.Join(made, "manifest.json"))
		return err == nil
	}
	if isMade() {
		return ""
	}
	own, err := os.Executable()
	if err == nil {
		env = append(env, "CDK_DOCKER="+own)
	}
	synth := func() string {
		_, said := r.command(dir, env, "cdk", "synth", "--quiet", "--no-notices", "--output", made)
		if isMade() {
			return ""
		}
		os.RemoveAll(made)
		return said
	}
	if compiles(dir) {
		r.command(dir, nil, "npm", "run", "build")
	}
	if compiles(dir) { // the libraries above it do not do
		remove := r.install(dir)
		defer remove()
	}
	if said = synth(); said == "" {
		return ""
	}
	remove := r.install(dir)
	defer remove()
	return synth()
}

// compiles says whether functions of an application are there in TypeScript
// alone, in lambda or src, which its build makes what runs.
func compiles(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	has := func(pattern string) bool {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // patterns that are fine
		return len(found) > 0
	}
	return err == nil && bytes.Contains(text, []byte(`"build": "tsc`)) &&
		(has("lambda*/*.ts") && !has("lambda*/*.js") || has("src/*.ts") && !has("src/*.js"))
}

// install does what READMEs of applications of the CDK say is to be done first.
func (r *runner) install(dir string) (remove func()) {
	var made []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // it can be read, or nothing of it is installed
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "cdk.out" || d.Name() == ".venv"):
			return fs.SkipDir
		case d.Name() == "package.json":
			modules := filepath.Join(filepath.Dir(path), "node_modules")
			if info, err := os.Lstat(modules); err == nil && info.Mode()&fs.ModeSymlink == 0 {
				return nil
			}
			os.Remove(modules) // a link to what all share
			made = append(made, modules)
			r.npm(filepath.Dir(path))
		case d.Name() == "requirements.txt" && filepath.Dir(path) == dir:
			r.command(dir, nil, "python3", "-m", "pip", "install", "-q", "-r", "requirements.txt")
		}
		return nil
	})
	return func() {
		for _, dir := range made {
			os.RemoveAll(dir)
		}
	}
}

// npm installs the modules of a package, and builds it if it says how.
func (r *runner) npm(dir string) {
	usual := []string{"--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"}
	for _, args := range [][]string{{"ci"}, {"install"}, {"install", "--legacy-peer-deps"}} {
		r.command(dir, nil, "npm", append(args, usual...)...)
		if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
			break
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "package.json")); err == nil && bytes.Contains(text, []byte(`"build":`)) {
		r.command(dir, nil, "npm", "run", "build")
	}
}

// docker does what the CDK has Docker do to bundle code, where that is not: the
// commands of the container run here, with its directories bound where they are
// expected. It says whether args are such a command.
func docker(args []string) (code int, ok bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case "build", "image", "inspect", "rm":
		return 0, true
	case "run":
	default:
		return 0, false
	}
	dir, entry := "/", []string(nil)
	var bind strings.Builder
	env := os.Environ()
	for args = args[1:]; len(args) > 0 && strings.HasPrefix(args[0], "-"); args = args[1:] {
		name, value, has := strings.Cut(args[0], "=")
		if name == "--rm" || name == "-i" || name == "-t" {
			continue
		}
		if !has && len(args) > 1 {
			args = args[1:]
			value = args[0]
		}
		switch name {
		case "-v", "--volume":
			if part := strings.Split(value, ":"); len(part) > 1 {
				fmt.Fprintf(&bind, "mkdir -p '%s' && mount --bind '%s' '%s' && ", part[1], part[0], part[1])
			}
		case "-w", "--workdir":
			dir = value
		case "--env", "-e":
			env = append(env, value)
		case "--entrypoint":
			entry = []string{value}
		}
	}
	if len(args) < 2 {
		return 0, false
	}
	cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", bind.String() + "cd '" + dir + `' && exec "$@"`, "sh"}, append(entry, args[1:]...)...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}
