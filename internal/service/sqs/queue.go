package sqs

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateQueue makes a queue, unless there is one just like it.
func (s *Service) CreateQueue(ctx context.Context, call *aws.Call, in *api.CreateQueueInput) (*api.CreateQueueOutput, error) {
	arn := call.ARN("sqs", in.QueueName)
	fifo, err := checkCreate(in)
	if err != nil {
		return nil, err
	}
	fresh := newQueue(fifo)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		old, err := s.read(tx, arn)
		if err == nil {
			return s.checkSame(tx, old, in.Attributes)
		}
		if !isGone(err) {
			return err
		}
		q := new(*fresh)
		s.complete(q, arn)
		q.Tags = maps.Clone(in.Tags)
		if err := s.setAttributes(tx, q, in.Attributes); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			q.line.reset()
			s.policies.Add(1)
			s.expiry.Ring()
		})
		return q.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateQueueOutput{QueueUrl: new(s.urlOf(call, arn))}, nil
}

// newQueue is a queue as it is if nothing is said of it.
func newQueue(fifo bool) *queue {
	q := &queue{
		ID: newID(), Secret: make([]byte, 32), Created: time.Now(), Modified: time.Now(),
		Visibility: 30, Retention: 345600, MaxSize: maxPayload, ManagedSSE: true, FIFO: fifo,
	}
	rand.Read(q.Secret)
	if fifo {
		q.DeduplicationScope, q.ThroughputLimit = scopeQueue, "perQueue"
	}
	return q
}

