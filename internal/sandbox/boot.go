package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/client"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
)

// initLimit is how long a worker may take to start before anyone waits for it
// by name; then it has as long as an invoke.
const initLimit = 10 * time.Second

// A start is a worker of a crew in the making.
type start struct {
	m      *Manager
	c      *crew
	stream string
	log    *logger // of the latest attempt
	began  time.Time
	kept   bool // the worker is one that is there also if nobody calls

	compiled fence.Mount // has the code compiled, if it has hosts
	share    *Share      // is mounted besides, or nil
}

// kind is what a function is told of why it starts.
func (s *start) kind() string {
	if s.kept {
		return "provisioned-concurrency"
	}
	return "on-demand"
}

// recruit starts a worker for a crew that has somebody waiting, or wants more
// workers than it has. There is room
// of mb megabytes for it.
func (m *Manager) recruit(c *crew, mb int) {
	// What its language needs is made once, and may be long in coming: that is
	// nobody's time, and no start that others wait for.
	if l, err := m.languageOf(c.f); err == nil && c.f.Image == nil {
		m.rootOf(l) // an error comes again
	}
	// Starting takes a CPU. While we wait for one, others may serve the queue.
	select {
	case m.boots <- struct{}{}:
	case <-m.ctx.Done():
		return
	}
	started := sync.OnceFunc(func() { <-m.boots })
	defer started()
	m.mu.Lock()
	if len(c.queue) == 0 && len(c.workers) >= c.wanted() || m.closed {
		m.usedMB -= mb
		c.starting--
		m.forgetRetired(c)
		m.mu.Unlock()
		return
	}
	s := &start{m: m, c: c, stream: newStream(c.f), kept: len(c.workers) < c.kept}
	m.mu.Unlock()
	w, why, err := s.boot(initLimit, nil, started)
	m.mu.Lock()
	m.usedMB -= mb
	c.starting--
	c.broken = why != nil
	if why == nil && err == nil && m.enlist(c, w) {
		m.mayCompile(w, c.f)
		m.back(w)
		m.mu.Unlock()
		return
	}
	var t *ticket
	if len(c.queue) > 0 {
		t = c.queue[0]
		c.queue = c.queue[1:]
	}
	m.forgetRetired(c)
	m.mu.Unlock()
	switch {
	case t == nil:
	case err != nil:
		t.got <- grant{err: err}
	default:
		t.got <- s.again(t)
	}
}

// enlist adds a worker that is ready to its crew. It is false if it has ended since.
func (m *Manager) enlist(c *crew, w *worker) bool {
	if w.dead {
		return false
	}
	c.workers[w] = struct{}{}
	c.initCost = w.init
	w.mb = c.estimateMB()
	m.usedMB += w.mb
	return true
}

// again starts a worker once more, as Lambda does when the first did not come
// up: now as part of an invoke, which takes what comes of it.
func (s *start) again(t *ticket) grant {
	f := s.c.f
	began := time.Now()
	w, why, err := s.boot(f.timeout(), t, func() {})
	if err != nil {
		return grant{err: err}
	}
	if why == nil {
		s.m.mu.Lock()
		defer s.m.mu.Unlock()
		s.m.enlist(s.c, w) // if it has ended, who gets it will find out
		s.m.use(w)
		return grant{worker: w, began: true}
	}
	res := &Result{FunctionError: "Unhandled", Payload: why.payload(t.e.RequestID), LogStream: s.stream}
	res.Stats = Stats{Cold: true, Duration: time.Since(began), Billed: billed(time.Since(began))}
	if w != nil {
		res.Stats.MaxMB = min(w.proc.PeakMB(), f.memoryMB())
	}
	said := scribe{f}
	if line := said.failed(t.e.RequestID, why); line != "" {
		s.log.write(line)
	}
	res.LogTail = s.log.end(said.end(t.e.RequestID, res.Stats, why)...)
	return grant{result: res}
}

