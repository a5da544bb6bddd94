package database

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	idleAfter = 5 * time.Minute // a server that nobody is connected to ends
	lookEvery = time.Minute
)

// Config is what a Fleet needs.
type Config struct {
	Dir      string       // keeps the databases
	Cache    string       // keeps the programs of servers; empty: nothing is fetched
	Unfenced bool         // run servers where the host cannot fence them off
	Tell     func(string) // is told what people should know while they wait
	Log      *slog.Logger
}

// An Engine is a kind of server.
type Engine interface {
	// program says what serves databases of a version.
	program(version string) (*program, error)
	// create and serve are the commands that make a database, and serve it.
	create(at place) []string
	serve(at place, settings map[string]string) []string
	// prepare writes what create needs into the directory of a new database, and
	// clean removes what of it is not to stay.
	prepare(dir, password string) error
	clean(dir string) error
	// ping reports whether a server answers.
	ping(ctx context.Context, a *Admin) error
	// own makes the users and the database that owners of databases have.
	own(ctx context.Context, a *Admin, o *Owner) error
	// setPassword changes the password of a user.
	setPassword(ctx context.Context, a *Admin, user, password string) error
	port() int
	// welcome speaks with a client until it is to speak with the server, and returns
	// both connections; near is nil if there is nothing more to say.
	welcome(ctx context.Context, f *Fleet, c net.Conn, db *Database, d *Door) (near, far net.Conn, err error)
}

// A Database is one that a Fleet keeps.
type Database struct {
	ID       string // also of its directory
	Engine   Engine
	Version  string            // "17"; "" is the usual one
	Settings map[string]string // of its server
	Note     string            // what people should know of the server
}

// An Owner is who is to have a new database.
type Owner struct{ User, Password, Database string }

// A Fleet keeps databases and runs their servers.
type Fleet struct {
	cfg      Config
	group    task.Group // of servers
	fences   task.Group // of what servers start in, and of who is connected
	ctx      context.Context
	stop     context.CancelFunc
	fetching chan struct{} // holds one for who fetches

	mu      sync.Mutex
	servers map[string]*server       // that run, or start
	frozen  map[string]chan struct{} // databases that are copied
	yard    *yard
}

