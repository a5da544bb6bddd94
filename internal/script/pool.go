package script

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/scratch"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what a Pool needs.
type Config struct {
	// Command is the program, and arguments, that call Serve with the address
	// that the variable EnvAddress has. nil: scripts run in this process.
	Command  []string
	Unfenced bool // run them even where the fence is not whole
	Log      *slog.Logger
}

// EnvAddress is the environment variable that tells a process where to serve.
const EnvAddress = "ALOFT_SCRIPTS"

const (
	startWithin = 10 * time.Second
	grace       = time.Second // past a job's time, for its process to say so
	idleAfter   = time.Minute // a process that nobody needs ends
	fenceMB     = 2 * heapMB
)

// A Pool runs scripts.
type Pool struct {
	cfg   Config
	local engine // without processes

	turns chan struct{} // one for each process that may be
	group task.Group
	stop  context.CancelFunc
	ctx   context.Context

	open sync.Mutex // while the fence is being put up
	yard *yard

	mu   sync.Mutex
	idle []*worker
}

// A yard is what processes start in.
type yard struct {
	fence  *fence.Fence
	root   *fence.Root
	path   string // of the program, inside
	remove func() error
}

// A worker is a process that runs scripts.
type worker struct {
	process *fence.Process
	conn    net.Conn
	in      *json.Decoder
	left    *budget
	out     *bufio.Writer
	since   time.Time // it has been idle
	broken  bool      // it takes no more jobs
}

// New returns a pool. It starts no process before the first job.
func New(cfg Config) *Pool {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	p := &Pool{cfg: cfg, turns: make(chan struct{}, max(2, runtime.NumCPU()))}
	p.group.Log = cfg.Log
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Run runs a job. An error that is none of the package's is a failure of ours.
func (p *Pool) Run(ctx context.Context, job *Job) (*Result, error) {
	if len(p.cfg.Command) == 0 {
		return p.local.run(ctx, job)
	}
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, ErrClosed
	}
	w, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	result, err := w.run(ctx, job)
	if w.broken || w.left.spent() {
		p.end(w)
	} else {
		p.keep(w)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return result, err
}

// take returns a process that is idle, or a new one.
func (p *Pool) take(ctx context.Context) (*worker, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	return p.start(ctx)
}

// keep has a process wait for another job.
func (p *Pool) keep(w *worker) {
	w.since = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		p.group.Go(func() { p.end(w) })
		return
	}
	p.idle = append(p.idle, w)
}

// end ends a process.
func (p *Pool) end(w *worker) {
	w.conn.Close()
	w.process.Kill()
	w.process.Wait()
	w.process.Release()
}

// Task ends processes that nobody has needed for a while.
func (p *Pool) Task() task.Task {
	return task.Task{Name: "script/idle", Run: func(context.Context) (time.Duration, error) {
		p.mu.Lock()
		var gone []*worker
		var stay []*worker
		for _, w := range p.idle {
			if time.Since(w.since) >= idleAfter {
				gone = append(gone, w)
			} else {
				stay = append(stay, w)
			}
		}
		p.idle = stay
		p.mu.Unlock()
		for _, w := range gone {
			p.end(w)
		}
		return idleAfter, nil
	}}
}

// Close ends all processes. Jobs that run fail.
func (p *Pool) Close() error {
	p.stop()
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, w := range idle {
		p.end(w)
	}
	for range cap(p.turns) { // those that run end first
		p.turns <- struct{}{}
	}
	p.open.Lock()
	defer p.open.Unlock()
	if p.yard == nil {
		p.group.Wait()
		return nil
	}
	p.yard.root.Close()
	p.yard.fence.Close()
	p.group.Wait()
	return p.yard.remove()
}

