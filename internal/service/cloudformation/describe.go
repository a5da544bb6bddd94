package cloudformation

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	eventsPerPage = 100
	stacksPerPage = 100
)

const notChecked = "NOT_CHECKED" // drift

// holds is how long the description of a stack waits for the stack to be at
// rest: tools that wait for stacks ask every 5 or 30 seconds, and most stacks
// are done long before.
const holds = 2 * time.Second

// hold waits until a stack is at rest, or that has taken too long.
func (s *Service) hold(ctx context.Context, call *aws.Call, name string) error {
	ctx, cancel := context.WithTimeout(ctx, holds)
	defer cancel()
	var bell task.Bell
	for {
		var st deploy.Stack
		err := s.db.View(ctx, func(tx *store.Tx) error {
			var err error
			st, err = findStack(tx, call, name)
			return err
		})
		if err != nil || st.Phase == deploy.AtRest {
			return nil // what is wrong is said when it is described
		}
		if bell == nil {
			var stop func()
			bell, stop = s.db.Watch(topic(stackID(st.ID)))
			defer stop()
			continue // it may have come to rest since
		}
		select {
		case <-bell:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// DescribeStacks describes a stack, or all that are not deleted.
func (s *Service) DescribeStacks(ctx context.Context, call *aws.Call, in *api.DescribeStacksInput) (*api.DescribeStacksOutput, error) {
	if name := aws.Value(in.StackName); name != "" {
		if err := s.hold(ctx, call, name); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
	}
	out := &api.DescribeStacksOutput{Stacks: []api.Stack{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if name := aws.Value(in.StackName); name != "" {
			st, err := needStack(tx, call, name, errNoStackWithID)
			if err != nil {
				return err
			}
			out.Stacks = append(out.Stacks, describe(&st))
			return setDrift(tx, &out.Stacks[len(out.Stacks)-1])
		}
		after, err := cut(in.NextToken)
		if err != nil {
			return err
		}
		for name, id := range names.Scan(tx, aws.ARN{}) {
			if name.Account != call.Account || name.Region != call.Region || name.Resource <= after {
				continue
			}
			if len(out.Stacks) == stacksPerPage {
				out.NextToken = token(stackPrefix + out.Stacks[stacksPerPage-1].StackName)
				break
			}
			st, err := stacks.Get(tx, id)
			if err != nil {
				return err
			}
			out.Stacks = append(out.Stacks, describe(&st))
		}
		return nil
	})
	return out, err
}

// token hides where a page ends.
func token(place string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(place)))
}

// cut reads a token.
func cut(token *string) (string, error) {
	place, err := base64.RawURLEncoding.DecodeString(aws.Value(token))
	if err != nil {
		return "", api.ValidationError.Errorf("Invalid NextToken: %s", aws.Value(token))
	}
	return string(place), nil
}

func describe(st *deploy.Stack) api.Stack {
	spec := &st.Spec
	if spec.Body == "" && st.Next != nil {
		spec = st.Next
	}
	out := api.Stack{
		StackId: &st.ID, StackName: st.Name, StackStatus: st.Status, CreationTime: st.Created,
		DisableRollback: &st.DisableRollback, RollbackConfiguration: shownWatch(st.Watch),
		NotificationARNs: append([]string{}, spec.NotificationARNs...), Tags: []api.Tag{},
		DriftInformation: &api.StackDriftInformation{StackDriftStatus: notChecked},
		Capabilities:     spec.Capabilities,
		Description:      optional(spec.Description), StackStatusReason: optional(st.Reason), RoleARN: optional(spec.RoleARN),
		ChangeSetId: optional(st.ChangeSet), ParentId: optional(st.Parent), RootId: optional(st.Root),
		LastUpdatedTime: optionalTime(st.Updated), DeletionTime: optionalTime(st.Deleted),
	}
	if st.Deleted.IsZero() {
		out.EnableTerminationProtection = &st.Protected
	}
	if st.RetainExceptOnCreate {
		out.RetainExceptOnCreate = &st.RetainExceptOnCreate
	}
	if !st.Deadline.IsZero() {
		out.TimeoutInMinutes = new(int32(st.Deadline.Sub(st.Created) / time.Minute))
	}
	out.Parameters = shownParameters(spec)
	for _, tag := range spec.Tags {
		out.Tags = append(out.Tags, api.Tag{Key: tag.Key, Value: tag.Value})
	}
	for _, o := range st.Outputs {
		out.Outputs = append(out.Outputs, api.Output{
			OutputKey: &o.Key, OutputValue: &o.Value, Description: optional(o.Description), ExportName: optional(o.Export),
		})
	}
	return out
}

// shownParameters are the parameters of a spec, without the values of those
// that are secret.
func shownParameters(spec *deploy.Spec) []api.Parameter {
	var out []api.Parameter
	for _, key := range slices.Sorted(maps.Keys(spec.Parameters)) {
		p := api.Parameter{ParameterKey: &key, ParameterValue: new(spec.Parameters[key])}
		if slices.Contains(spec.NoEcho, key) {
			p.ParameterValue = new("****")
		} else if v, ok := spec.Resolved[key]; ok {
			p.ResolvedValue = &v
		}
		out = append(out, p)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ListStacks lists stacks, those that are deleted too, newest first.
func (s *Service) ListStacks(ctx context.Context, call *aws.Call, in *api.ListStacksInput) (*api.ListStacksOutput, error) {
	after, err := cut(in.NextToken)
	if err != nil {
		return nil, err
	}
	var all []deploy.Stack
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for id, st := range stacks.Scan(tx, aws.ARN{}) {
			if id.Account == call.Account && id.Region == call.Region && (in.StackStatusFilter == nil || slices.Contains(in.StackStatusFilter, st.Status)) {
				all = append(all, st)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b deploy.Stack) int { return b.Created.Compare(a.Created) })
	if after != "" {
		i := slices.IndexFunc(all, func(st deploy.Stack) bool { return st.ID == after })
		all = all[i+1:]
	}
	out := &api.ListStacksOutput{StackSummaries: []api.StackSummary{}}
	for i, st := range all {
		if i == stacksPerPage {
			out.NextToken = token(all[i-1].ID)
			break
		}
		d := describe(&st)
		out.StackSummaries = append(out.StackSummaries, api.StackSummary{
			StackId: d.StackId, StackName: d.StackName, TemplateDescription: d.Description, CreationTime: d.CreationTime,
			LastUpdatedTime: d.LastUpdatedTime, DeletionTime: d.DeletionTime, StackStatus: d.StackStatus,
			StackStatusReason: d.StackStatusReason, ParentId: d.ParentId, RootId: d.RootId,
			DriftInformation: &api.StackDriftInformationSummary{StackDriftStatus: notChecked},
		})
	}
	return out, nil
}

// DescribeStackResource describes one resource of a stack.
func (s *Service) DescribeStackResource(ctx context.Context, call *aws.Call, in *api.DescribeStackResourceInput) (*api.DescribeStackResourceOutput, error) {
	out := &api.DescribeStackResourceOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		row, err := resources.Get(tx, resourceKey{stackID(st.ID), in.LogicalResourceId})
		if errors.Is(err, store.ErrNotFound) {
			return api.ValidationError.Errorf("Resource %s does not exist for stack %s", in.LogicalResourceId, in.StackName)
		}
		if err != nil {
			return err
		}
		metadata := jsonText(row.Metadata)
		if row.Metadata == nil {
			metadata = new("{}")
		}
		out.StackResourceDetail = &api.StackResourceDetail{
			StackName: &st.Name, StackId: &st.ID, LogicalResourceId: row.ID, PhysicalResourceId: optional(row.PhysicalID),
			ResourceType: row.Type, LastUpdatedTimestamp: row.Changed, ResourceStatus: row.Status, ResourceStatusReason: optional(row.Reason),
			Metadata: metadata, DriftInformation: &api.StackResourceDriftInformation{StackResourceDriftStatus: notChecked},
		}
		return nil
	})
	return out, err
}

// DescribeStackResources describes the resources of a stack, or those of the
// stack that a physical id belongs to.
func (s *Service) DescribeStackResources(ctx context.Context, call *aws.Call, in *api.DescribeStackResourcesInput) (*api.DescribeStackResourcesOutput, error) {
	out := &api.DescribeStackResourcesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.StackResources = []api.StackResource{}
		name := aws.Value(in.StackName)
		if name == "" {
			physical := aws.Value(in.PhysicalResourceId)
			if name = stackWith(tx, call, physical); name == "" {
				return api.ValidationError.Errorf("Stack for %s does not exist", physical)
			}
		}
		st, err := needStack(tx, call, name, errNoStackWithID)
		if err != nil {
			return err
		}
		for _, row := range rowsOf(tx, stackID(st.ID)) {
			if in.LogicalResourceId != nil && *in.LogicalResourceId != row.ID {
				continue
			}
			out.StackResources = append(out.StackResources, api.StackResource{
				StackName: &st.Name, StackId: &st.ID, LogicalResourceId: row.ID, PhysicalResourceId: optional(row.PhysicalID),
				ResourceType: row.Type, Timestamp: row.Changed, ResourceStatus: row.Status, ResourceStatusReason: optional(row.Reason),
				DriftInformation: &api.StackResourceDriftInformation{StackResourceDriftStatus: notChecked},
			})
		}
		return nil
	})
	return out, err
}

