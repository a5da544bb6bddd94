package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/aloft-cloud/aloft/internal/task"
)

// again runs this program once more as root of a user namespace, in which it
// may make what fences functions in, and reports the end of it. It is false
// where that is not needed, or not allowed: then the program goes on as it is.
func again() (done bool, err error) {
	if os.Geteuid() == 0 {
		return false, nil
	}
	self, err := os.Executable()
	if err != nil {
		return false, nil
	}
	// The second dies with the first, and so with this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Setpgid:     true, // signals come by us
		Pdeathsig:   syscall.SIGKILL,
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if cmd.Start() != nil {
		return false, nil
	}
	ended := make(chan error, 1)
	var g task.Group
	g.Go(func() { ended <- cmd.Wait() })
	for {
		select {
		case s := <-signals:
			cmd.Process.Signal(s)
		case err := <-ended:
			if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
				os.Exit(exit.ExitCode()) // it has said why
			}
			return true, err
		}
	}
}
