package states

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	mapRuns  = store.NewTable[aws.ARN, mapRun]("states.maprun")
	mapsOf   = store.NewTable[listKey, struct{}]("states.mapsof")   // map runs of an execution, by time; Execution is the map run
	mapItems = store.NewTable[itemKey, mapItem]("states.mapitem")   // what the executions of a map run begin with, and come to
	mapEnded = store.NewTable[itemKey, struct{}]("states.mapended") // executions that ended, and were not counted yet
)

// A mapRun is a distributed map that is under way, or was.
type mapRun struct {
	Execution       aws.ARN // whose state it is
	Strand, Attempt int64
	Machine         aws.ARN
	Spec            string
	State, Label    string
	Express         bool
	Status          string // of api.MapRunStatus…
	Started         time.Time
	Stopped         time.Time
	Limits          asl.MapLimits
	Whole           bool   // all items are rows
	Next            int64  // execution to start next
	Executions      counts // Total is set once all items are rows
	Items           counts
	Error           *asl.Error `json:",omitempty"` // why it is to fail
}

// counts say how executions, or their items, fare.
type counts struct {
	Total, Running, Succeeded, Failed, TimedOut, Aborted, Written int64
}

func (c *counts) pending() int64 {
	return c.Total - c.Running - c.Succeeded - c.Failed - c.TimedOut - c.Aborted
}

// add counts n that ended with a status.
func (c *counts) add(status string, n int64) {
	switch status {
	case api.ExecutionStatusSucceeded:
		c.Succeeded += n
	case api.ExecutionStatusFailed:
		c.Failed += n
	case api.ExecutionStatusTimedOut:
		c.TimedOut += n
	case api.ExecutionStatusAborted:
		c.Aborted += n
	}
}

// An itemKey names an execution of a map run by its place.
type itemKey struct {
	Run   aws.ARN
	Index int64
}

// A mapItem is what an execution of a map run begins with, and what it came to.
type mapItem struct {
	Input     flow.Doc
	Item      *flow.Item `json:",omitempty"` // that it is of, if it is one
	Count     int64      // of items
	Execution aws.ARN
	Name      string
	Status    string  `json:",omitempty"` // that it ended with
	Output    *string `json:",omitempty"`
	Error     *string `json:",omitempty"`
	Cause     *string `json:",omitempty"`
	Started   time.Time
	Stopped   time.Time
}

// What is done in one transaction, and at once.
const (
	mapStep     = 100
	mapAtOnce   = 1000
	mapStepSize = 4 << 20 // bytes of items
)

// findMapRun returns a map run, or a refusal that says text if there is none.
func findMapRun(tx *store.Tx, arn aws.ARN, text string) (mapRun, error) {
	row, err := mapRuns.Get(tx, arn)
	return row, refuseAbsent(err, api.ResourceNotFound.Errorf("Resource not found: '%s'", text))
}

// beginMap makes the rows of the distributed map of a strand.
func (s *Service) beginMap(k *keeper, strand *flow.Strand) error {
	st, env := k.run.Env(strand.ID)
	limits, e := st.MapLimits(env)
	if e != nil {
		return e // it was computed a moment ago
	}
	arn, label := k.row.Machine, labelOf(st)
	arn.Resource = mapRunKind + strings.TrimPrefix(arn.Resource, machineKind) + "/" + label + ":" + aws.NewRequestID()
	row := mapRun{
		Execution: k.arn, Strand: strand.ID, Attempt: strand.Attempt, Machine: k.row.Machine, Spec: k.row.Spec, State: st.Name, Label: label,
		Express: st.Processor.Express, Status: api.MapRunStatusRunning, Started: time.Now().UTC(), Limits: limits,
	}
	strand.Child = arn.String()
	k.run.MapBegan(strand.ID, strand.Child)
	return errors.Join(
		mapRuns.Put(k.tx, arn, row), mapsOf.Put(k.tx, listKey{k.arn, row.Started, arn}, struct{}{}),
		s.do(k.tx, workKey{arn, 0, workMap}, work{}),
	)
}

// maxLabel is how long the label of a map is at most.
const maxLabel = 40

