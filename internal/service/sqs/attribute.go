package sqs

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	scopeQueue = "queue"
	scopeGroup = "messageGroup"
)

// An attribute is one that queues have.
type attribute struct {
	name string
	get  func(q *queue) string // "" if the queue has none
	set  func(q *queue, value string) bool
	fifo bool // only FIFO queues have it
}

// queueAttributes are those that can be set by their value alone, in the order
// in which they are; see also redrive.go.
var queueAttributes = []*attribute{
	numeric(api.QueueAttributeNameVisibilityTimeout, 30, 0, maxVisibility, func(q *queue) *int { return &q.Visibility }),
	numeric(api.QueueAttributeNameMaximumMessageSize, maxPayload, 1024, maxPayload, func(q *queue) *int { return &q.MaxSize }),
	numeric(api.QueueAttributeNameMessageRetentionPeriod, 345600, 60, 1209600, func(q *queue) *int { return &q.Retention }),
	numeric(api.QueueAttributeNameDelaySeconds, 0, 0, maxDelay, func(q *queue) *int { return &q.Delay }),
	numeric(api.QueueAttributeNameReceiveMessageWaitTimeSeconds, 0, 0, maxWait, func(q *queue) *int { return &q.Wait }),
	{
		name: api.QueueAttributeNamePolicy,
		get:  func(q *queue) string { return q.Policy },
		set: func(q *queue, value string) bool {
			if value != "" {
				if _, err := policy.Parse(value); err != nil {
					return false
				}
			}
			q.Policy = value
			return true
		},
	},
	{
		name: api.QueueAttributeNameKmsMasterKeyId,
		get:  func(q *queue) string { return q.KMSKey },
		set: func(q *queue, value string) bool {
			if q.KMSKey = value; value == "" {
				q.KMSReuse = 0
				return true
			}
			q.ManagedSSE = false
			return true
		},
	},
	{
		name: api.QueueAttributeNameKmsDataKeyReusePeriodSeconds,
		get: func(q *queue) string {
			if q.KMSKey == "" {
				return ""
			}
			return strconv.Itoa(cmp.Or(q.KMSReuse, 300))
		},
		set: func(q *queue, value string) bool { return setNumber(&q.KMSReuse, value, 300, 60, 86400) },
	},
	{
		name: api.QueueAttributeNameSqsManagedSseEnabled,
		get:  func(q *queue) string { return strconv.FormatBool(q.ManagedSSE) },
		set: func(q *queue, value string) bool {
			if !setBool(&q.ManagedSSE, value) {
				return false
			}
			if q.ManagedSSE {
				q.KMSKey, q.KMSReuse = "", 0
			}
			return true
		},
	},
	{
		name: api.QueueAttributeNameFifoQueue,
		get:  func(q *queue) string { return trueOrNone(q.FIFO) },
		set:  func(q *queue, value string) bool { return true }, // checked before
		fifo: true,
	},
	{
		name: api.QueueAttributeNameContentBasedDeduplication,
		get: func(q *queue) string {
			if !q.FIFO {
				return ""
			}
			return strconv.FormatBool(q.ContentDeduplication)
		},
		set:  func(q *queue, value string) bool { return setBool(&q.ContentDeduplication, value) },
		fifo: true,
	},
	choice(api.QueueAttributeNameDeduplicationScope, scopeQueue, scopeGroup, func(q *queue) *string { return &q.DeduplicationScope }),
	choice(api.QueueAttributeNameFifoThroughputLimit, "perQueue", "perMessageGroupId", func(q *queue) *string { return &q.ThroughputLimit }),
	{name: api.QueueAttributeNameRedrivePolicy, get: func(q *queue) string { return jsonText(q.Redrive) }},
	{name: api.QueueAttributeNameRedriveAllowPolicy, get: func(q *queue) string { return jsonText(q.Allow) }},
}

// jsonText is the JSON of what p points to, or "".
func jsonText[T any](p *T) string {
	if p == nil {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // nothing in it fails
	}
	return string(b)
}

