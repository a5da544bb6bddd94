package sqs

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Kinds of calls, of each of which a FIFO queue takes so many a second, unless
// it is one of high throughput. A batch is one call.
const (
	sends callKind = iota
	receives
	deletes
	settles // batches of deletes, and what changes visibility
	kindsOfCalls

	maxCalls = 300 // a second
)

type callKind int

// An allowance is how many calls may be made now.
type allowance struct {
	spent float64 // of maxCalls
	at    int64   // then, in milliseconds
}

// admitted returns the ARN of the queue at url, unless that takes no more calls
// of a kind now.
func (s *Service) admitted(ctx context.Context, call *aws.Call, url string, kind callKind) (aws.ARN, error) {
	arn, err := queueARN(call, url)
	if err != nil || !strings.HasSuffix(arn.Resource, ".fifo") {
		return arn, err
	}
	q, err := s.look(ctx, arn)
	if err != nil {
		return arn, err
	}
	return arn, q.admit(call, kind)
}

// admit counts a call, and refuses one that is too many. Calls from within the
// platform, which delivers and polls, are not counted.
func (q *queue) admit(call *aws.Call, kind callKind) error {
	if !q.FIFO || q.ThroughputLimit == "perMessageGroupId" || call.SourceIP == "" {
		return nil
	}
	l := q.line
	l.mu.Lock()
	defer l.mu.Unlock()
	a, now := &l.calls[kind], now()
	a.spent = max(0, a.spent-float64(now-a.at)*maxCalls/1000)
	a.at = now
	if a.spent > maxCalls-1 {
		return api.RequestThrottled.Errorf("Request is throttled.")
	}
	a.spent++
	return nil
}
