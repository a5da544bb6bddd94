package lambda

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A target is all that an invoke needs to know of a function as it was named.
type target struct {
	function   aws.ARN
	hash       string // of function, for lineages
	arn        string // as it was named, with version or alias
	role       string
	deadLetter string     // ARN of a queue or topic for events that it fails on
	versions   []weighted // the first that a draw falls to
	gate       *gate
	account    *gate       // of functions without reserved concurrency
	config     eventConfig // for events that nobody waits for
	mayLoop    bool        // it may invoke itself without end
	tenants    bool        // each has workers of its own
	durable    *durableConfig
}

// A weighted is a version of a function, with its share of the events.
type weighted struct {
	function *sandbox.Function
	weight   float64
}

// pick chooses the version for one event.
func (t *target) pick() *sandbox.Function {
	last := len(t.versions) - 1
	if last > 0 {
		x := rand.Float64()
		for i := range t.versions[:last] {
			if x -= t.versions[i].weight; x < 0 {
				return t.versions[i].function
			}
		}
	}
	return t.versions[last].function
}

// targets are those that were invoked since they last changed.
type targets struct {
	mu    sync.RWMutex
	known map[ref]*target
	gates map[aws.ARN]*gate
	turn  uint64 // rises with every change to a function
}

// A gate counts the events that a function is busy with.
type gate struct{ busy, limit atomic.Int64 }

// unlimited is the limit of a function without reserved concurrency.
const unlimited = -1

// enter lets an event in, or says that there are too many.
func (g *gate) enter() bool {
	limit := g.limit.Load()
	if busy := g.busy.Add(1); limit == unlimited || busy <= limit {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() { g.busy.Add(-1) }

// enter lets an event in to a function, and returns what to call when it is
// done; or nil, and why there is no room. Functions without reserved
// concurrency share what the account has left.
func (s *Service) enter(t *target) (leave func(), reason string) {
	if !t.gate.enter() {
		return nil, api.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	}
	if t.gate.limit.Load() != unlimited {
		return t.gate.leave, ""
	}
	if !t.account.enter() {
		t.gate.leave()
		return nil, api.ThrottleReasonConcurrentInvocationLimitExceeded
	}
	return func() {
		t.account.leave()
		t.gate.leave()
	}, ""
}

// target returns what is known of a function that is to be invoked.
func (s *Service) target(ctx context.Context, r ref) (*target, error) {
	s.targets.mu.RLock()
	t, turn := s.targets.known[r], s.targets.turn
	s.targets.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := s.findTarget(ctx, r)
	if err != nil {
		return nil, err
	}
	s.targets.mu.Lock()
	defer s.targets.mu.Unlock()
	if s.targets.turn == turn { // else it may be of before the change
		if s.targets.known == nil {
			s.targets.known = make(map[ref]*target)
		}
		s.targets.known[r] = t
	}
	return t, nil
}

// changed makes tx, when it is kept, forget what is remembered of a function.
func (s *Service) changed(tx *store.Tx, fn aws.ARN) {
	tx.AfterCommit(func() {
		s.keeping.bell.Ring()
		s.targets.mu.Lock()
		defer s.targets.mu.Unlock()
		s.targets.turn++
		for r := range s.targets.known {
			if r.function == fn {
				delete(s.targets.known, r)
			}
		}
	})
}

// gate returns the gate of a function, with that limit from now on.
func (s *Service) gate(fn aws.ARN, limit int64) *gate {
	s.targets.mu.Lock()
	defer s.targets.mu.Unlock()
	g := s.targets.gates[fn]
	if g == nil {
		if s.targets.gates == nil {
			s.targets.gates = make(map[aws.ARN]*gate)
		}
		g = new(gate)
		s.targets.gates[fn] = g
	}
	g.limit.Store(limit)
	return g
}

// homeOf names the account and region of a function.
func homeOf(fn aws.ARN) aws.ARN {
	fn.Resource = ""
	return fn
}

// accountGate returns the gate of the functions of an account that have no
// reserved concurrency.
func (s *Service) accountGate(ctx context.Context, fn aws.ARN) (*gate, error) {
	home := homeOf(fn)
	s.targets.mu.RLock()
	g := s.targets.gates[home]
	s.targets.mu.RUnlock()
	if g != nil {
		return g, nil
	}
	var reserved int32
	err := s.db.View(ctx, func(tx *store.Tx) error {
		reserved = reservedBut(tx, home)
		return nil
	})
	return s.gate(home, accountConcurrency-int64(reserved)), err
}

// reserved has the functions of an account share what is left when so much of
// its concurrency is reserved, once tx is kept.
func (s *Service) reserved(tx *store.Tx, fn aws.ARN, sum int32) {
	tx.AfterCommit(func() { s.gate(homeOf(fn), accountConcurrency-int64(sum)) })
}

// forget forgets how busy a function is that there is no more.
func (t *targets) forget(fn aws.ARN) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.gates, fn)
}

