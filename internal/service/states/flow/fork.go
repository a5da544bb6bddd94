package flow

import (
	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// inlineAtOnce is how many items of a Map that runs in its execution are under
// way at most.
const inlineAtOnce = 40

// parallel begins with all branches of a Parallel.
func (r *Run) parallel(s *Strand, st *asl.State) {
	input, e := st.Arguments(r.env(s, st))
	if e != nil {
		r.fail(s, st, e)
		return
	}
	r.tell(s, api.HistoryEventTypeParallelStateStarted, nil)
	s.Phase, s.First, s.Count, s.Begun, s.Started = Forked, r.Strands+1, len(st.Branches), len(st.Branches), s.Last
	for i, branch := range st.Branches {
		x := r.fork(s.ID, i, branch, Ready)
		x.Input, x.Vars, x.Item, x.Last = Doc{input}, s.Vars, s.Item, s.Last
		r.Ready = append(r.Ready, x.ID)
	}
}

// mapItems begins with the items of a Map.
func (r *Run) mapItems(s *Strand, st *asl.State) {
	env := r.env(s, st)
	limits, e := st.MapLimits(env)
	if e != nil {
		r.fail(s, st, e)
		return
	}
	if st.Processor.Distributed {
		r.distribute(s, st, env)
		return
	}
	items, e := st.Items(env)
	if e != nil {
		r.fail(s, st, e)
		return
	}
	r.tell(s, api.HistoryEventTypeMapStateStarted, &api.MapStateStartedEventDetails{Length: new(int32(len(items)))})
	s.AtOnce = inlineAtOnce
	if n := limits.MaxConcurrency; n > 0 && n < inlineAtOnce {
		s.AtOnce = int(n)
	}
	s.Phase, s.First, s.Count, s.Begun, s.Joined, s.Started = Forked, r.Strands+1, len(items), 0, 0, s.Last
	for i, item := range items {
		x := r.fork(s.ID, i, st.Processor, Pending)
		x.Vars, x.Item = s.Vars, &Item{Index: i, Key: item.Key, Value: Doc{item.Value}}
	}
	if len(items) == 0 {
		r.joined(s, st, []tree.Value{})
		return
	}
	for s.Begun < s.Count && s.Begun < s.AtOnce && s.Phase == Forked {
		r.iterate(s, st, s.Last)
	}
}

// distribute begins with a Map whose items are executions of their own. It
// waits for as many events as there are before they begin.
func (r *Run) distribute(s *Strand, st *asl.State, env asl.Env) {
	var items []asl.Item
	reading, e := st.Reading(env)
	if e == nil && reading == nil {
		items, e = st.Items(env)
	}
	if e != nil {
		r.fail(s, st, e)
		return
	}
	r.tell(s, api.HistoryEventTypeMapStateStarted, &api.MapStateStartedEventDetails{Length: new(int32(len(items)))})
	s.Attempt++
	s.Phase, s.Started = Mapping, s.Last
	r.Maps = append(r.Maps, s.ID)
}

// MapBegan tells that the distributed map of a strand is under way.
func (r *Run) MapBegan(id int64, arn string) {
	if s := r.Strand(id); s != nil {
		r.tell(s, api.HistoryEventTypeMapRunStarted, &api.MapRunStartedEventDetails{MapRunArn: &arn})
	}
}

// Mapped tells that the distributed map of a strand ended: with the outputs of
// its executions, or what else is its result, or with a failure.
func (r *Run) Mapped(id, attempt int64, result tree.Value, e *asl.Error) {
	s := r.Strand(id)
	if s == nil || s.Phase != Mapping || s.Attempt != attempt {
		return
	}
	st := r.state(s)
	if e != nil {
		name, cause := words(e)
		r.tell(s, api.HistoryEventTypeMapRunFailed, &api.MapRunFailedEventDetails{Error: name, Cause: cause})
		r.fail(s, st, e)
		return
	}
	r.tell(s, api.HistoryEventTypeMapRunSucceeded, nil)
	r.joined(s, st, result)
}

// Env is what expressions of the state of a strand see, and the state.
func (r *Run) Env(id int64) (*asl.State, asl.Env) {
	s := r.Strand(id)
	st := r.state(s)
	return st, r.env(s, st)
}

// iterate begins with the next item of a Map.
func (r *Run) iterate(s *Strand, st *asl.State, prev int64) {
	x := r.Strand(s.First + int64(s.Begun))
	if x == nil {
		return
	}
	s.Begun++
	x.Last = r.emit(prev, api.HistoryEventTypeMapIterationStarted, &api.MapIterationEventDetails{Name: &st.Name, Index: new(int32(x.Index))})
	env := r.env(s, st)
	env.Context.Set("Map", tree.NewObject("Item", x.Item.object()))
	input, e := st.ItemInput(env, asl.Item{Key: x.Item.Key, HasKey: x.Item.Key != "", Value: x.Item.Value.V})
	if e != nil {
		r.abort(s, x)
		s.Last = x.Last
		r.fail(s, st, e)
		return
	}
	x.Input = Doc{input}
	r.ready(x, Ready)
}

// join tells what a strand forked from that it is done.
func (r *Run) join(x *Strand) {
	s := r.Strand(x.Parent)
	if s == nil {
		return
	}
	st := r.state(s)
	s.Joined++
	if s.Last = x.Last; st.Type == asl.Map {
		s.Last = r.emit(x.Last, api.HistoryEventTypeMapIterationSucceeded, &api.MapIterationEventDetails{Name: &st.Name, Index: new(int32(x.Index))})
	}
	if s.Begun < s.Count {
		r.iterate(s, st, x.Last)
		return
	}
	if s.Joined < s.Count {
		return
	}
	outputs := make([]tree.Value, s.Count)
	for i := range outputs {
		if x := r.Strand(s.First + int64(i)); x != nil {
			outputs[i] = x.Output.V
		}
	}
	r.dropForks(s)
	r.joined(s, st, outputs)
}

// joined has a strand leave a Parallel or a Map that succeeded.
func (r *Run) joined(s *Strand, st *asl.State, result tree.Value) {
	r.emit(s.Last, string(st.Type)+"StateSucceeded", nil)
	s.Count, s.First, s.Started = 0, 0, 0
	if e := asl.CheckSize(result, st.Name); e != nil {
		r.fail(s, st, e)
		return
	}
	r.exit(s, st, result)
}