// boot starts a worker and waits until it is ready. What the code does wrong
// is a failure; the worker, if there was one, has ended then. Started is called
// when what is left to do is the code's.
func (s *start) boot(limit time.Duration, t *ticket, started func()) (*worker, *failure, error) {
	f := s.c.f
	l, err := s.m.languageOf(f)
	if err != nil {
		return nil, nil, err
	}
	var creds Credentials
	if f.Credentials != nil {
		if creds, err = f.Credentials(s.m.ctx); err != nil {
			return nil, nil, fmt.Errorf("credentials of %s: %w", f.ARN, err)
		}
	}
	if f.Share != nil {
		if s.share, err = f.Share(s.m.ctx); err != nil {
			return nil, nil, fmt.Errorf("file system of %s: %w", f.ARN, err)
		}
	}
	s.began = time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	w, why, err := s.process(l, creds)
	if err != nil {
		return nil, nil, err
	}
	if err := s.open(w, l, t); err != nil {
		return nil, nil, err
	}
	if w != nil {
		why, err = s.bringUp(w, creds, timer.C, started)
		if err != nil {
			w.dismiss()
			return nil, nil, err
		}
	}
	if why == nil {
		return w, nil, nil
	}
	phase := "init"
	if t != nil {
		phase = "invoke"
	}
	if why.status == "timeout" {
		why = timedOut(limit)
	}
	s.log.write(scribe{f}.initReport(time.Since(s.began), s.kind(), phase, why))
	return w, why, nil
}

// open begins the log of an attempt: of w, or of one that has no process.
func (s *start) open(w *worker, l lang.Language, t *ticket) (err error) {
	if w != nil {
		s.log = w.log
	} else if s.log, err = s.m.newLogger(nil, nil); err != nil {
		return err
	}
	line := scribe{s.c.f}.initStart(l, s.kind())
	if t != nil {
		line = scribe{s.c.f}.start(t.e.RequestID)
	}
	s.log.own(s.c.f, s.stream, line, w != nil && w.parked)
	return nil
}

// bringUp makes w a worker of the crew and waits until it is ready for events.
func (s *start) bringUp(w *worker, creds Credentials, limit <-chan time.Time, started func()) (*failure, error) {
	s.m.mu.Lock()
	w.crew, w.stream, w.kind, w.expires = s.c, s.stream, s.kind(), creds.Expires
	s.m.mu.Unlock()
	why, err := s.outfit(w, creds, limit)
	if err != nil {
		return nil, err
	}
	started()
	if why == nil {
		why = w.await(w.ready, limit)
	}
	w.init = time.Since(s.began)
	s.tellStarted(w, w.init, why)
	w.telemetry.close()
	if why != nil {
		w.settle()
	}
	return why, nil
}

// outfit gives w what is the function's: its files, its extensions, and the job.
func (s *start) outfit(w *worker, creds Credentials, limit <-chan time.Time) (*failure, error) {
	f := s.c.f
	if w.lang.Blank() && !w.parked {
		if why := w.await(w.blank, limit); why != nil {
			return why, nil
		}
	}
	if w.parked {
		if err := w.mount(f, s.compiled); err != nil {
			return nil, err
		}
	}
	if why := w.startCompanions(f, creds); why != nil {
		return why, nil
	}
	if w.extensions = extensionsOf(f); len(w.extensions) > 0 {
		w.telemetry.active.Store(true)
		s.tellInit(w)
		w.api.SetSubject(rapi.Subject{FunctionName: f.name(), FunctionVersion: f.Version, Handler: f.Handler, AccountID: f.ARN.Account})
		if why := w.startExtensions(f, creds); why != nil {
			return why, nil
		}
		if why := w.awaitExtensions(limit); why != nil {
			return why, nil
		}
	}
	if w.lang.Blank() {
		return nil, w.assign(s, creds)
	}
	return nil, nil
}

// process starts the process of a worker. A program that cannot be run is a failure.
func (s *start) process(l lang.Language, creds Credentials) (*worker, *failure, error) {
	f := s.c.f
	if f.Image != nil {
		return s.image(l, creds)
	}
	s.compiled = s.m.compiledMount(l, f)
	if len(f.Besides) > 0 {
		r, err := s.besides(l)
		if err != nil {
			return nil, nil, err
		}
		w, why, err := s.inRoot(l, creds, plan{root: r, ownRoot: true})
		if w == nil {
			r.Close()
		}
		return w, why, err
	}
	if w := s.m.takeBlank(l, f); w != nil {
		return w, nil, nil
	}
	r, err := s.m.rootOf(l)
	if err != nil {
		return nil, nil, err
	}
	return s.inRoot(l, creds, plan{root: r})
}

