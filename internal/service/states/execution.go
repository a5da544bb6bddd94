package states

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

const (
	retention = 90 * 24 * time.Hour // that an execution is kept after it ended
	redrives  = 14 * 24 * time.Hour // that one may be redriven after it ended
	maxRedriv = 1000                // times that one may be
)

// parseInput reads the input of an execution.
func parseInput(text *string) (tree.Value, string, error) {
	if text == nil {
		return &tree.Object{}, "{}", nil
	}
	if strings.TrimSpace(*text) == "" {
		return nil, "", errInput("Invalid execution input.")
	}
	v, err := tree.ParseString(*text)
	if err != nil {
		return nil, "", errInput(err.Error())
	}
	return v, *text, nil
}

func errInput(why string) error {
	return api.InvalidExecutionInput.Errorf("Invalid State Machine Execution Input: '%s'", why)
}

// A start is an execution that is to begin.
type start struct {
	arn   aws.ARN
	row   execution
	input tree.Value
	what  spec
	kind  string // of the machine
}

// newStart reads a request to run what an ARN names.
func newStart(tx *store.Tx, machineARN string, name, input, trace *string) (*start, error) {
	t, err := parseTarget(machineARN)
	if err != nil {
		return nil, err
	}
	id := aws.NewRequestID()
	if name != nil {
		id = *name
		if err := checkName(id); err != nil {
			return nil, err
		}
	}
	st := &start{}
	st.row = execution{Name: id, Status: api.ExecutionStatusRunning, Started: time.Now().UTC(), Trace: aws.Value(trace)}
	if t.Qualifier != "" && t.number() == 0 {
		a, err := aliases.Get(tx, aliasKey{t.Machine, t.Qualifier})
		if errors.Is(err, store.ErrNotFound) {
			return nil, errNoMachine(machineARN)
		}
		if err != nil {
			return nil, err
		}
		st.row.Alias = t.Qualifier
		t.Qualifier = fmt.Sprint(a.pick())
	}
	m, what, err := findSpec(tx, &t, machineARN)
	if err != nil {
		return nil, err
	}
	if m.Deleting {
		return nil, api.StateMachineDeleting.Errorf("State Machine is being deleted: '%s'", t.Machine)
	}
	if st.input, st.row.Input, err = parseInput(input); err != nil {
		return nil, err
	}
	st.row.Machine, st.row.Spec, st.row.Version = t.Machine, m.ID, t.number()
	if t.Qualifier != "" {
		v, err := versions.Get(tx, versionKey{t.Machine, t.number()})
		if err != nil {
			return nil, err
		}
		st.row.Spec = v.ID
	}
	st.what, st.kind = what, m.Type
	st.arn = t.Machine
	st.arn.Resource = executionKind + m.Name + ":" + id
	if m.Type == api.StateMachineTypeExpress {
		st.arn.Resource = expressKind + m.Name + ":" + id + ":" + aws.NewRequestID()
	}
	return st, nil
}

// StartExecution begins an execution, and returns when it is sure to run.
func (s *Service) StartExecution(ctx context.Context, _ *aws.Call, in *api.StartExecutionInput) (*api.StartExecutionOutput, error) {
	out := &api.StartExecutionOutput{}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		st, err := newStart(tx, in.StateMachineArn, in.Name, in.Input, in.TraceHeader)
		if err != nil {
			return err
		}
		*out = api.StartExecutionOutput{ExecutionArn: st.arn.String(), StartDate: st.row.Started}
		if st.kind == api.StateMachineTypeExpress {
			return s.startExpress(tx, st)
		}
		there, err := executions.Get(tx, st.arn)
		if err == nil {
			if there.Status == api.ExecutionStatusRunning && there.Input == st.row.Input && there.Machine == st.row.Machine {
				out.StartDate = there.Started
				return nil
			}
			return api.ExecutionAlreadyExists.Errorf("Execution Already Exists: '%s'", st.arn)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return s.begin(tx, st)
	})
	return out, err
}

// begin makes the rows of an execution, and takes its first steps.
func (s *Service) begin(tx *store.Tx, st *start) error {
	key := listKey{st.row.list(), st.row.Started, st.arn}
	if err := errors.Join(listed.Put(tx, key, struct{}{}), running.Put(tx, key, struct{}{})); err != nil {
		return err
	}
	k := s.keeper(tx, st.arn, &st.row)
	k.fresh = true
	run, err := k.open(&flow.Run{})
	if err != nil {
		return err
	}
	if limit := run.Machine.TimeoutSeconds; limit > 0 {
		if err := dues.Move(tx, strandKey{Execution: st.arn}, &st.row.Alarm, st.row.Started.Add(time.Duration(limit)*time.Second), s.due); err != nil {
			return err
		}
	}
	if err := s.notify(tx, st.arn, &st.row); err != nil {
		return err
	}
	run.Begin(st.input)
	return k.save()
}

