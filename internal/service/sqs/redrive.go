package sqs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A redrive says where messages go that were received too often.
type redrive struct {
	Target          string `json:"deadLetterTargetArn"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
}

// A redriveAllow says which queues may send their dead letters to one.
type redriveAllow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

const maxReceives = 1000

// setRedrive sets the redrive policy of q; "" is none.
func (s *Service) setRedrive(tx *store.Tx, q *queue, text string) error {
	refuse := func(reason string) error { return errValue(text, "RedrivePolicy", reason) }
	if text == "" {
		q.Redrive = nil
		return nil
	}
	var said map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return refuse("Redrive policy is not a valid JSON map.")
	}
	for _, name := range []string{"deadLetterTargetArn", "maxReceiveCount"} {
		if said[name] == nil {
			return refuse("Redrive policy does not contain mandatory attribute: " + name + ".")
		}
	}
	if len(said) > 2 {
		return refuse("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
	}
	count, err := strconv.Atoi(string(bytes.Trim(said["maxReceiveCount"], `"`)))
	if err != nil || count < 1 || count > maxReceives {
		return refuse("Invalid value for maxReceiveCount: " + string(bytes.Trim(said["maxReceiveCount"], `"`)) + ", valid values are from 1 to 1000 both inclusive.")
	}
	var target string
	if json.Unmarshal(said["deadLetterTargetArn"], &target) != nil {
		return refuse("Invalid value for deadLetterTargetArn.")
	}
	arn, err := aws.ParseARN(target)
	if err != nil || arn.Service != "sqs" {
		return refuse("Invalid value for deadLetterTargetArn.")
	}
	if arn.Account != q.arn.Account || arn.Region != q.arn.Region {
		return refuse("Dead-letter target owner should be same as the source.")
	}
	dead, err := s.find(tx, arn)
	switch {
	case isGone(err):
		return refuse("Dead letter target does not exist.")
	case err != nil:
		return err
	case dead.FIFO != q.FIFO:
		return refuse("Dead-letter queue must be same type of queue as the source.")
	case !dead.allows(q.arn):
		return refuse("Dead-letter queue does not allow this queue as a source, by its RedriveAllowPolicy.")
	}
	q.Redrive = &redrive{Target: target, MaxReceiveCount: count}
	return nil
}

// setAllow sets the redrive allow policy of q; "" is none.
func setAllow(q *queue, text string) error {
	refuse := func(reason string) error { return errValue(text, "RedriveAllowPolicy", reason) }
	if text == "" {
		q.Allow = nil
		return nil
	}
	allow := new(redriveAllow)
	if err := json.Unmarshal([]byte(text), allow); err != nil {
		return refuse("Redrive allow policy is not a valid JSON map.")
	}
	switch n := len(allow.Sources); {
	case !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, allow.Permission):
		return refuse("Invalid value for redrivePermission: " + allow.Permission + ", valid values are allowAll, denyAll, byQueue.")
	case allow.Permission != "byQueue" && n > 0:
		return refuse("The sourceQueueArns parameter is allowed only with redrivePermission byQueue.")
	case allow.Permission == "byQueue" && (n == 0 || n > 10):
		return refuse("The sourceQueueArns parameter must have between 1 and 10 values.")
	}
	q.Allow = allow
	return nil
}

// allows reports whether the queue source may send its dead letters to q.
func (q *queue) allows(source aws.ARN) bool {
	switch {
	case q.Allow == nil || q.Allow.Permission == "allowAll":
		return true
	case q.Allow.Permission == "byQueue":
		return slices.Contains(q.Allow.Sources, source.String())
	}
	return false
}

// deadLetters returns the queue that takes what was received too often from q,
// or nil if there is none: then it stays.
func (s *Service) deadLetters(tx *store.Tx, q *queue) (*queue, error) {
	if q.Redrive == nil {
		return nil, nil
	}
	arn, err := aws.ParseARN(q.Redrive.Target)
	if err != nil {
		return nil, err
	}
	dead, err := s.find(tx, arn)
	if isGone(err) {
		return nil, nil
	}
	return dead, err
}

// bury moves m, of a place in q, to the queue of dead letters.
func (b *batch) bury(q, dead *queue, place []byte, m *message) error {
	return b.move(q, dead, place, m, func(to *message) { to.Source = q.arn.String() })
}

// move takes m from a place in q and adds it to another queue, as change makes it.
func (b *batch) move(q, to *queue, place []byte, m *message, change func(*message)) error {
	if err := b.body(q, m); err != nil {
		return err
	}
	moved := *m
	if err := b.remove(q, place, m); err != nil {
		return err
	}
	moved.Visible = b.now + int64(to.Delay)*1000
	if q.FIFO {
		moved.Sent = b.now // which its retention counts from, other than in standard queues
	}
	change(&moved)
	return b.add(to, &moved)
}