// inRoot starts the process of a worker in the root of p.
func (s *start) inRoot(l lang.Language, creds Credentials, p plan) (*worker, *failure, error) {
	f, r := s.c.f, p.root
	p.share, p.limits = s.share, fence.Limits{MemoryMB: f.memoryMB(), TmpMB: f.tmpMB()}
	var err error
	at := r.at
	if r.Confined() {
		p.mounts = []fence.Mount{{Hosts: []string{f.Code}, Path: at.task}, {Hosts: f.Layers, Path: at.opt}, s.compiled}
	} else {
		s.compiled.Hosts = nil
		at.task = f.Code
		if at.opt, err = s.m.layersDir(f.Layers); err != nil {
			return nil, nil, err
		}
		p.mounts = []fence.Mount{{Hosts: []string{f.Code}}, {Hosts: f.Layers}, {Hosts: []string{at.opt}}}
	}
	p.dir = at.task
	p.env = func(endpoint string) map[string]string {
		env := baseEnv(at)
		maps.Copy(env, languageEnv(l, at))
		if l.Blank() && !f.ownLoop() {
			maps.Copy(env, bootEnv(f))
		} else {
			maps.Copy(env, functionEnv(f, at, creds, s.stream, s.kind(), endpoint))
		}
		return env
	}
	if l.Kind == lang.Provided {
		return s.provided(p, at)
	}
	if len(f.Program) > 0 {
		return nil, errNotOurs(f), nil
	}
	p.argv = clientArgv(l, r)
	if l.Kind == lang.Java {
		p.argv = javaArgv(f, r, at, r.archived(), functionClassPath(r, at))
	}
	if wrapper := f.Env["AWS_LAMBDA_EXEC_WRAPPER"]; wrapper != "" {
		p.argv = append([]string{wrapper}, p.argv...)
	}
	if f.ownLoop() {
		l = lang.Language{Kind: lang.Provided}
	}
	w, err := s.m.spawn(l, p)
	if e, ok := errors.AsType[*fence.StartError](err); ok && e.Step == "execve" && f.Env["AWS_LAMBDA_EXEC_WRAPPER"] != "" {
		return nil, exited(fence.Exit{Code: 127}), nil // what a shell makes of it
	}
	if err == nil {
		w.at = at
	}
	return w, nil, err
}