// findTarget reads what an invoke needs to know of a function. One that is not
// ready yet is made so.
func (s *Service) findTarget(ctx context.Context, r ref) (*target, error) {
	for {
		t, pending, err := s.readTarget(ctx, r)
		if err != nil || pending == nil {
			return t, err
		}
		if err := s.activate(ctx, *pending); err != nil {
			return nil, err
		}
	}
}

// A share is a version that gets some of the events of an alias.
type share struct {
	key    versionKey
	row    version
	weight float64
}

// readTarget reads what an invoke needs to know of a function, or which of
// its versions is not ready.
func (s *Service) readTarget(ctx context.Context, r ref) (t *target, pending *versionKey, err error) {
	var shares []share
	var fn function
	var config eventConfig
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if fn, err = functions.Get(tx, r.function); errors.Is(err, store.ErrNotFound) {
			if r.qualifier == "" {
				r.qualifier = latest // so says Invoke
			}
			return errNoFunction(r.arn())
		}
		if err == nil {
			shares, err = readShares(tx, r)
		}
		if err != nil {
			return err
		}
		if config, err = eventConfigs.Get(tx, configKey(r)); errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	account, err := s.accountGate(ctx, r.function)
	if err != nil {
		return nil, nil, err
	}
	limit := int64(unlimited)
	if fn.Reserved != nil {
		limit = int64(*fn.Reserved)
	}
	main := &shares[len(shares)-1].row
	t = &target{
		function: r.function, hash: hashOf(r.function), arn: r.arn().String(), role: main.Role, deadLetter: main.DeadLetter,
		gate: s.gate(r.function, limit), account: account, config: config, mayLoop: fn.MayLoop, tenants: main.Tenancy != "", durable: main.Durable,
	}
	for i := range shares {
		sh := &shares[i]
		if !sh.row.ready() {
			return nil, &sh.key, nil
		}
		f, err := s.runnable(ctx, r.function, sh.key.Number, &sh.row)
		if err != nil {
			return nil, nil, err
		}
		t.versions = append(t.versions, weighted{f, sh.weight})
	}
	return t, nil, nil
}

// readShares reads the versions that r means.
func readShares(tx *store.Tx, r ref) ([]share, error) {
	var shares []share
	if r.qualifier != "" && isAlias(r.qualifier) {
		a, err := aliases.Get(tx, aliasKey{r.function, r.qualifier})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		for v, weight := range a.Weights {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return nil, err
			}
			row, err := versions.Get(tx, versionKey{r.function, n})
			if err != nil {
				return nil, err
			}
			shares = append(shares, share{versionKey{r.function, n}, row, weight})
		}
	}
	row, n, err := findVersion(tx, r)
	if err != nil {
		return nil, err
	}
	return append(shares, share{versionKey{r.function, n}, row, 0}), nil
}

// runnable is a version as the runner wants it, its code unpacked.
func (s *Service) runnable(ctx context.Context, fn aws.ARN, number int64, v *version) (*sandbox.Function, error) {
	dir, err := s.codeOf(ctx, v)
	if err != nil {
		return nil, err
	}
	f := &sandbox.Function{
		ARN:          fn,
		Version:      versionName(number),
		Revision:     v.Build,
		Runtime:      v.Runtime,
		Architecture: v.Architecture,
		Handler:      v.Handler,
		Code:         dir,
		Env:          v.Env,
		MemoryMB:     int(v.MemoryMB),
		TmpMB:        int(v.TmpMB),
		Timeout:      time.Duration(v.Timeout) * time.Second,
		LogGroup:     v.LogGroup,
		LogFormat:    v.LogFormat,
		LogLevel:     v.LogLevel,
	}
	if v.Image != nil {
		f.Code, f.Image = "", v.runnableImage(dir)
		if v.Image.Runtime != "" {
			if err := v.lay(f, f.Image); err != nil {
				return nil, err
			}
			f.Image = nil
		}
	}
	for _, l := range v.Layers {
		dir, err := s.codeDir(ctx, l.Code)
		if err != nil {
			return nil, err
		}
		f.Layers = append(f.Layers, dir)
	}
	f.Share = s.share(&v.settings)
	f.Companions = s.companions(fn, &v.settings)
	role := v.Role
	f.Credentials = func(ctx context.Context) (sandbox.Credentials, error) { return s.credentials(ctx, fn, role) }
	return f, nil
}
