package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/scratch"
)

// What a server may use.
const (
	memoryMB = 2048
	tmpMB    = 256
	maxLog   = 4 << 20 // bytes of what a server says, before it begins anew
)

// Where a server that is fenced in finds what it needs.
const (
	programInside = "/var/database"
	dataInside    = "/mnt/database"
)

// A place is where a process finds what it needs.
type place struct {
	program, data string // directories
	port          int    // to listen at, of 127.0.0.1
	tmp           string // for files that nobody else sees, or that are not worth much
}

// A process is a program that runs over a database.
type process struct {
	running
	port int
}

// running is what a process is, in the fence and out of it.
type running interface {
	Dial(addr string) (net.Conn, error)
	Wait() fence.Exit
	Terminate()
	Kill()
	Release()
}

func (p *process) dial() (net.Conn, error) {
	return p.Dial(net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
}

// environment is that of every process.
var environment = []string{"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC", "PATH=/usr/bin:/bin", "HOME=/tmp"}

// start starts a program over the data of a database.
func (f *Fleet) start(ctx context.Context, db *Database, argv func(place) []string) (*process, error) {
	dir, err := f.program(ctx, db)
	if err != nil {
		return nil, err
	}
	y, err := f.openYard()
	if err != nil {
		return nil, err
	}
	log, err := openLog(filepath.Join(f.dir(db.ID), logFile))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if !y.fenced {
		at := place{program: dir, data: f.dataDir(db.ID), tmp: os.TempDir()}
		if at.port, err = freePort(); err != nil {
			return nil, err
		}
		p, err := startPlain(argv(at), at.data, log, &f.group)
		return &process{p, at.port}, err
	}
	root, err := y.root(dir)
	if err != nil {
		return nil, err
	}
	at := place{program: programInside, data: dataInside, port: db.Engine.port(), tmp: "/tmp"}
	p, err := y.fence.Start(&fence.Spec{
		Root: root, Argv: argv(at), Dir: "/", Out: log,
		Env:    func(fence.Addresses) []string { return environment },
		Share:  &fence.Share{Name: "rds/" + f.owner(db.ID), Root: f.dataDir(db.ID), Path: dataInside},
		Limits: fence.Limits{MemoryMB: memoryMB, TmpMB: tmpMB},
	})
	if err != nil {
		return nil, err
	}
	return &process{p, at.port}, nil
}

// openLog opens the file for what a server says. One that is long begins anew.
func openLog(file string) (*os.File, error) {
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(file); err == nil && info.Size() > maxLog {
		mode |= os.O_TRUNC
	}
	return os.OpenFile(file, mode, 0o600)
}

// freePort is a port of this host that nobody listens at.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// A yard is what processes start in.
type yard struct {
	fenced bool // or they start as processes do
	fence  *fence.Fence
	remove func() error

	mu    sync.Mutex
	roots map[string]*fence.Root // by the directory of the program
}

// openYard puts up the fence, the first time.
func (f *Fleet) openYard() (*yard, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.yard != nil {
		return f.yard, nil
	}
	dir, remove, err := scratch.Dir("aloft-databases-")
	if err != nil {
		return nil, err
	}
	w, err := fence.New(fence.Config{Dir: dir, Slots: 1, Log: f.cfg.Log, Group: &f.fences})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	y := &yard{fence: w, fenced: w.Fenced() && w.Users(), remove: remove, roots: make(map[string]*fence.Root)}
	if !w.Fenced() && !f.cfg.Unfenced {
		w.Close()
		return nil, errors.Join(fmt.Errorf("%w: databases run unfenced if you allow it", fence.ErrIncomplete), remove())
	}
	f.yard = y
	return y, nil
}

// root is the file system of processes that run programs in a directory.
func (y *yard) root(dir string) (*fence.Root, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if r := y.roots[dir]; r != nil {
		return r, nil
	}
	r, err := y.fence.NewRoot([]fence.Bind{{Host: dir, Path: programInside}}, nil)
	if err == nil {
		y.roots[dir] = r
	}
	return r, err
}

func (y *yard) close() {
	for _, r := range y.roots {
		r.Close()
	}
	y.fence.Close()
}
