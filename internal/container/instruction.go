package container

import (
	"context"
	"path"
	"strings"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

// An action is what a step does with the files of a stage.
type action interface {
	do(ctx context.Context, b *builder, s *stage) error
}

// A makeDir makes a directory.
type makeDir struct{ dir string }

func (m makeDir) do(_ context.Context, _ *builder, s *stage) error {
	u, err := image.NewUnpacker(s.root, image.Limits{})
	if err != nil {
		return err
	}
	defer u.Close()
	return u.Directory(m.dir)
}

// idle are instructions that say nothing to who builds or runs a function.
var idle = map[string]bool{"EXPOSE": true, "USER": true, "VOLUME": true, "STOPSIGNAL": true, "HEALTHCHECK": true, "MAINTAINER": true, "ONBUILD": true}

// instruct adds an instruction to the plan of s.
func (b *builder) instruct(s *stage, in dockerfile.Instruction) error {
	switch in.Name {
	case "ARG":
		return b.argument(in, s.args, s.lookup)
	case "ENV":
		pairs, err := b.pairs(s, in)
		for _, p := range pairs {
			s.config.Env = set(s.config.Env, p.Name, p.Value)
		}
		return err
	case "LABEL":
		pairs, err := b.pairs(s, in)
		for _, p := range pairs {
			s.config.Labels = set(s.config.Labels, p.Name, p.Value)
		}
		return err
	case "WORKDIR":
		dir, err := b.file.Expand(in.Args, s.lookup)
		if err != nil || dir == "" {
			return b.refuse(in, "WORKDIR needs a directory: %w", err)
		}
		s.config.Dir = absolute(s.config.Dir, dir)
		s.step(in, makeDir{s.config.Dir}, s.config.Dir)
		return nil
	case "CMD":
		s.config.Cmd, s.config.cmdIsOwn = s.command(in), true
		return nil
	case "ENTRYPOINT":
		if s.config.Entrypoint = s.command(in); !s.config.cmdIsOwn {
			s.config.Cmd = nil
		}
		return nil
	case "SHELL":
		if len(in.Exec) == 0 {
			return b.refuse(in, "SHELL needs a list in JSON")
		}
		s.config.Shell = in.Exec
		return nil
	case "COPY", "ADD":
		return b.planCopy(s, in)
	case "RUN":
		return b.planRun(s, in)
	}
	if idle[in.Name] {
		return nil
	}
	return b.refuse(in, "Aloft does not know the instruction %s", in.Name)
}

// argument declares a variable of the build. One that is declared before all
// stages has its value in those that declare it again.
func (b *builder) argument(in dockerfile.Instruction, args map[string]string, lookup dockerfile.Lookup) error {
	pairs, err := b.file.Pairs(in)
	if err != nil {
		return b.refuse(in, "%w", err)
	}
	if lookup == nil {
		lookup = func(name string) (string, bool) { v, ok := args[name]; return v, ok }
	}
	for _, p := range pairs {
		value, err := b.file.Expand(p.Value, lookup)
		if err != nil {
			return b.refuse(in, "%w", err)
		}
		given, isGiven := b.cfg.Args[p.Name]
		global, isGlobal := b.global[p.Name]
		switch {
		case isGiven:
			args[p.Name] = given
		case p.HasValue:
			args[p.Name] = value
		case isGlobal:
			args[p.Name] = global
		}
	}
	return nil
}

// pairs are names and values as an instruction gives them, expanded.
func (b *builder) pairs(s *stage, in dockerfile.Instruction) ([]pair, error) {
	pairs, err := b.file.Pairs(in)
	if err != nil {
		return nil, b.refuse(in, "%w", err)
	}
	var all []pair
	for _, p := range pairs {
		value, err := b.file.Expand(p.Value, s.lookup)
		if err != nil {
			return nil, b.refuse(in, "%w", err)
		}
		all = append(all, pair{strings.Trim(p.Name, `"'`), value})
	}
	return all, nil
}

// command is a program with arguments: as it is listed, or for the shell.
func (s *stage) command(in dockerfile.Instruction) []string {
	if in.Exec != nil || in.Args == "" {
		return in.Exec
	}
	return append(append([]string(nil), s.config.Shell...), in.Args)
}

// absolute is a path that may be relative to dir.
func absolute(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}
