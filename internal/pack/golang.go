package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

var goEnv = []string{"GOOS=linux", "CGO_ENABLED=0", "GOWORK=off"}

// A goStamp says of what an executable was built. Where that is as it was, the
// go command, which would find out the same, is not asked.
type goStamp struct {
	Sources []string  // directories of the module's own packages, its go.mod and go.sum
	Sum     string    // of what is in them
	Built   time.Time // when the executable was written, and how long it is
	Size    int64
	Tree    string // hash of what was built
}

// goTree returns the files of a function that is written in Go: an executable,
// which go1.x has under the name of the handler.
func (b *builder) goTree(ctx context.Context, a artifact, src string) (*tree, error) {
	t, err := b.goBuilt(ctx, a, src)
	if err == nil && a.runtime == "go1.x" && a.handler != "" {
		t.renamed("bootstrap", a.handler)
	}
	return t, err
}

// hasGo says whether there are sources in Go in a directory.
func hasGo(src string) bool {
	names, err := filepath.Glob(filepath.Join(src, "*.go"))
	return err == nil && len(names) > 0
}

// goBuilt returns what was built in Go, anew if it is not of what is there.
func (b *builder) goBuilt(ctx context.Context, a artifact, src string) (*tree, error) {
	out, err := b.place(a, src)
	if err != nil {
		return nil, err
	}
	if last := readGoStamp(out); last != nil {
		if sum, _, err := sumSources(ctx, last.Sources); err == nil && sum == last.Sum {
			t, err := treeOf(out, nil)
			return t.named(last.Tree), err
		}
	}
	t, err := b.into(a, src, "go build", func(out string) error { return goBuild(ctx, src, out, goTags(a)) })
	if err != nil {
		return nil, err
	}
	if now := readGoStamp(out); now != nil {
		t.named(now.Tree)
	}
	return t, nil
}

// readGoStamp returns the stamp of the executable in out, if it has one.
func readGoStamp(out string) *goStamp {
	info, err := os.Stat(filepath.Join(out, "bootstrap"))
	if err != nil {
		return nil
	}
	var s goStamp
	text, err := os.ReadFile(filepath.Join(out, stampName))
	if err != nil || json.Unmarshal(text, &s) != nil || s.Size != info.Size() || !s.Built.Equal(info.ModTime()) {
		return nil
	}
	return &s
}

// goTags is the flag by which the executable of a function is without what only
// go1.x asks.
func goTags(a artifact) string {
	if a.runtime == "go1.x" {
		return "-tags="
	}
	return "-tags=lambda.norpc"
}

// goBuild builds the executable of src, and writes down of what.
func goBuild(ctx context.Context, src, out, tags string) error {
	began := time.Now()
	if err := os.RemoveAll(filepath.Join(out, stampName)); err != nil {
		return err
	}
	var sources []string
	var listed error
	var g task.Group
	g.Go(func() { sources, listed = goSources(ctx, src, tags) })
	// An executable that is up to date is not linked again.
	err := run(ctx, src, goEnv, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", tags, "-o", filepath.Join(out, "bootstrap"), ".")
	if g.Wait(); err != nil || listed != nil {
		return err // without a stamp, the next time is built again
	}
	sum, newest, err := sumSources(ctx, sources)
	if err != nil || !newest.Before(began) {
		return err // something changed meanwhile
	}
	t, err := treeOf(out, nil)
	if err != nil {
		return err
	}
	name, err := t.hash()
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(out, "bootstrap"))
	if err != nil {
		return err
	}
	text, err := json.Marshal(goStamp{Sources: sources, Sum: sum, Built: info.ModTime(), Size: info.Size(), Tree: name})
	if err != nil {
		return err
	}
	return writeStamp(out, string(text))
}

// goSources lists what of this machine's own goes into the executable of src.
// What modules of others hold is told by go.sum. A path that ends in "/..." is
// all that is below it.
func goSources(ctx context.Context, src, tags string) ([]string, error) {
	cmd := command(ctx, "go", "list", "-deps", tags, "-json=Dir,Standard,Module,EmbedPatterns", ".")
	cmd.Dir = src
	cmd.Env = append(cmd.Environ(), goEnv...)
	text, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	type module struct {
		Dir, GoMod, Version string
		Main                bool
		Replace             *module
	}
	var sources []string
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			Dir           string
			Standard      bool
			Module        *module
			EmbedPatterns []string
		}
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			slices.Sort(sources)
			return slices.Compact(sources), nil
		case err != nil:
			return nil, err
		}
		m := p.Module
		if p.Standard || m != nil && !m.Main && (m.Replace == nil || m.Replace.Version != "") && !strings.Contains(p.Dir, "/vendor/") {
			continue
		}
		if m != nil && m.GoMod != "" {
			sources = append(sources, m.GoMod, strings.TrimSuffix(m.GoMod, "mod")+"sum")
		}
		if p.EmbedPatterns != nil {
			p.Dir += "/..."
		}
		sources = append(sources, p.Dir)
	}
}

// sumSources hashes sources, and what the go command depends on besides. It says
// when the newest of them was written.
func sumSources(ctx context.Context, sources []string) (string, time.Time, error) {
	sum := sha256.New()
	var newest time.Time
	add := func(file string) error {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info, err := os.Stat(file); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		fmt.Fprintf(sum, "%q %d\n", file, len(text))
		sum.Write(text)
		return nil
	}
	if err := addGoCommand(ctx, sum, add); err != nil {
		return "", newest, err
	}
	for _, source := range sources {
		dir, all := strings.CutSuffix(source, "/...")
		if err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case d.IsDir() && file != dir && !all:
				return fs.SkipDir
			case d.IsDir():
				return nil
			}
			return add(file)
		}); err != nil {
			return "", newest, err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), newest, nil
}

// addGoCommand adds to sum which go command there is, and how it is set up.
func addGoCommand(ctx context.Context, sum io.Writer, add func(file string) error) error {
	cmd := command(ctx, "go")
	info, err := os.Stat(cmd.Path)
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q %d %d\n", cmd.Path, info.Size(), info.ModTime().UnixNano())
	for _, v := range cmd.Environ() {
		if strings.HasPrefix(v, "GO") || strings.HasPrefix(v, "CGO") {
			fmt.Fprintf(sum, "%q\n", v)
		}
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return nil // then there are no settings of the user's
	}
	return add(filepath.Join(config, "go", "env"))
}