func trueOrNone(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func numeric(name string, usual, least, most int, field func(q *queue) *int) *attribute {
	return &attribute{
		name: name,
		get:  func(q *queue) string { return strconv.Itoa(*field(q)) },
		set:  func(q *queue, value string) bool { return setNumber(field(q), value, usual, least, most) },
	}
}

func setNumber(field *int, value string, usual, least, most int) bool {
	if value == "" {
		*field = usual
		return true
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return false
	}
	*field = n
	return true
}

func setBool(field *bool, value string) bool {
	*field = value == "true"
	return value == "true" || value == "false" || value == ""
}

func choice(name, usual, other string, field func(q *queue) *string) *attribute {
	return &attribute{
		name: name,
		get:  func(q *queue) string { return *field(q) },
		set: func(q *queue, value string) bool {
			if value == "" {
				value = usual
			}
			*field(q) = value
			return value == usual || value == other
		},
		fifo: true,
	}
}

func findAttribute(name string) *attribute {
	for _, a := range queueAttributes {
		if a.name == name {
			return a
		}
	}
	return nil
}

// setAttributes changes q as attributes say.
func (s *Service) setAttributes(tx *store.Tx, q *queue, attributes map[string]string) error {
	for name := range attributes {
		a := findAttribute(name)
		switch {
		case a == nil:
			return errUnknownAttribute(name)
		case a.fifo && !q.FIFO && (name == api.QueueAttributeNameDeduplicationScope || name == api.QueueAttributeNameFifoThroughputLimit):
			return api.InvalidAttributeName.Errorf("You can specify the %s only when FifoQueue is set to true.", name)
		case a.fifo && !q.FIFO:
			return errUnknownAttribute(name)
		}
	}
	if fifo, found := attributes[api.QueueAttributeNameFifoQueue]; found && fifo != "true" {
		return api.InvalidAttributeValue.Errorf("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
	}
	for _, a := range queueAttributes {
		value, found := attributes[a.name]
		if found && a.set != nil && !a.set(q, value) {
			return errAttribute(a.name)
		}
	}
	if q.ThroughputLimit == "perMessageGroupId" && q.DeduplicationScope != scopeGroup {
		return api.InvalidAttributeValue.Errorf("Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	if text, found := attributes[api.QueueAttributeNameRedrivePolicy]; found {
		if err := s.setRedrive(tx, q, text); err != nil {
			return err
		}
	}
	if text, found := attributes[api.QueueAttributeNameRedriveAllowPolicy]; found {
		return setAllow(q, text)
	}
	return nil
}

// SetQueueAttributes changes attributes of a queue.
func (s *Service) SetQueueAttributes(ctx context.Context, call *aws.Call, in *api.SetQueueAttributesInput) (*api.SetQueueAttributesOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, errMissing("Attribute.Name")
	}
	err = s.change(ctx, arn, func(tx *store.Tx, q *queue) error { return s.setAttributes(tx, q, in.Attributes) })
	if err != nil {
		return nil, err
	}
	return &api.SetQueueAttributesOutput{}, nil
}

// countNames are the attributes that count messages.
var countNames = []string{
	api.QueueAttributeNameApproximateNumberOfMessages,
	api.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	api.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

// GetQueueAttributes returns attributes of a queue.
func (s *Service) GetQueueAttributes(ctx context.Context, call *aws.Call, in *api.GetQueueAttributesInput) (*api.GetQueueAttributesOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q, err := s.look(ctx, arn)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	for _, a := range queueAttributes {
		all[a.name] = a.get(q)
	}
	all[api.QueueAttributeNameQueueArn] = arn.String()
	all[api.QueueAttributeNameCreatedTimestamp] = strconv.FormatInt(q.Created.Unix(), 10)
	all[api.QueueAttributeNameLastModifiedTimestamp] = strconv.FormatInt(q.Modified.Unix(), 10)
	everything := slices.Contains(in.AttributeNames, api.QueueAttributeNameAll)
	if everything || slices.ContainsFunc(countNames, func(name string) bool { return slices.Contains(in.AttributeNames, name) }) {
		if err := s.db.Settle(ctx); err != nil { // what was received a moment ago counts
			return nil, err
		}
		visible, flying, delayed, err := s.numbers(ctx, q)
		if err != nil {
			return nil, err
		}
		for i, n := range []int{visible, flying, delayed} {
			all[countNames[i]] = strconv.Itoa(n)
		}
	}
	for _, name := range in.AttributeNames {
		if _, found := all[name]; !found && name != api.QueueAttributeNameAll {
			return nil, errUnknownAttribute(name)
		}
	}
	maps.DeleteFunc(all, func(name, value string) bool {
		return value == "" || !everything && !slices.Contains(in.AttributeNames, name)
	})
	if len(all) == 0 {
		all = nil
	}
	return &api.GetQueueAttributesOutput{Attributes: all}, nil
}
