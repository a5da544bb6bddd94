package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A moveKey names a task that moves messages away from a queue.
type moveKey struct {
	Source  aws.ARN
	Started time.Time
	ID      string
}

// A move is such a task.
type move struct {
	Status      string
	Destination string // ARN; "" is where each message came from
	Rate        int32  `json:",omitempty"` // messages per second; 0 is as fast as can be
	ToMove      int64
	Moved       int64
	Failure     string    `json:",omitempty"`
	Next        time.Time // when to go on
}

const (
	statusRunning   = "RUNNING"
	statusCompleted = "COMPLETED"
	statusCancelled = "CANCELLED"
	statusFailed    = "FAILED"

	maxRate = 500
)

// handleText is the TaskHandle of a task.
func (k moveKey) handleText() string {
	b, err := json.Marshal(map[string]string{"taskId": k.ID, "sourceArn": k.Source.String()})
	if err != nil {
		panic(err) // nothing in it fails
	}
	return base64.StdEncoding.EncodeToString(b)
}

// parseTaskHandle reads a TaskHandle.
func parseTaskHandle(text string) (id string, source aws.ARN, err error) {
	var h struct{ TaskID, SourceARN string }
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	if err == nil {
		source, err = aws.ParseARN(h.SourceARN)
	}
	if err != nil || source.Service != "sqs" {
		return "", source, errValue(text, "TaskHandle", "The TaskHandle is invalid.")
	}
	return h.TaskID, source, nil
}

// parseQueueARN reads an ARN that is to be of a queue.
func parseQueueARN(text, parameter string) (aws.ARN, error) {
	if text == "" {
		return aws.ARN{}, errMissing(parameter)
	}
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "sqs" {
		return arn, errValue(text, parameter, "The "+parameter+" is invalid.")
	}
	return arn, nil
}

func mayMove(call *aws.Call, in *api.StartMessageMoveTaskInput, check func(service.Access) error) error {
	source, err := parseQueueARN(in.SourceArn, "SourceArn")
	if err != nil {
		return err
	}
	for _, action := range []string{"sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
		if err := check(service.Access{Action: action, Resource: source}); err != nil {
			return err
		}
	}
	if in.DestinationArn == nil {
		return nil
	}
	destination, err := parseQueueARN(*in.DestinationArn, "DestinationArn")
	if err != nil {
		return err
	}
	return check(service.Access{Action: "sqs:SendMessage", Resource: destination})
}

func mayCancelMove(call *aws.Call, in *api.CancelMessageMoveTaskInput, check func(service.Access) error) error {
	_, source, err := parseTaskHandle(in.TaskHandle)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "sqs:CancelMessageMoveTask", Resource: source})
}

func mayListMoves(call *aws.Call, in *api.ListMessageMoveTasksInput, check func(service.Access) error) error {
	source, err := parseQueueARN(in.SourceArn, "SourceArn")
	if err != nil {
		return err
	}
	return check(service.Access{Action: "sqs:ListMessageMoveTasks", Resource: source})
}

// findSource is find for the queue that a task is about.
func (s *Service) findSource(tx *store.Tx, arn aws.ARN) (*queue, error) {
	q, err := s.find(tx, arn)
	if isGone(err) {
		return nil, errNoResource
	}
	return q, err
}

