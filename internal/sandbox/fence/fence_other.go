//go:build !linux || !(amd64 || arm64)

package fence

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// A Fence starts processes. On this system it keeps them from nothing.
type Fence struct{ cfg Config }

// New returns a Fence.
func New(cfg Config) (*Fence, error) { return &Fence{cfg: cfg}, nil }

// Missing says what the host lacks for a fence.
func (f *Fence) Missing() []string {
	return []string{"a fence around functions: there is none for " + runtime.GOOS + "/" + runtime.GOARCH}
}

// Fenced is false.
func (f *Fence) Fenced() bool { return false }

// Users is false: processes are the user that we are.
func (f *Fence) Users() bool { return false }

// Warm does nothing: there is nothing to make ahead.
func (f *Fence) Warm() {}

// Close does nothing.
func (f *Fence) Close() {}

// A Root is a directory with files for processes.
type Root struct{ dir string }

// NewRoot makes a directory with files, which are named by their path.
func (f *Fence) NewRoot(_ []Bind, files map[string][]byte) (*Root, error) {
	base, err := os.MkdirTemp(f.cfg.Dir, "root-")
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, err
		}
	}
	return &Root{dir: base}, nil
}

// What an image must have where images can be run.
var ImageDirs, ImageFiles []string

// NewImageRoot is for Linux.
func (f *Fence) NewImageRoot(string, []Bind) (*Root, error) {
	return nil, fmt.Errorf("%w: a container image runs on Linux alone", ErrIncomplete)
}

// Path is where a process finds the file that NewRoot was given as name.
func (r *Root) Path(name string) string { return filepath.Join(r.dir, name) }

// Confined is false: processes see the files of the host.
func (r *Root) Confined() bool { return false }

// Close removes the files.
func (r *Root) Close() { os.RemoveAll(r.dir) }

// A Process is one that was started.
type Process struct {
	API, Endpoint net.Listener
	Secure        net.Listener   // the endpoint over TLS
	Outside       []net.Listener // none
	Names         net.PacketConn // nil
	cmd           *exec.Cmd
	beside        bool // its listeners are another's
}

// Start starts a process.
func (f *Fence) Start(s *Spec) (*Process, error) {
	if !f.cfg.Unfenced {
		return nil, fmt.Errorf("%w: it runs %s", ErrIncomplete, runtime.GOOS)
	}
	if s.Share != nil {
		return nil, fmt.Errorf("%w: a directory can be shared on Linux alone", ErrIncomplete)
	}
	p := &Process{cmd: &exec.Cmd{Path: s.Argv[0], Args: s.Argv, Dir: s.Dir, Stdout: s.Out, Stderr: s.Out}}
	var err error
	if p.API, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if p.Endpoint, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		p.API.Close()
		return nil, err
	}
	if p.Secure, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		p.API.Close()
		p.Endpoint.Close()
		return nil, err
	}
	p.cmd.Env = s.Env(Addresses{p.API.Addr().String(), p.Endpoint.Addr().String(), p.Secure.Addr().String()})
	if err := p.cmd.Start(); err != nil {
		p.Release()
		return nil, &StartError{"execve", err}
	}
	return p, nil
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Beside starts another process for the same function.
func (p *Process) Beside(s *Spec) (*Process, error) {
	q := &Process{API: p.API, Endpoint: p.Endpoint, Secure: p.Secure, beside: true}
	q.cmd = &exec.Cmd{Path: s.Argv[0], Args: s.Argv, Dir: s.Dir, Stdout: s.Out, Stderr: s.Out,
		Env: s.Env(Addresses{p.API.Addr().String(), p.Endpoint.Addr().String(), p.Secure.Addr().String()})}
	if err := q.cmd.Start(); err != nil {
		return nil, &StartError{"execve", err}
	}
	return q, nil
}

// Wait returns when the process has ended.
func (p *Process) Wait() Exit {
	p.cmd.Wait()
	ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return Exit{Code: 128 + int(ws.Signal()), Signal: ws.Signal().String()}
	}
	return Exit{Code: p.cmd.ProcessState.ExitCode()}
}

// Kill ends the process.
func (p *Process) Kill() { p.cmd.Process.Kill() }

// Terminate asks the process to end.
func (p *Process) Terminate() { p.cmd.Process.Signal(syscall.SIGTERM) }

// Tmp is that of the host.
func (p *Process) Tmp() (*os.Root, error) { return nil, errors.ErrUnsupported }

// Become does nothing: the process sees the files of the host.
func (p *Process) Become(Limits, ...Mount) error { return nil }

// Dial connects to what the process listens at.
func (p *Process) Dial(addr string) (net.Conn, error) { return net.Dial("tcp4", addr) }

// Listen listens at an address of the host's.
func (p *Process) Listen(addr string) (net.Listener, error) { return net.Listen("tcp4", addr) }

// Freeze does nothing.
func (p *Process) Freeze() bool { return false }

// Thaw does nothing.
func (p *Process) Thaw() {}

// Yield does nothing.
func (p *Process) Yield(bool) {}

// OverMemory is not known.
func (p *Process) OverMemory() bool { return false }

// PeakMB is not known.
func (p *Process) PeakMB() int { return 0 }

// Release closes the listeners.
func (p *Process) Release() {
	if p.beside {
		return
	}
	p.API.Close()
	p.Endpoint.Close()
	p.Secure.Close()
}

// Pipe makes a pipe for the output of a process.
func Pipe() (ours, its *os.File, err error) { return os.Pipe() }
