package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/client"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
)

// A worker is a process that serves one version of one function; until it is
// told which, it is blank.
type worker struct {
	m      *Manager
	lang   lang.Language
	at     places
	proc   *fence.Process
	api    *rapi.Server
	log    *logger
	exited chan struct{} // closed when the process has ended
	exit   fence.Exit    // then
	gone   chan struct{} // closed when nothing of it is left

	blank  chan struct{}    // it asked which function it is
	ready  chan struct{}    // it asked for its first event
	failed chan rapi.Answer // it could not start
	answer chan rapi.Answer // to the event it has

	assigned atomic.Bool // it knows which function it is

	root       *root
	ownRoot    bool          // nobody else uses root
	extensions []string      // their names
	registered chan struct{} // one of them has registered
	beside     atomic.Int32  // how many run
	leaving    atomic.Bool   // it is about to end
	companions []*http.Server
	telemetry  telemetry
	kind       string // of its start; see start.kind

	training bool  // it gets events of ours while it is blank
	crew     *crew // nil while blank
	stream   string
	used     bool // an event was given to it
	init     time.Duration
	expires  time.Time // of its credentials; zero is never

	// Guarded by m.mu:
	booting   bool
	trained   int  // events of ours that it was given
	waiting   bool // it asked for an event
	returning bool // its invoke is over, and it has not asked for the next
	dead      bool
	frozen    bool
	unfrozen  bool // it cannot be frozen
	parked    bool // it was booted ahead
	mb        int  // of the budget
	idleSince time.Time
}

// A plan is how to start a worker.
type plan struct {
	root   *root
	argv   []string
	env    func(endpoint string) map[string]string
	mounts []fence.Mount
	share  *Share
	limits fence.Limits
	dir    string

	training bool   // the worker gets events of ours before it is blank
	rpcPort  string // the program may serve calls there; see bridge
	ownRoot  bool   // nobody else starts at root
}

// spawn starts a process for a worker.
func (m *Manager) spawn(l lang.Language, p plan) (*worker, error) {
	ours, its, err := fence.Pipe()
	if err != nil {
		return nil, err
	}
	defer its.Close()
	if m.ctx.Err() != nil {
		ours.Close()
		return nil, ErrClosed
	}
	w := &worker{m: m, lang: l, at: p.root.at, exited: make(chan struct{}), gone: make(chan struct{}), blank: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		failed: make(chan rapi.Answer, 1), answer: make(chan rapi.Answer, 1), booting: true, training: p.training,
		root: p.root, ownRoot: p.ownRoot, registered: make(chan struct{}, 1)}
	w.assigned.Store(!l.Blank())
	w.api = rapi.New(w.hooks())
	w.proc, err = m.fence.Start(&fence.Spec{Root: p.root.Root, Argv: p.argv, Dir: p.dir, Mounts: p.mounts, Share: p.share, Out: its, Limits: p.limits,
		Env: func(a fence.Addresses) []string {
			env := p.env(a.Endpoint)
			env["AWS_LAMBDA_RUNTIME_API"] = a.API
			if a.Secure != "" && l.Blank() { // our clients lead there what names do not
				env["ALOFT_LEAD"] = a.Endpoint + "," + a.Secure
			}
			return list(env)
		}})
	if errors.Is(err, fence.ErrIncomplete) {
		err = fmt.Errorf("%w: it lacks %s", ErrUnfenced, strings.Join(m.Missing(), "; "))
	}
	if err != nil {
		ours.Close()
		return nil, err
	}
	if w.log, err = m.newLogger(ours, &w.telemetry); err != nil {
		w.proc.Kill()
		ours.Close()
	}
	m.mu.Lock()
	m.live[w] = struct{}{}
	if m.closed {
		w.proc.Kill()
	}
	m.mu.Unlock()
	m.group.Go(func() { w.api.Serve(&m.group, w.proc.API) })
	left := make(chan struct{}, maxConns)
	m.group.Go(func() { m.endpoint.Serve(&limited{w.proc.Endpoint, left, w}) })
	if w.proc.Secure != nil {
		m.group.Go(func() { m.endpoint.Serve(&secured{&limited{w.proc.Secure, left, w}, m.tls}) })
	}
	for _, l := range w.proc.Outside {
		m.group.Go(func() { m.endpoint.Serve(&outside{&limited{l, left, w}, m}) })
	}
	if w.proc.Names != nil {
		m.group.Go(func() { m.names.Serve(m.ctx, &m.group, w.proc.Names) })
	}
	m.group.Go(w.watch)
	if p.rpcPort != "" {
		m.group.Go(func() { w.bridge(p.rpcPort) })
	}
	return w, err
}