// StartMessageMoveTask begins to move the messages of a queue of dead letters
// back to where they came from, or to another queue.
func (s *Service) StartMessageMoveTask(ctx context.Context, call *aws.Call, in *api.StartMessageMoveTaskInput) (*api.StartMessageMoveTaskOutput, error) {
	source, err := parseQueueARN(in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	if r := in.MaxNumberOfMessagesPerSecond; r != nil && (*r < 1 || *r > maxRate) {
		return nil, errValue(*r, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	var q *queue
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if q, err = s.findSource(tx, source); err != nil {
			return err
		}
		return s.checkMove(tx, q, in.DestinationArn)
	})
	if err != nil {
		return nil, err
	}
	visible, flying, delayed, err := s.numbers(ctx, q)
	if err != nil {
		return nil, err
	}
	key := moveKey{Source: source, Started: time.Now().UTC(), ID: aws.NewRequestID()}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := s.findSource(tx, source); err != nil {
			return err
		}
		for _, m := range moves.Scan(tx, moveKey{Source: source}) {
			if m.Status == statusRunning {
				return errValue(in.SourceArn, "SourceArn", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
			}
		}
		tx.AfterCommit(s.moving.Ring)
		return moves.Put(tx, key, move{
			Status: statusRunning, Destination: aws.Value(in.DestinationArn), Rate: aws.Value(in.MaxNumberOfMessagesPerSecond),
			ToMove: int64(visible + flying + delayed), Next: time.Now(),
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.StartMessageMoveTaskOutput{TaskHandle: new(key.handleText())}, nil
}

// checkMove refuses what can be no task.
func (s *Service) checkMove(tx *store.Tx, q *queue, destination *string) error {
	sources, err := s.sourcesOf(tx, q.arn)
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return errValue(q.arn, "SourceArn", "Source queue must be configured as a Dead Letter Queue.")
	}
	if destination == nil {
		return nil
	}
	to, err := parseQueueARN(*destination, "DestinationArn")
	if err != nil {
		return err
	}
	if to == q.arn {
		return errValue(to, "DestinationArn", "Source queue arn and destination queue arn cannot be the same.")
	}
	other, err := s.find(tx, to)
	if isGone(err) {
		return api.ResourceNotFoundException.Errorf("The resource that you specified for the DestinationArn parameter doesn't exist.")
	}
	if err == nil && other.FIFO != q.FIFO {
		return errValue(to, "DestinationArn", "Destination queue must be of the same type as the source queue.")
	}
	return err
}

// CancelMessageMoveTask ends a task; what it moved stays moved.
func (s *Service) CancelMessageMoveTask(ctx context.Context, call *aws.Call, in *api.CancelMessageMoveTaskInput) (*api.CancelMessageMoveTaskOutput, error) {
	if strings.TrimSpace(in.TaskHandle) == "" {
		return nil, errMissing("TaskHandle")
	}
	id, source, err := parseTaskHandle(in.TaskHandle)
	if err != nil {
		return nil, err
	}
	var moved int64
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := s.findSource(tx, source); err != nil {
			return err
		}
		for key, m := range moves.Scan(tx, moveKey{Source: source}) {
			if key.ID != id || m.Status != statusRunning {
				continue
			}
			m.Status, moved = statusCancelled, m.Moved
			return moves.Put(tx, key, m)
		}
		return api.ResourceNotFoundException.Errorf("Task does not exist.")
	})
	if err != nil {
		return nil, err
	}
	return &api.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: &moved}, nil
}

