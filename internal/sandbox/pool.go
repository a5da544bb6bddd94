package sandbox

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// Booting an interpreter takes most of a cold start. So some workers are booted
// ahead: fenced, trained with events of ours until their code is warm, and
// blank. To start a function's worker is then to give one its code and name.

const (
	baseDepth   = 2                     // blank workers of a language
	maxDepth    = 32                    // when many are needed at once
	calmDown    = time.Minute           // after which fewer are kept again
	refillPause = 15 * time.Millisecond // not while the worker that was taken starts
	retryBlank  = 10 * time.Second
	trainings   = 8 // events before a worker is blank
	trainingID  = "training"
)

// A pool is the blank workers of one language. m.mu guards it.
type pool struct {
	ready    []*worker
	booting  int
	depth    int
	grown    time.Time // when depth was last found too small
	notUntil time.Time // nothing is booted before
}

// Prepare makes blank workers ready for functions of a runtime.
func (m *Manager) Prepare(name string) error {
	l, err := m.findLanguage(name)
	if err != nil {
		return err
	}
	if l.SDK != "" {
		m.group.Go(func() { m.sdkOf(l) })
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if p := m.poolOf(l); p != nil {
		m.poolBell.Ring()
		return nil
	}
	// What is left to make ahead is where its workers start.
	m.group.Go(func() {
		if _, err := m.rootOf(l); err == nil {
			m.fence.Warm()
		}
	})
	return nil
}

// poolOf returns the pool of a language, or nil if it has none.
func (m *Manager) poolOf(l lang.Language) *pool {
	if m.cfg.Depth < 0 || !l.Blank() || !m.fence.Fenced() {
		return nil
	}
	p := m.pools[l]
	if p == nil {
		p = &pool{depth: m.cfg.Depth}
		if p.depth == 0 {
			p.depth = baseDepth
		}
		m.pools[l] = p
	}
	return p
}

// takeBlank takes a blank worker for a function, if there is one it can have.
func (m *Manager) takeBlank(l lang.Language, f *Function) *worker {
	if len(bootEnv(f)) > 0 || f.Share != nil { // whose workers have a user of their own
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.poolOf(l)
	if p == nil {
		return nil
	}
	defer m.poolBell.Ring()
	now := time.Now()
	if len(p.ready) == 0 {
		if m.cfg.Depth == 0 && now.Sub(p.grown) > time.Second {
			p.depth, p.grown = min(maxDepth, 2*p.depth), now
		}
		return nil
	}
	w := p.ready[0]
	p.ready = p.ready[1:]
	p.notUntil = now.Add(refillPause)
	return w
}

// fillPools boots what the pools lack, and says when to look again.
func (m *Manager) fillPools(context.Context) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	next := time.Hour
	for l, p := range m.pools {
		if m.cfg.Depth == 0 && p.depth > baseDepth {
			if now.Sub(p.grown) > calmDown {
				p.depth, p.grown = p.depth/2, now
			}
			next = min(next, calmDown)
		}
		for len(p.ready) > p.depth {
			m.unhand(p.ready[0])
			p.ready = p.ready[1:]
		}
		wait := p.notUntil.Sub(now)
		if len(m.boots) > 0 { // somebody waits for a worker: that comes first
			wait = max(wait, refillPause)
		}
		if wait > 0 {
			next = min(next, wait)
			continue
		}
		for p.booting < runtime.NumCPU() && p.booting+len(p.ready) < p.depth && !m.closed {
			p.booting++
			m.group.Go(func() { m.bootBlank(l, p) })
		}
	}
	return next, nil
}

// bootBlank boots one worker for a pool.
func (m *Manager) bootBlank(l lang.Language, p *pool) {
	w, err := m.spawnBlank(l)
	m.mu.Lock()
	defer m.mu.Unlock()
	p.booting--
	switch {
	case m.closed:
	case err != nil:
		p.notUntil = time.Now().Add(retryBlank)
		m.cfg.Log.Warn("functions will start slowly", "runtime", l.Kind, "version", l.Version, "err", err)
	case !w.dead:
		w.parked = true
		p.ready = append(p.ready, w)
	}
	m.poolBell.Ring()
}

func (m *Manager) spawnBlank(l lang.Language) (*worker, error) {
	r, err := m.rootOf(l)
	if err != nil {
		return nil, err
	}
	if !r.Confined() {
		return nil, ErrUnfenced // where a process cannot be given files later
	}
	env := func(endpoint string) map[string]string {
		env := baseEnv(r.at)
		maps.Copy(env, languageEnv(l, r.at))
		env["ALOFT_TRAIN"] = fmt.Sprint(trainings)
		env["ALOFT_STUB"] = "http://" + endpoint
		return env
	}
	w, err := m.spawn(l, plan{root: r, argv: clientArgv(l, r), env: env, dir: "/", training: true, limits: fence.Limits{MemoryMB: 512, TmpMB: 512}})
	if err != nil {
		return nil, err
	}
	w.proc.Yield(true) // those who have something to do go first
	timer := time.NewTimer(initLimit)
	defer timer.Stop()
	if why := w.await(w.blank, timer.C); why != nil {
		w.settle()
		return nil, fmt.Errorf("boot a worker: %s %s: %s", why.status, why.message, w.log.early())
	}
	w.proc.Yield(false)
	return w, nil
}

// dropBlank is told that a blank worker has ended.
func (m *Manager) dropBlank(w *worker) {
	for _, p := range m.pools {
		if i := slices.Index(p.ready, w); i >= 0 {
			p.ready = slices.Delete(p.ready, i, i+1)
			m.poolBell.Ring()
		}
	}
}
