package sandbox

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// A function that is a container image has the image for its root, read-only,
// and not what the host has. What of ours it needs is mounted over it, at
// places that FitImage makes once.

// imagePath is where programs of an image are that says nothing of it.
const imagePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// FitImage makes an image that was unpacked ready to be a function.
func FitImage(t *image.Tree) error {
	for _, dir := range append([]string{fencedPlaces.trust[1:]}, fence.ImageDirs...) {
		if err := t.Place(dir, true); err != nil {
			return err
		}
	}
	for _, file := range fence.ImageFiles {
		if err := t.Place(file, false); err != nil {
			return err
		}
	}
	return nil
}

// extensions lists what is in /opt/extensions.
func (i *Image) extensions() [][]fs.DirEntry {
	if i == nil {
		return nil
	}
	t, err := image.OpenTree(i.Dir)
	if err != nil {
		return nil // it cannot be started either
	}
	defer t.Close()
	return [][]fs.DirEntry{t.ReadDir("opt/extensions")}
}

// image starts the program of an image.
func (s *start) image(l lang.Language, creds Credentials) (*worker, *failure, error) {
	f := s.c.f
	env := s.imageEnv()
	argv := append(append([]string(nil), f.Image.Entrypoint...), f.Image.Command...)
	if len(argv) == 0 {
		return nil, &failure{status: "error", errorType: "Runtime.InvalidEntrypoint", message: "the image has neither an entry point nor a command"}, nil
	}
	dir := cmp.Or(f.Image.WorkingDir, "/")
	t, err := image.OpenTree(f.Image.Dir)
	if err != nil {
		return nil, nil, err
	}
	defer t.Close()
	program := t.LookPath(argv[0], dir, env["PATH"])
	if program == "" {
		return nil, &failure{status: "error", errorType: "Runtime.InvalidEntrypoint", message: `exec: "` + argv[0] + `": executable file not found in $PATH`}, nil
	}
	argv[0] = program
	fr, err := s.m.fence.NewImageRoot(f.Image.Dir, []fence.Bind{{Host: s.m.trustDir(), Path: fencedPlaces.trust}})
	if errors.Is(err, fence.ErrIncomplete) {
		return nil, nil, errors.Join(ErrUnfenced, err)
	}
	if err != nil {
		return nil, nil, err
	}
	at := fencedPlaces
	p := plan{root: &root{Root: fr, at: at}, share: s.share, argv: argv, dir: dir, limits: fence.Limits{MemoryMB: f.memoryMB(), TmpMB: f.tmpMB()}, ownRoot: true,
		env: func(endpoint string) map[string]string {
			all := maps.Clone(env)
			maps.Copy(all, functionEnv(f, at, creds, s.stream, s.kind(), endpoint))
			if f.Handler == "" {
				delete(all, "_HANDLER") // which the entry point finds out
			}
			return all
		}}
	w, err := s.m.spawn(l, p)
	if err != nil {
		fr.Close()
	}
	e, ok := errors.AsType[*fence.StartError](err)
	switch {
	case ok && e.Step == "execve":
		return nil, &failure{status: "error", errorType: "Runtime.InvalidEntrypoint", message: "fork/exec " + program + ": " + e.Err.Error()}, nil
	case ok && e.Step == "chdir" && (errors.Is(e.Err, syscall.ENOENT) || errors.Is(e.Err, syscall.ENOTDIR) || errors.Is(e.Err, syscall.EACCES)):
		return nil, &failure{status: "error", errorType: "Runtime.InvalidWorkingDir", message: "chdir " + dir + ": " + e.Err.Error()}, nil
	}
	return w, nil, err
}

// imageEnv is the environment of an image's processes before they are a
// function's: the image's own, and where its certificates are if it does not say.
func (s *start) imageEnv() map[string]string {
	env := map[string]string{"PATH": imagePath, "TZ": ":UTC", "LANG": "en_US.UTF-8"}
	for _, name := range []string{"SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"} {
		env[name] = filepath.Join(fencedPlaces.trust, allRoots)
	}
	env["NODE_EXTRA_CA_CERTS"] = filepath.Join(fencedPlaces.trust, ourRoot)
	for _, v := range s.c.f.Image.Env {
		if name, value, ok := strings.Cut(v, "="); ok {
			env[name] = value
		}
	}
	return env
}
