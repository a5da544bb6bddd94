package states

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// offers are the tasks that wait for workers of an activity, the oldest first.
var offers = store.NewTable[offerKey, work]("states.offer")

type offerKey struct {
	Activity  aws.ARN
	At        time.Time
	Execution aws.ARN
	Strand    int64
}

// pollTime is how long a worker waits for a task.
const pollTime = time.Minute

// CreateActivity makes an activity. One that is there already is no refusal.
func (s *Service) CreateActivity(ctx context.Context, call *aws.Call, in *api.CreateActivityInput) (*api.CreateActivityOutput, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if e := in.EncryptionConfiguration; e != nil && e.Type == api.EncryptionTypeCustomerManagedKmsKey {
		return nil, errAbsent("activities that are encrypted with keys of KMS")
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	arn := call.ARN("states", activityKind+in.Name)
	out := &api.CreateActivityOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := activities.Get(tx, arn)
		if err == nil {
			*out = api.CreateActivityOutput{ActivityArn: arn.String(), CreationDate: row.Created}
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row = activity{Created: time.Now().UTC(), Tags: tags, Encryption: in.EncryptionConfiguration}
		*out = api.CreateActivityOutput{ActivityArn: arn.String(), CreationDate: row.Created}
		return activities.Put(tx, arn, row)
	})
	return out, err
}

// findActivity returns an activity, or a refusal that says text if there is none.
func findActivity(tx *store.Tx, text string) (aws.ARN, activity, error) {
	arn, err := parseKind(text, activityKind)
	if err != nil {
		return arn, activity{}, err
	}
	row, err := activities.Get(tx, arn)
	return arn, row, refuseAbsent(err, api.ActivityDoesNotExist.Errorf("Activity Does Not Exist: '%s'", text))
}

// DescribeActivity describes an activity.
func (s *Service) DescribeActivity(ctx context.Context, _ *aws.Call, in *api.DescribeActivityInput) (*api.DescribeActivityOutput, error) {
	out := &api.DescribeActivityOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		arn, row, err := findActivity(tx, in.ActivityArn)
		if err != nil {
			return err
		}
		*out = api.DescribeActivityOutput{
			ActivityArn: arn.String(), Name: arn.Resource[len(activityKind):], CreationDate: row.Created, EncryptionConfiguration: encryptionOf(row.Encryption),
		}
		return nil
	})
	return out, err
}

// DeleteActivity deletes an activity.
func (s *Service) DeleteActivity(ctx context.Context, _ *aws.Call, in *api.DeleteActivityInput) (*api.DeleteActivityOutput, error) {
	arn, err := parseKind(in.ActivityArn, activityKind)
	if err != nil {
		return nil, err
	}
	if err := s.DB.Update(ctx, func(tx *store.Tx) error { return activities.Delete(tx, arn) }); err != nil {
		return nil, err
	}
	return &api.DeleteActivityOutput{}, nil
}

// ListActivities lists activities by name.
func (s *Service) ListActivities(ctx context.Context, call *aws.Call, in *api.ListActivitiesInput) (*api.ListActivitiesOutput, error) {
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.ListActivitiesOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListActivitiesOutput{Activities: []api.ActivityListItem{}}
		last := ""
		for arn, row := range activities.ScanAfter(tx, call.ARN("states", ""), call.ARN("states", activityKind+p.after)) {
			if len(out.Activities) == p.limit {
				out.NextToken = nextPage(last)
				break
			}
			last = arn.Resource[len(activityKind):]
			out.Activities = append(out.Activities, api.ActivityListItem{ActivityArn: arn.String(), Name: last, CreationDate: row.Created})
		}
		return nil
	})
	return out, err
}

// offer has workers of an activity find a task.
func offer(tx *store.Tx, text string, execution aws.ARN, s *flow.Strand) error {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return err
	}
	tx.Notify(topicOf(arn))
	return offers.Put(tx, offerKey{arn, time.Now().UTC(), execution, s.ID}, work{Attempt: s.Attempt})
}

// topicOf is what the store calls those by who wait for tasks of an activity.
func topicOf(activity aws.ARN) string { return "states.offer " + activity.String() }

// GetActivityTask takes a task. It waits for one, outside any transaction.
func (s *Service) GetActivityTask(ctx context.Context, _ *aws.Call, in *api.GetActivityTaskInput) (*api.GetActivityTaskOutput, error) {
	arn, err := parseKind(in.ActivityArn, activityKind)
	if err != nil {
		return nil, err
	}
	bell, stop := s.DB.Watch(topicOf(arn))
	defer stop()
	over := time.NewTimer(pollTime)
	defer over.Stop()
	for {
		out, err := s.take(ctx, in)
		if err != nil || out != nil {
			return out, err
		}
		select {
		case <-bell:
		case <-over.C:
			return &api.GetActivityTaskOutput{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take takes the oldest task of an activity, if there is one.
func (s *Service) take(ctx context.Context, in *api.GetActivityTaskInput) (out *api.GetActivityTaskOutput, err error) {
	some := false
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findActivity(tx, in.ActivityArn)
		for range offers.Scan(tx, offerKey{Activity: arn}) {
			some = err == nil
			break
		}
		return err
	})
	if err != nil || !some {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		out = nil
		arn, _, err := findActivity(tx, in.ActivityArn)
		if err != nil {
			return err
		}
		for key, w := range offers.Scan(tx, offerKey{Activity: arn}) {
			if err := offers.Delete(tx, key); err != nil {
				return err
			}
			err := s.step(tx, key.Execution, func(r *flow.Run) {
				strand := r.Strand(key.Strand)
				if strand == nil || strand.Phase != flow.Token || strand.Attempt != w.Attempt {
					return // nobody waits for it any more
				}
				out = &api.GetActivityTaskOutput{TaskToken: new(newToken(key.Execution, strand)), Input: new(tree.String(strand.Call.Arguments.V))}
				r.Taken(strand, aws.Value(in.WorkerName))
			})
			if err != nil || out != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
