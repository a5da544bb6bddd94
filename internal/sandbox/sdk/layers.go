package sdk

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// A public layer is one that its publisher lets everybody use, and that can be
// made here of the packages that it is made of there. fill puts into dir what
// functions find in /opt; what is what of its name the expression caught.
type public struct {
	name  *regexp.Regexp
	title string // for people
	fill  func(ctx context.Context, l lang.Language, dir, what string) error
}

var publics = []public{
	{regexp.MustCompile(`^AWSLambdaPowertoolsPython(V[23])?(?:-.*)?$`), "Powertools for Lambda (Python)", pythonPowertools},
	{regexp.MustCompile(`^AWSLambdaPowertoolsTypeScript(V2)?$`), "Powertools for Lambda (TypeScript)", nodePowertools},
	{regexp.MustCompile(`^LambdaAdapterLayer(?:X86|Arm64)$`), "the Lambda Web Adapter", webAdapter},
	{regexp.MustCompile(`^LambdaInsightsExtension(?:-Arm64)?$`), "Lambda Insights", nothing},
	{regexp.MustCompile(`^(` + Settings + `)(?:-Arm64)?$`), "AppConfig's extension", answered},
	{regexp.MustCompile(`^(` + Secrets + `)(?:-Arm64)?$`), "the extension for parameters and secrets", answered},
}

// Extensions that answer functions on their own host, by the names of their
// layers. It is the platform that answers.
const (
	Settings = "AWS-AppConfig-Extension"
	Secrets  = "AWS-Parameters-and-Secrets-Lambda-Extension"
)

// Extension returns which of those a layer of that name is, or "".
func Extension(name string) string {
	if _, what, _ := publicOf(name); what == Settings || what == Secrets {
		return what
	}
	return ""
}

// publicOf returns the layer of that name, and what the name says of it.
func publicOf(name string) (p public, what string, ok bool) {
	for _, p := range publics {
		if m := p.name.FindStringSubmatch(name); m != nil {
			if len(m) > 1 {
				what = m[1]
			}
			return p, what, true
		}
	}
	return public{}, "", false
}

// HasLayer reports whether the layer of that name can be made here.
func HasLayer(name string) bool {
	_, _, ok := publicOf(name)
	return ok
}

// Layer returns the archive of the public layer of that name, for functions in
// l. It may take long the first time. Its packages are the newest of the major
// version that the layer has: those of the layer's own number are known to its
// publisher alone.
func (s *Store) Layer(ctx context.Context, name string, l lang.Language) ([]byte, error) {
	p, what, ok := publicOf(name)
	if !ok || s.Dir == "" {
		return nil, fmt.Errorf("there is no layer %s here", name)
	}
	dir := filepath.Join(s.Dir, "layers", name)
	if l.Kind == lang.Python {
		dir += fmt.Sprintf("-python%d.%d", l.Version.Major, l.Version.Minor)
	}
	if _, err := os.Stat(dir); err != nil {
		s.tell("Fetching %s for the layer %s, this once", p.title, name)
		k := kit{fetch: func(ctx context.Context, l lang.Language, dir string) error { return p.fill(ctx, l, dir, what) }}
		if err := fetch(ctx, l, k, dir); err != nil {
			return nil, fmt.Errorf("%s: %w", p.title, err)
		}
	}
	return archive(dir)
}

// archive returns the files in dir as a zip file. Links, which lead to programs
// that nobody runs, are left out.
func archive(dir string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		header, err := zip.FileInfoHeader(info)
		if err != nil {
			return err
		}
		if header.Name, err = filepath.Rel(dir, path); err != nil {
			return err
		}
		header.Name, header.Method = filepath.ToSlash(header.Name), zip.Deflate
		f, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return err
	})
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// pythonPowertools are the package with all that it may need. Of the first
// version there is no mark in the name.
func pythonPowertools(ctx context.Context, l lang.Language, dir, what string) error {
	wanted := map[string]string{"": "<2", "V2": "<3", "V3": "<4"}[what]
	if l.Kind != lang.Python {
		return fmt.Errorf("it is for functions in Python")
	}
	return pip("aws-lambda-powertools[all]"+wanted)(ctx, l, filepath.Join(dir, "python"))
}

func nodePowertools(ctx context.Context, l lang.Language, dir, what string) error {
	version, more := "@1", []string(nil)
	if what != "" {
		version, more = "@2", []string{"event-handler", "jmespath", "kafka", "parser", "validation"}
	}
	var packages []string
	for _, name := range append(more, "batch", "commons", "idempotency", "logger", "metrics", "parameters", "tracer") {
		packages = append(packages, "@aws-lambda-powertools/"+name+version)
	}
	dir = filepath.Join(dir, "nodejs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return npm(packages...)(ctx, l, dir)
}

// startOfWeb is what functions name in AWS_LAMBDA_EXEC_WRAPPER to have their
// handler be a web server, and not asked for a function.
const startOfWeb = "#!/bin/sh\nexec \"$LAMBDA_TASK_ROOT/$_HANDLER\"\n"

// webAdapter builds the adapter, which is an extension that asks for events and
// passes them on to the function's web server.
func webAdapter(ctx context.Context, _ lang.Language, dir, _ string) error {
	made, err := os.MkdirTemp("", "aloft-adapter-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	if err := run(ctx, made, "cargo", "cargo", "install", "--quiet", "--locked", "--root", made, "--version", "<1", "lambda_web_adapter"); err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(made, "bin", "lambda-adapter"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "extensions"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "extensions", "lambda-adapter"), program, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(startOfWeb), 0o755)
}

// answered is what is in a layer whose program is the platform's.
func answered(_ context.Context, _ lang.Language, dir, _ string) error {
	return os.WriteFile(filepath.Join(dir, "README"), []byte("This platform answers in place of the extension.\n"), 0o644)
}

// nothing is what is in a layer that only tells its publisher's service of what
// the function does, which is measured here without it.
func nothing(_ context.Context, _ lang.Language, dir, _ string) error {
	return os.WriteFile(filepath.Join(dir, "README"), []byte("This platform measures functions without an extension.\n"), 0o644)
}
