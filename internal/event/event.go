// Package event carries messages from the service where something happened to
// the resource that is to hear of it, named by ARN.
//
// A delivery is a row, written in the transaction that caused it, and later
// becomes an ordinary operation of the target's service, authorised as any
// other. It happens at least once: a crash may repeat it, and never loses it.
//
//	Send, in a transaction --> row of its line --> Router --> dispatch.Table.Deliver
//	                               ^                  |
//	                               +--- later --------+--- dead letter, another delivery
//
// Every target has lines of its own, so that one that is slow or fails holds
// up no other. What failed for a while is tried again, later each time; what
// was refused for good, tried too often or grew too old goes to its dead
// letter queue, with the reason.
//
//	event.go   Delivery and how it is sent
//	router.go  lines, and who works through them
//	attempt.go one attempt, and what becomes of the delivery then
//	record.go  targets that are kept as records
package event

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A Delivery is one message on its way to a resource.
type Delivery struct {
	Source  aws.ARN // what sends it: a topic, a rule, a bucket, a function
	Account string  `json:",omitempty"` // of the call, where Source does not say it: a bucket's owner
	Region  string  `json:",omitempty"` // likewise
	Role    string  `json:",omitempty"` // ARN of the role to act as; empty: the service of Source, for it
	As      string  `json:",omitempty"` // likewise, the service's name if it is not that of Source: "lambda.alarms.cloudwatch"

	Trace string `json:",omitempty"` // "Root=1-…" of the request that caused it, which goes on

	Target    aws.ARN           // what is to receive it
	Operation string            `json:",omitempty"` // "sqs.SendMessage": Body is its input as JSON; empty: the receiver of Target's service chooses
	Body      []byte            // the message
	Params    map[string]string `json:",omitempty"` // what receivers may want besides, by names as GroupID

	Line    string `json:",omitempty"` // tells apart lines of one target; empty: that of Source
	Ordered bool   `json:",omitempty"` // the line is in order: the first holds the rest until it is delivered or dead
	Retry   Retry  // zero: the usual

	DeadLetter aws.ARN           // a queue for it if it cannot be delivered; zero: it is dropped, and the log says so
	Original   []byte            `json:",omitempty"` // body of its dead letter; nil: Body
	Context    map[string]string `json:",omitempty"` // for the Dead and Settled functions of the service that sends
	Report     bool              `json:",omitempty"` // the Settled function is to hear what becomes of it
}

// Params that receivers know.
const (
	GroupID           = "GroupID"           // message group of a FIFO queue or topic
	DeduplicationID   = "DeduplicationID"   // of a FIFO queue or topic
	PartitionKey      = "PartitionKey"      // of a stream
	GraphQLOperation  = "GraphQLOperation"  // of a GraphQL API
	MessageAttributes = "MessageAttributes" // of a queue or topic: JSON as in the API's model
	Subject           = "Subject"           // of a topic, or of mail
)

// Params of letters: deliveries to SNS that go to people, by Email or SMS.
const (
	Protocol  = "Protocol"
	To        = "To" // an address or a number
	MessageID = "MessageId"
	Whole     = "Whole" // the body is a whole message of MIME, from this address

	Email = "email"
	SMS   = "sms"
)

// A Retry says how often and for how long a delivery is tried, and how fast.
type Retry struct {
	Attempts int           `json:",omitempty"` // at most; 0: 186, EventBridge's one and 185 more
	MaxAge   time.Duration `json:",omitempty"` // since it was sent; 0: 24 h
	First    time.Duration `json:",omitempty"` // pause after the first attempt, doubled after each; 0: 1 s
	Most     time.Duration `json:",omitempty"` // longest pause; 0: 5 min
}

const (
	usualAttempts = 186
	usualMaxAge   = 24 * time.Hour
	usualFirst    = time.Second
	usualMost     = 5 * time.Minute
)

// pause is how long to wait after so many attempts.
func (r Retry) pause(attempts int) time.Duration {
	first, most := cmp.Or(r.First, usualFirst), cmp.Or(r.Most, usualMost)
	if attempts > 30 {
		return most
	}
	return min(first<<(attempts-1), most)
}

// A Failure is why a delivery is dead.
type Failure struct {
	Code      string // of the last refusal
	Message   string
	Attempts  int
	Exhausted string // "MaximumRetryAttempts" or "MaximumEventAgeInSeconds"; empty if it was refused for good
}

// An Outcome is what became of a delivery for good.
type Outcome struct {
	Attempts int
	Err      error // why it is dead; nil: it was delivered
}

// An Attribute is a message attribute of a dead letter.
type Attribute struct{ DataType, StringValue string }

// A Receiver says which operation of its service answers a delivery to one of
// its resources. An error that is a refusal is final.
type Receiver func(d *Delivery) (operation string, in any, err error)

// outbox holds deliveries not yet made.
var outbox = store.NewTable[outboxKey, outgoing]("event.outbox")

// An outboxKey is a place in a line.
type outboxKey struct {
	Line lineKey
	At   time.Time // when it is due; if the line is ordered, its place
	ID   string
}

// A lineKey names the line of a target that deliveries wait in.
type lineKey struct {
	Target aws.ARN
	Name   string
}

// An outgoing is a delivery and how it fared so far.
type outgoing struct {
	Delivery
	Sent     time.Time
	Attempts int       `json:",omitempty"`
	Due      time.Time // when to try next
}

// line returns the line that d waits in.
func (d *Delivery) line() lineKey { return lineKey{d.Target, cmp.Or(d.Line, d.Source.String())} }

// Send makes d part of tx: it happens if and only if tx is kept.
func (rt *Router) Send(tx *store.Tx, d Delivery) error {
	if d.Target == (aws.ARN{}) || d.Source.Service == "" {
		return fmt.Errorf("event: delivery from %q to %q", d.Source, d.Target)
	}
	now := time.Now()
	return rt.put(tx, outgoing{Delivery: d, Sent: now, Due: now})
}

// put adds o to its line.
func (rt *Router) put(tx *store.Tx, o outgoing) error {
	key := outboxKey{Line: o.line(), At: o.Due, ID: rand.Text()}
	if o.Ordered {
		for last := range outbox.ScanReverse(tx, outboxKey{Line: key.Line}) {
			if !key.At.After(last.At) { // clocks may go back
				key.At = last.At.Add(time.Nanosecond)
			}
			break
		}
	}
	tx.AfterCommit(func() { rt.expect(key.Line, o.Due) })
	return outbox.Put(tx, key, o)
}

// A Waiting is a delivery that was not made yet, for people to look at.
type Waiting struct {
	Delivery
	Sent     time.Time
	Attempts int
	Due      time.Time
}

// Waiting yields the deliveries that wait for target, or for any if it is zero.
func (rt *Router) Waiting(tx *store.Tx, target aws.ARN) iter.Seq[Waiting] {
	return func(yield func(Waiting) bool) {
		for _, o := range outbox.Scan(tx, outboxKey{Line: lineKey{Target: target}}) {
			if !yield(Waiting(o)) {
				return
			}
		}
	}
}

// retryable says whether an attempt that failed with err may succeed later.
func retryable(err error) bool {
	refusal, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return true
	}
	switch refusal.Code {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "ProvisionedThroughputExceededException",
		"RequestLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "OverLimit":
		return true
	case aws.NotImplemented.Code:
		return false
	}
	return refusal.Status >= 500 || refusal.Status == 429
}
