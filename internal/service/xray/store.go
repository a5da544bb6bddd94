package xray

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	segments = store.NewTable[segmentKey, segmentRow]("xray.segment")
	traces   = store.NewTable[traceKey, traceRow]("xray.trace")
	begun    = store.NewTable[begunKey, struct{}]("xray.begun")
	ends     = due.NewTimes[traceKey]("xray.end")
	rules    = store.NewTable[aws.ARN, ruleRow]("xray.rule") // but Default
	groups   = store.NewTable[aws.ARN, groupRow]("xray.group")
)

// kept is for how long traces are.
const kept = 30 * 24 * time.Hour

// A traceKey names a trace of an account and region.
type traceKey struct {
	Of aws.ARN // without a resource
	ID string
}

type segmentKey struct {
	Trace traceKey
	ID    string
}

// A segmentRow is a segment as it was sent.
type segmentRow struct{ Document string }

// A traceRow is what is known of a trace besides its segments.
type traceRow struct {
	Begun time.Time // with the first of its segments
	Ends  time.Time // when it is removed
}

// A begunKey finds traces by when they began.
type begunKey struct {
	Of aws.ARN
	At time.Time
	ID string
}

const (
	ruleKind  = "sampling-rule/"
	groupKind = "group/"
	usual     = "Default"
)

func ruleARN(call *aws.Call, name string) aws.ARN { return call.ARN("xray", ruleKind+name) }

func groupARN(call *aws.Call, name string) aws.ARN { return call.ARN("xray", groupKind+name) }

// named is a resource that a caller means by its name or its ARN.
func named(call *aws.Call, kind, name, text string) aws.ARN {
	if arn, err := aws.ParseARN(text); err == nil && name == "" {
		return arn
	}
	return call.ARN("xray", kind+name)
}

// expire removes traces that are old.
func (s *Service) expire(ctx context.Context) (time.Duration, error) {
	return ends.Run(ctx, s.db, func(tx *store.Tx, was time.Time, key traceKey) error {
		row, err := traces.Get(tx, key)
		if err != nil || !row.Ends.Equal(was) {
			return nil // it is gone
		}
		if err := begun.Delete(tx, begunKey{key.Of, row.Begun, key.ID}); err != nil {
			return err
		}
		if err := segments.DeletePrefix(tx, segmentKey{Trace: key}); err != nil {
			return err
		}
		return traces.Delete(tx, key)
	})
}