// stackWith returns the id of the stack that has a resource of a physical id.
func stackWith(tx *store.Tx, call *aws.Call, physical string) string {
	for key, row := range resources.Scan(tx, resourceKey{}) {
		if key.Stack.Account == call.Account && key.Stack.Region == call.Region && row.PhysicalID == physical && row.Status != "DELETE_COMPLETE" {
			return key.Stack.String()
		}
	}
	return ""
}

// ListStackResources lists the resources of a stack.
func (s *Service) ListStackResources(ctx context.Context, call *aws.Call, in *api.ListStackResourcesInput) (*api.ListStackResourcesOutput, error) {
	after, err := cut(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListStackResourcesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.StackResourceSummaries, out.NextToken = []api.StackResourceSummary{}, nil
		st, err := needStack(tx, call, in.StackName, errNoStackWithID)
		if err != nil {
			return err
		}
		for _, row := range rowsOf(tx, stackID(st.ID)) {
			if row.ID <= after {
				continue
			}
			if n := len(out.StackResourceSummaries); n == stacksPerPage {
				out.NextToken = token(out.StackResourceSummaries[n-1].LogicalResourceId)
				return nil
			}
			out.StackResourceSummaries = append(out.StackResourceSummaries, api.StackResourceSummary{
				LogicalResourceId: row.ID, PhysicalResourceId: optional(row.PhysicalID), ResourceType: row.Type,
				LastUpdatedTimestamp: row.Changed, ResourceStatus: row.Status, ResourceStatusReason: optional(row.Reason),
				DriftInformation: &api.StackResourceDriftInformationSummary{StackResourceDriftStatus: notChecked},
			})
		}
		return nil
	})
	return out, err
}
