package resource

import (
	"context"
	"time"
)

// The time between two looks at a resource that settles, at first and at most,
// and how long it is waited for.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 500 * time.Millisecond
	patience  = 10 * time.Minute
)

// settle looks at a resource until it is at rest.
func settle(op *Op, atRest func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(op.Ctx, patience, &Refusal{"Resource " + op.LogicalID + " did not stabilize."})
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		done, err := atRest()
		if done || err != nil {
			return err
		}
		timer.Reset(pause)
	}
}
