package sandbox

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// An image that was made without its base, which is one of Lambda's, is laid
// over the runtime that the base has: a function of such an image is one of that
// runtime, whose code and layers are directories of the image.

// sitePlace is where FitBased puts packages of Python that the base would have
// among its own: as a layer has them.
const sitePlace = ".site"

// maxBesides is how many files and directories at the root of an image a function
// sees: each is mounted for each of its workers.
const maxBesides = 100

// BaseEntrypoint is the entry point of Lambda's base images.
const BaseEntrypoint = "/lambda-entrypoint.sh"

// A Bind is a file or directory of the host that a function sees.
type Bind = fence.Bind

// FitBased makes an image that was unpacked, and has no base, ready to be a
// function.
func FitBased(t *image.Tree) error {
	for _, dir := range []string{"var/task", "opt"} {
		if err := t.Place(dir, true); err != nil {
			return err
		}
	}
	const libraries = "var/lang/lib"
	for _, d := range t.ReadDir(libraries) {
		site := path.Join(libraries, d.Name(), "site-packages")
		if !d.IsDir() || !strings.HasPrefix(d.Name(), "python") || !t.IsDir(site) {
			continue
		}
		if err := t.Move(site, path.Join(sitePlace, "python/lib", d.Name(), "site-packages")); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere are directories of an image that no function sees: they are the
// base's, or each function has its own.
var elsewhere = []string{"var", "opt", sitePlace, "usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "proc", "sys", "dev", "tmp", "run", "mnt", "home", "root", strings.TrimPrefix(fencedPlaces.trust, "/")}

// Lay makes f a function of an image that FitBased made ready; f.Runtime is that
// of its base.
func (f *Function) Lay(i *Image) error {
	t, err := image.OpenTree(i.Dir)
	if err != nil {
		return err
	}
	defer t.Close()
	at := func(name string) string { return filepath.Join(i.Dir, filepath.FromSlash(name)) }
	f.Code, f.Layers, f.Dir = at("var/task"), []string{at("opt")}, i.WorkingDir
	if t.IsDir(sitePlace) {
		f.Layers = []string{at(sitePlace), at("opt")}
	}
	for _, d := range t.ReadDir(".") {
		if slices.Contains(elsewhere, d.Name()) || !d.IsDir() && !d.Type().IsRegular() {
			continue // a link may lead to what is the host's
		}
		f.Besides = append(f.Besides, Bind{Host: at(d.Name()), Path: "/" + d.Name()})
	}
	if len(f.Besides) > maxBesides {
		return fmt.Errorf("%w: it has more than %d directories and files at its root", image.ErrFormat, maxBesides)
	}
	if kind, _, err := lang.Parse(f.Runtime); err == nil && kind == lang.Provided && t.IsDir("var/runtime") {
		f.Besides = append(f.Besides, Bind{Host: at("var/runtime"), Path: "/var/runtime"})
	}
	if len(i.Entrypoint) > 0 && i.Entrypoint[0] != BaseEntrypoint {
		f.Program = slices.Concat(i.Entrypoint, i.Command)
	} else if len(i.Command) > 0 {
		f.Handler = i.Command[0]
	}
	return nil
}

// besides is a root with files that a function has besides its code and layers.
func (s *start) besides(l lang.Language) (*root, error) {
	r, err := s.m.newRoot(l, s.m.sdkOf(l), s.c.f.Besides...)
	if err == nil && !r.Confined() {
		r.Close()
		return nil, errors.Join(ErrUnfenced, fence.ErrIncomplete)
	}
	return r, err
}

// program is what runs in place of a runtime's own: by its path, with arguments.
func (f *Function) program(dir string) []string {
	if !strings.Contains(f.Program[0], "/") {
		return append([]string{"/usr/bin/env"}, f.Program...)
	}
	argv := slices.Clone(f.Program)
	if !path.IsAbs(argv[0]) {
		argv[0] = path.Join(dir, argv[0])
	}
	return argv
}

// errNotOurs is why a program of an image cannot run.
func errNotOurs(f *Function) *failure {
	return &failure{status: "error", errorType: "Runtime.InvalidEntrypoint", message: "fork/exec " + f.Program[0] + ": the image was made without its base, whose own entry point alone can run"}
}