// hooks are what w is told of its API.
func (w *worker) hooks() rapi.Hooks {
	return rapi.Hooks{
		Blank: func() { signal(w.blank) },
		Ready: w.isReady,
		Answer: func(a rapi.Answer) {
			if a.RequestID != trainingID {
				put(w.answer, a)
			}
		},
		InitError: func(a rapi.Answer) { put(w.failed, a) },
		Extension: w.extensionChanged,
		ExtensionReady: func(name string, events []string) {
			w.tell("platform.extension", map[string]any{"name": name, "state": "Ready", "events": events})
		},
		Subscribe: w.subscribed,
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put leaves an answer for who waits. A second one, which nobody asked for, is dropped.
func put(c chan rapi.Answer, a rapi.Answer) {
	select {
	case c <- a:
	default:
	}
}

// watch waits for the end of the process and clears up after it.
func (w *worker) watch() {
	w.exit = w.proc.Wait()
	w.api.Drain()
	w.m.buried(w)
	close(w.exited)
	w.api.Close()
	w.endCompanions()
	w.proc.Release()
	if w.ownRoot {
		w.root.Close()
	}
	close(w.gone)
}

// mount gives a blank worker that was booted ahead the files of f.
func (w *worker) mount(f *Function, compiled fence.Mount) error {
	err := w.proc.Become(fence.Limits{MemoryMB: f.memoryMB(), TmpMB: f.tmpMB()},
		fence.Mount{Hosts: []string{f.Code}, Path: w.at.task}, fence.Mount{Hosts: f.Layers, Path: w.at.opt}, compiled)
	if err != nil {
		return fmt.Errorf("give a worker its code: %w", err)
	}
	return nil
}

// assign makes a blank worker one of the function that s starts.
func (w *worker) assign(s *start, creds Credentials) error {
	f := s.c.f
	w.assigned.Store(true)
	env := functionEnv(f, w.at, creds, s.stream, w.kind, w.proc.Endpoint.Addr().String())
	job := client.Job{Handler: f.Handler, Version: lang.Asked(f.Runtime), Task: w.at.task, Opt: w.at.opt, Env: env}
	if len(s.compiled.Hosts) > 0 {
		job.Codes = compiledDir + "/" + compiledFile
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return w.api.Assign(text)
}

// await waits until a worker that was started asks for its first event, or
// fails to, within limit.
func (w *worker) await(step <-chan struct{}, limit <-chan time.Time) *failure {
	select {
	case <-step:
		return nil
	case a := <-w.failed:
		f := &failure{status: "error", errorType: a.ErrorType, document: a.Body}
		if f.errorType == "" {
			f.errorType = typeOf(a.Body)
		}
		return f
	case <-w.exited:
		select {
		case a := <-w.failed:
			return &failure{status: "error", errorType: typeOf(a.Body), document: a.Body}
		default:
			return exited(w.exit)
		}
	case <-limit:
		return &failure{status: "timeout"}
	}
}

// typeOf is the errorType of an error document.
func typeOf(document []byte) string {
	var d struct {
		ErrorType string `json:"errorType"`
	}
	json.Unmarshal(document, &d)
	return d.ErrorType
}

// dismiss ends a worker.
func (w *worker) dismiss() { w.proc.Kill() }

// settle ends a worker and takes the last of its output.
func (w *worker) settle() {
	w.dismiss()
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case <-w.log.done:
	case <-late.C:
	}
}

// errNotRun says that the worker was gone before it had the event.
var errNotRun = errors.New("the worker was gone")

// run gives the worker an event and waits for its answer. The caller has the
// worker, which is waiting, and no longer after the call.
func (w *worker) run(f *Function, e *Event, began bool) (Result, error) {
	s := scribe{f}
	if !began {
		w.log.drain() // what it wrote while it started, or since
		w.log.begin(s.start(e.RequestID))
	}
	w.tellInvoke(e, f.Version)
	limit := f.timeout()
	start := time.Now()
	ev := &rapi.Event{RequestID: e.RequestID, Payload: e.payload(), Deadline: start.Add(limit), InvokedARN: e.InvokedARN, TraceID: e.TraceID,
		ClientContext: e.ClientContext, CognitoIdentity: e.CognitoIdentity, Tenant: e.Tenant, Stream: e.Stream}
	a, why, err := w.exchange(ev, limit)
	if err != nil {
		w.dismiss()
		return Result{}, err
	}
	res := Result{LogStream: w.stream}
	res.Stats = Stats{Cold: !w.used, Duration: time.Since(start), MaxMB: min(w.proc.PeakMB(), f.memoryMB())}
	if res.Stats.Cold {
		res.Stats.Init = w.init
	}
	w.used = true
	w.finish(f, e, &res, a, why)
	return res, nil
}

// lookAtMemory is how often the memory of a busy worker is looked at.
const lookAtMemory = 50 * time.Millisecond

// exchange sends an event and waits for its answer.
func (w *worker) exchange(ev *rapi.Event, limit time.Duration) (a rapi.Answer, why *failure, err error) {
	timer, look := time.NewTimer(limit), time.NewTimer(lookAtMemory)
	defer timer.Stop()
	defer look.Stop()
	w.api.TellInvoke(ev)
	if errors.Is(w.api.Send(ev), rapi.ErrNotWaiting) {
		return a, nil, errNotRun
	}
	for ended := false; !ended; {
		select {
		case a = <-w.answer:
			return a, nil, nil
		case <-timer.C:
			return a, timedOut(limit), nil
		case <-look.C:
			if w.proc.OverMemory() {
				w.dismiss()
			}
			look.Reset(lookAtMemory)
		case <-w.exited:
			ended = true
		}
	}
	select {
	case a = <-w.answer: // its last word
		return a, nil, nil
	default:
		return a, exited(w.exit), nil
	}
}

// finish writes the end of an invoke and makes the result of it.
func (w *worker) finish(f *Function, e *Event, res *Result, a rapi.Answer, why *failure) {
	s := scribe{f}
	res.Stats.Billed = billed(res.Stats.Duration)
	if w.lang.Kind == lang.Provided {
		res.Stats.Billed = billed(res.Stats.Duration + res.Stats.Init)
	}
	switch {
	case why != nil:
		if why.status == "timeout" {
			res.Stats.Billed = f.timeout()
		}
		w.settle()
		res.FunctionError, res.Payload = "Unhandled", why.payload(e.RequestID)
		if line := s.failed(e.RequestID, why); line != "" {
			w.log.write(line)
		}
	case a.TooLarge > 0:
		res.FunctionError, res.Payload = "Unhandled", tooLarge()
	case a.Failed:
		res.FunctionError, res.Payload = "Unhandled", a.Body
	default:
		res.Payload = a.Body
	}
	if why == nil {
		w.log.drain()
	}
	w.tellInvoked(e, f, res, why)
	res.LogTail = w.log.end(s.end(e.RequestID, res.Stats, why)...)
	w.m.release(w, w.proc.PeakMB())
}

func (e *Event) payload() []byte {
	if len(e.Payload) == 0 {
		return []byte("{}")
	}
	return e.Payload
}
