//go:build linux && (amd64 || arm64)

package fence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharing runs a script with a share.
func (r *rig) sharing(t *testing.T, s Share, script string) string {
	t.Helper()
	spec := r.spec()
	spec.Argv, spec.Share = []string{"/bin/sh", "-c", script}, &s
	out, _ := r.start(t, spec).finish(t)
	return out
}

func TestShare(t *testing.T) {
	r := newRig(t)
	host := t.TempDir()
	if err := os.Chmod(host, 0o755); err != nil {
		t.Fatal(err)
	}
	all := Share{Name: "fs", Root: host, Path: "/mnt/files"}
	part := Share{Name: "fs", Root: host, Dir: "/a/b", Path: "/mnt/part"}

	if out := r.sharing(t, all, "umask 077; echo one > /mnt/files/mine; ls /mnt"); out != "files\n" {
		t.Errorf("a process with a share said %q", out)
	}
	// A process of another function reads and changes what the first kept for itself.
	if out := r.sharing(t, all, "cat /mnt/files/mine; echo two >> /mnt/files/mine; mv /mnt/files/mine /mnt/files/ours"); out != "one\n" {
		t.Errorf("the second process read %q", out)
	}
	if out := r.sharing(t, part, "echo three > /mnt/part/x; ls /mnt /mnt/part; touch /mnt/y 2>/dev/null || echo no"); out != "/mnt:\npart\n\n/mnt/part:\nx\nno\n" {
		t.Errorf("a process with a part of the share said %q", out)
	}
	if out := r.sharing(t, all, "cat /mnt/files/ours /mnt/files/a/b/x"); out != "one\ntwo\nthree\n" {
		t.Errorf("a process with the whole share read %q", out)
	}
	if out, _ := r.shell(t, "ls /mnt; id -u"); strings.Contains(out, "files") {
		t.Errorf("a process without a share sees %q", out)
	}
}

// What processes leave in a share does not lead those after them out of it.
func TestShareLinks(t *testing.T) {
	r := newRig(t)
	host, outside := t.TempDir(), t.TempDir()
	for _, dir := range []string{host, outside} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(host, "a")); err != nil {
		t.Fatal(err)
	}
	spec := r.spec()
	spec.Argv, spec.Share = []string{"/bin/sh", "-c", "true"}, &Share{Name: "fs", Root: host, Dir: "/a", Path: "/mnt/x"}
	_, its, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer its.Close()
	spec.Out = its
	if _, err := r.Start(spec); !errors.Is(err, ErrShare) {
		t.Errorf("Start with a link that leads outside = %v, want %v", err, ErrShare)
	}
	spec.Share.Dir, spec.Share.Path = "/b", "/mnt/../etc"
	if _, err := r.Start(spec); err == nil {
		t.Error("a share was mounted at /mnt/../etc")
	}
}
