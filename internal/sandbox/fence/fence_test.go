//go:build linux && (amd64 || arm64)

package fence

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/task"
)

// TestMain is also the program that runs inside: it does what ATTACK names.
func TestMain(m *testing.M) {
	if os.Getenv("DIE") != "" {
		die()
	}
	if os.Getenv("DELEGATED") != "" {
		beDelegated()
		os.Exit(0)
	}
	if name := os.Getenv("ATTACK"); name != "" {
		attack(name)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A rig is a fence and a directory with this program, to run inside.
type rig struct {
	*Fence
	root *Root
	code string
}

// newRig skips the test where there is no whole fence.
func newRig(t testing.TB) *rig {
	t.Helper()
	var g task.Group
	f, err := New(Config{Dir: t.TempDir(), Group: &g})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); g.Wait() })
	if !f.Fenced() {
		t.Skip("needs root and Linux 5.12: missing ", f.Missing())
	}
	root, err := f.NewRoot(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(root.Close)
	return &rig{f, root, selfDir(t)}
}

// selfDir is a directory that has this program as "self".
func selfDir(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "self"), in, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A run is a process inside and what it wrote.
type run struct {
	*Process
	out *os.File
}

func (r *rig) spec(env ...string) *Spec {
	return &Spec{
		Root: r.root, Argv: []string{"/var/task/self"}, Dir: "/var/task",
		Env:    func(Addresses) []string { return append([]string{"PATH=/usr/bin:/bin", "GOMAXPROCS=1"}, env...) },
		Mounts: []Mount{{Hosts: []string{r.code}, Path: "/var/task"}},
		Limits: Limits{MemoryMB: 128, TmpMB: 64},
	}
}

func (r *rig) start(t testing.TB, s *Spec) *run {
	t.Helper()
	ours, its, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer its.Close()
	s.Out = its
	p, err := r.Start(s)
	if err != nil {
		ours.Close()
		t.Fatal(err)
	}
	return &run{p, ours}
}

// finish waits for the end of the process.
func (r *run) finish(t testing.TB) (string, Exit) {
	t.Helper()
	out, err := io.ReadAll(r.out)
	if err != nil {
		t.Fatal(err)
	}
	exit := r.Wait()
	r.out.Close()
	r.Release()
	return string(out), exit
}

func (r *rig) shell(t testing.TB, script string) (string, Exit) {
	t.Helper()
	s := r.spec()
	s.Argv = []string{"/bin/sh", "-c", script}
	return r.start(t, s).finish(t)
}