// checkCreate refuses names and types of queues.
func checkCreate(in *api.CreateQueueInput) (fifo bool, err error) {
	if in.QueueName == "" {
		return false, errMissing("QueueName")
	}
	if err := checkTags(in.Tags); err != nil {
		return false, err
	}
	base, suffixed := strings.CutSuffix(in.QueueName, ".fifo")
	asked, found := in.Attributes[api.QueueAttributeNameFifoQueue]
	fifo = asked == "true"
	switch {
	case fifo && (!suffixed || !isQueueName(base, in.QueueName)):
		return false, api.InvalidParameterValueException.Errorf("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")
	case !fifo && !isQueueName(in.QueueName, in.QueueName):
		return false, api.InvalidParameterValueException.Errorf("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case found && !fifo:
		return false, errUnknownAttribute(api.QueueAttributeNameFifoQueue)
	}
	return fifo, nil
}

func isQueueName(base, whole string) bool {
	return base != "" && len(whole) <= 80 && strings.Trim(base, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// checkSame refuses to make a queue that is there and differs.
func (s *Service) checkSame(tx *store.Tx, old *queue, attributes map[string]string) error {
	same := *old
	if err := s.setAttributes(tx, &same, attributes); err != nil {
		return err
	}
	for _, a := range queueAttributes {
		if _, asked := attributes[a.name]; asked && a.get(&same) != a.get(old) {
			return api.QueueNameExists.Errorf("A queue already exists with the same name and a different value for attribute %s", a.name)
		}
	}
	return nil
}

// DeleteQueue deletes a queue and its messages.
func (s *Service) DeleteQueue(ctx context.Context, call *aws.Call, in *api.DeleteQueueInput) (*api.DeleteQueueOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		q, err := s.read(tx, arn)
		if err != nil {
			return err
		}
		if err := q.empty(tx); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.known.Delete(arn)
			s.lines.Delete(q.ID)
			s.policies.Add(1)
		})
		return errors.Join(
			marks.Rows(q.ID).Delete(tx, nil),
			moves.DeletePrefix(tx, moveKey{Source: arn}),
			queues.Delete(tx, queueKey(arn)),
		)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteQueueOutput{}, nil
}

// GetQueueUrl returns the URL of a queue.
func (s *Service) GetQueueUrl(ctx context.Context, call *aws.Call, in *api.GetQueueUrlInput) (*api.GetQueueUrlOutput, error) {
	if in.QueueName == "" {
		return nil, errMissing("QueueName")
	}
	arn := queueNamed(call, in)
	if _, err := s.look(ctx, arn); err != nil {
		return nil, err
	}
	return &api.GetQueueUrlOutput{QueueUrl: new(s.urlOf(call, arn))}, nil
}

const maxListed = 1000

// ListQueues lists the queues of an account by name.
func (s *Service) ListQueues(ctx context.Context, call *aws.Call, in *api.ListQueuesInput) (*api.ListQueuesOutput, error) {
	prefix := queueKey(call.ARN("sqs", aws.Value(in.QueueNamePrefix)))
	page, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListQueuesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		from := max(string(prefix), string(queueKey(call.ARN("sqs", page.after)))+"\x00")
		for arn := range queueARNs(tx, []byte(from), prefix) {
			if !page.room(len(out.QueueUrls)) {
				out.NextToken = page.next()
				break
			}
			page.last = arn.Resource
			out.QueueUrls = append(out.QueueUrls, s.urlOf(call, arn))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// A page is a part of a list of names in their order.
type page struct {
	after, last string
	most        int
	token       bool // say where the next page begins
}

func newPage(most *int32, token *string) (*page, error) {
	p := &page{most: maxListed, token: most != nil}
	if most != nil {
		if *most < 1 || *most > maxListed {
			return nil, errValue(*most, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
		p.most = int(*most)
	}
	if token != nil && *token != "" {
		after, err := base64.StdEncoding.DecodeString(*token)
		if err != nil || most == nil {
			return nil, errValue(*token, "NextToken", "Invalid or expired next token.")
		}
		p.after = string(after)
	}
	return p, nil
}

func (p *page) room(n int) bool { return n < p.most }

// next is the token of the page after p, if one was asked for.
func (p *page) next() *string {
	if !p.token {
		return nil
	}
	return new(base64.StdEncoding.EncodeToString([]byte(p.last)))
}

// purgeEvery is how long one must wait between two purges.
const purgeEvery = time.Minute

// PurgeQueue deletes all messages of a queue.
func (s *Service) PurgeQueue(ctx context.Context, call *aws.Call, in *api.PurgeQueueInput) (*api.PurgeQueueOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		q, err := s.read(tx, arn)
		if err != nil {
			return err
		}
		if !time.Now().After(q.Purged.Add(purgeEvery)) {
			return api.PurgeQueueInProgress.Errorf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", arn.Resource)
		}
		q.Purged = time.Now()
		return errors.Join(q.empty(tx), q.put(tx))
	})
	if err != nil {
		return nil, err
	}
	return &api.PurgeQueueOutput{}, nil
}

// ListDeadLetterSourceQueues lists the queues whose dead letters go to a queue.
func (s *Service) ListDeadLetterSourceQueues(ctx context.Context, call *aws.Call, in *api.ListDeadLetterSourceQueuesInput) (*api.ListDeadLetterSourceQueuesOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	page, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListDeadLetterSourceQueuesOutput{QueueUrls: []string{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := s.find(tx, arn); err != nil {
			return err
		}
		names, err := s.sourcesOf(tx, arn)
		if err != nil {
			return err
		}
		i, _ := slices.BinarySearch(names, page.after+"\x00")
		for _, name := range names[i:] {
			if !page.room(len(out.QueueUrls)) {
				out.NextToken = page.next()
				break
			}
			page.last = name
			source := arn
			source.Resource = name
			out.QueueUrls = append(out.QueueUrls, s.urlOf(call, source))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sourcesOf returns the names of the queues whose dead letters go to arn, in order.
func (s *Service) sourcesOf(tx *store.Tx, arn aws.ARN) ([]string, error) {
	all := arn
	all.Resource = ""
	var sources []string
	for source := range queueARNs(tx, queueKey(all), queueKey(all)) {
		q, err := s.find(tx, source)
		if err != nil {
			return nil, err
		}
		if q.Redrive != nil && q.Redrive.Target == arn.String() {
			sources = append(sources, source.Resource)
		}
	}
	return sources, tx.Err()
}
