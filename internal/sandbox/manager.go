package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/names"
	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
	"github.com/aloft-cloud/aloft/internal/sandbox/sdk"
	"github.com/aloft-cloud/aloft/internal/scratch"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what a Manager needs. Its zero value runs functions fenced in,
// without an endpoint to call and with their logs thrown away.
type Config struct {
	// Dir is a directory for mount points and the runtime clients, with nothing
	// else in it. One in the system's temporary directory if empty.
	Dir string

	// Endpoint serves what functions send to the platform: to AWS_ENDPOINT_URL,
	// and to names of AWS where they have a network of their own.
	Endpoint http.Handler
	Port     int // of the endpoint in a worker's own network; 4566 if 0

	// CA signs the certificates of the names of AWS; functions trust it. A
	// new one if nil.
	CA *ca.Authority

	// Egress says what else functions may reach, where they have a network of
	// their own.
	Egress fence.Egress

	// Beside is what functions find at other addresses of the platform's.
	Beside Beside

	// Sink takes what functions log, a batch at a time; batches of a worker
	// come in order. It may block: then, in the end, functions that log wait.
	Sink func(LogBatch)

	// Unfenced allows to run functions with less of a fence than there should
	// be, or none, where the host lacks what a fence needs.
	Unfenced bool

	// SDKs is where the AWS SDKs are kept that functions find without bringing
	// them. Empty: they find those of the host alone.
	SDKs string

	// Tell is told what people should know, once: what takes a while at the
	// first start, what runs on another version. It is logged if nil.
	Tell func(string)

	// MemoryMB is what all workers together may use. Three quarters of the
	// host's if 0.
	MemoryMB int

	// Depth is how many blank workers are kept ready for each language that was
	// prepared. Negative is none; 0 lets the Manager choose.
	Depth int

	Log *slog.Logger // nil is slog.Default
}

// Beside are hosts of AWS's that are no HTTP, such as those of databases. They have
// addresses of their own. A nil field has none.
type Beside struct {
	Address func(ctx context.Context, host string) (netip.Addr, bool)
	// Serve serves a connection to an address, until it ends; it is false, at once, if
	// nothing of ours is there.
	Serve func(ctx context.Context, c net.Conn, to netip.AddrPort) bool
}

// maxTries is how many workers an event is given to that are gone before they
// have it.
const maxTries = 3

// maxConns is how many connections a worker may hold, to the endpoint and outside.
const maxConns = 512

// A Manager runs functions in processes of this host.
type Manager struct {
	cfg      Config
	fence    *fence.Fence
	finder   lang.Finder
	sdks     sdk.Store
	endpoint *http.Server
	tls      *tls.Config // of the endpoint
	names    names.Server
	remove   func() error // removes what is only ours; nil if Dir was given
	ctx      context.Context
	cancel   context.CancelFunc
	group    task.Group
	boots    chan struct{} // as many as may start at once
	buffers  sync.Pool     // *[]byte, to read output
	logs     logs
	logBell  task.Bell
	idleBell task.Bell
	poolBell task.Bell

	said sync.Map // runtimes that run on another version, of which we said so

	rootMu    sync.Mutex
	roots     map[lang.Language]*root
	compiling chan struct{} // holds one for who compiles
	oldRoots  []*root

	mu       sync.Mutex
	pools    map[lang.Language]*pool
	crews    map[string]*crew     // by function and version
	retired  map[*crew]bool       // that still have workers
	compiled []*compiled          // the oldest first
	live     map[*worker]struct{} // all, those that start too
	usedMB   int
	clock    float64 // of Greedy-Dual: the value of the last worker that was evicted
	nextLook time.Time
	closed   bool
}