func TestStart(t *testing.T) {
	r := newRig(t)
	out, exit := r.shell(t, "pwd; id -u; id -un; echo ~sbx_user1051; hostname; ls /; cat /proc/self/status; exit 3")
	if exit != (Exit{Code: 3}) {
		t.Errorf("exit %+v", exit)
	}
	for _, want := range []string{"/var/task\n", "\nsbx_user1051\n", "\n/home/sbx_user1051\n", "\nlambda\n", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if strings.Contains(out, "root\n") || strings.Contains(out, "\n0\n") {
		t.Errorf("it sees or is root: %s", out)
	}
}

func TestSignal(t *testing.T) {
	r := newRig(t)
	s := r.spec()
	s.Argv = []string{"/bin/sh", "-c", "sleep 100 & echo up; wait"}
	p := r.start(t, s)
	if _, err := io.ReadFull(p.out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if _, exit := p.finish(t); exit.Signal != "killed" {
		t.Errorf("exit %+v", exit)
	}
}

func TestNoProgram(t *testing.T) {
	r := newRig(t)
	s := r.spec()
	s.Argv = []string{"/var/task/missing"}
	_, its, _ := Pipe()
	s.Out = its
	_, err := r.Start(s)
	if e, ok := err.(*StartError); !ok || e.Step != "execve" || e.Err != unix.ENOENT {
		t.Errorf("Start = %v", err)
	}
}

func TestMount(t *testing.T) {
	r := newRig(t)
	var layers []string
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(t.TempDir(), "odd:name,"+name)
		os.Mkdir(dir, 0o755)
		os.WriteFile(filepath.Join(dir, name), nil, 0o644)
		os.WriteFile(filepath.Join(dir, "both"), []byte(name), 0o644)
		layers = append(layers, dir)
	}
	s := r.spec()
	s.Mounts = append(s.Mounts, Mount{layers, "/opt"})
	s.Argv = []string{"/bin/sh", "-c", "ls -m /opt; cat /opt/both; touch /opt/x; ls /var/lang; read x; ls /var/lang"}
	out, _ := r.start(t, s).finish(t)
	if !strings.Contains(out, "a, b, both\nb") || !strings.Contains(out, "Read-only") {
		t.Errorf("layers: %s", out)
	}

	s.Argv = []string{"/bin/sh", "-c", "echo up; while [ ! -e /var/lang/both ]; do :; done; cat /var/lang/both; df -m /tmp | tail -1"}
	p := r.start(t, s)
	io.ReadFull(p.out, make([]byte, 3))
	if err := p.Become(Limits{MemoryMB: 256, TmpMB: 100}, Mount{layers[:1], "/var/lang"}, Mount{nil, "/opt"}); err != nil {
		t.Fatal(err)
	}
	if out, _ := p.finish(t); !strings.Contains(out, "a") || !strings.Contains(out, " 100 ") {
		t.Errorf("mounted later: %s", out)
	}
}

func TestFreeze(t *testing.T) {
	r := newRig(t)
	for name, without := range map[string]bool{"group": false, "signal": true} {
		t.Run(name, func(t *testing.T) {
			s := r.spec()
			s.Argv = []string{"/bin/sh", "-c", "while :; do echo; done"}
			p := r.start(t, s)
			if without && p.slot.group.freezer != nil {
				p.slot.group.freezer.Close()
				p.slot.group.freezer = nil
			}
			if !p.Freeze() {
				t.Error("it is not frozen")
			}
			buf := make([]byte, 1<<20)
			for { // read what it wrote until it is frozen
				p.out.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
				if _, err := p.out.Read(buf); err != nil {
					break
				}
			}
			p.Thaw()
			p.out.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := p.out.Read(buf); err != nil {
				t.Errorf("after Thaw: %v", err)
			}
			p.out.SetReadDeadline(time.Time{})
			p.Freeze()
			p.Kill() // frozen as it is
			p.finish(t)
		})
	}
}

// TestEndsMeanwhile: a process may end, and be released, while it is asked and
// told things.
func TestEndsMeanwhile(t *testing.T) {
	r := newRig(t)
	s := r.spec()
	s.Argv = []string{"/bin/sh", "-c", "exit 3"}
	p := r.start(t, s)
	released := make(chan struct{})
	var others sync.WaitGroup
	for _, f := range []func(){
		func() { p.Freeze(); p.Thaw() },
		func() { p.PeakMB(); p.slot.group.anonymousMB() },
		func() { p.Become(Limits{MemoryMB: 64, TmpMB: 64}) },
	} {
		others.Go(func() {
			for after := false; !after; f() {
				select {
				case <-released:
					after = true // and once more
				default:
				}
			}
		})
	}
	if _, exit := p.finish(t); exit.Code != 3 {
		t.Errorf("it ended with %+v", exit)
	}
	close(released)
	others.Wait()
	if err := p.Become(Limits{MemoryMB: 64, TmpMB: 64}); err == nil {
		t.Error("it was given files")
	}
}

// BenchmarkStart is the whole fence around a program that does nothing, from
// Start until the program runs, and until all of it is gone.
func BenchmarkStart(b *testing.B) {
	r := newRig(b)
	for b.Loop() {
		s := r.spec()
		s.Argv = []string{"/bin/true"}
		p := r.start(b, s)
		b.StopTimer()
		p.finish(b)
		b.StartTimer()
	}
}

// die starts a process in a fence, tells its number, and waits to be killed.
func die() {
	var g task.Group
	f, err := New(Config{Dir: os.TempDir(), Group: &g})
	if err != nil {
		panic(err)
	}
	root, err := f.NewRoot(nil, nil)
	if err != nil {
		panic(err)
	}
	_, its, _ := Pipe()
	p, err := f.Start(&Spec{Root: root, Argv: []string{"/bin/sleep", "1000"}, Dir: "/", Out: its, Env: func(Addresses) []string { return nil }, Limits: Limits{MemoryMB: 64, TmpMB: 1}})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Pid())
	select {}
}

// TestKilled: the processes of a platform that is killed die with it.
func TestKilled(t *testing.T) {
	newRig(t) // or skip
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "DIE=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	c.Process.Kill()
	c.Wait()
	for end := time.Now().Add(5 * time.Second); unix.Kill(pid, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d outlives its platform", pid)
		}
	}
}

// TestClose: nothing is left of a fence but what others have.
func TestClose(t *testing.T) {
	var g task.Group
	f, err := New(Config{Dir: t.TempDir(), Group: &g})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Fenced() {
		f.Close()
		t.Skip("needs root and Linux 5.12: missing ", f.Missing())
	}
	root, err := f.NewRoot(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{f, root, selfDir(t)}
	for range 6 {
		r.shell(t, "exit 0")
	}
	dirs := []string{f.groups.v2}
	for _, dir := range f.groups.v1 {
		dirs = append(dirs, dir)
	}
	root.Close()
	f.Close()
	g.Wait()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); dir != "" && err == nil {
			left, _ := filepath.Glob(dir + "/w*")
			t.Errorf("%s is left, with %v", dir, left)
		}
	}
}