// labelOf names a map in ARNs. Without a label of its own, AWS makes one; ours
// is the state's name, as far as that may be one.
func labelOf(st *asl.State) string {
	if st.Label != "" {
		return st.Label
	}
	label := strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '-'
	}, st.Name)
	return label[:min(len(label), maxLabel)]
}

// workMapRun has a map run go on as far as it can: its items are read, some of
// its executions start, and when all have ended it ends.
func (s *Service) workMapRun(ctx context.Context, key workKey) error {
	for {
		var row mapRun
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			row, err = mapRuns.Get(tx, key.Execution)
			return err
		})
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Status != api.MapRunStatusRunning {
			return s.DB.Update(ctx, func(tx *store.Tx) error { return works.Delete(tx, key) })
		}
		if err != nil {
			return err
		}
		if !row.Whole && row.Error == nil {
			if err := s.readItems(ctx, key.Execution, &row); err != nil {
				return err
			}
			continue
		}
		more, over, err := s.pump(ctx, key.Execution)
		if err != nil {
			return err
		}
		if over {
			return s.endMap(ctx, key)
		}
		if !more {
			return nil // an execution that ends rings again
		}
	}
}

// pump counts executions of a map run that ended, and starts others. It says
// whether there is more to do at once, and whether the map run is over.
func (s *Service) pump(ctx context.Context, arn aws.ARN) (more, over bool, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		more, over = false, false
		row, err := mapRuns.Get(tx, arn)
		if err != nil {
			return err
		}
		ended, err := s.countEnded(tx, arn, &row)
		if err != nil {
			return err
		}
		wanted, err := s.stillWanted(tx, &row)
		if err != nil {
			return err
		}
		failed := row.Items.Failed + row.Items.TimedOut + row.Items.Aborted
		if row.Error == nil && row.Limits.Exceeded(failed, row.Items.Total) {
			row.Error = &asl.Error{Name: asl.ErrExceedToleratedFailure, Cause: "The specified tolerated failure threshold was exceeded"}
		}
		stopped, started := 0, 0
		if row.Error != nil || !wanted {
			if stopped, err = s.stopChildren(tx, arn, &row); err != nil {
				return err
			}
		} else if started, err = s.startChildren(tx, arn, &row); err != nil {
			return err
		}
		more = ended == mapStep || started == mapStep || stopped > 0
		over = !more && row.Executions.Running == 0 && (row.Executions.pending() == 0 || row.Error != nil || !wanted)
		return mapRuns.Put(tx, arn, row)
	})
	return more, over, err
}

// countEnded counts executions that ended.
func (s *Service) countEnded(tx *store.Tx, arn aws.ARN, row *mapRun) (int, error) {
	n := 0
	for key := range mapEnded.Scan(tx, itemKey{Run: arn}) {
		item, err := mapItems.Get(tx, key)
		if err != nil {
			return n, err
		}
		row.Executions.Running--
		row.Items.Running -= item.Count
		row.Executions.add(item.Status, 1)
		row.Items.add(item.Status, item.Count)
		if err := mapEnded.Delete(tx, key); err != nil {
			return n, err
		}
		if n++; n == mapStep {
			break
		}
	}
	return n, tx.Err()
}

// stillWanted says whether the state whose map it is waits for it.
func (s *Service) stillWanted(tx *store.Tx, row *mapRun) (bool, error) {
	strand, err := strands.Get(tx, strandKey{row.Execution, row.Strand})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return strand.Phase == flow.Mapping && strand.Attempt == row.Attempt, err
}

