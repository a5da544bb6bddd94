//go:build linux && (amd64 || arm64)

package fence

import (
	"strings"
	"testing"
)

// A process beside another sees what that sees, may as little, and ends with it.
func TestBeside(t *testing.T) {
	r := newRig(t)
	s := r.spec()
	s.Argv = []string{"/bin/sh", "-c", "echo first > /tmp/mark; echo up; sleep 1000"}
	p := r.start(t, s)
	b := make([]byte, 3)
	if _, err := p.out.Read(b); err != nil {
		t.Fatal(err)
	}
	run1 := func(script string) (*run, error) {
		ours, its, err := Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer its.Close()
		s := r.spec()
		s.Argv = []string{"/bin/sh", "-c", script}
		s.Out = its
		q, err := p.Beside(s)
		return &run{q, ours}, err
	}
	q, err := run1("cat /tmp/mark; id -un; hostname; cat /proc/self/status; cat /etc/shadow; exit 4")
	if err != nil {
		t.Fatal(err)
	}
	out, exit := q.finish(t)
	if exit.Code != 4 {
		t.Errorf("exit %+v", exit)
	}
	for _, want := range []string{"first\nsbx_user1051\nlambda\n", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "Seccomp:\t2", "NoNewPrivs:\t1", "/etc/shadow"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if q, err = run1("sleep 1000"); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if _, exit := q.finish(t); exit.Signal != "killed" {
		t.Errorf("beside one that was killed: %+v", exit)
	}
	p.finish(t)
}