// New returns a Manager. It starts no process yet. The host may lack what a
// fence needs: see Missing.
func New(cfg Config) (*Manager, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Tell == nil {
		cfg.Tell = func(s string) { cfg.Log.Warn(s) }
	}
	if cfg.Port == 0 {
		cfg.Port = 4566
	}
	if cfg.MemoryMB == 0 {
		cfg.MemoryMB = hostMemoryMB() * 3 / 4
	}
	m := &Manager{cfg: cfg, crews: map[string]*crew{}, retired: map[*crew]bool{}, live: map[*worker]struct{}{}, roots: map[lang.Language]*root{},
		compiling: make(chan struct{}, 1), boots: make(chan struct{}, max(2, 2*runtime.NumCPU())), logBell: task.NewBell(), idleBell: task.NewBell(), poolBell: task.NewBell(), pools: map[lang.Language]*pool{}, nextLook: time.Now().Add(time.Hour)}
	m.group.Log = cfg.Log
	m.sdks.Dir, m.sdks.Tell = cfg.SDKs, cfg.Tell
	m.buffers.New = func() any { return new(make([]byte, 64<<10)) }
	m.finder.Home, _ = os.UserHomeDir() // without one, there are fewer places to look
	if err := m.makeDir(); err != nil {
		return nil, err
	}
	if err := m.open(); err != nil {
		return nil, err
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.group.Start(m.ctx, task.Task{Name: "sandbox/logs", Bell: m.logBell, Run: func(context.Context) (time.Duration, error) { return m.flushLogs(false), nil }})
	m.group.Start(m.ctx, task.Task{Name: "sandbox/idle", Bell: m.idleBell, Run: m.look})
	m.group.Start(m.ctx, task.Task{Name: "sandbox/pools", Bell: m.poolBell, Run: m.fillPools})
	return m, nil
}

// open opens what workers meet: the fence, and the platform as they see it.
func (m *Manager) open() (err error) {
	if m.cfg.CA == nil {
		if m.cfg.CA, err = ca.Open(""); err != nil {
			return err
		}
	}
	if err := m.writeTrust(); err != nil {
		return err
	}
	m.tls = m.cfg.CA.TLS()
	m.names = names.Server{Platform: fence.Platform, Beside: m.cfg.Beside.Address}
	if m.cfg.Egress.Host {
		m.names.Host = fence.Host
	}
	if m.cfg.Egress.Internet || len(m.cfg.Egress.Allow) > 0 {
		m.names.Servers = names.HostServers("/etc/resolv.conf")
	}
	handler := m.cfg.Endpoint
	if handler == nil {
		handler = http.NotFoundHandler()
	}
	m.endpoint = &http.Server{Handler: stubbed(handler), ConnContext: withWorker, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 15 * time.Minute, ErrorLog: slog.NewLogLogger(m.cfg.Log.Handler(), slog.LevelDebug)}
	m.endpoint.Protocols = new(http.Protocols) // SDKs for JavaScript speak HTTP/2 with some services, without TLS too
	m.endpoint.Protocols.SetHTTP1(true)
	m.endpoint.Protocols.SetHTTP2(true)
	m.endpoint.Protocols.SetUnencryptedHTTP2(true)
	m.fence, err = fence.New(fence.Config{Dir: m.cfg.Dir, Unfenced: m.cfg.Unfenced, Port: m.cfg.Port, Egress: m.cfg.Egress, Log: m.cfg.Log, Group: &m.group})
	return err
}

func (m *Manager) makeDir() error {
	if m.cfg.Dir != "" {
		return os.MkdirAll(m.cfg.Dir, 0o700)
	}
	var err error
	m.cfg.Dir, m.remove, err = scratch.Dir("aloft-sandbox-")
	return err
}

// Missing says what this host lacks for a whole fence, for people to read:
// empty means that nothing is missing.
func (m *Manager) Missing() []string { return m.fence.Missing() }

// Invoke runs f on e in a worker of its own. When ctx ends while there is none
// yet, the event is not run; later it does not matter.
func (m *Manager) Invoke(ctx context.Context, f *Function, e Event) (Result, error) {
	if len(e.Payload) > rapi.MaxPayload {
		return Result{}, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(e.Payload))
	}
	for try := 1; ; try++ {
		g, err := m.hire(ctx, f, &e)
		if err != nil || g.result != nil {
			if g.result == nil {
				g.result = new(Result)
			}
			return *g.result, err
		}
		res, err := g.worker.run(f, &e, g.began)
		if !errors.Is(err, errNotRun) {
			return res, err
		}
		if try == maxTries {
			why := exited(g.worker.exit)
			return Result{FunctionError: "Unhandled", Payload: why.payload(e.RequestID)}, nil
		}
	}
}

func (m *Manager) findLanguage(runtime string) (lang.Language, error) {
	l, err := m.finder.Find(runtime)
	if err != nil {
		return l, fmt.Errorf("%w: %w", ErrRuntime, err)
	}
	if _, said := m.said.LoadOrStore(runtime, true); !said && !l.Exact(runtime) {
		m.cfg.Tell(fmt.Sprintf("Functions in %s run on %s, which is nearest of what is installed", runtime, l))
	}
	return l, nil
}

// Layer returns the archive of a public layer, for functions of a runtime.
func (m *Manager) Layer(ctx context.Context, name, runtime string) ([]byte, error) {
	l, err := m.findLanguage(runtime)
	if err != nil {
		return nil, err
	}
	return m.sdks.Layer(ctx, name, l)
}

// languageOf is the language that runs f.
func (m *Manager) languageOf(f *Function) (lang.Language, error) {
	if f.Image != nil {
		return lang.Language{Kind: lang.Provided}, nil
	}
	return m.findLanguage(f.Runtime)
}

// Forget ends the workers of a function: idle ones now, busy ones after their event.
func (m *Manager) Forget(function aws.ARN) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, c := range m.crews {
		if c.f.ARN == function {
			m.retire(key, c)
		}
	}
}

// Close ends all workers. Events in progress fail.
func (m *Manager) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	var all []*worker
	for w := range m.live {
		all = append(all, w)
	}
	for _, c := range m.allCrews() {
		for _, t := range c.queue {
			t.got <- grant{err: ErrClosed}
		}
		c.queue = nil
	}
	m.mu.Unlock()
	m.cancel()
	for _, w := range all {
		w.dismiss()
	}
	for _, w := range all {
		<-w.gone
	}
	m.endpoint.Close()
	m.fence.Close()
	m.group.Wait()
	m.flushLogs(true)
	for _, r := range slices.AppendSeq(m.oldRoots, maps.Values(m.roots)) {
		r.Close()
	}
	if m.remove != nil {
		return m.remove()
	}
	return nil
}

// A root is where the workers of a language start.
type root struct {
	*fence.Root
	at   places
	exec string // the interpreter

	// For Java:
	classPath  string // of AWS's client
	archive    string // where the archive of its classes is kept; "" if it can have none
	hasArchive bool
}

var _, _ Runner = (*Manager)(nil), (*InProcess)(nil)

// layersDir is a directory that has what all layers have, where they cannot be
// laid over each other.
func (m *Manager) layersDir(layers []string) (string, error) {
	if len(layers) < 2 {
		return append(layers, filepath.Join(m.cfg.Dir, "no-layers"))[0], nil
	}
	dir, err := os.MkdirTemp(m.cfg.Dir, "layers-")
	if err != nil {
		return "", err
	}
	for i := len(layers) - 1; i >= 0; i-- { // the last wins: it is first, and CopyFS does not overwrite
		if err := os.CopyFS(dir, os.DirFS(layers[i])); err != nil && !errors.Is(err, os.ErrExist) {
			return "", err
		}
	}
	return dir, nil
}