// ownLoop says whether a function's wrapper asks for events by itself, as the Lambda
// Web Adapter does: it is called as a runtime of one's own is, and never starts ours.
func (f *Function) ownLoop() bool {
	return f.Env["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
}

// provided starts the program that a function brings.
func (s *start) provided(p plan, at places) (*worker, *failure, error) {
	names := []string{filepath.Join(at.task, "bootstrap"), filepath.Join(at.opt, "bootstrap")}
	if len(s.c.f.Besides) > 0 {
		names = append([]string{filepath.Join(at.runtime, "bootstrap")}, names...)
	}
	if s.c.f.Runtime == "go1.x" {
		names = []string{filepath.Join(at.task, filepath.Clean("/"+s.c.f.Handler))}
		var err error
		if p.rpcPort, err = freePort(p.root.Confined()); err != nil {
			return nil, nil, err
		}
		env := p.env
		p.env = func(endpoint string) map[string]string {
			all := env(endpoint)
			all[rpcVariable] = p.rpcPort
			return all
		}
	}
	if len(s.c.f.Program) > 0 {
		p.dir = cmp.Or(s.c.f.Dir, at.task)
		names = []string{s.c.f.Program[0]}
	}
	for _, name := range names {
		if p.argv = []string{name}; len(s.c.f.Program) > 0 {
			p.argv = s.c.f.program(p.dir)
		}
		w, err := s.m.spawn(lang.Language{Kind: lang.Provided}, p)
		if err == nil {
			w.at = at
			return w, nil, nil
		}
		e, ok := errors.AsType[*fence.StartError](err)
		if !ok || e.Step != "execve" {
			return nil, nil, err
		}
		if !errors.Is(e.Err, syscall.ENOENT) && !errors.Is(e.Err, syscall.ENOTDIR) {
			return nil, &failure{status: "error", errorType: "Runtime.InvalidEntrypoint", message: "fork/exec " + name + ": " + e.Err.Error()}, nil
		}
	}
	return nil, &failure{status: "error", errorType: "Runtime.InvalidEntrypoint", message: "Couldn't find valid bootstrap(s): [" + strings.Join(names, " ") + "]"}, nil
}

// clientArgv runs our client in a language.
func clientArgv(l lang.Language, r *root) []string {
	switch l.Kind {
	case lang.Python:
		return []string{r.exec, "-s", "-B", r.Path(client.PythonFile)}
	case lang.Ruby:
		return []string{r.exec, r.Path(client.RubyFile)}
	}
	return []string{r.exec, "--no-warnings=ExperimentalWarning", r.Path(client.NodeFile)}
}

// javaArgv runs AWS's client for Java, as Lambda does: with most of the memory,
// and compiled for a quick start. It cannot be given a function later.
func javaArgv(f *Function, r *root, at places, archive, classPath string) []string {
	argv := []string{r.exec, fmt.Sprintf("-Xmx%dm", max(32, f.memoryMB()*4/5)), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData"}
	if archive != "" {
		argv = append(argv, archive, "-Xlog:cds*=off") // without one it works too, and it is not for functions' logs
	}
	if at.trust != "" {
		argv = append(argv, "-Djavax.net.ssl.trustStore="+at.trust+"/"+javaRoots)
	}
	return append(argv, "-cp", classPath, "com.amazonaws.services.lambda.runtime.api.client.AWSLambda", f.Handler)
}

// functionClassPath is where a function's classes are, after those of the client:
// their archive is good for what begins with them.
func functionClassPath(r *root, at places) string {
	return r.classPath + ":" + expand(at, "/var/task:/var/task/lib/*:/opt/java/lib/*")
}

// archived has the JVM use the archive of the root, if there is one.
func (r *root) archived() string {
	if !r.hasArchive {
		return ""
	}
	return "-XX:SharedArchiveFile=" + archiveSeen
}

// rootOf is the root for a language, made when it is first needed.
func (m *Manager) rootOf(l lang.Language) (*root, error) {
	packages := m.sdkOf(l)
	m.rootMu.Lock()
	defer m.rootMu.Unlock()
	if r := m.roots[l]; r != nil {
		return r, nil
	}
	r, err := m.newRoot(l, packages)
	if err != nil {
		return nil, err
	}
	m.roots[l] = r
	if r.archive != "" && !r.hasArchive {
		m.group.Go(func() { m.archive(l, r) })
	}
	return r, nil
}

// newRoot makes a root for a language and its packages.
func (m *Manager) newRoot(l lang.Language, packages string, besides ...fence.Bind) (*root, error) {
	binds := append(m.trustBinds(), besides...)
	files := map[string][]byte{}
	exec := filepath.Join(l.Prefix, l.Exec)
	switch l.Kind {
	case lang.Node:
		files[client.NodeFile] = client.Node
		files[client.CodesFile] = client.Codes
		files[compiledDir[1:]+"/"+compiledFile] = nil // so that there is a directory
		maps.Copy(files, client.Rehearsal)
	case lang.Python:
		files[client.PythonFile] = client.Python
	case lang.Ruby:
		files[client.RubyFile] = client.Ruby
	case lang.Java: // parts of it, where the system keeps settings
		settings, _ := filepath.Glob("/etc/java-*")
		for _, dir := range settings {
			binds = append(binds, fence.Bind{Host: dir, Path: dir})
		}
	}
	if l.Kind != lang.Provided && !inUsr(l) {
		binds = append(binds, fence.Bind{Host: l.Prefix, Path: "/var/lang"})
	}
	if packages != "" {
		binds = append(binds, fence.Bind{Host: packages, Path: sdkPlace(l)})
	}
	archive := m.archiveOf(l, packages)
	_, missing := os.Stat(archive)
	if missing == nil {
		binds = append(binds, fence.Bind{Host: archive, Path: archiveSeen})
	}
	fr, err := m.fence.NewRoot(binds, files)
	if err != nil {
		return nil, err
	}
	r := &root{Root: fr, at: fencedPlaces, exec: exec}
	if fr.Confined() { // where classes are is part of an archive
		r.archive, r.hasArchive = archive, missing == nil
	}
	r.at.sdk = sdkPlace(l)
	if fr.Confined() && !inUsr(l) {
		r.exec = "/var/lang/" + l.Exec
	}
	if !fr.Confined() {
		r.at.runtime, r.at.lang, r.at.trust = fr.Path("var/runtime"), l.Prefix, m.trustDir()
		r.at.sdk = packages
	}
	if l.Kind == lang.Java {
		r.classPath = classPath(packages, r.at.sdk)
	}
	return r, nil
}

// classPath names the jars of a directory, as they are seen at another place. It
// is always in the same order.
func classPath(dir, seen string) string {
	jars, _ := filepath.Glob(filepath.Join(dir, "*.jar")) // sorted
	for i, jar := range jars {
		jars[i] = filepath.Join(seen, filepath.Base(jar))
	}
	return strings.Join(jars, ":")
}

// sdkOf is the directory with the SDK of a language, or "".
func (m *Manager) sdkOf(l lang.Language) string {
	dir, err := m.sdks.Get(m.ctx, l)
	if _, said := m.said.LoadOrStore(l, true); err != nil && m.ctx.Err() == nil && !said {
		m.cfg.Tell(err.Error())
	}
	return dir
}

// sdkPlace is where workers see their SDK.
func sdkPlace(l lang.Language) string {
	if l.Kind == lang.Node {
		return "/var/runtime/node_modules"
	}
	return "/var/runtime/sdk"
}
