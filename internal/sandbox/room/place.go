package room

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// hostFiles are what programs of the host need of its settings.
var hostFiles = []string{
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime", "/etc/maven", "/etc/protocols", "/etc/services", "/etc/mime.types",
}

// hostDirs are where programs of the host are, besides /usr; mostly links to it.
var hostDirs = []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"}

// ownDirs are directories that something of the room's own is mounted at, and
// those in /usr that a command may write whose user is not the host's root.
var ownDirs = []string{"usr", "proc", "dev", "tmp", "usr/src", "usr/local", "usr/local/bin", "usr/local/lib", "usr/local/share", "usr/local/include"}

// binds are what a room has of the host, in the order it is mounted.
func (r Room) binds() []Bind {
	var all []Bind
	settings, _ := filepath.Glob("/etc/java-*")
	for _, name := range append(append([]string(nil), hostFiles...), settings...) {
		if _, err := os.Stat(name); err == nil {
			all = append(all, Bind{Host: name, Path: name})
		}
	}
	for _, dir := range hostDirs {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			all = append(all, Bind{Host: dir, Path: dir})
		}
	}
	return append(all, r.Binds...)
}

// prepare makes in the root of a room the places at which something is mounted,
// and returns what takes those away that are still empty.
func prepare(r Room) (remove func() error, err error) {
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, err
	}
	p := &placer{root: root}
	for _, dir := range ownDirs {
		p.place(dir, true)
	}
	for _, dir := range hostDirs {
		if target, err := os.Readlink(dir); err == nil {
			p.link(strings.TrimPrefix(dir, "/"), target)
		}
	}
	for _, b := range r.binds() {
		info, err := os.Stat(b.Host)
		if err != nil {
			p.err = errors.Join(p.err, err)
			continue
		}
		p.place(strings.TrimPrefix(path.Clean(b.Path), "/"), info.IsDir())
	}
	p.place("etc", true)
	p.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
	p.file("etc/group", "root:x:0:\nnogroup:x:65534:\n")
	if p.err != nil {
		return nil, errors.Join(p.err, p.remove())
	}
	return p.remove, nil
}

// A placer makes places, and remembers which it made.
type placer struct {
	root *os.Root
	made []string
	err  error
}

// place makes a directory, or an empty file, and the directories above it. What
// is there stays, if it is of that kind.
func (p *placer) place(name string, directory bool) {
	if p.err != nil || name == "" || name == "." {
		return
	}
	if parent := path.Dir(name); parent != "." {
		p.place(parent, true)
	}
	info, err := p.root.Lstat(name)
	switch {
	case p.err != nil:
	case err == nil && info.IsDir() == directory && info.Mode()&fs.ModeSymlink == 0:
	case err == nil:
		p.err = &fs.PathError{Op: "mount", Path: "/" + name, Err: errors.New("the image has something else there")}
	case directory:
		p.did(name, p.root.Mkdir(name, 0o755))
	default:
		p.did(name, p.root.WriteFile(name, nil, 0o644))
	}
}

func (p *placer) link(name, target string) {
	if _, err := p.root.Lstat(name); err != nil && p.err == nil {
		p.did(name, p.root.Symlink(target, name))
	}
}

// file makes a file that programs look at, if there is none. It goes away again.
func (p *placer) file(name, text string) {
	if _, err := p.root.Lstat(name); err != nil && p.err == nil {
		p.did(name, p.root.WriteFile(name, []byte(text), 0o644))
	}
}

func (p *placer) did(name string, err error) {
	if p.err = err; err == nil {
		p.made = append(p.made, name)
	}
}

// remove takes away what was made. Directories that are not empty stay.
func (p *placer) remove() error {
	for i := len(p.made) - 1; i >= 0; i-- {
		_ = p.root.Remove(p.made[i]) // what has something in it is the image's now
	}
	return p.root.Close()
}
