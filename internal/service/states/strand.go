package states

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// stepStates is how many states a transaction goes through at most. States that
// call nothing are done again if it fails, so it may be many.
const stepStates = 100

// A keeper has a run in a transaction: its rows when it is loaded, and what
// became of them when it is saved.
type keeper struct {
	s       *Service
	tx      *store.Tx
	arn     aws.ARN
	row     *execution
	run     *flow.Run
	was     map[int64]before
	fresh   bool // there are no rows yet
	changed bool // row is to be put whatever happens
}

// before is what a strand was when it was read.
type before struct {
	phase   flow.Phase
	attempt int64
	child   string
}

func (s *Service) keeper(tx *store.Tx, arn aws.ARN, row *execution) *keeper {
	return &keeper{s: s, tx: tx, arn: arn, row: row, was: make(map[int64]before)}
}

// step has fn tell a run what happened, and keeps what comes of it. An
// execution that has ended hears of nothing.
func (s *Service) step(tx *store.Tx, arn aws.ARN, fn func(*flow.Run)) error {
	row, err := executions.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Status != api.ExecutionStatusRunning {
		return nil
	}
	if err != nil {
		return err
	}
	k := s.keeper(tx, arn, &row)
	run, err := k.load()
	if err != nil {
		return err
	}
	fn(run)
	return k.save()
}

// load reads the run of an execution.
func (k *keeper) load() (*flow.Run, error) {
	run, err := runs.Get(k.tx, k.arn)
	if err != nil {
		return nil, fmt.Errorf("run of %s: %w", k.arn, err)
	}
	return k.open(&run)
}

// open gives a run what it needs besides its row.
func (k *keeper) open(run *flow.Run) (*flow.Run, error) {
	k.run = run
	what, m, err := k.s.definition(k.tx, k.row)
	if err != nil {
		return nil, err
	}
	run.Machine, run.Source = m, asl.Live
	run.About = about(k.arn, k.row, what.Role)
	run.Token = func(s *flow.Strand) string { return newToken(k.arn, s) }
	if k.fresh {
		return run, nil
	}
	run.Load = func(id int64) (*flow.Strand, error) {
		s, err := strands.Get(k.tx, strandKey{k.arn, id})
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		k.was[id] = before{s.Phase, s.Attempt, s.Child}
		return &s, err
	}
	run.All = func() (ids []int64, err error) {
		for key := range strands.Scan(k.tx, strandKey{Execution: k.arn}) {
			ids = append(ids, key.ID)
		}
		return ids, k.tx.Err()
	}
	return run, nil
}

// definition returns what an execution runs.
func (s *Service) definition(tx *store.Tx, e *execution) (spec, *asl.Machine, error) {
	key := specKey{e.Machine, e.Spec}
	what, err := specs.Get(tx, key)
	if err != nil {
		return what, nil, err
	}
	m, err := s.parsed.get(key, what.Definition)
	if err != nil {
		return what, nil, err
	}
	if e.Map != "" {
		m = m.State(e.Map).Processor
	}
	return what, m, nil
}

// about is what the Context object says of an execution.
func about(arn aws.ARN, e *execution, role string) flow.About {
	input, err := tree.ParseString(e.Input)
	if err != nil {
		input = nil // it was parsed when the execution began
	}
	x := tree.NewObject("Id", arn.String(), "Input", input, "Name", e.Name, "RoleArn", role, "StartTime", e.Started.Format("2006-01-02T15:04:05.000Z"))
	x.Set("RedriveCount", json.Number(strconv.Itoa(int(e.Redrives))))
	if !e.Redriven.IsZero() {
		x.Set("RedriveTime", e.Redriven.Format("2006-01-02T15:04:05.000Z"))
	}
	return flow.About{
		Execution: x, StateMachine: tree.NewObject("Id", e.machineARN(), "Name", strings.TrimPrefix(e.Machine.Resource, machineKind)),
		Item: e.Item, RoleARN: role, Region: arn.Region,
	}
}

// save has the run go on, and keeps what became of it.
func (k *keeper) save() error {
	more := k.run.Advance(stepStates)
	if err := k.run.Err(); err != nil {
		return err
	}
	for _, id := range k.run.Maps {
		if err := k.s.beginMap(k, k.run.Strand(id)); err != nil {
			return err
		}
	}
	touched, gone := k.run.Touched()
	for _, s := range gone {
		if err := k.remove(s); err != nil {
			return err
		}
	}
	for _, s := range touched {
		if err := k.put(s); err != nil {
			return err
		}
	}
	for _, event := range k.run.New {
		if err := history.Put(k.tx, strandKey{k.arn, event.ID}, event); err != nil {
			return err
		}
	}
	if err := k.s.log(k.tx, k.arn, k.row, k.run.New); err != nil {
		return err
	}
	if k.run.Outcome != nil {
		if err := k.end(); err != nil {
			return err
		}
	}
	if k.fresh || k.changed || k.run.Outcome != nil {
		if err := executions.Put(k.tx, k.arn, *k.row); err != nil {
			return err
		}
	}
	if k.run.Outcome != nil && k.run.Outcome.Status == api.ExecutionStatusSucceeded {
		return nil // nothing goes on from here
	}
	if more {
		if err := k.s.do(k.tx, workKey{k.arn, 0, workAdvance}, work{}); err != nil {
			return err
		}
	}
	return runs.Put(k.tx, k.arn, *k.run)
}

