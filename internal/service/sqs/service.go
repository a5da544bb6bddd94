package sqs

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what the service depends on.
type Config struct {
	DB       *store.DB
	Endpoint string // base of queue URLs for callers that came without a host
}

// Service is SQS.
type Service struct {
	db       *store.DB
	endpoint string
	known    sync.Map // aws.ARN to *queue, as of some row
	lines    sync.Map // ids of queues to *line
	used     sync.Map // aws.ARN to time.Time: queues that are measured
	sequence atomic.Uint64
	policies atomic.Uint64 // changes with those of queues
	expiry   task.Bell     // rung when something may expire sooner than was known
	moving   task.Bell     // rung when a task to move messages begins or ends
}

// New returns SQS over the store of cfg.
func New(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{db: cfg.DB, endpoint: cfg.Endpoint, expiry: task.NewBell(), moving: task.NewBell()}
	return s, s.startSequence(ctx)
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const kms = "Keys of KMS are remembered, and encryption is left to the disk."
	return service.Definition{
		API:     api.API,
		Policy:  s.policyOf,
		Epoch:   s.policies.Load,
		Receive: receiveDelivery,
		Measure: s.measure,
		Gauge:   s.gauge,
		Tasks:   s.tasks(),
		Operations: []service.Operation{
			service.Op(api.CreateQueue, s.CreateQueue, func(call *aws.Call, in *api.CreateQueueInput) aws.ARN { return call.ARN("sqs", in.QueueName) }).But(kms),
			onQueue(api.DeleteQueue, s.DeleteQueue, "DeleteQueue").But("The name may be used again at once."),
			service.Op(api.GetQueueUrl, s.GetQueueUrl, queueNamed),
			service.Op(api.ListQueues, s.ListQueues, service.Any),
			onQueue(api.GetQueueAttributes, s.GetQueueAttributes, "GetQueueAttributes"),
			onQueue(api.SetQueueAttributes, s.SetQueueAttributes, "SetQueueAttributes").But(kms),
			onQueue(api.PurgeQueue, s.PurgeQueue, "PurgeQueue"),
			onQueue(api.AddPermission, s.AddPermission, "AddPermission"),
			onQueue(api.RemovePermission, s.RemovePermission, "RemovePermission"),
			onQueue(api.TagQueue, s.TagQueue, "TagQueue"),
			onQueue(api.UntagQueue, s.UntagQueue, "UntagQueue"),
			onQueue(api.ListQueueTags, s.ListQueueTags, "ListQueueTags"),
			onQueue(api.ListDeadLetterSourceQueues, s.ListDeadLetterSourceQueues, "ListDeadLetterSourceQueues"),

			onQueue(api.SendMessage, s.SendMessage, "SendMessage"),
			onQueue(api.SendMessageBatch, s.SendMessageBatch, "SendMessage"),
			onQueue(api.ReceiveMessage, s.ReceiveMessage, "ReceiveMessage").But("Groups of messages in standard queues are not served more fairly than others."),
			onQueue(api.DeleteMessage, s.DeleteMessage, "DeleteMessage"),
			onQueue(api.DeleteMessageBatch, s.DeleteMessageBatch, "DeleteMessage"),
			onQueue(api.ChangeMessageVisibility, s.ChangeMessageVisibility, "ChangeMessageVisibility"),
			onQueue(api.ChangeMessageVisibilityBatch, s.ChangeMessageVisibilityBatch, "ChangeMessageVisibility"),

			service.OpEach(api.StartMessageMoveTask, s.StartMessageMoveTask, mayMove),
			service.OpEach(api.CancelMessageMoveTask, s.CancelMessageMoveTask, mayCancelMove),
			service.OpEach(api.ListMessageMoveTasks, s.ListMessageMoveTasks, mayListMoves),
		},
	}
}

// now is the time as rows have it, in milliseconds.
func now() int64 { return time.Now().UnixMilli() }
