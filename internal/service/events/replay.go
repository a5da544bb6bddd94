package events

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxReplays  = 10  // of an account and region at a time
	replayBatch = 100 // events that are put in one transaction
)

// active are the states of replays that are not over.
var active = []string{api.ReplayStateStarting, api.ReplayStateRunning, api.ReplayStateCancelling}

// StartReplay puts events of an archive on its bus once more.
func (s *Service) StartReplay(ctx context.Context, call *aws.Call, in *api.StartReplayInput) (*api.StartReplayOutput, error) {
	archiveARN, err := arnOf(in.EventSourceArn, "EventSourceArn")
	if err != nil {
		return nil, err
	}
	bus, err := arnOf(in.Destination.Arn, "Destination.Arn")
	if err != nil {
		return nil, err
	}
	if !in.EventStartTime.Before(in.EventEndTime) {
		return nil, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	arn := replayNamed(call, in)
	r := replay{
		Archive: archiveARN, Description: aws.Value(in.Description), Destination: *in.Destination, From: in.EventStartTime, To: in.EventEndTime,
		State: api.ReplayStateStarting, Started: time.Now(),
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, bus); err != nil {
			return err
		}
		a, err := archives.Get(tx, archiveARN)
		switch {
		case err == store.ErrNotFound:
			return api.ResourceNotFoundException.Errorf("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", strings.TrimPrefix(archiveARN.Resource, archiveKind))
		case err != nil:
			return err
		case a.Bus != bus:
			return invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
		}
		if err := checkNewReplay(tx, call, arn, in.ReplayName); err != nil {
			return err
		}
		tx.AfterCommit(s.replaying.Ring)
		return replays.Put(tx, arn, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.StartReplayOutput{ReplayArn: new(arn.String()), State: &r.State, ReplayStartTime: &r.Started}, nil
}

// checkNewReplay refuses a replay of a name that was used, or one too many.
func checkNewReplay(tx *store.Tx, call *aws.Call, arn aws.ARN, name string) error {
	exists, err := replays.Has(tx, arn)
	if err != nil {
		return err
	}
	if exists {
		return api.ResourceAlreadyExistsException.Errorf("Replay %s already exists.", name)
	}
	n := 0
	for _, r := range replays.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "events"}) {
		if slices.Contains(active, r.State) {
			n++
		}
	}
	if n >= maxReplays {
		return errLimit()
	}
	return nil
}

// CancelReplay ends a replay before its time.
func (s *Service) CancelReplay(ctx context.Context, call *aws.Call, in *api.CancelReplayInput) (*api.CancelReplayOutput, error) {
	arn := replayNamed(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		r, err := findReplay(tx, arn)
		if err != nil {
			return err
		}
		if r.State != api.ReplayStateStarting && r.State != api.ReplayStateRunning {
			return api.IllegalStatusException.Errorf("Replay %s is not in a valid state for this operation.", in.ReplayName)
		}
		r.State = api.ReplayStateCancelling
		tx.AfterCommit(s.replaying.Ring)
		return replays.Put(tx, arn, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.CancelReplayOutput{ReplayArn: new(arn.String()), State: new(api.ReplayStateCancelling)}, nil
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// DescribeReplay describes a replay.
func (s *Service) DescribeReplay(ctx context.Context, call *aws.Call, in *api.DescribeReplayInput) (*api.DescribeReplayOutput, error) {
	arn := replayNamed(call, in)
	r, err := look(ctx, s.db, func(tx *store.Tx) (replay, error) { return findReplay(tx, arn) })
	if err != nil {
		return nil, err
	}
	return &api.DescribeReplayOutput{
		ReplayName: &in.ReplayName, ReplayArn: new(arn.String()), Description: optional(r.Description), State: &r.State,
		EventSourceArn: new(r.Archive.String()), Destination: &r.Destination, EventStartTime: &r.From, EventEndTime: &r.To,
		EventLastReplayedTime: moment(r.Last), ReplayStartTime: &r.Started, ReplayEndTime: moment(r.Ended),
	}, nil
}

// ListReplays lists replays.
func (s *Service) ListReplays(ctx context.Context, call *aws.Call, in *api.ListReplaysInput) (*api.ListReplaysOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	return look(ctx, s.db, func(tx *store.Tx) (*api.ListReplaysOutput, error) {
		out := &api.ListReplaysOutput{Replays: []api.Replay{}}
		out.NextToken = fill(p, func(yield func(string, replay) bool) {
			for arn, r := range replays.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "events"}) {
				if !yield(strings.TrimPrefix(arn.Resource, replayKind), r) {
					return
				}
			}
		}, func(name string, r replay) bool {
			if in.EventSourceArn != nil && *in.EventSourceArn != r.Archive.String() || in.State != nil && *in.State != r.State {
				return false
			}
			out.Replays = append(out.Replays, api.Replay{
				ReplayName: &name, EventSourceArn: new(r.Archive.String()), State: &r.State, EventStartTime: &r.From, EventEndTime: &r.To,
				EventLastReplayedTime: moment(r.Last), ReplayStartTime: &r.Started, ReplayEndTime: moment(r.Ended),
			})
			return true
		})
		return out, nil
	})
}

// runReplays goes on with each replay that is not over.
func (s *Service) runReplays(ctx context.Context) (time.Duration, error) {
	var running []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		running = nil
		for arn, r := range replays.Scan(tx, aws.ARN{}) {
			if slices.Contains(active, r.State) {
				running = append(running, arn)
			}
		}
		return nil
	})
	for _, arn := range running {
		for err == nil {
			var over bool
			if over, err = s.replaySome(ctx, arn); over {
				break
			}
		}
	}
	return never, err
}

// replaySome puts some more events of a replay on its bus.
func (s *Service) replaySome(ctx context.Context, arn aws.ARN) (over bool, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		r, err := replays.Get(tx, arn)
		if err == store.ErrNotFound || err == nil && !slices.Contains(active, r.State) {
			over = true
			return nil
		}
		if err != nil {
			return err
		}
		if r.State == api.ReplayStateCancelling {
			r.State, r.Ended, over = api.ReplayStateCancelled, time.Now(), true
			return replays.Put(tx, arn, r)
		}
		r.State = api.ReplayStateRunning
		if over, err = s.replayBatch(tx, arn, &r); err != nil {
			return err
		}
		if over {
			r.State, r.Ended = api.ReplayStateCompleted, time.Now()
		}
		return replays.Put(tx, arn, r)
	})
	return over, err
}

// replayBatch puts events past the position of r, and moves that.
func (s *Service) replayBatch(tx *store.Tx, arn aws.ARN, r *replay) (over bool, err error) {
	bus, err := aws.ParseARN(r.Destination.Arn)
	if err != nil {
		return false, err
	}
	n := 0
	for at, e := range archived.Scan(tx, r.Archive, r.Position) {
		if n == replayBatch {
			return false, nil
		}
		n++
		r.Position = at
		if e.Time.Before(r.From) || !e.Time.Before(r.To) {
			continue
		}
		again := incoming{bus: bus, ingested: time.Now(), replayed: true}
		if len(r.Destination.FilterArns) > 0 {
			again.only = r.Destination.FilterArns
		}
		if err := json.Unmarshal(e.Event, &again.event); err != nil {
			return false, err
		}
		again.event.Replay = strings.TrimPrefix(arn.Resource, replayKind)
		if err := s.put(tx, &again); err != nil {
			return false, err
		}
		r.Last = e.Time
	}
	return true, nil
}
