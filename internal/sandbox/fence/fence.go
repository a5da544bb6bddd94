// Package fence starts processes that strangers wrote and keeps them to
// themselves. On Linux each has its own mount, process, IPC, host-name and
// network namespaces, a read-only root, a user of its own without privileges, a
// filter of system calls, Landlock, and limits on memory, processes and files;
// of the network it has two listeners of ours and nothing else.
//
// The idea that makes it fast: there is no init and no helper. A locked thread
// makes a vfork child, and the child runs a prepared list of system calls, of
// which the last is execve. What can be made ahead (network namespaces, control
// groups) waits ready in slots.
//
// Where a host lacks some of it, Missing says what, and processes start with
// what there is if Config allows.
package fence

import (
	"errors"
	"log/slog"
	"os"

	"github.com/aloft-cloud/aloft/internal/task"
)

// Addresses at which a process in a network of its own finds us.
const (
	apiAddr   = "127.0.0.1:9001"
	namesAddr = "127.0.0.1:53"
)

// Config is what a Fence needs.
type Config struct {
	Dir      string // for mount points; exists
	Unfenced bool   // start processes even if something is missing
	Plain    bool   // use no namespaces, as where there are none
	Slots    int    // made ahead; 4 if 0
	Port     int    // of the endpoint inside; 4566 if 0
	Egress   Egress
	Log      *slog.Logger
	Group    *task.Group
}

// A Bind is a file or directory of the host, read-only inside.
type Bind struct {
	Host, Path string
	Optional   bool // it is left out where Path cannot be made
}

// A Mount is a directory of the host that one process has at Path, read-only.
// Several directories are laid over each other, the last on top.
type Mount struct {
	Hosts []string
	Path  string
}

// A Share is a directory of the host that processes have in common, and write.
// Those that have it run as one user.
type Share struct {
	Name string // processes with a share of the same name have the same user
	Root string // directory of the host
	Dir  string // below Root, made if it is not there
	Path string // where a process sees it: a name in /mnt
}

// A Spec is a process to start.
type Spec struct {
	Root   *Root
	Argv   []string                 // a path inside, and arguments
	Env    func(Addresses) []string // given where the process finds us
	Dir    string                   // to start in
	Mounts []Mount
	Share  *Share   // or nil
	Out    *os.File // standard output and error
	Limits Limits
}

// Addresses are where a process finds us.
type Addresses struct {
	API, Endpoint string
	Secure        string // the endpoint over TLS, where names do not lead to it
}

// Limits are what a process and its children may use.
type Limits struct {
	MemoryMB int
	TmpMB    int // of /tmp
}

// An Exit is how a process ended.
type Exit struct {
	Code   int
	Signal string // "killed", if a signal ended it
}

// ErrIncomplete says that the host cannot fence processes in whole.
var ErrIncomplete = errors.New("this host cannot fence processes in")

// ErrShare says that what processes were to share is not there.
var ErrShare = errors.New("the shared directory cannot be mounted")

// A StartError says which step of starting a process failed.
type StartError struct {
	Step string // "execve": the program could not be run
	Err  error
}

func (e *StartError) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap returns the error of the step.
func (e *StartError) Unwrap() error { return e.Err }
