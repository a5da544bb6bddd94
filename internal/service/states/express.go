package states

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// expresses are the express executions that were started, and have not ended.
// One that a crash cuts short begins anew.
var expresses = store.NewTable[aws.ARN, execution]("states.express")

const (
	expressLimit = 5 * time.Minute
	billedStep   = 100 * time.Millisecond
	billedMemory = 64 // MB
)

// startExpress has an express execution run.
func (s *Service) startExpress(tx *store.Tx, st *start) error {
	if err := expresses.Put(tx, st.arn, st.row); err != nil {
		return err
	}
	return s.do(tx, workKey{st.arn, 0, workExpress}, work{})
}

// workExpress runs an express execution that was started.
func (s *Service) workExpress(ctx context.Context, key workKey) error {
	var row execution
	var what spec
	var m *asl.Machine
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if row, err = expresses.Get(tx, key.Execution); err != nil {
			return err
		}
		what, m, err = s.definition(tx, &row)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	o := s.runExpress(ctx, key.Execution, &row, &what, m)
	if ctx.Err() != nil {
		return ctx.Err() // it begins anew at the next start
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if row.MapRun != (aws.ARN{}) {
			row.conclude(o)
			if err := s.childEnded(tx, &row); err != nil {
				return err
			}
		}
		return errors.Join(expresses.Delete(tx, key.Execution), works.Delete(tx, key))
	})
}

// StartSyncExecution runs an express execution, and returns what came of it.
func (s *Service) StartSyncExecution(ctx context.Context, _ *aws.Call, in *api.StartSyncExecutionInput) (*api.StartSyncExecutionOutput, error) {
	var st *start
	var m *asl.Machine
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if st, err = newStart(tx, in.StateMachineArn, in.Name, in.Input, in.TraceHeader); err != nil {
			return err
		}
		if st.kind != api.StateMachineTypeExpress {
			return errKind()
		}
		_, m, err = s.definition(tx, &st.row)
		return err
	})
	if err != nil {
		return nil, err
	}
	o := s.runExpress(ctx, st.arn, &st.row, &st.what, m)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	st.row.conclude(o)
	took := st.row.Stopped.Sub(st.row.Started)
	out := &api.StartSyncExecutionOutput{
		ExecutionArn: st.arn.String(), StateMachineArn: new(st.row.Machine.String()), Name: &st.row.Name, StartDate: st.row.Started, StopDate: st.row.Stopped,
		Status: st.row.Status, Error: st.row.Error, Cause: st.row.Cause, TraceHeader: in.TraceHeader,
		BillingDetails: &api.BillingDetails{
			BilledMemoryUsedInMB: new(int64(billedMemory)), BilledDurationInMilliseconds: new(max(1, int64((took+billedStep-1)/billedStep)) * billedStep.Milliseconds()),
		},
	}
	if aws.Value(in.IncludedData) != api.IncludedDataMetadataOnly {
		out.Input, out.InputDetails = &st.row.Input, included()
		if out.Output = st.row.Output; out.Output != nil {
			out.OutputDetails = included()
		}
	}
	return out, nil
}

// conclude notes how an execution ended.
func (e *execution) conclude(o *flow.Outcome) {
	e.Status, e.Stopped = o.Status, time.Now().UTC()
	if o.Status == api.ExecutionStatusSucceeded {
		e.Output = new(tree.String(o.Output))
	}
	if o.Error != nil {
		e.Error, e.Cause = optional(o.Error.Name), optional(o.Error.Cause)
	}
}

// An express is an execution that runs in memory.
type express struct {
	s       *Service
	caller  caller
	run     *flow.Run
	what    *spec
	wg      task.Group
	begun   map[int64]int64 // attempts of strands whose calls were made
	answers chan answered
}

type answered struct {
	strand, attempt int64
	answer          flow.Answer
}

// runExpress runs an execution to its end, or until ctx ends, and counts it.
func (s *Service) runExpress(ctx context.Context, arn aws.ARN, row *execution, what *spec, m *asl.Machine) *flow.Outcome {
	began := time.Now()
	s.Meter.Add(measured(row.Machine), began, meter.Count("ExecutionsStarted", 1))
	o := s.express(ctx, arn, row, what, m)
	if ctx.Err() == nil {
		s.measureExpress(row.Machine, began, o.Status)
	}
	return o
}

// express runs an execution to its end, or until ctx ends.
func (s *Service) express(ctx context.Context, arn aws.ARN, row *execution, what *spec, m *asl.Machine) *flow.Outcome {
	limit := expressLimit
	if own := time.Duration(m.TimeoutSeconds) * time.Second; own > 0 && own < limit {
		limit = own
	}
	x := &express{s: s, what: what, begun: make(map[int64]int64), answers: make(chan answered), caller: caller{
		machine: row.Machine, execution: arn, role: what.Role, express: true,
	}}
	x.run = &flow.Run{Machine: m, Source: asl.Live, About: about(arn, row, what.Role), Token: func(st *flow.Strand) string { return newToken(arn, st) }}
	x.run.About.Express = true
	input, err := tree.ParseString(row.Input)
	if err != nil {
		return &flow.Outcome{Status: api.ExecutionStatusFailed, Error: &asl.Error{Name: asl.ErrRuntime, Cause: err.Error()}}
	}
	limited, stop := context.WithTimeout(ctx, limit)
	defer x.wg.Wait()
	defer stop()
	x.run.Begin(input)
	for {
		more := x.run.Advance(stepStates)
		x.log()
		if x.run.Outcome != nil {
			return x.run.Outcome
		}
		x.callAll(limited)
		if more && limited.Err() == nil {
			continue
		}
		if !x.wait(limited) {
			if ctx.Err() != nil {
				return &flow.Outcome{Status: api.ExecutionStatusAborted}
			}
			x.run.Expire()
			x.log()
			return x.run.Outcome
		}
	}
}

// log has the events that are new written to the log.
func (x *express) log() {
	if len(x.what.Logging.Destinations) > 0 {
		x.s.logEvents(x.caller.execution, x.caller.machine, &x.what.Logging, 0, x.run.New)
	}
	x.run.New = nil
}

// callAll makes the calls that strands are to make.
func (x *express) callAll(ctx context.Context) {
	all, _ := x.run.Touched()
	for _, s := range all {
		if s.Phase != flow.Calling || x.begun[s.ID] == s.Attempt {
			continue
		}
		x.begun[s.ID] = s.Attempt
		id, attempt, c, what := s.ID, s.Attempt, x.caller, s.Call
		x.wg.Go(func() {
			a := answered{id, attempt, x.s.call(ctx, &c, what)}
			select {
			case x.answers <- a:
			case <-ctx.Done():
			}
		})
	}
}

// wait waits until something happens, and tells the run. It returns false if
// ctx ends before.
func (x *express) wait(ctx context.Context) bool {
	all, _ := x.run.Touched()
	var next time.Time
	for _, s := range all {
		if at := s.Due(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	pause := expressLimit
	if !next.IsZero() {
		pause = time.Until(next)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case a := <-x.answers:
		x.run.Answered(a.strand, a.attempt, a.answer)
	case <-timer.C:
		for _, s := range all {
			x.run.Due(s.ID)
		}
	case <-ctx.Done():
		return false
	}
	return true
}