// ListMessageMoveTasks lists the last tasks of a queue, the latest first.
func (s *Service) ListMessageMoveTasks(ctx context.Context, call *aws.Call, in *api.ListMessageMoveTasksInput) (*api.ListMessageMoveTasksOutput, error) {
	source, err := parseQueueARN(in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	most := int(aws.Or(in.MaxResults, 1))
	if most < 1 || most > 10 {
		return nil, errValue(most, "MaxResults", "Must be between 1 and 10, if provided.")
	}
	out := &api.ListMessageMoveTasksOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := s.findSource(tx, source); err != nil {
			return err
		}
		for key, m := range moves.ScanReverse(tx, moveKey{Source: source}) {
			if len(out.Results) == most {
				break
			}
			out.Results = append(out.Results, m.show(key))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (m *move) show(key moveKey) api.ListMessageMoveTasksResultEntry {
	e := api.ListMessageMoveTasksResultEntry{
		Status: &m.Status, SourceArn: new(key.Source.String()), StartedTimestamp: new(key.Started.UnixMilli()),
		ApproximateNumberOfMessagesMoved: &m.Moved, ApproximateNumberOfMessagesToMove: &m.ToMove,
	}
	if m.Status == statusRunning {
		e.TaskHandle = new(key.handleText())
	}
	if m.Destination != "" {
		e.DestinationArn = &m.Destination
	}
	if m.Rate > 0 {
		e.MaxNumberOfMessagesPerSecond = &m.Rate
	}
	if m.Failure != "" {
		e.FailureReason = &m.Failure
	}
	return e
}

// movePiece is how many messages a task moves at a time.
const movePiece = 100

// moveOn does what is due of all tasks, and says when more is.
func (s *Service) moveOn(ctx context.Context) (time.Duration, error) {
	running := make(map[moveKey]move)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		clear(running)
		for key, m := range moves.Scan(tx, moveKey{}) {
			if m.Status == statusRunning {
				running[key] = m
			}
		}
		return tx.Err()
	})
	pause := time.Hour
	for key, m := range running {
		if time.Until(m.Next) > 0 {
			pause = min(pause, time.Until(m.Next))
			continue
		}
		next, err2 := s.moveSome(ctx, key, m)
		err = errors.Join(err, err2)
		pause = min(pause, next)
	}
	return pause, err
}

// moveSome moves a few messages, or ends the task.
func (s *Service) moveSome(ctx context.Context, key moveKey, m move) (time.Duration, error) {
	most := movePiece
	if m.Rate > 0 {
		most = min(most, int(m.Rate))
	}
	q, err := s.look(ctx, key.Source)
	if isGone(err) {
		return 0, nil // and the task with it
	}
	if err != nil {
		return 0, err
	}
	entries, _, err := q.line.take(ctx, s.db, q.index, most, now())
	if err != nil {
		return 0, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		m, err := moves.Get(tx, key)
		if err != nil || m.Status != statusRunning {
			return err
		}
		b := s.begin(tx)
		defer b.end()
		moved, err := b.moveAll(key.Source, m.Destination, entries)
		if refusal, ok := errors.AsType[*aws.Error](err); ok {
			m.Status, m.Failure = statusFailed, refusal.QueryCode
		} else if err != nil {
			return err
		} else if moved == 0 && len(entries) == 0 {
			m.Status = statusCompleted
		}
		m.Moved += int64(moved)
		if m.Next = time.Now(); m.Rate > 0 {
			m.Next = m.Next.Add(time.Duration(moved) * time.Second / time.Duration(m.Rate))
		}
		return moves.Put(tx, key, m)
	})
	if err != nil {
		q.line.giveBack(entries)
	}
	return 0, err
}

// moveAll moves the messages in the places that entries name to destination, or
// to where each came from.
func (b *batch) moveAll(source aws.ARN, destination string, entries [][]byte) (moved int, err error) {
	q, err := b.s.find(b.tx, source)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		if current, err := b.current(q, entry); err != nil || !current {
			if err != nil {
				return moved, err
			}
			continue
		}
		_, place := cutEntry(entry)
		err := b.within(q, place, func() error {
			return b.all(q, place, func(m *message) (bool, error) {
				if m.Visible > b.now {
					return false, nil
				}
				to, err := b.destination(m, destination)
				if err != nil {
					return false, err
				}
				moved++
				return true, b.move(q, to, place, m, func(to *message) { to.Source, to.Received, to.First = "", 0, 0 })
			})
		})
		if err = errors.Join(err, b.handBack(q, entry)); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// destination is where m is moved.
func (b *batch) destination(m *message, arn string) (*queue, error) {
	if arn == "" {
		arn = m.Source
	}
	to, err := aws.ParseARN(arn)
	if err != nil {
		return nil, api.InvalidParameterValueException.Errorf("The message %s came from no queue that could take it back.", m.ID)
	}
	return b.s.find(b.tx, to)
}
