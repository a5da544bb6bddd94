package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/client"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// A function for Node.js that brings many modules spends its start on compiling
// them. If it was slow to start once, what V8 makes of its files is kept for its
// next workers.
//
// V8 trusts what it is given so, and this must not be a way from one function to
// another, nor from one event to the next worker: so it is made by a worker of
// its own, which has the files of the function, none of its variables and
// credentials, and compiles but runs nothing. It is shown, read-only, to workers
// of the same function with the same files. V8 checks version, flags and length,
// our client that the files are as they were.

const (
	compiledFile = "compiled"
	compiledDir  = "/var/runtime/compiled"
	slowInit     = 10 * time.Millisecond
	compileLimit = 5 * time.Minute
	maxCompiled  = 64 // functions
)

// compiled is the compiled code of a function.
type compiled struct {
	key string
	dir string // of the host; empty until it is there. m.mu guards it
}

// compiledKey tells functions and their files apart.
func compiledKey(f *Function) string {
	return strings.Join(append([]string{f.ARN.String(), f.Runtime, f.Code}, f.Layers...), "\n")
}

// compiledMount is how workers see the compiled code of f. It has no hosts if
// there is none.
func (m *Manager) compiledMount(l lang.Language, f *Function) fence.Mount {
	mount := fence.Mount{Path: compiledDir}
	if l.Kind != lang.Node || f.Image != nil {
		return mount
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.compiled {
		if c.dir != "" && c.key == compiledKey(f) {
			mount.Hosts = []string{c.dir}
		}
	}
	return mount
}

// mayCompile has the code of a function compiled whose worker was slow to start.
// The caller holds m.mu.
func (m *Manager) mayCompile(w *worker, f *Function) {
	if w.lang.Kind != lang.Node || !w.parked || w.init < slowInit {
		return
	}
	c := &compiled{key: compiledKey(f)}
	for _, known := range m.compiled {
		if known.key == c.key {
			return
		}
	}
	m.compiled = append(m.compiled, c)
	if len(m.compiled) > maxCompiled {
		old := m.compiled[0].dir
		m.compiled = m.compiled[1:]
		m.group.Go(func() { os.RemoveAll(old) }) // workers that see it keep it
	}
	m.group.Go(func() {
		if err := m.compile(w.lang, f, c); err != nil && m.ctx.Err() == nil {
			m.cfg.Log.Debug("code cannot be compiled beforehand", "function", f.ARN, "err", err)
		}
	})
}

// compile compiles the code of f, of one function at a time.
func (m *Manager) compile(l lang.Language, f *Function, c *compiled) error {
	select {
	case m.compiling <- struct{}{}:
	case <-m.ctx.Done():
		return m.ctx.Err()
	}
	defer func() { <-m.compiling }()
	r, err := m.rootOf(l)
	if err != nil {
		return err
	}
	p := plan{root: r, dir: "/", limits: fence.Limits{MemoryMB: 1024, TmpMB: 256},
		argv:   []string{r.exec, r.Path(client.CodesFile), "/tmp/" + compiledFile, r.at.task, r.at.opt},
		env:    func(string) map[string]string { return baseEnv(r.at) },
		mounts: []fence.Mount{{Hosts: []string{f.Code}, Path: r.at.task}, {Hosts: f.Layers, Path: r.at.opt}}}
	w, err := m.spawn(l, p)
	if err != nil {
		return err
	}
	defer w.settle()
	w.proc.Yield(true)
	tmp, err := w.proc.Tmp()
	if err != nil {
		return err
	}
	defer tmp.Close()
	dir, err := os.MkdirTemp(m.cfg.Dir, "compiled-")
	if err != nil {
		return err
	}
	timer := time.NewTimer(compileLimit)
	defer timer.Stop()
	err = errors.Join(os.Chmod(dir, 0o755), w.leaves(tmp, compiledFile, filepath.Join(dir, compiledFile), timer.C))
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c.dir = dir
	return nil
}
