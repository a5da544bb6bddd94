package platformtest

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/aloft-cloud/aloft/internal/database"
	"github.com/aloft-cloud/aloft/internal/task"
)

// databases are there soon after they are wanted, and nobody can connect to them: no
// server runs on a clock of ours.
type databases struct{}

// soon is how long a database is made, so that a script sees it being made.
const soon = 100 * time.Millisecond

func made(ctx context.Context) error {
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errNoServer = errors.New("no servers of databases run in tests of scripts")

func (databases) Make(ctx context.Context, _ *database.Database, _ *database.Owner) error {
	return made(ctx)
}

func (databases) SetPassword(context.Context, *database.Database, string, string) error { return nil }

func (databases) Dial(context.Context, *database.Database) (net.Conn, error) {
	return nil, errNoServer
}

func (databases) Serve(context.Context, net.Conn, *database.Database, *database.Door) error {
	return errNoServer
}

func (databases) Copy(ctx context.Context, _, _ string) error { return made(ctx) }

func (databases) Stop(string) {}

func (databases) Remove(string) error { return nil }

func (databases) IDs() ([]string, error) { return nil, nil }

func (databases) Task() task.Task {
	return task.Task{Name: "database/idle", Run: func(context.Context) (time.Duration, error) { return time.Hour, nil }}
}

func (databases) Close() error { return nil }
