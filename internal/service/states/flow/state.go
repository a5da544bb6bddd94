package flow

import (
	"encoding/json"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// Number is a whole number as JSON.
func Number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// Float is a number, or 0 if v is none.
func Float(v tree.Value) float64 {
	n, _ := v.(json.Number)
	f, _ := n.Float64()
	return f
}

// enter has a strand enter its state.
func (r *Run) enter(s *Strand) {
	st := r.state(s)
	s.Before, s.Entered, s.Tries, s.Retries = s.Last, r.Source.Now().UTC(), nil, 0
	r.tell(s, entered(st.Type), &api.StateEnteredEventDetails{Name: s.State, Input: new(tree.String(s.Input.V)), InputDetails: untruncated()})
	s.Event = s.Last
	r.begin(s, st)
}

// begin has a strand do what its state says.
func (r *Run) begin(s *Strand, st *asl.State) {
	switch st.Type {
	case asl.Pass, asl.Succeed:
		r.exit(s, st, nil)
	case asl.Choice:
		exit, e := st.Choose(r.env(s, st))
		r.leave(s, st, exit, e)
	case asl.Fail:
		r.fail(s, st, st.Failure(r.env(s, st)))
	case asl.Wait:
		until, e := st.Until(r.env(s, st))
		if e != nil {
			r.fail(s, st, e)
			return
		}
		s.Until, s.Phase = until.UTC(), Waiting
	case asl.Task:
		r.task(s, st)
	case asl.Parallel:
		r.parallel(s, st)
	case asl.Map:
		r.mapItems(s, st)
	}
}

// exit has a strand leave its state, which came to a result.
func (r *Run) exit(s *Strand, st *asl.State, result tree.Value) {
	exit, e := st.Exit(r.env(s, st), result)
	if e == nil {
		e = asl.CheckSize(exit.Output, st.Name)
	}
	r.leave(s, st, exit, e)
}

// leave has a strand go on to the next state, or end.
func (r *Run) leave(s *Strand, st *asl.State, exit asl.Exit, e *asl.Error) {
	if e != nil {
		r.fail(s, st, e)
		return
	}
	details := &api.StateExitedEventDetails{Name: s.State, Output: new(tree.String(exit.Output)), OutputDetails: untruncated()}
	if exit.Assigned.Len() > 0 {
		details.AssignedVariables = make(map[string]string)
		for name, v := range exit.Assigned.All() {
			details.AssignedVariables[name] = tree.String(v)
		}
		details.AssignedVariablesDetails = &api.AssignedVariablesDetails{Truncated: new(false)}
	}
	r.tell(s, exited(st.Type), details)
	s.clear()
	s.Vars = exit.Variables
	if exit.Next == "" {
		r.done(s, exit.Output)
		return
	}
	s.State, s.Input = exit.Next, Doc{exit.Output}
	r.ready(s, Ready)
}

// clear takes from a strand what it knew of its state.
func (s *Strand) clear() {
	*s = Strand{
		ID: s.ID, Parent: s.Parent, Index: s.Index, State: s.State, Input: s.Input, Vars: s.Vars, Item: s.Item, Last: s.Last, Attempt: s.Attempt, Alarm: s.Alarm,
	}
}

// done ends a strand that came to its end.
func (r *Run) done(s *Strand, output tree.Value) {
	if s.Parent == 0 {
		r.end(s, api.ExecutionStatusSucceeded, output, nil)
		return
	}
	s.Phase, s.Output, s.Input, s.Vars = Done, Doc{output}, Doc{}, nil
	r.join(s)
}

// fieldOf is the field whose expression a failure speaks of.
func fieldOf(cause string) string {
	const before = "specified for the field '"
	_, rest, ok := strings.Cut(cause, before)
	if !ok {
		return ""
	}
	field, _, _ := strings.Cut(rest, "'")
	return field
}
