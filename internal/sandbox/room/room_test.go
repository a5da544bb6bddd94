package room

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const enterVariable = "-enter-room"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == enterVariable {
		println(Enter().Error())
		os.Exit(253)
	}
	os.Exit(m.Run())
}

// enter runs a script of a shell in a room, and returns what it says.
func enter(t *testing.T, r Room, script string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	env := []string{"PATH=/usr/bin:/bin", "HOME=/root"}
	err = Runner{[]string{self, enterVariable}}.Run(context.Background(), r, Command{Argv: []string{"/bin/sh", "-c", script}, Env: env, Dir: "/", Out: &out})
	if errors.Is(err, ErrUnable) || strings.Contains(out.String(), ErrUnable.Error()) {
		t.Skip(err, out.String())
	}
	return out.String(), err
}

func newRoom(t *testing.T) Room {
	return Room{Root: t.TempDir(), Work: t.TempDir()}
}

func TestWhatACommandWritesStays(t *testing.T) {
	r := newRoom(t)
	out, err := enter(t, r, "mkdir -p /build /usr/src/app && echo one >/build/file && echo two >/usr/src/app/file && echo $$ && id -u")
	if err != nil || out != "1\n0\n" {
		t.Fatalf("it says %q, %v", out, err)
	}
	if text, err := os.ReadFile(filepath.Join(r.Root, "build/file")); string(text) != "one\n" {
		t.Errorf("build/file is %q, %v", text, err)
	}
	list, err := filepath.Glob(filepath.Join(r.Root, "*"))
	if err != nil || len(list) > 2 {
		t.Errorf("the root has %v, want build and usr", list)
	}
}

func TestTheHostIsNotThere(t *testing.T) {
	r := newRoom(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{
		"cat " + secret, "cat /etc/shadow", "ls /proc/1/root" + filepath.Dir(secret), "touch /etc/ssl/mine", "touch /bin/../etc/hosts && echo x >>/etc/hosts",
		"mount -t tmpfs none /tmp", "chroot / true", "hostname other",
	} {
		if out, err := enter(t, r, script); err == nil {
			t.Errorf("%s: %s", script, out)
		}
	}
	mark := filepath.Join("/usr", "aloft-room-test")
	if out, err := enter(t, r, "touch "+mark+"; rm -f /usr/bin/env 2>/dev/null; true"); err != nil {
		t.Fatal(out, err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Errorf("%s was made on the host", mark)
	}
}

func TestBinds(t *testing.T) {
	r := newRoom(t)
	read, write := t.TempDir(), t.TempDir()
	r.Binds = []Bind{{Host: read, Path: "/in/side"}, {Host: write, Path: "/root/.cache", Write: true}}
	out, err := enter(t, r, "echo x >/root/.cache/kept; touch /in/side/no && echo written; true")
	if err != nil || strings.Contains(out, "written\n") {
		t.Fatalf("it says %q, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(write, "kept")); err != nil {
		t.Error(err)
	}
	if list, _ := os.ReadDir(r.Root); len(list) > 0 {
		t.Errorf("the root has %v, want nothing", list)
	}
}

func TestLinksLeadNowhere(t *testing.T) {
	r := newRoom(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(r.Root, "etc")); err != nil {
		t.Fatal(err)
	}
	if out, err := enter(t, r, "true"); err == nil {
		t.Errorf("it ran: %s", out)
	}
	if list, _ := os.ReadDir(outside); len(list) > 0 {
		t.Errorf("%v were made outside", list)
	}
}
