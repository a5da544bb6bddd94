package flow

import (
	"fmt"
	"maps"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// MaxEvents is how many events the history of a standard execution may have.
const MaxEvents = 25_000

// A Run is an execution that is under way. Its exported members without a tag
// are what it remembers from one step to the next; the others are set whenever
// it is read.
type Run struct {
	Events  int64   // id of the last event
	Strands int64   // id of the last strand
	Ready   []int64 // strands that can go on at once

	Machine *asl.Machine                    `json:"-"` // what it runs
	About   About                           `json:"-"`
	Source  asl.Source                      `json:"-"` // of time and chance
	Load    func(id int64) (*Strand, error) `json:"-"` // reads a strand; nil: all are in memory
	All     func() ([]int64, error)         `json:"-"` // ids of all strands; nil: likewise
	Token   func(*Strand) string            `json:"-"` // the token of a strand's task
	New     []Event                         `json:"-"` // since it was read
	Outcome *Outcome                        `json:"-"` // set when it has ended
	Maps    []int64                         `json:"-"` // strands whose distributed maps are to begin

	strands map[int64]*Strand // that were read, or made
	gone    map[int64]*Strand // that are no more
	err     error             // of Load
}

// About is what the Context object says of an execution.
type About struct {
	Execution, StateMachine *tree.Object
	Item                    *Item // of a distributed map that the execution is one of
	RoleARN                 string
	Region                  string
	Express                 bool
}

// An Outcome is how an execution ended.
type Outcome struct {
	Status string // of api.ExecutionStatus…
	Output tree.Value
	Error  *asl.Error
}

// An Answer is what a task's resource answered: Error is nil if it did its work.
type Answer struct {
	Output Doc
	Error  *asl.Error `json:",omitempty"`
	Child  string     `json:",omitempty"` // execution that was started
}

// Err is what went wrong in reading strands; nothing that the run did since
// counts then.
func (r *Run) Err() error { return r.err }

// Strand returns a strand, or nil if there is none.
func (r *Run) Strand(id int64) *Strand {
	if s := r.strands[id]; s != nil || r.gone[id] != nil {
		return s
	}
	if r.Load == nil || r.err != nil {
		return nil
	}
	s, err := r.Load(id)
	if err != nil {
		r.err = err
		return nil
	}
	if s != nil {
		r.keep(s)
	}
	return s
}

// Touched returns the strands that were read or made, in the order of their
// ids, and those that are gone.
func (r *Run) Touched() (strands, gone []*Strand) {
	list := func(of map[int64]*Strand) (out []*Strand) {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			out = append(out, of[id])
		}
		return out
	}
	return list(r.strands), list(r.gone)
}

func (r *Run) keep(s *Strand) {
	if r.strands == nil {
		r.strands = make(map[int64]*Strand)
	}
	r.strands[s.ID] = s
}

// drop forgets a strand.
func (r *Run) drop(s *Strand) {
	if r.gone == nil {
		r.gone = make(map[int64]*Strand)
	}
	delete(r.strands, s.ID)
	r.gone[s.ID] = s
}

// fork makes a strand.
func (r *Run) fork(parent int64, index int, m *asl.Machine, phase Phase) *Strand {
	r.Strands++
	s := &Strand{ID: r.Strands, Parent: parent, Index: index, Phase: phase, State: m.StartAt}
	r.keep(s)
	return s
}

// ready has a strand go on at once.
func (r *Run) ready(s *Strand, phase Phase) {
	s.Phase = phase
	r.Ready = append(r.Ready, s.ID)
}

// state is the state that s is in.
func (r *Run) state(s *Strand) *asl.State { return r.Machine.State(s.State) }

// emit adds an event that follows on another.
func (r *Run) emit(prev int64, kind string, details any) int64 {
	r.Events++
	r.New = append(r.New, Event{ID: r.Events, Prev: prev, At: r.Source.Now().UTC(), Type: kind, Details: details})
	return r.Events
}

// tell adds an event of a strand.
func (r *Run) tell(s *Strand, kind string, details any) {
	s.Last = r.emit(s.Last, kind, details)
}

// Begin begins the execution.
func (r *Run) Begin(input tree.Value) {
	r.emit(0, api.HistoryEventTypeExecutionStarted, &api.ExecutionStartedEventDetails{
		Input: new(tree.String(input)), InputDetails: untruncated(), RoleArn: &r.About.RoleARN,
	})
	s := r.fork(0, 0, r.Machine, Ready)
	s.Input, s.Item = Doc{input}, r.About.Item
	r.Ready = append(r.Ready, s.ID)
}