// DescribeExecution describes an execution.
func (s *Service) DescribeExecution(ctx context.Context, _ *aws.Call, in *api.DescribeExecutionInput) (*api.DescribeExecutionOutput, error) {
	arn, err := parseKind(in.ExecutionArn, executionKind)
	if err != nil {
		return nil, err
	}
	var row execution
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findExecution(tx, arn, in.ExecutionArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeExecutionOutput{
		ExecutionArn: in.ExecutionArn, StateMachineArn: row.machineARN(), Name: &row.Name, Status: row.Status, StartDate: row.Started, StopDate: moment(row.Stopped),
		TraceHeader: optional(row.Trace), MapRunArn: optional(row.MapRun.String()), StateMachineVersionArn: row.versionARN(), StateMachineAliasArn: row.aliasARN(),
		RedriveCount: &row.Redrives, RedriveDate: moment(row.Redriven),
	}
	status, why := row.redrivable()
	out.RedriveStatus, out.RedriveStatusReason = &status, optional(why)
	if aws.Value(in.IncludedData) != api.IncludedDataMetadataOnly {
		out.Input, out.InputDetails = &row.Input, included()
		out.Error, out.Cause = row.Error, row.Cause
		if out.Output = row.Output; row.Output != nil {
			out.OutputDetails = included()
		}
	}
	return out, nil
}

func included() *api.CloudWatchEventsExecutionDataDetails {
	return &api.CloudWatchEventsExecutionDataDetails{Included: new(true)}
}

// redrivable says whether an execution may be redriven, and if not, why.
func (e *execution) redrivable() (status, why string) {
	switch {
	case e.Status == api.ExecutionStatusRunning || e.Status == api.ExecutionStatusSucceeded:
		return api.ExecutionRedriveStatusNotRedrivable, "Execution is " + e.Status + " and cannot be redriven"
	case e.MapRun != (aws.ARN{}):
		return api.ExecutionRedriveStatusNotRedrivable, "Aloft does not redrive executions of distributed maps"
	case time.Since(e.Stopped) > redrives:
		return api.ExecutionRedriveStatusNotRedrivable, "Execution exceeded redrivable period"
	case e.Redrives >= maxRedriv:
		return api.ExecutionRedriveStatusNotRedrivable, "Execution redrive limit exceeded"
	}
	return api.ExecutionRedriveStatusRedrivable, ""
}

// ListExecutions lists the executions of a machine or a map run, the last first.
func (s *Service) ListExecutions(ctx context.Context, _ *aws.Call, in *api.ListExecutionsInput) (*api.ListExecutionsOutput, error) {
	if (in.StateMachineArn == nil) == (in.MapRunArn == nil) {
		return nil, api.ValidationException.Errorf("Exactly one of stateMachineArn and mapRunArn must be specified.")
	}
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.ListExecutionsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListExecutionsOutput{Executions: []api.ExecutionListItem{}}
		of, want, err := listedUnder(tx, in)
		if err != nil {
			return err
		}
		before := listKey{of, time.Unix(1<<33, 0), aws.ARN{}}
		if p.after != "" {
			if before, err = parseListKey(of, p.after); err != nil {
				return err
			}
		}
		table := listed
		if aws.Value(in.StatusFilter) == api.ExecutionStatusRunning {
			table = running
		}
		var last listKey
		for key := range table.ScanBefore(tx, listKey{Of: of}, before) {
			row, err := executions.Get(tx, key.Execution)
			if err != nil {
				return err
			}
			if !want(&row) {
				continue
			}
			if len(out.Executions) == p.limit {
				out.NextToken = nextPage(last.Started.Format(time.RFC3339Nano) + " " + last.Execution.String())
				break
			}
			last = key
			out.Executions = append(out.Executions, row.item(key.Execution))
		}
		return nil
	})
	return out, err
}

