package cloudformation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A setOperation deploys, changes or deletes stacks of a set.
type setOperation struct {
	ID          string
	Action      string // "CREATE", "UPDATE", "DELETE"
	Status      string // "RUNNING", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED"
	Preferences *api.StackSetOperationPreferences
	Retain      bool
	Targets     []target // in order
	Results     []setResult
	Began       time.Time
	Ended       time.Time // zero: not
}

// A target is a place where a stack of a set is, or is to be.
type target struct{ Account, Region string }

// A setResult is what came of an operation in one place.
type setResult struct {
	target
	Status string // "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
	Reason string
}

type operationKey struct {
	Set aws.ARN
	ID  string
}

var (
	setOperations = store.NewTable[operationKey, setOperation]("cloudformation.stacksetoperation")
	setAtWork     = store.NewTable[aws.ARN, string]("cloudformation.stacksetactive") // id of the operation
)

// checkIdle refuses what a set that is being worked on cannot have.
func checkIdle(tx *store.Tx, set *stackSet) error {
	running, err := setAtWork.Get(tx, set.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return api.OperationInProgressException.Errorf("Another Operation on StackSet %s is in progress: %s", set.ID, running)
}

// beginOperation has an operation of a set done.
func (s *Service) beginOperation(tx *store.Tx, call *aws.Call, set *stackSet, op setOperation) error {
	if err := checkIdle(tx, set); err != nil {
		return err
	}
	key := operationKey{set.ID, op.ID}
	if has, err := setOperations.Has(tx, key); err != nil || has {
		if has {
			return api.OperationIdAlreadyExistsException.Errorf("Operation %s already exists", op.ID)
		}
		return err
	}
	op.Status, op.Began = "RUNNING", time.Now()
	for _, t := range op.Targets {
		op.Results = append(op.Results, setResult{target: t, Status: "PENDING"})
	}
	if err := setAtWork.Put(tx, set.ID, op.ID); err != nil {
		return err
	}
	tx.AfterCommit(s.setBell.Ring)
	return setOperations.Put(tx, key, op)
}

func needOperation(tx *store.Tx, set *stackSet, id string) (setOperation, error) {
	op, err := setOperations.Get(tx, operationKey{set.ID, id})
	if errors.Is(err, store.ErrNotFound) {
		err = api.OperationNotFoundException.Errorf("Operation %s not found", id)
	}
	return op, err
}

func (op *setOperation) details() *api.StackSetOperationStatusDetails {
	n := 0
	for _, r := range op.Results {
		if r.Status == "FAILED" {
			n++
		}
	}
	return &api.StackSetOperationStatusDetails{FailedStackInstancesCount: new(int32(n))}
}

// DescribeStackSetOperation describes an operation of a stack set.
func (s *Service) DescribeStackSetOperation(ctx context.Context, call *aws.Call, in *api.DescribeStackSetOperationInput) (*api.DescribeStackSetOperationOutput, error) {
	out := &api.DescribeStackSetOperationOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		op, err := needOperation(tx, &set, in.OperationId)
		out.StackSetOperation = &api.StackSetOperation{
			OperationId: &op.ID, StackSetId: new(set.shortID()), Action: &op.Action, Status: &op.Status, OperationPreferences: shownPreferences(op.Preferences),
			AdministrationRoleARN: optional(set.AdminRole), ExecutionRoleName: &set.ExecRole, CreationTimestamp: &op.Began,
			EndTimestamp: optionalTime(op.Ended), StatusDetails: op.details(),
		}
		if op.Action == "DELETE" {
			out.StackSetOperation.RetainStacks = &op.Retain
		}
		return err
	})
	return out, err
}

func shownPreferences(p *api.StackSetOperationPreferences) *api.StackSetOperationPreferences {
	if p == nil {
		return &api.StackSetOperationPreferences{RegionOrder: []string{}}
	}
	return p
}

// ListStackSetOperations lists the operations of a stack set, newest first.
func (s *Service) ListStackSetOperations(ctx context.Context, call *aws.Call, in *api.ListStackSetOperationsInput) (*api.ListStackSetOperationsOutput, error) {
	out := &api.ListStackSetOperationsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Summaries, out.NextToken = []api.StackSetOperationSummary{}, nil
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		after, err := cut(in.NextToken)
		if err != nil {
			return err
		}
		var all []setOperation
		for _, op := range setOperations.Scan(tx, operationKey{Set: set.ID}) {
			all = append(all, op)
		}
		slices.SortFunc(all, func(a, b setOperation) int { return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID)) })
		all = all[1+slices.IndexFunc(all, func(op setOperation) bool { return op.ID == after }):]
		most := int(aws.Or(in.MaxResults, 100))
		for i, op := range all {
			if i == most {
				out.NextToken = token(all[i-1].ID)
				break
			}
			out.Summaries = append(out.Summaries, api.StackSetOperationSummary{
				OperationId: &op.ID, Action: &op.Action, Status: &op.Status, CreationTimestamp: &op.Began, EndTimestamp: optionalTime(op.Ended),
				StatusDetails: op.details(), OperationPreferences: shownPreferences(op.Preferences),
			})
		}
		return nil
	})
	return out, err
}

// ListStackSetOperationResults lists what came of an operation in each place.
func (s *Service) ListStackSetOperationResults(ctx context.Context, call *aws.Call, in *api.ListStackSetOperationResultsInput) (*api.ListStackSetOperationResultsOutput, error) {
	out := &api.ListStackSetOperationResultsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Summaries, out.NextToken = []api.StackSetOperationResultSummary{}, nil
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		op, err := needOperation(tx, &set, in.OperationId)
		if err != nil {
			return err
		}
		after, err := cut(in.NextToken)
		if err != nil {
			return err
		}
		begin := 1 + slices.IndexFunc(op.Results, func(r setResult) bool { return r.Account+"/"+r.Region == after })
		for _, r := range op.Results[begin:] {
			if len(in.Filters) > 0 && aws.Value(in.Filters[0].Values) != r.Status {
				continue
			}
			if n := len(out.Summaries); n == int(aws.Or(in.MaxResults, 100)) {
				out.NextToken = token(*out.Summaries[n-1].Account + "/" + *out.Summaries[n-1].Region)
				break
			}
			out.Summaries = append(out.Summaries, api.StackSetOperationResultSummary{
				Account: &r.Account, Region: &r.Region, Status: &r.Status, StatusReason: optional(r.Reason), OrganizationalUnitId: new(""),
				AccountGateResult: &api.AccountGateResult{Status: new("SKIPPED")},
			})
		}
		return nil
	})
	return out, err
}

// StopStackSetOperation has an operation begin nothing more.
func (s *Service) StopStackSetOperation(ctx context.Context, call *aws.Call, in *api.StopStackSetOperationInput) (*api.StopStackSetOperationOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findLiveSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		op, err := needOperation(tx, &set, in.OperationId)
		if err != nil {
			return err
		}
		if op.Status != "RUNNING" {
			return api.InvalidOperationException.Errorf("Operation %s cannot be stopped: it is in status %s", op.ID, op.Status)
		}
		op.Status = "STOPPING"
		return setOperations.Put(tx, operationKey{set.ID, op.ID}, op)
	})
	return &api.StopStackSetOperationOutput{}, err
}