// put keeps a strand, when it is due, and what is to be done for it.
func (k *keeper) put(s *flow.Strand) error {
	if k.run.Outcome != nil && k.run.Outcome.Status == api.ExecutionStatusSucceeded {
		return k.remove(s)
	}
	key, was := strandKey{k.arn, s.ID}, k.was[s.ID]
	at := s.Due()
	if k.run.Outcome != nil {
		at = time.Time{}
	}
	if !at.Equal(s.Alarm) {
		if err := dues.Move(k.tx, key, &s.Alarm, at, k.s.due); err != nil {
			return err
		}
	}
	again := s.Attempt != was.attempt
	if was.phase == flow.Calling && (s.Phase != flow.Calling || again) {
		if err := works.Delete(k.tx, workKey{k.arn, s.ID, workCall}); err != nil {
			return err
		}
	}
	if s.Phase == flow.Calling && (was.phase != flow.Calling || again) && k.run.Outcome == nil {
		if err := k.s.do(k.tx, workKey{k.arn, s.ID, workCall}, work{Attempt: s.Attempt}); err != nil {
			return err
		}
	}
	if was.phase == flow.Mapping && s.Phase != flow.Mapping && was.child != "" {
		if err := k.dropMap(was.child); err != nil {
			return err
		}
	}
	if s.Phase == flow.Token && (was.phase != flow.Token || again) {
		if err := k.await(s); err != nil {
			return err
		}
	}
	return strands.Put(k.tx, key, *s)
}

// remove forgets a strand.
func (k *keeper) remove(s *flow.Strand) error {
	key := strandKey{k.arn, s.ID}
	if !s.Alarm.IsZero() {
		if err := dues.Move(k.tx, key, &s.Alarm, time.Time{}, k.s.due); err != nil {
			return err
		}
	}
	was, kept := k.was[s.ID]
	if !kept {
		return nil
	}
	if was.phase == flow.Calling {
		if err := works.Delete(k.tx, workKey{k.arn, s.ID, workCall}); err != nil {
			return err
		}
	}
	return strands.Delete(k.tx, key)
}

// dropMap has a map run end whose state waits for it no more.
func (k *keeper) dropMap(text string) error {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return err
	}
	return k.s.do(k.tx, workKey{arn, 0, workMap}, work{})
}

// await lets those know who end the task of a strand.
func (k *keeper) await(s *flow.Strand) error {
	of := flow.ParseResource(s.Call.Resource)
	switch {
	case of.Kind == flow.Activity:
		return offer(k.tx, of.ARN, k.arn, s)
	case strings.HasPrefix(of.Pattern, "sync"):
		return k.s.watch(k.tx, k.arn, s)
	}
	return nil
}

// end keeps how an execution ended, and lets those know who wait for it.
func (k *keeper) end() error {
	o, e := k.run.Outcome, k.row
	e.Status, e.Stopped = o.Status, time.Now().UTC()
	if o.Status == api.ExecutionStatusSucceeded {
		e.Output = new(tree.String(o.Output))
		if err := runs.Delete(k.tx, k.arn); err != nil {
			return err
		}
	}
	if o.Error != nil {
		e.Error, e.Cause = optional(o.Error.Name), optional(o.Error.Cause)
	}
	if err := running.Delete(k.tx, listKey{e.list(), e.Started, k.arn}); err != nil {
		return err
	}
	if err := dues.Move(k.tx, strandKey{Execution: k.arn}, &e.Alarm, e.Stopped.Add(retention), k.s.due); err != nil {
		return err
	}
	for key, w := range watches.Scan(k.tx, watchKey{Execution: k.arn}) {
		w.Child = k.arn
		if err := errors.Join(watches.Delete(k.tx, key), k.s.do(k.tx, workKey{key.By, key.Strand, workChild}, w)); err != nil {
			return err
		}
	}
	if e.MapRun != (aws.ARN{}) {
		if err := k.s.childEnded(k.tx, e); err != nil {
			return err
		}
	}
	return k.s.notify(k.tx, k.arn, e)
}