// startChildren starts executions, as many as may be under way.
func (s *Service) startChildren(tx *store.Tx, arn aws.ARN, row *mapRun) (int, error) {
	atOnce := int64(mapAtOnce)
	if n := row.Limits.MaxConcurrency; n > 0 && n < atOnce {
		atOnce = n
	}
	n := 0
	for ; n < mapStep && row.Next < row.Executions.Total && row.Executions.Running < atOnce; n++ {
		key := itemKey{arn, row.Next}
		item, err := mapItems.Get(tx, key)
		if err != nil {
			return n, err
		}
		item.Name, item.Started = aws.NewRequestID(), time.Now().UTC()
		item.Execution = row.Machine
		kind := executionKind
		if row.Express {
			kind = expressKind
		}
		item.Execution.Resource = kind + strings.TrimPrefix(row.Machine.Resource, machineKind) + "/" + row.Label + ":" + item.Name
		if row.Express {
			item.Execution.Resource += ":" + aws.NewRequestID()
		}
		if err := mapItems.Put(tx, key, item); err != nil { // first, since it may end as it begins
			return n, err
		}
		if err := s.startChild(tx, arn, row, &item); err != nil {
			return n, err
		}
		row.Next++
		row.Executions.Running++
		row.Items.Running += item.Count
	}
	return n, nil
}

// startChild starts one execution of a map run.
func (s *Service) startChild(tx *store.Tx, arn aws.ARN, row *mapRun, item *mapItem) error {
	st := &start{arn: item.Execution, input: item.Input.V, row: execution{
		Machine: row.Machine, Spec: row.Spec, Name: item.Name, Status: api.ExecutionStatusRunning, Input: item.text(), Started: item.Started,
		MapRun: arn, Map: row.State, Label: row.Label, Index: row.Next, Items: item.Count, Item: item.Item,
	}}
	if row.Express {
		return s.startExpress(tx, st)
	}
	return s.begin(tx, st)
}

// childEnded tells a map run that one of its executions ended.
func (s *Service) childEnded(tx *store.Tx, e *execution) error {
	key := itemKey{e.MapRun, e.Index}
	item, err := mapItems.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	item.Status, item.Stopped, item.Output, item.Error, item.Cause = e.Status, e.Stopped, e.Output, e.Error, e.Cause
	return errors.Join(mapItems.Put(tx, key, item), mapEnded.Put(tx, key, struct{}{}), s.do(tx, workKey{e.MapRun, 0, workMap}, work{}))
}

// stopChildren stops executions of a map run that is to end.
func (s *Service) stopChildren(tx *store.Tx, arn aws.ARN, row *mapRun) (int, error) {
	n := 0
	for key := range running.Scan(tx, listKey{Of: arn}) {
		if err := s.step(tx, key.Execution, func(r *flow.Run) { r.Stop(&asl.Error{}) }); err != nil {
			return n, err
		}
		if n++; n == mapStep {
			break
		}
	}
	return n, tx.Err()
}

// endMap ends a map run: its results are written, and the state goes on.
func (s *Service) endMap(ctx context.Context, key workKey) error {
	result, row, e, err := s.results(ctx, key.Execution)
	if err != nil {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		now, err := mapRuns.Get(tx, key.Execution)
		if err != nil {
			return err
		}
		wanted, err := s.stillWanted(tx, &now)
		if err != nil {
			return err
		}
		now.Stopped, now.Status, now.Error = time.Now().UTC(), api.MapRunStatusSucceeded, e
		now.Executions.Written, now.Items.Written = row.Executions.Written, row.Items.Written
		pending, items := now.Executions.pending(), now.Items.pending()
		now.Executions.Aborted += pending
		now.Items.Aborted += items
		switch {
		case !wanted:
			now.Status = api.MapRunStatusAborted
		case e != nil:
			now.Status = api.MapRunStatusFailed
		}
		if err := errors.Join(mapRuns.Put(tx, key.Execution, now), works.Delete(tx, key), mapItems.DeletePrefix(tx, itemKey{Run: key.Execution})); err != nil {
			return err
		}
		return s.step(tx, now.Execution, func(r *flow.Run) { r.Mapped(now.Strand, now.Attempt, result, e) })
	})
}

