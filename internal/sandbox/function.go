package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
)

// A Function is what to run: one version of a function with all its settings.
// It is not changed while the Manager may know it.
type Function struct {
	ARN      aws.ARN // of the function, without version
	Version  string  // "$LATEST" or a number
	Revision string  // changes with anything below: workers of another revision are not used

	Runtime      string // "nodejs22.x", "python3.12", "provided.al2023", "go1.x"
	Architecture string // "x86_64" or "arm64"
	Handler      string
	Code         string            // directory with the unpacked package, seen as /var/task
	Layers       []string          // directories with unpacked layers, merged into /opt in this order
	Env          map[string]string // the function's own variables
	Image        *Image            // the function is one, and has no Runtime, Handler, Code or Layers; or nil

	// What an image may say that is laid over a runtime: see Lay.
	Besides []Bind   // files at other places than those of code and layers
	Program []string // of a custom runtime: what runs in place of bootstrap, and its arguments
	Dir     string   // where it starts; empty is /var/task

	// Credentials returns what the code may act with: a session of the
	// function's role. It is called for every worker; nil means none.
	Credentials func(context.Context) (Credentials, error)

	// Share returns the file system that the code writes besides. It is called
	// for every worker; nil means none. An error that is not ErrShare is ours.
	Share func(context.Context) (*Share, error)

	// Companions answer HTTP at ports of the code's own loopback, as extensions do
	// that are of the platform. Each is made for every worker.
	Companions map[int]Companion

	MemoryMB int           // 0 means 128
	TmpMB    int           // size of /tmp; 0 means 512
	Timeout  time.Duration // of one invoke; 0 means 3 s

	LogGroup  string // "/aws/lambda/" and the name if empty
	LogFormat string // "Text" or "JSON"; empty is Text
	LogLevel  string // lowest level of the code's own lines in JSON: "INFO" if empty
}

// An Image is a container image that runs as it is: its program speaks the
// Runtime API.
type Image struct {
	Dir                 string // it is unpacked in, by package image
	Entrypoint, Command []string
	WorkingDir          string
	Env                 []string // "name=value"; the function's own come before these
}

// A Share is a directory that workers of functions have in common, and write.
type Share = fence.Share

// A Companion makes what answers a worker that acts with creds; what it logs is
// a line of the worker's log.
type Companion func(creds Credentials, log func(string)) http.Handler

// Credentials are keys of a role session.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// An Event is one request to a function.
type Event struct {
	RequestID       string // a UUID
	Payload         []byte // JSON; nil is "{}"
	InvokedARN      string // as the caller named it, with version or alias
	TraceID         string // value of X-Amzn-Trace-Id
	ClientContext   string // JSON, as the caller's SDK made it
	CognitoIdentity string // JSON
	Tenant          string // no worker serves two; empty if the function has none

	// Stream, if not nil, is called when the function begins to stream its
	// answer, and takes it as it comes; Result.Payload is empty then.
	Stream func(contentType string) io.Writer
}

// A Result is a function's answer.
type Result struct {
	Payload       []byte // what it returned, or the error document if FunctionError is set
	FunctionError string // empty, "Unhandled" or "Handled"
	LogTail       []byte // the last 4 KB of what it logged
	LogStream     string
	Stats         Stats
}

// Stats says what an invoke cost.
type Stats struct {
	Cold     bool          // a new worker was made for it
	Init     time.Duration // of the new worker
	Duration time.Duration // of the handler
	Billed   time.Duration
	MaxMB    int // most memory the worker has used; 0 if the host cannot tell
}

// A LogBatch is what one worker wrote, in order.
type LogBatch struct {
	Function      aws.ARN
	Version       string
	Group, Stream string
	Lines         []LogLine
}

// A LogLine is one message of a function's log.
type LogLine struct {
	Time    time.Time
	Message string
}

// Runner is what Manager and InProcess do. Invoke runs f on e: what the code
// does wrong is in the Result, an error means that the code did not run.
type Runner interface {
	Invoke(ctx context.Context, f *Function, e Event) (Result, error)

	// Prepare says that functions of a runtime will soon be invoked. It
	// returns at once; ErrRuntime if none of its versions is installed.
	Prepare(runtime string) error

	// Keep has n workers of f ready from now on, also if nobody calls it; 0
	// ends that. It returns how many are, and whether the last that was started
	// did not come up.
	Keep(f *Function, n int) (ready int, broken bool)
	// Layer returns the archive of a public layer, for functions of a runtime.
	Layer(ctx context.Context, name, runtime string) ([]byte, error)

	// Forget ends the idle workers of a function, and the busy ones after their
	// events: its code was changed, or it was deleted.
	Forget(function aws.ARN)

	// Close ends all workers. Events in progress fail.
	Close() error
}

// Why code did not run. Errors returned by Invoke wrap one of these, or are
// failures of ours.
var (
	// ErrBusy: all workers that the host has room for are busy.
	ErrBusy = errors.New("no room for another worker")

	// ErrRuntime: the language is not installed; the error's text says what to install.
	ErrRuntime = errors.New("runtime not available")

	// ErrUnfenced: this host cannot fence functions in, and Config does not allow to run them so.
	ErrUnfenced = errors.New("functions cannot be sandboxed on this host")

	// ErrTooLarge: the payload is over 6 MB.
	ErrTooLarge = errors.New("payload too large")

	// ErrShare: its file system is not there, or cannot be mounted.
	ErrShare = fence.ErrShare

	// ErrClosed: the Manager was closed.
	ErrClosed = errors.New("sandbox is closed")
)

func (f *Function) timeout() time.Duration {
	if f.Timeout <= 0 {
		return 3 * time.Second
	}
	return f.Timeout
}

func (f *Function) memoryMB() int {
	if f.MemoryMB <= 0 {
		return 128
	}
	return f.MemoryMB
}

func (f *Function) tmpMB() int {
	if f.TmpMB <= 0 {
		return 512
	}
	return f.TmpMB
}

func (f *Function) logGroup() string {
	if f.LogGroup != "" {
		return f.LogGroup
	}
	return "/aws/lambda/" + f.name()
}

// name is the function's name: the part of its ARN after "function:".
func (f *Function) name() string {
	const kind = "function:"
	if len(f.ARN.Resource) > len(kind) && f.ARN.Resource[:len(kind)] == kind {
		return f.ARN.Resource[len(kind):]
	}
	return f.ARN.Resource
}
