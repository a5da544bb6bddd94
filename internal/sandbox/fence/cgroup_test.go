//go:build linux && (amd64 || arm64)

package fence

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDelegated: groups are made below the one that was given to us, and our
// own process makes way for them.
func TestDelegated(t *testing.T) {
	mounts, err := cgroupMounts()
	tree, ok := mounts[""]
	if err != nil || !ok {
		t.Skip("needs a tree of cgroups of version 2")
	}
	given, err := os.MkdirTemp(tree.point, "given-")
	if err != nil {
		t.Skip("needs root: ", err)
	}
	defer func() {
		os.Remove(filepath.Join(given, "init"))
		if err := os.Remove(given); err != nil {
			t.Errorf("something is left in it: %v", err)
		}
	}()
	if delegated(given) {
		t.Error("it is ours before it was given")
	}
	if err := unix.Setxattr(given, "user.delegate", []byte("1"), 0); err != nil {
		t.Skip("needs Linux 5.7: ", err)
	}
	dir, err := os.Open(given)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "DELEGATED=1")
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := fmt.Sprintf("%s/aloft-%d-", given, c.Process.Pid)
	if groups, own, _ := strings.Cut(string(out), "\n"); !strings.HasPrefix(groups, want) || own != given+"/init" {
		t.Errorf("got %q, want groups at %s* and this process at %s/init", out, want, given)
	}
}

// beDelegated says where groups are made, and where this process is when it has
// made way.
func beDelegated() {
	c, err := findControllers()
	if err != nil {
		fmt.Print(err)
		return
	}
	fmt.Println(c.v2)
	mounts, _ := cgroupMounts()
	own := mounts[""].own()
	c.close()
	stepAside(own)
	mounts, _ = cgroupMounts()
	fmt.Print(mounts[""].own())
}

// TestLimits: what is written to a group of version 2, as far as it has the
// files for it, is what its manual says.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"memory.max": "1073741824", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "1024", "cpu.weight": "28"}
	for name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := &group{fd: -1, peak: -1, dirs: []groupDir{{dir, true, []string{"memory", "pids", "cpu"}}}}
	if err := g.limit(Limits{MemoryMB: 512, TmpMB: 512}); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