// openYard puts up the fence, the first time.
func (p *Pool) openYard() (*yard, error) {
	p.open.Lock()
	defer p.open.Unlock()
	if p.yard != nil {
		return p.yard, nil
	}
	dir, remove, err := scratch.Dir("aloft-scripts-")
	if err != nil {
		return nil, err
	}
	f, err := fence.New(fence.Config{Dir: dir, Unfenced: p.cfg.Unfenced, Slots: 1, Log: p.cfg.Log, Group: &p.group})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	const inside = "/var/runtime/scripts"
	program := p.cfg.Command[0]
	root, err := f.NewRoot([]fence.Bind{{Host: program, Path: inside}}, nil)
	if err != nil {
		f.Close()
		return nil, errors.Join(err, remove())
	}
	p.yard = &yard{fence: f, root: root, path: program, remove: remove}
	if root.Confined() {
		p.yard.path = inside
	}
	return p.yard, nil
}

// start starts a process.
func (p *Pool) start(ctx context.Context) (*worker, error) {
	y, err := p.openYard()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	process, err := y.fence.Start(&fence.Spec{
		Root: y.root, Argv: append([]string{y.path}, p.cfg.Command[1:]...), Dir: "/", Out: null,
		Env: func(at fence.Addresses) []string {
			return []string{EnvAddress + "=" + at.API, "GOMAXPROCS=2", "HOME=/tmp"}
		},
		Limits: fence.Limits{MemoryMB: fenceMB, TmpMB: 1},
	})
	if err != nil {
		return nil, fmt.Errorf("start a process for scripts: %w", err)
	}
	w := &worker{process: process}
	if w.conn, err = accept(ctx, process.API); err != nil {
		process.Kill()
		process.Wait()
		process.Release()
		return nil, fmt.Errorf("start a process for scripts: %w", err)
	}
	w.left = &budget{r: w.conn}
	w.in, w.out = json.NewDecoder(w.left), bufio.NewWriter(w.conn)
	return w, nil
}

// accept waits for the process to call.
func accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	return l.Accept()
}

// run has the process run a job.
func (w *worker) run(ctx context.Context, job *Job) (*Result, error) {
	stop := context.AfterFunc(ctx, func() { w.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	w.conn.SetDeadline(time.Now().Add(job.timeout() + grace))
	w.left.renew()
	if err := w.send(order{job.Sources, job.Entry, job.Args, int64(job.timeout())}); err != nil {
		return nil, w.lost(err)
	}
	for {
		var r report
		if err := w.in.Decode(&r); err != nil {
			return nil, w.lost(err)
		}
		if r.Ask == "" {
			return r.ended()
		}
		var said reply
		if job.Call == nil {
			said.Error = "there is no host"
		} else if value, err := job.Call(ctx, r.Ask, r.Args); err != nil {
			said.Error = err.Error()
		} else {
			said.Value = value
		}
		if err := w.send(said); err != nil {
			return nil, w.lost(err)
		}
	}
}

func (r *report) ended() (*Result, error) {
	for err, word := range stops {
		if r.Stop == word {
			return nil, err
		}
	}
	switch {
	case r.Stop != "":
		return nil, errors.New(r.Stop)
	case r.Result == nil:
		return nil, errors.New("a process for scripts reports nothing")
	}
	return r.Result, nil
}

func (w *worker) send(v any) error {
	if err := json.NewEncoder(w.out).Encode(v); err != nil {
		return err
	}
	return w.out.Flush()
}

// lost says why a process does not answer any more.
func (w *worker) lost(err error) error {
	w.broken = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrTimeout
	}
	return ErrMemory
}

// A budget reads as much as one job may say.
type budget struct {
	r io.Reader
	n int
}

var errSpent = errors.New("a script says too much")

func (b *budget) renew() { b.n = 4 * maxMessage }

func (b *budget) spent() bool { return b.n <= 0 }

// Read reads, as long as there is something left.
func (b *budget) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, errSpent
	}
	n, err := b.r.Read(p[:min(len(p), b.n)])
	b.n -= n
	return n, err
}