// DescribeMapRun describes a map run.
func (s *Service) DescribeMapRun(ctx context.Context, _ *aws.Call, in *api.DescribeMapRunInput) (*api.DescribeMapRunOutput, error) {
	arn, err := parseKind(in.MapRunArn, mapRunKind)
	if err != nil {
		return nil, err
	}
	var row mapRun
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findMapRun(tx, arn, in.MapRunArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	items, all := &row.Items, &row.Executions
	return &api.DescribeMapRunOutput{
		MapRunArn: arn.String(), ExecutionArn: row.Execution.String(), Status: row.Status, StartDate: row.Started, StopDate: moment(row.Stopped),
		MaxConcurrency: int32(min(row.Limits.MaxConcurrency, math.MaxInt32)), ToleratedFailurePercentage: float32(row.Limits.ToleratedFailurePercentage),
		ToleratedFailureCount: row.Limits.ToleratedFailureCount, RedriveCount: new(int32(0)),
		ItemCounts: &api.MapRunItemCounts{
			Pending: items.pending(), Running: items.Running, Succeeded: items.Succeeded, Failed: items.Failed, TimedOut: items.TimedOut,
			Aborted: items.Aborted, Total: items.Total, ResultsWritten: items.Written, FailuresNotRedrivable: new(int64(0)), PendingRedrive: new(int64(0)),
		},
		ExecutionCounts: &api.MapRunExecutionCounts{
			Pending: all.pending(), Running: all.Running, Succeeded: all.Succeeded, Failed: all.Failed, TimedOut: all.TimedOut,
			Aborted: all.Aborted, Total: all.Total, ResultsWritten: all.Written, FailuresNotRedrivable: new(int64(0)), PendingRedrive: new(int64(0)),
		},
	}, nil
}

// ListMapRuns lists the map runs of an execution, the last first.
func (s *Service) ListMapRuns(ctx context.Context, _ *aws.Call, in *api.ListMapRunsInput) (*api.ListMapRunsOutput, error) {
	arn, err := parseKind(in.ExecutionArn, executionKind)
	if err != nil {
		return nil, err
	}
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	before := listKey{arn, time.Unix(1<<33, 0), aws.ARN{}}
	if p.after != "" {
		if before, err = parseListKey(arn, p.after); err != nil {
			return nil, err
		}
	}
	out := &api.ListMapRunsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListMapRunsOutput{MapRuns: []api.MapRunListItem{}}
		if _, err := findExecution(tx, arn, in.ExecutionArn); err != nil {
			return err
		}
		var last listKey
		for key := range mapsOf.ScanBefore(tx, listKey{Of: arn}, before) {
			if len(out.MapRuns) == p.limit {
				out.NextToken = nextPage(last.Started.Format(time.RFC3339Nano) + " " + last.Execution.String())
				break
			}
			row, err := mapRuns.Get(tx, key.Execution)
			if err != nil {
				return err
			}
			last = key
			out.MapRuns = append(out.MapRuns, api.MapRunListItem{
				ExecutionArn: in.ExecutionArn, MapRunArn: key.Execution.String(), StateMachineArn: row.Machine.String() + "/" + row.Label,
				StartDate: row.Started, StopDate: moment(row.Stopped),
			})
		}
		return nil
	})
	return out, err
}

// UpdateMapRun changes the limits of a map run that is under way.
func (s *Service) UpdateMapRun(ctx context.Context, _ *aws.Call, in *api.UpdateMapRunInput) (*api.UpdateMapRunOutput, error) {
	arn, err := parseKind(in.MapRunArn, mapRunKind)
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findMapRun(tx, arn, in.MapRunArn)
		if err != nil {
			return err
		}
		if row.Status != api.MapRunStatusRunning {
			return api.ValidationException.With(&api.ValidationExceptionDetail{Reason: new(api.ValidationExceptionReasonCannotUpdateCompletedMapRun)}, "The Map Run has completed and cannot be updated: "+in.MapRunArn)
		}
		row.Limits.MaxConcurrency = int64(aws.Or(in.MaxConcurrency, int32(row.Limits.MaxConcurrency)))
		if in.ToleratedFailureCount != nil {
			row.Limits.ToleratedFailureCount, row.Limits.CountGiven = *in.ToleratedFailureCount, true
		}
		if in.ToleratedFailurePercentage != nil {
			row.Limits.ToleratedFailurePercentage, row.Limits.PercentageGiven = float64(*in.ToleratedFailurePercentage), true
		}
		return errors.Join(mapRuns.Put(tx, arn, row), s.do(tx, workKey{arn, 0, workMap}, work{}))
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateMapRunOutput{}, nil
}
