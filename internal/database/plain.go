package database

import (
	"net"
	"os"
	"os/exec"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A plain process runs as the user that we are, with the files of the host. It
// ends with us, where the host can see to that.
type plain struct {
	cmd  *exec.Cmd
	done chan struct{}
	exit fence.Exit
}

func startPlain(argv []string, dir string, out *os.File, group *task.Group) (*plain, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, environment
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = apart()
	p := &plain{cmd: cmd, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	group.Go(func() {
		defer close(p.done)
		cmd.Wait()
		p.exit.Code = cmd.ProcessState.ExitCode()
	})
	return p, nil
}

// Dial connects to what the process listens at.
func (p *plain) Dial(addr string) (net.Conn, error) { return net.Dial("tcp4", addr) }

// Wait returns when the process has ended.
func (p *plain) Wait() fence.Exit {
	<-p.done
	return p.exit
}

// Terminate asks the process to end.
func (p *plain) Terminate() {
	for _, s := range ends {
		p.cmd.Process.Signal(s)
	}
}

// Kill ends the process.
func (p *plain) Kill() { p.cmd.Process.Kill() }

// Release does nothing: nothing is held.
func (p *plain) Release() {}