// Advance has strands go on until all of them wait, or most states were
// entered: then it returns true, and there is more to do.
func (r *Run) Advance(most int) bool {
	for n := 0; len(r.Ready) > 0 && r.Outcome == nil && r.err == nil; n++ {
		if n == most {
			return true
		}
		s := r.Strand(r.Ready[0])
		r.Ready = r.Ready[1:]
		switch {
		case s == nil:
		case r.Events >= MaxEvents && !r.About.Express:
			r.end(s, api.ExecutionStatusFailed, nil, &asl.Error{Name: asl.ErrRuntime, Cause: fmt.Sprintf("The execution reached the maximum number of history events (%d).", MaxEvents)})
		case s.Phase == Ready:
			r.enter(s)
		case s.Phase == Again:
			r.begin(s, r.state(s))
		}
	}
	return false
}

// Due tells a strand that its time has come.
func (r *Run) Due(id int64) {
	s := r.Strand(id)
	if s == nil || s.Due().IsZero() || s.Due().After(r.Source.Now()) {
		return
	}
	st := r.state(s)
	switch s.Phase {
	case Waiting:
		s.Until = time.Time{}
		r.exit(s, st, nil)
	case Backoff:
		s.Until = time.Time{}
		r.ready(s, Again)
	case Calling, Token, Mapping:
		r.overdue(s, st)
	}
}

// Stop ends the execution because somebody said so.
func (r *Run) Stop(e *asl.Error) {
	r.halt()
	r.finish(0, api.ExecutionStatusAborted, nil, e)
}

// Expire ends the execution because it took too long.
func (r *Run) Expire() {
	r.halt()
	r.finish(0, api.ExecutionStatusTimedOut, nil, nil)
}

// halt stops all strands.
func (r *Run) halt() {
	ids := slices.Sorted(maps.Keys(r.strands))
	if r.All != nil {
		var err error
		if ids, err = r.All(); err != nil {
			r.err = err
			return
		}
	}
	for _, id := range ids {
		if s := r.Strand(id); s != nil && s.Phase != Done && s.Phase != Pending && s.Phase != Forked {
			s.Phase = Stopped
		}
	}
	r.Ready = nil
}

// Redrive goes on with an execution that failed or was stopped, where it was.
func (r *Run) Redrive(count int32) {
	last := r.emit(0, api.HistoryEventTypeExecutionRedriven, &api.ExecutionRedrivenEventDetails{RedriveCount: &count})
	ids, err := r.All()
	if err != nil {
		r.err = err
		return
	}
	for _, id := range ids {
		s := r.Strand(id)
		if s == nil || s.Phase != Stopped {
			continue
		}
		st := r.state(s)
		s.Tries, s.Retries, s.Last = nil, 0, last
		switch {
		case s.Count > 0 && st.Type != asl.Fail:
			s.Phase = Forked // what forked from it goes on
		case s.Event == 0 || st.Type == asl.Fail:
			r.ready(s, Ready)
		default:
			r.ready(s, Again)
		}
	}
}

// env is what expressions of a state see.
func (r *Run) env(s *Strand, st *asl.State) asl.Env {
	at := tree.NewObject("EnteredTime", stamp(s.Entered), "Name", s.State)
	if st.Type == asl.Task || st.Type == asl.Parallel || st.Type == asl.Map {
		at.Set("RetryCount", Number(int64(s.Retries)))
	}
	context := tree.NewObject("Execution", r.About.Execution, "State", at, "StateMachine", r.About.StateMachine)
	if s.Secret != "" {
		context.Set("Task", tree.NewObject("Token", r.Token(s)))
	}
	if s.Item != nil {
		context.Set("Map", tree.NewObject("Item", s.Item.object()))
	}
	return asl.Env{Input: s.Input.V, Context: context, Variables: s.Vars, Event: s.Event, Source: r.Source}
}

func (i *Item) object() *tree.Object {
	o := tree.NewObject("Index", Number(int64(i.Index)))
	if i.Key != "" {
		o.Set("Key", i.Key)
	}
	o.Set("Value", i.Value.V)
	return o
}

// stamp is a time as the Context object has it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
