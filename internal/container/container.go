// Package container builds container images of functions from their Dockerfiles
// where there is no Docker.
//
// It has no base images, and needs none: a function that is built on a base image
// of Lambda runs by the runtime of the platform, as one that is a zip file does.
// So an image that is made here holds what its Dockerfile adds and the name of
// the runtime that it adds that to, and no more; and the stages that come before
// are built with the tools of this machine, each command in a room of its own.
// What this cannot do is refused, by file and line.
//
//	container.go  Config, Build
//	base.go       what FROM names
//	plan.go       what a stage is made of, before anything is made
//	instruction.go  the instructions of a stage
//	copy.go       COPY and ADD
//	run.go        RUN, and the tools for it
//	install.go    what package managers of systems are asked for
//	make.go       stages are made, and kept
//	layout.go     the image that comes of it
package container

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/room"
)

// A Config says what to build.
type Config struct {
	File    string            // the Dockerfile
	Context string            // directory with what is copied
	Args    map[string]string // values for ARG
	Target  string            // name of the stage; empty is the last

	Cache string                  // directory to build in
	Place func(key string) string // directory in Cache for what key names
	Rooms room.Runner
	Tools *lang.Finder
	Env   []string          // of this process: where packages come from
	Tell  func(what string) // told of each step
}

// An Error is why something of a Dockerfile is not done.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Build builds an image, and returns the directory of its OCI layout. What has
// not changed is not built again.
func Build(ctx context.Context, cfg Config) (string, error) {
	b, last, err := begin(cfg)
	if err != nil {
		return "", err
	}
	key := hashed(last.key, last.config, "image")
	if layout := cfg.Place(key); isLayout(layout) {
		return layout, nil
	}
	if err := os.MkdirAll(cfg.Cache, 0o755); err != nil {
		return "", err
	}
	if b.dir, err = os.MkdirTemp(cfg.Cache, "build-"); err != nil {
		return "", err
	}
	defer os.RemoveAll(b.dir)
	if err := b.make(ctx, last); err != nil {
		return "", err
	}
	made := filepath.Join(b.dir, "layout")
	if err := b.writeLayout(last, made); err != nil {
		return "", err
	}
	return keep(made, cfg.Place(key))
}

// Check says why an image would not be built, as far as that is known before
// anything is made.
func Check(cfg Config) error {
	_, _, err := begin(cfg)
	return err
}

// begin plans an image.
func begin(cfg Config) (*builder, *stage, error) {
	b, err := newBuilder(cfg)
	if err != nil {
		return nil, nil, err
	}
	last, err := b.target()
	if err != nil {
		return nil, nil, err
	}
	return b, last, b.checkLast(last)
}

// A builder builds one image.
type builder struct {
	cfg    Config
	file   *dockerfile.File
	ignore dockerfile.Ignore
	global map[string]string // ARGs before the first FROM
	parts  []*part
	dir    string // for what is being made
}

// A part is the instructions of a stage.
type part struct {
	from  dockerfile.Instruction
	name  string
	list  []dockerfile.Instruction
	stage *stage // once it is planned
	busy  bool   // it is being planned
}

func newBuilder(cfg Config) (*builder, error) {
	text, err := os.ReadFile(cfg.File)
	if err != nil {
		return nil, err
	}
	b := &builder{cfg: cfg, global: make(map[string]string)}
	if b.file, err = dockerfile.Parse(text); err != nil {
		return nil, fmt.Errorf("%s:%w", cfg.File, err)
	}
	for _, name := range []string{cfg.File + ".dockerignore", filepath.Join(cfg.Context, ".dockerignore")} {
		if text, err := os.ReadFile(name); err == nil {
			b.ignore = dockerfile.ParseIgnore(string(text))
			break
		}
	}
	return b, b.divide()
}

// divide cuts the file into stages.
func (b *builder) divide() error {
	for _, in := range b.file.Instructions {
		switch {
		case in.Name == "FROM":
			words := strings.Fields(in.Args)
			p := &part{from: in}
			switch {
			case len(words) == 3 && strings.EqualFold(words[1], "AS"):
				p.name = strings.ToLower(words[2])
			case len(words) != 1:
				return b.refuse(in, "FROM needs an image, and may have a name after AS")
			}
			b.parts = append(b.parts, p)
		case len(b.parts) > 0:
			p := b.parts[len(b.parts)-1]
			p.list = append(p.list, in)
		case in.Name == "ARG":
			if err := b.argument(in, b.global, nil); err != nil {
				return err
			}
		default:
			return b.refuse(in, "%s comes before FROM", in.Name)
		}
	}
	if len(b.parts) == 0 {
		return fmt.Errorf("%s: it has no FROM", b.cfg.File)
	}
	return nil
}

// target plans the stage that is asked for.
func (b *builder) target() (*stage, error) {
	p := b.parts[len(b.parts)-1]
	if b.cfg.Target != "" {
		if p = b.part(b.cfg.Target); p == nil {
			return nil, fmt.Errorf("%s: it has no stage %q", b.cfg.File, b.cfg.Target)
		}
	}
	return b.plan(p)
}

// part finds a stage by its name or its number.
func (b *builder) part(name string) *part {
	for i, p := range b.parts {
		if p.name == strings.ToLower(name) && name != "" || fmt.Sprint(i) == name {
			return p
		}
	}
	return nil
}

// refuse says why an instruction is not done.
func (b *builder) refuse(in dockerfile.Instruction, format string, args ...any) error {
	return &Error{b.cfg.File, in.Line, fmt.Errorf(format, args...)}
}

func (b *builder) tell(format string, args ...any) {
	if b.cfg.Tell != nil {
		b.cfg.Tell(fmt.Sprintf(format, args...))
	}
}

// hashed is the hash of values, as %q prints them.
func hashed(values ...any) string {
	sum := sha256.New()
	for _, v := range values {
		fmt.Fprintf(sum, "%q\n", fmt.Sprintf("%+v", v))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
