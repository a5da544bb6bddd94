package flow

import (
	"crypto/rand"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// task has a strand call the resource of its Task, or wait for a worker of an activity.
func (r *Run) task(s *Strand, st *asl.State) {
	resource := ParseResource(st.Resource)
	s.clearTask()
	s.Attempt++
	if resource.Kind == Activity || resource.Pattern == "waitForTaskToken" {
		s.Secret = rand.Text()
	}
	env := r.env(s, st)
	if resource.Kind == Activity {
		env.Context.Delete("Task")
	}
	limits, e := st.Timeouts(env)
	var args tree.Value
	var role string
	if e == nil {
		args, e = st.Arguments(env)
	}
	if e == nil {
		role, e = st.Role(env)
	}
	if e != nil {
		s.Secret = ""
		r.fail(s, st, e)
		return
	}
	s.Call = &Call{Resource: st.Resource, Arguments: Doc{args}, Role: role}
	now := r.Source.Now().UTC()
	if limits.Timeout > 0 {
		s.Timeout = now.Add(limits.Timeout)
	}
	if limits.Heartbeat > 0 && (s.Secret != "" || resource.Pattern != "") {
		s.Every, s.Heartbeat = limits.Heartbeat, now.Add(limits.Heartbeat)
	}
	s.Phase = Calling
	r.scheduled(s, &resource, limits, args, role)
	if resource.Kind == Activity {
		s.Phase = Token
	}
}

// scheduled tells that a task is to begin, and that it has, if no worker begins it.
func (r *Run) scheduled(s *Strand, of *Resource, limits asl.Timeouts, args tree.Value, role string) {
	text := tree.String(args)
	var credentials *api.TaskCredentials
	if role != "" {
		credentials = &api.TaskCredentials{RoleArn: &role}
	}
	switch of.Kind {
	case Activity:
		r.tell(s, api.HistoryEventTypeActivityScheduled, &api.ActivityScheduledEventDetails{
			Resource: of.ARN, Input: &text, InputDetails: untruncated(), TimeoutInSeconds: seconds(limits.Timeout), HeartbeatInSeconds: seconds(limits.Heartbeat),
		})
	case Function:
		r.tell(s, api.HistoryEventTypeLambdaFunctionScheduled, &api.LambdaFunctionScheduledEventDetails{
			Resource: of.ARN, Input: &text, InputDetails: untruncated(), TimeoutInSeconds: seconds(limits.Timeout), TaskCredentials: credentials,
		})
		r.tell(s, api.HistoryEventTypeLambdaFunctionStarted, nil)
	default:
		r.tell(s, api.HistoryEventTypeTaskScheduled, &api.TaskScheduledEventDetails{
			ResourceType: of.Type, Resource: of.Action, Region: r.About.Region, Parameters: text,
			TimeoutInSeconds: seconds(limits.Timeout), HeartbeatInSeconds: seconds(limits.Heartbeat), TaskCredentials: credentials,
		})
		r.tell(s, api.HistoryEventTypeTaskStarted, &api.TaskStartedEventDetails{ResourceType: of.Type, Resource: of.Action})
	}
}

func seconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(int64(d / time.Second))
}

// Taken tells that a worker of an activity took the task of a strand.
func (r *Run) Taken(s *Strand, worker string) {
	r.tell(s, api.HistoryEventTypeActivityStarted, &api.ActivityStartedEventDetails{WorkerName: given(worker)})
	if s.Every > 0 {
		s.Heartbeat = r.Source.Now().UTC().Add(s.Every)
	}
}

// Beat puts off when the next heartbeat of a task is overdue. It returns false
// if nobody waits for the task.
func (r *Run) Beat(id, attempt int64) bool {
	s := r.Strand(id)
	if s == nil || s.Attempt != attempt || s.Phase != Calling && s.Phase != Token {
		return false
	}
	if s.Every > 0 {
		s.Heartbeat = r.Source.Now().UTC().Add(s.Every)
	}
	return true
}

// Answered tells what the call of a strand's task came to.
func (r *Run) Answered(id, attempt int64, a Answer) {
	s := r.Strand(id)
	if s == nil || s.Phase != Calling || s.Attempt != attempt {
		return // it was given up meanwhile
	}
	st := r.state(s)
	of := ParseResource(st.Resource)
	if of.Pattern == "" || a.Error != nil {
		r.conclude(s, st, &of, a)
		return
	}
	text := tree.String(a.Output.V)
	r.tell(s, api.HistoryEventTypeTaskSubmitted, &api.TaskSubmittedEventDetails{
		ResourceType: of.Type, Resource: of.Action, Output: &text, OutputDetails: untruncated(),
	})
	s.Phase, s.Child = Token, a.Child
	if early := s.Early; early != nil {
		r.conclude(s, st, &of, *early)
	}
}

