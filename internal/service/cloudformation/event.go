package cloudformation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// DescribeStackEvents lists what happened to a stack, newest first.
func (s *Service) DescribeStackEvents(ctx context.Context, call *aws.Call, in *api.DescribeStackEventsInput) (*api.DescribeStackEventsOutput, error) {
	from := store.MaxPosition
	if in.NextToken != nil {
		var err error
		if from, err = store.ParsePosition(*in.NextToken); err != nil {
			return nil, api.ValidationError.Errorf("Invalid NextToken: %s", *in.NextToken)
		}
	}
	out := &api.DescribeStackEventsOutput{StackEvents: []api.StackEvent{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.StackEvents, out.NextToken = []api.StackEvent{}, nil
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		var last store.Position
		for at, e := range events.ScanReverse(tx, stackID(st.ID), from) {
			if len(out.StackEvents) == eventsPerPage {
				out.NextToken = new(last.String())
				break
			}
			last = at
			out.StackEvents = append(out.StackEvents, api.StackEvent{
				StackId: st.ID, StackName: st.Name, EventId: e.ID, LogicalResourceId: &e.LogicalID, PhysicalResourceId: &e.PhysicalID,
				ResourceType: &e.Type, Timestamp: e.Time, ResourceStatus: &e.Status, ResourceStatusReason: optional(e.Reason),
				ResourceProperties: optional(e.Properties), ClientRequestToken: optional(e.Token), OperationId: optional(operationOf(&e)),
			})
		}
		return nil
	})
	return out, err
}

// operations are what phases of a stack belong to, as DescribeEvents says it.
var operations = map[deploy.Phase]string{
	deploy.Creating: api.OperationTypeCreateStack, deploy.Updating: api.OperationTypeUpdateStack, deploy.CleaningUp: api.OperationTypeUpdateStack,
	deploy.Importing: api.OperationTypeUpdateStack, deploy.Deleting: api.OperationTypeDeleteStack, deploy.RollingBackCreation: api.OperationTypeRollback,
	deploy.RollingBackUpdate: api.OperationTypeRollback, deploy.CleaningUpRollback: api.OperationTypeRollback,
}

// operationOf is the id of the operation that an event is of, or "". To take a
// deed back is an operation of its own.
func operationOf(e *deploy.Event) string {
	if operations[e.Phase] != api.OperationTypeRollback || e.Deed == "" {
		return e.Deed
	}
	return derivedID("rollback of " + e.Deed)
}

// derivedID is an id that is the same for the same text.
func derivedID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%x-%x-4%x-8%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])[:36]
}

// DescribeEvents lists what happened to a stack by the operations that it was of,
// the newest first, or what came of making a change set.
func (s *Service) DescribeEvents(ctx context.Context, call *aws.Call, in *api.DescribeEventsInput) (*api.DescribeEventsOutput, error) {
	from := store.MaxPosition
	if in.NextToken != nil {
		var err error
		if from, err = store.ParsePosition(*in.NextToken); err != nil {
			return nil, api.ValidationError.Errorf("Invalid NextToken: %s", *in.NextToken)
		}
	}
	out := &api.DescribeEventsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.OperationEvents, out.NextToken = []api.OperationEvent{}, nil
		if in.ChangeSetName != nil {
			set, err := findChangeSet(tx, call, aws.Value(in.StackName), *in.ChangeSetName)
			if err == nil && !failedOnly(in) {
				out.OperationEvents = append(out.OperationEvents, eventOfSet(&set))
			}
			return err
		}
		if in.StackName == nil {
			return api.ValidationError.Errorf("Either StackName, ChangeSetName or OperationId must be specified")
		}
		st, err := needStack(tx, call, *in.StackName, errNoStack)
		if err != nil {
			return err
		}
		var last store.Position
		for at, e := range events.ScanReverse(tx, stackID(st.ID), from) {
			shown := operationEvent(st.ID, &e)
			if in.OperationId != nil && *in.OperationId != aws.Value(shown.OperationId) || failedOnly(in) && *shown.EventType != api.EventTypeProvisioningError {
				continue
			}
			if len(out.OperationEvents) == eventsPerPage {
				out.NextToken = new(last.String())
				break
			}
			last = at
			out.OperationEvents = append(out.OperationEvents, shown)
		}
		return nil
	})
	return out, err
}

func failedOnly(in *api.DescribeEventsInput) bool {
	return in.Filters != nil && aws.Value(in.Filters.FailedEvents)
}

// operationEvent is an event of a stack as DescribeEvents shows it.
func operationEvent(stack string, e *deploy.Event) api.OperationEvent {
	shown := api.OperationEvent{
		EventId: &e.ID, StackId: &stack, OperationId: optional(operationOf(e)), OperationType: optional(operations[e.Phase]), Timestamp: &e.Time,
		ClientRequestToken: optional(e.Token),
	}
	failed := strings.HasSuffix(e.Status, "_FAILED")
	if e.PhysicalID == stack {
		shown.EventType, shown.OperationStatus = new(api.EventTypeStackEvent), new(progress(e.Status))
		return shown
	}
	shown.EventType = new(api.EventTypeProgressEvent)
	if failed {
		shown.EventType = new(api.EventTypeProvisioningError)
	}
	shown.LogicalResourceId, shown.PhysicalResourceId, shown.ResourceType = &e.LogicalID, optional(e.PhysicalID), &e.Type
	shown.ResourceStatus, shown.ResourceStatusReason, shown.ResourceProperties = &e.Status, optional(e.Reason), optional(e.Properties)
	return shown
}

// progress says of a status how far an operation is.
func progress(status string) string {
	switch {
	case strings.HasSuffix(status, "_IN_PROGRESS"):
		return api.BeaconStackOperationStatusInProgress
	case strings.HasSuffix(status, "_FAILED"):
		return api.BeaconStackOperationStatusFailed
	}
	return api.BeaconStackOperationStatusSucceeded
}

// eventOfSet is what came of making a change set.
func eventOfSet(set *changeSet) api.OperationEvent {
	status := api.BeaconStackOperationStatusSucceeded
	if set.Status == "FAILED" {
		status = api.BeaconStackOperationStatusFailed
	}
	id := derivedID(set.ID.String())
	return api.OperationEvent{
		EventId: &id, OperationId: &id, OperationType: new(api.OperationTypeCreateChangeset), OperationStatus: &status,
		EventType: new(api.EventTypeStackEvent), Timestamp: &set.Created,
	}
}
