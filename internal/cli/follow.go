package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
)

// A follower shows what becomes of a stack's resources as it happens.
type follower struct {
	client *client.Client
	out    io.Writer
	stack  string
	last   string               // id of the newest event that was seen
	began  map[string]time.Time // by logical id
	cause  string               // of the first failure
	live   bool                 // out is a terminal
	drawn  bool                 // a line that is to be replaced
}

// skipPast leaves out the events of earlier deployments.
func (f *follower) skipPast(ctx context.Context) error {
	_, err := f.newEvents(ctx)
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return nil
	}
	return err
}

// newEvents returns the stack's events since the last call, oldest first.
func (f *follower) newEvents(ctx context.Context) ([]cfn.StackEvent, error) {
	var events []cfn.StackEvent
	in := &cfn.DescribeStackEventsInput{StackName: f.stack}
	for {
		out, err := client.Do(ctx, f.client, cfn.DescribeStackEvents, in)
		if err != nil {
			return nil, err
		}
		seen := slices.IndexFunc(out.StackEvents, func(e cfn.StackEvent) bool { return e.EventId == f.last })
		if seen >= 0 {
			events = append(events, out.StackEvents[:seen]...)
		} else {
			events = append(events, out.StackEvents...)
		}
		if seen >= 0 || out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	if len(events) > 0 {
		f.last = events[0].EventId
	}
	slices.Reverse(events)
	return events, nil
}

// untilDone shows events until the stack is at rest, and returns how it is. If
// nothing was begun, it is at rest already.
func (f *follower) untilDone(ctx context.Context, begun bool) (*deployment, error) {
	for begun {
		events, err := f.newEvents(ctx)
		if err != nil {
			return nil, err
		}
		f.clear()
		for _, e := range events {
			f.show(e)
			own := aws.Value(e.ResourceType) == "AWS::CloudFormation::Stack" && aws.Value(e.PhysicalResourceId) == e.StackId
			if own && atRest(aws.Value(e.ResourceStatus)) {
				begun = false
			}
		}
		if begun {
			f.showRunning()
			if err := pause(ctx); err != nil {
				return nil, err
			}
		}
	}
	out, err := client.Do(ctx, f.client, cfn.DescribeStacks, &cfn.DescribeStacksInput{StackName: &f.stack})
	if err != nil {
		return nil, err
	}
	return f.result(out.Stacks[0])
}

// atRest says whether a stack of that status is not being worked on.
func atRest(status string) bool { return !strings.HasSuffix(status, "_IN_PROGRESS") }

// showRunning shows, on a terminal, what is being worked on and for how long.
func (f *follower) showRunning() {
	if !f.live || len(f.began) == 0 {
		return
	}
	var parts []string
	for _, id := range sortedKeys(f.began) {
		if took := time.Since(f.began[id]); took > 0 && len(parts) < 4 {
			parts = append(parts, fmt.Sprintf("%s %.1f s", id, took.Seconds()))
		}
	}
	if more := len(f.began) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	fmt.Fprint(f.out, "    … "+strings.Join(parts, ", "))
	f.drawn = true
}

// clear removes what showRunning has drawn.
func (f *follower) clear() {
	if f.drawn {
		fmt.Fprint(f.out, "\r\x1b[K")
		f.drawn = false
	}
}

// result says how a stack at rest is; one that rolled back is an error.
func (f *follower) result(s cfn.Stack) (*deployment, error) {
	d := &deployment{Stack: s.StackName, Status: s.StackStatus, Reason: f.cause, Outputs: make(map[string]string)}
	for _, o := range s.Outputs {
		d.Outputs[aws.Value(o.OutputKey)] = aws.Value(o.OutputValue)
	}
	if strings.HasSuffix(s.StackStatus, "_COMPLETE") && !strings.Contains(s.StackStatus, "ROLLBACK") {
		return d, nil
	}
	if f.cause == "" {
		f.cause = aws.Value(s.StackStatusReason)
	}
	return d, fmt.Errorf("%s is %s: %s", s.StackName, s.StackStatus, f.cause)
}

// show prints the event of a resource that is done or failed.
func (f *follower) show(e cfn.StackEvent) {
	id, status, at := aws.Value(e.LogicalResourceId), aws.Value(e.ResourceStatus), e.Timestamp
	if aws.Value(e.ResourceType) == "AWS::CloudFormation::Stack" && id == f.stack {
		if f.cause == "" && strings.HasSuffix(status, "ROLLBACK_IN_PROGRESS") { // by no resource's fault
			f.cause = strings.TrimSuffix(strings.TrimSuffix(aws.Value(e.ResourceStatusReason), "Rollback requested by user."), ". ")
		}
		return
	}
	if strings.HasSuffix(status, "_IN_PROGRESS") {
		if _, ok := f.began[id]; !ok {
			f.began[id] = at
		}
		return
	}
	mark, reason := "✓", ""
	if strings.HasSuffix(status, "_FAILED") {
		mark, reason = "✗", plainCause(aws.Value(e.ResourceStatusReason))
		if f.cause == "" {
			f.cause = id + ": " + reason
		}
	}
	if strings.HasSuffix(status, "_COMPLETE") {
		reason = aws.Value(e.ResourceStatusReason)
	}
	if aws.Value(e.ResourceStatusReason) == resource.RecordNote {
		mark, reason = "○", "a record: nothing runs behind it"
	}
	verb, _, _ := strings.Cut(strings.ToLower(status), "_")
	if strings.HasSuffix(status, "_SKIPPED") {
		mark, verb = "·", "keep"
	}
	took := at.Sub(f.began[id]).Seconds()
	if f.began[id].IsZero() {
		took = 0
	}
	delete(f.began, id)
	fmt.Fprintf(f.out, "    %s %-7s %-34s %-32s %6.2f s\n", mark, verb, id, aws.Value(e.ResourceType), took)
	if reason != "" {
		fmt.Fprintf(f.out, "      %s\n", reason)
	}
}

var handlerSays = regexp.MustCompile(`^Resource handler returned message: "(.*) \(Service: [^()]*\)" \(RequestToken: [^()]*\)$`)

// plainCause is why something failed, without what only AWS's support wants to know.
func plainCause(reason string) string {
	for {
		m := handlerSays.FindStringSubmatch(reason)
		if m == nil {
			return reason
		}
		reason = m[1]
	}
}

// pause waits before the next look at a stack.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
