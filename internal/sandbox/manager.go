package sandbox

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Config is what a Manager needs. Its zero value runs functions fenced in,
// without an endpoint to call and with their logs thrown away.
type Config struct {
	// Dir is a directory for sockets and the runtime clients. One in the
	// system's temporary directory if empty.
	Dir string

	// Endpoint serves what functions send to the platform.
	Endpoint http.Handler

	// Sink takes what functions log, a batch at a time; batches of a worker
	// come in order. It may block: then that worker's output waits.
	Sink func(LogBatch)

	// Unfenced allows to run functions with less of a fence than there should
	// be, or none, where the host lacks what a fence needs.
	Unfenced bool

	// MemoryMB is what all workers together may have, by their functions'
	// settings. Three quarters of the host's if 0.
	MemoryMB int

	// Depth is how many blank workers are kept ready for each runtime that was
	// prepared. Negative is none; 0 lets the Manager choose.
	Depth int

	Log *slog.Logger // nil is slog.Default
}

// A Manager runs functions in processes of this host.
type Manager struct {
	cfg Config
}

// New returns a Manager. It starts no process yet. The host may lack what a
// fence needs: see Missing.
func New(cfg Config) (*Manager, error) {
	return &Manager{cfg: cfg}, nil
}

// Missing says what this host lacks for a whole fence, for people to read:
// empty means that nothing is missing.
func (m *Manager) Missing() []string { return nil }

// Invoke runs f on e in a worker of its own.
func (m *Manager) Invoke(ctx context.Context, f *Function, e Event) (Result, error) {
	return Result{}, ErrUnfenced
}

// Prepare fills the pool of a runtime.
func (m *Manager) Prepare(runtime string) error { return nil }

// Forget ends the workers of a function.
func (m *Manager) Forget(function aws.ARN) {}

// Close ends all workers.
func (m *Manager) Close() error { return nil }

var _, _ Runner = (*Manager)(nil), (*InProcess)(nil)