// Ended tells how somebody else ended the task of a strand. It returns false if
// it is not one that waits for that.
func (r *Run) Ended(id, attempt int64, a Answer) bool {
	s := r.Strand(id)
	if s == nil || s.Attempt != attempt || s.Early != nil {
		return false
	}
	switch s.Phase {
	case Calling:
		s.Early = &a // the call has not returned yet
	case Token:
		st := r.state(s)
		of := ParseResource(st.Resource)
		r.conclude(s, st, &of, a)
	default:
		return false
	}
	return true
}

// conclude ends a task.
func (r *Run) conclude(s *Strand, st *asl.State, of *Resource, a Answer) {
	if a.Error == nil {
		from := of.Type
		if of.Kind != Service {
			from = of.ARN
		}
		if a.Error = asl.CheckSize(a.Output.V, from); a.Error == nil {
			r.succeeded(s, of, tree.String(a.Output.V))
			result := a.Output.V
			r.exit(s, st, result)
			return
		}
	}
	name, cause := words(a.Error)
	switch of.Kind {
	case Activity:
		r.tell(s, api.HistoryEventTypeActivityFailed, &api.ActivityFailedEventDetails{Error: name, Cause: cause})
	case Function:
		r.tell(s, api.HistoryEventTypeLambdaFunctionFailed, &api.LambdaFunctionFailedEventDetails{Error: name, Cause: cause})
	default:
		r.tell(s, api.HistoryEventTypeTaskFailed, &api.TaskFailedEventDetails{ResourceType: of.Type, Resource: of.Action, Error: name, Cause: cause})
	}
	r.fail(s, st, a.Error)
}

func (r *Run) succeeded(s *Strand, of *Resource, output string) {
	switch of.Kind {
	case Activity:
		r.tell(s, api.HistoryEventTypeActivitySucceeded, &api.ActivitySucceededEventDetails{Output: &output, OutputDetails: untruncated()})
	case Function:
		r.tell(s, api.HistoryEventTypeLambdaFunctionSucceeded, &api.LambdaFunctionSucceededEventDetails{Output: &output, OutputDetails: untruncated()})
	default:
		r.tell(s, api.HistoryEventTypeTaskSucceeded, &api.TaskSucceededEventDetails{
			ResourceType: of.Type, Resource: of.Action, Output: &output, OutputDetails: untruncated(),
		})
	}
}

// overdue ends a task that took too long, or whose worker is silent.
func (r *Run) overdue(s *Strand, st *asl.State) {
	e := &asl.Error{Name: asl.ErrTimeout} // AWS says so of heartbeats too
	of := ParseResource(st.Resource)
	switch of.Kind {
	case Activity:
		r.tell(s, api.HistoryEventTypeActivityTimedOut, &api.ActivityTimedOutEventDetails{Error: &e.Name})
	case Function:
		r.tell(s, api.HistoryEventTypeLambdaFunctionTimedOut, &api.LambdaFunctionTimedOutEventDetails{Error: &e.Name})
	default:
		r.tell(s, api.HistoryEventTypeTaskTimedOut, &api.TaskTimedOutEventDetails{ResourceType: of.Type, Resource: of.Action, Error: &e.Name})
	}
	if s.Timeout.IsZero() || r.Source.Now().Before(s.Timeout) {
		r.silent(s, st)
		return
	}
	r.fail(s, st, e)
}

// silent fails a task whose heartbeat is overdue: as such, if a retrier or a
// catcher is for that, and else because it took too long.
func (r *Run) silent(s *Strand, st *asl.State) {
	e := &asl.Error{Name: asl.ErrHeartbeatTimeout}
	named := func(errors []string) bool { return slices.Contains(errors, asl.ErrHeartbeatTimeout) }
	if !slices.ContainsFunc(st.Retry, func(t asl.Retrier) bool { return named(t.ErrorEquals) }) &&
		!slices.ContainsFunc(st.Catch, func(c asl.Catcher) bool { return named(c.ErrorEquals) }) {
		e.Name = asl.ErrTimeout
	}
	r.fail(s, st, e)
}
