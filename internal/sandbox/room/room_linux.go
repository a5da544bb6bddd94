package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// tellFile is the descriptor by which the process is told what to make.
const tellFile = 3

func (r Runner) run(ctx context.Context, in Room, c Command) error {
	if len(r.Self) == 0 {
		return ErrUnable
	}
	text, err := json.Marshal(plan{in, c.Argv, c.Env, c.Dir})
	if err != nil {
		return err
	}
	tell, err := os.CreateTemp(in.Work, "plan-")
	if err != nil {
		return err
	}
	defer os.Remove(tell.Name())
	defer tell.Close()
	if _, err := tell.WriteAt(text, 0); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, r.Self[0], r.Self[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.In, c.Out, c.Out
	cmd.Env = []string{}
	cmd.ExtraFiles = []*os.File{tell}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Setsid:      true,
		Pdeathsig:   syscall.SIGKILL,
	}
	// The process dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return errors.Join(ErrUnable, err)
	}
	return cmd.Wait()
}

// Enter makes the room that the process was started for, and becomes its command.
func Enter() error {
	var p plan
	if err := json.NewDecoder(os.NewFile(tellFile, "plan")).Decode(&p); err != nil {
		return fmt.Errorf("this is for Aloft itself: %w", err)
	}
	runtime.LockOSThread()
	if err := p.Room.enter(); err != nil {
		return errors.Join(ErrUnable, err)
	}
	if err := os.Chdir(p.Dir); err != nil {
		return err
	}
	if err := giveUp(); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(tellFile, unix.F_SETFD, unix.FD_CLOEXEC); err != nil && !errors.Is(err, unix.EBADF) {
		return err
	}
	return fmt.Errorf("%s: %w", p.Argv[0], syscall.Exec(p.Argv[0], p.Argv, p.Env))
}

const (
	readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID
	writable = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
)

// enter makes r the root of this process.
func (r Room) enter() error {
	unix.Umask(0o022)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := r.mountUsr(); err != nil {
		return fmt.Errorf("mount /usr: %w", err)
	}
	// With what is mounted in it: what is laid over /usr has to be of the same mount
	// as the kernel's directory for that, which is outside.
	if err := bind(r.Root, r.Root, writable); err != nil {
		return fmt.Errorf("bind the root: %w", err)
	}
	if err := r.mountDev(); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	proc := filepath.Join(r.Root, "proc")
	if err := unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		// Where parts of the host's are hidden, as in containers, there is that one alone.
		if err := bind("/proc", proc, unix.MOUNT_ATTR_NOSUID); err != nil {
			return fmt.Errorf("mount /proc: %w", err)
		}
	}
	for _, b := range r.binds() {
		attr := readOnly
		if b.Write {
			attr = writable
		}
		if err := bind(b.Host, filepath.Join(r.Root, b.Path), uint64(attr)); err != nil {
			return fmt.Errorf("bind %s: %w", b.Host, err)
		}
	}
	if err := unix.Sethostname([]byte("buildkitsandbox")); err != nil {
		return err
	}
	if err := os.Chdir(r.Root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // the old one is on top then
		return fmt.Errorf("pivot: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Chdir("/")
}

// bind shows a directory or file of the host at a place.
func bind(host, at string, attr uint64) error {
	if err := unix.Mount(host, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, at, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr})
}

// mountUsr lays what the image has in /usr over what the host has. Where the
// file system of the image can be laid over nothing, /usr is the host's.
func (r Room) mountUsr() error {
	usr := filepath.Join(r.Root, "usr")
	work := filepath.Join(r.Work, "overlay")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	if !strings.ContainsAny(usr+work, ",:\\") {
		options := "userxattr,lowerdir=/usr,upperdir=" + usr + ",workdir=" + work
		if unix.Mount("overlay", usr, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options) == nil {
			return nil
		}
	}
	return bind("/usr", usr, readOnly)
}

// mountDev makes the devices that programs expect.
func (r Room) mountDev() error {
	dev := filepath.Join(r.Root, "dev")
	if err := unix.Mount("aloft", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=64m"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom"} {
		at := filepath.Join(dev, name)
		if err := os.WriteFile(at, nil, 0o644); err != nil {
			return err
		}
		if err := unix.Mount("/dev/"+name, at, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dev, "shm"), 0o1777)
}

// kept are the rights over files of its own that a command has. It has no right
// over the namespaces that it is in.
var kept = map[uintptr]bool{
	unix.CAP_CHOWN: true, unix.CAP_DAC_OVERRIDE: true, unix.CAP_DAC_READ_SEARCH: true, unix.CAP_FOWNER: true, unix.CAP_FSETID: true,
	unix.CAP_KILL: true, unix.CAP_SETGID: true, unix.CAP_SETUID: true,
}

// giveUp drops all other rights for good.
func giveUp() error {
	for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
		if !kept[capability] {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0) // an older kernel has fewer
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}