// New returns a Fleet. It starts nothing before the first connection.
func New(cfg Config) *Fleet {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Tell == nil {
		cfg.Tell = func(s string) { cfg.Log.Warn(s) }
	}
	f := &Fleet{cfg: cfg, fetching: make(chan struct{}, 1), servers: make(map[string]*server), frozen: make(map[string]chan struct{})}
	f.group.Log, f.fences.Log = cfg.Log, cfg.Log
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

// Task ends servers that nobody has needed for a while.
func (f *Fleet) Task() task.Task {
	return task.Task{Name: "database/idle", Run: func(context.Context) (time.Duration, error) {
		for _, s := range f.running() {
			s.endIdle()
		}
		return lookEvery, nil
	}}
}

func (f *Fleet) running() (all []*server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.servers {
		all = append(all, s)
	}
	return all
}

// Close ends all servers, as they want to be ended.
func (f *Fleet) Close() error {
	f.stop()
	for _, s := range f.running() {
		f.group.Go(s.end)
	}
	f.group.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.yard == nil {
		return nil
	}
	f.yard.close()
	f.fences.Wait()
	return f.yard.remove()
}

func (f *Fleet) dir(id string) string { return filepath.Join(f.cfg.Dir, id) }

// dataDir is the part of a database's directory that its server sees.
func (f *Fleet) dataDir(id string) string { return filepath.Join(f.dir(id), "data") }

// Names of files beside the data.
const (
	madeFile  = "made"  // the database is whole
	adminFile = "admin" // the password of rdsadmin
	logFile   = "server.log"
)

// Make makes a database that has an owner. One that is there is left as it is; one
// that was made by half is made anew.
func (f *Fleet) Make(ctx context.Context, db *Database, o *Owner) error {
	dir := f.dir(db.ID)
	if f.Has(db.ID) {
		return nil
	}
	if _, err := f.program(ctx, db); err != nil {
		return err
	}
	if db.Note != "" {
		f.cfg.Tell(db.Note)
	}
	if err := f.Remove(db.ID); err != nil {
		return err
	}
	if err := os.MkdirAll(f.dataDir(db.ID), 0o755); err != nil {
		return err
	}
	password := rand.Text()
	if err := os.WriteFile(filepath.Join(dir, adminFile), []byte(password), 0o600); err != nil {
		return err
	}
	if err := db.Engine.prepare(f.dataDir(db.ID), password); err != nil {
		return err
	}
	if err := f.run(ctx, db, db.Engine.create); err != nil {
		return err
	}
	if err := db.Engine.clean(f.dataDir(db.ID)); err != nil {
		return err
	}
	err := f.Admin(ctx, db, func(a *Admin) error { return db.Engine.own(ctx, a, o) })
	if err != nil {
		return fmt.Errorf("give the database to its owner: %w", err)
	}
	return f.mark(db.ID)
}

// mark notes, for good, that a database is whole.
func (f *Fleet) mark(id string) error {
	d, err := os.Open(f.dir(id))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := os.WriteFile(filepath.Join(f.dir(id), madeFile), nil, 0o600); err != nil {
		return err
	}
	return d.Sync()
}

// Has reports whether there is a database.
func (f *Fleet) Has(id string) bool {
	_, err := os.Stat(filepath.Join(f.dir(id), madeFile))
	return err == nil
}

// IDs returns the databases whose files there are.
func (f *Fleet) IDs() ([]string, error) {
	entries, err := os.ReadDir(f.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all, nil
}

// Stop ends the server of a database, if one runs.
func (f *Fleet) Stop(id string) {
	f.mu.Lock()
	s := f.servers[id]
	f.mu.Unlock()
	if s != nil {
		s.end()
	}
}

// Remove ends the server of a database and removes its files.
func (f *Fleet) Remove(id string) error {
	f.Stop(id)
	return os.RemoveAll(f.dir(id))
}

// SetPassword changes the password of a user of a database.
func (f *Fleet) SetPassword(ctx context.Context, db *Database, user, password string) error {
	return f.Admin(ctx, db, func(a *Admin) error { return db.Engine.setPassword(ctx, a, user, password) })
}

// An Admin is who may do everything with a database: the platform.
type Admin struct {
	User, Password string
	Dial           func(ctx context.Context) (net.Conn, error)
}

// Admin calls do with what is needed to do everything with a database.
func (f *Fleet) Admin(ctx context.Context, db *Database, do func(*Admin) error) error {
	a, err := f.admin(db.ID)
	if err != nil {
		return err
	}
	a.Dial = func(ctx context.Context) (net.Conn, error) { return f.Dial(ctx, db) }
	return do(a)
}

func (f *Fleet) admin(id string) (*Admin, error) {
	password, err := os.ReadFile(filepath.Join(f.dir(id), adminFile))
	return &Admin{User: "rdsadmin", Password: string(password)}, err
}

// Dial connects to the server of a database, which is started if it does not run.
func (f *Fleet) Dial(ctx context.Context, db *Database) (net.Conn, error) {
	for {
		if err := f.thawed(ctx, db.ID); err != nil {
			return nil, err
		}
		s, err := f.server(db)
		if err != nil {
			return nil, err
		}
		if s == nil { // it is copied since
			continue
		}
		c, err := s.dial(ctx)
		if errors.Is(err, errEnded) {
			continue // with another, since it was about to end
		}
		return c, err
	}
}

// server returns the server of a database, which it starts if there is none: but nil for
// one that is copied.
func (f *Fleet) server(db *Database) (*server, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.ctx.Err(); err != nil {
		return nil, net.ErrClosed
	}
	s := f.servers[db.ID]
	if s == nil && f.frozen[db.ID] != nil {
		return nil, nil
	}
	if s == nil {
		s = &server{f: f, db: *db, ready: make(chan struct{}), exited: make(chan struct{}), since: time.Now()}
		f.servers[db.ID] = s
		f.group.Go(s.run)
	}
	return s, nil
}

// forget takes a server that has ended from those there are.
func (f *Fleet) forget(s *server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.servers[s.db.ID] == s {
		delete(f.servers, s.db.ID)
	}
}

// run runs a program of a database's to its end.
func (f *Fleet) run(ctx context.Context, db *Database, argv func(place) []string) error {
	p, err := f.start(ctx, db, argv)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.Kill)
	defer stop()
	exit := p.Wait()
	p.Release()
	if exit.Code != 0 {
		return fmt.Errorf("exit status %d: %s", exit.Code, f.lastWords(db.ID))
	}
	return nil
}

// lastWords is the end of what a server said.
func (f *Fleet) lastWords(id string) string {
	const most = 1000
	text, err := os.ReadFile(filepath.Join(f.dir(id), logFile))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