// listedUnder returns whose executions a request lists, and which of them.
func listedUnder(tx *store.Tx, in *api.ListExecutionsInput) (aws.ARN, func(*execution) bool, error) {
	matches := func(e *execution) bool {
		if in.StatusFilter != nil && e.Status != *in.StatusFilter {
			return false
		}
		return in.RedriveFilter == nil || (*in.RedriveFilter == api.ExecutionRedriveFilterRedriven) == (e.Redrives > 0)
	}
	if in.MapRunArn != nil {
		arn, err := parseKind(*in.MapRunArn, mapRunKind)
		if err != nil {
			return arn, nil, err
		}
		_, err = findMapRun(tx, arn, *in.MapRunArn)
		return arn, matches, err
	}
	t, err := parseTarget(*in.StateMachineArn)
	if err != nil {
		return t.Machine, nil, err
	}
	m, err := findMachine(tx, t.Machine, *in.StateMachineArn)
	if err == nil && m.Type == api.StateMachineTypeExpress {
		err = errKind()
	}
	if t.Qualifier == "" {
		return t.Machine, matches, err
	}
	return t.Machine, func(e *execution) bool {
		return matches(e) && (t.number() > 0 && e.Version == t.number() && e.Alias == "" || e.Alias == t.Qualifier)
	}, err
}

func errKind() error {
	return api.StateMachineTypeNotSupported.Errorf("This operation is not supported by this type of state machine")
}

// parseListKey reads where a list goes on.
func parseListKey(of aws.ARN, text string) (listKey, error) {
	at, name, _ := strings.Cut(text, " ")
	started, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return listKey{}, errToken()
	}
	arn, err := aws.ParseARN(name)
	if err != nil {
		return listKey{}, errToken()
	}
	return listKey{of, started, arn}, nil
}

// item is an execution as lists have it.
func (e *execution) item(arn aws.ARN) api.ExecutionListItem {
	item := api.ExecutionListItem{
		ExecutionArn: arn.String(), StateMachineArn: e.machineARN(), Name: e.Name, Status: e.Status, StartDate: e.Started, StopDate: moment(e.Stopped),
		MapRunArn: optional(e.MapRun.String()), StateMachineVersionArn: e.versionARN(), StateMachineAliasArn: e.aliasARN(),
		RedriveCount: &e.Redrives, RedriveDate: moment(e.Redriven),
	}
	if e.MapRun != (aws.ARN{}) {
		item.ItemCount = new(int32(e.Items))
	}
	return item
}

// StopExecution ends an execution. One that has ended is left as it is.
func (s *Service) StopExecution(ctx context.Context, _ *aws.Call, in *api.StopExecutionInput) (*api.StopExecutionOutput, error) {
	arn, err := parseKind(in.ExecutionArn, executionKind)
	if err != nil {
		return nil, err
	}
	out := &api.StopExecutionOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findExecution(tx, arn, in.ExecutionArn)
		if err != nil {
			return err
		}
		if row.Status != api.ExecutionStatusRunning {
			out.StopDate = row.Stopped
			return nil
		}
		out.StopDate = time.Now().UTC()
		return s.step(tx, arn, func(r *flow.Run) { r.Stop(&asl.Error{Name: aws.Value(in.Error), Cause: aws.Value(in.Cause)}) })
	})
	return out, err
}

// RedriveExecution goes on with an execution that did not succeed, where it was.
func (s *Service) RedriveExecution(ctx context.Context, _ *aws.Call, in *api.RedriveExecutionInput) (*api.RedriveExecutionOutput, error) {
	arn, err := parseKind(in.ExecutionArn, executionKind)
	if err != nil {
		return nil, err
	}
	out := &api.RedriveExecutionOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findExecution(tx, arn, in.ExecutionArn)
		if err != nil {
			return err
		}
		if _, why := row.redrivable(); why != "" {
			return api.ExecutionNotRedrivable.Errorf("%s", why)
		}
		out.RedriveDate = time.Now().UTC()
		row.Status, row.Stopped, row.Error, row.Cause, row.Redriven = api.ExecutionStatusRunning, time.Time{}, nil, nil, out.RedriveDate
		row.Redrives++
		k := s.keeper(tx, arn, &row)
		k.changed = true
		run, err := k.load()
		if err != nil {
			return err
		}
		deadline := time.Time{}
		if limit := run.Machine.TimeoutSeconds; limit > 0 {
			deadline = out.RedriveDate.Add(time.Duration(limit) * time.Second)
		}
		if err := dues.Move(tx, strandKey{Execution: arn}, &row.Alarm, deadline, s.due); err != nil {
			return err
		}
		if err := running.Put(tx, listKey{row.list(), row.Started, arn}, struct{}{}); err != nil {
			return err
		}
		if err := s.notify(tx, arn, &row); err != nil {
			return err
		}
		run.Redrive(row.Redrives)
		return k.save()
	})
	return out, err
}
