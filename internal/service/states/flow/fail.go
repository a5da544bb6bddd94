package flow

import (
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// fail has the state of a strand fail: it is tried again, left by a catcher, or
// takes with it what the strand forked from.
func (r *Run) fail(s *Strand, st *asl.State, e *asl.Error) {
	if e.Name == asl.ErrQueryEvaluationError {
		s.Last = r.emit(s.Before, api.HistoryEventTypeEvaluationFailed, &api.EvaluationFailedEventDetails{
			Error: &e.Name, Cause: &e.Cause, Location: given(fieldOf(e.Cause)), State: st.Name,
		})
	}
	for r.err == nil {
		if r.retry(s, st, e) {
			return
		}
		if st.Type == asl.Parallel || st.Type == asl.Map {
			if s.Count > 0 || s.Started != 0 {
				r.tell(s, string(st.Type)+"StateFailed", nil)
			}
		}
		exit, caught, failed := r.catch(s, st, e)
		if failed != nil {
			e = failed
		} else if caught {
			r.dropForks(s)
			r.leave(s, st, exit, nil)
			return
		}
		s.Phase = Stopped
		if s.Parent == 0 {
			r.end(s, api.ExecutionStatusFailed, nil, e)
			return
		}
		parent := r.Strand(s.Parent)
		if parent == nil {
			return
		}
		r.abort(parent, s)
		parent.Last = s.Last
		s, st = parent, r.state(parent)
	}
}

// retry has a state be tried again, if a retrier says so.
func (r *Run) retry(s *Strand, st *asl.State, e *asl.Error) bool {
	delay, i, ok := st.RetryOf(e, s.Tries, r.Source.Float64())
	if !ok {
		return false
	}
	for len(s.Tries) <= i {
		s.Tries = append(s.Tries, 0)
	}
	s.Tries[i]++
	s.Retries++
	r.dropForks(s)
	s.clearTask()
	s.Count, s.Begun, s.Joined, s.First, s.Started = 0, 0, 0, 0, 0
	s.Until, s.Phase = r.Source.Now().UTC().Add(delay), Backoff
	return true
}

// catch asks the catchers of a state.
func (r *Run) catch(s *Strand, st *asl.State, e *asl.Error) (exit asl.Exit, caught bool, failed *asl.Error) {
	exit, _, caught, failed = st.CatchOf(r.env(s, st), e)
	return exit, caught, failed
}

// clearTask takes from a strand what it knew of its task.
func (s *Strand) clearTask() {
	s.Call, s.Secret, s.Child, s.Early, s.Timeout, s.Heartbeat, s.Every = nil, "", "", nil, time.Time{}, time.Time{}, 0
}

// abort stops what forked from s, of which failing did fail.
func (r *Run) abort(s, failing *Strand) {
	st := r.state(s)
	details := func(x *Strand) *api.MapIterationEventDetails {
		return &api.MapIterationEventDetails{Name: &st.Name, Index: new(int32(x.Index))}
	}
	for id := s.First; id < s.First+int64(s.Count); id++ {
		x := r.Strand(id)
		if x == nil || x.Phase == Done || x.Phase == Pending {
			continue
		}
		if st.Type == asl.Map && x == failing {
			r.emit(failing.Last, api.HistoryEventTypeMapIterationFailed, details(x))
		} else if st.Type == asl.Map {
			r.emit(failing.Last, api.HistoryEventTypeMapIterationAborted, details(x))
		}
		switch in := r.state(x); in.Type {
		case asl.Task, asl.Wait, asl.Parallel, asl.Map:
			if x.Event != 0 {
				r.emit(failing.Last, string(in.Type)+"StateAborted", nil)
			}
		}
		r.stop(x)
	}
}

// stop stops a strand, and what forked from it.
func (r *Run) stop(s *Strand) {
	if s.Phase == Forked {
		for id := s.First; id < s.First+int64(s.Count); id++ {
			if x := r.Strand(id); x != nil && x.Phase != Done && x.Phase != Pending {
				r.stop(x)
			}
		}
	}
	s.Phase = Stopped
}

// dropForks forgets what forked from s.
func (r *Run) dropForks(s *Strand) {
	for id := s.First; s.Count > 0 && id < s.First+int64(s.Count); id++ {
		if x := r.Strand(id); x != nil {
			r.dropForks(x)
			r.drop(x)
		}
	}
}

// end ends the execution after the last event of s.
func (r *Run) end(s *Strand, status string, output tree.Value, e *asl.Error) {
	r.finish(s.Last, status, output, e)
}

func (r *Run) finish(prev int64, status string, output tree.Value, e *asl.Error) {
	r.Outcome = &Outcome{Status: status, Output: output, Error: e}
	r.Ready = nil
	name, cause := words(e)
	switch status {
	case api.ExecutionStatusSucceeded:
		r.emit(prev, api.HistoryEventTypeExecutionSucceeded, &api.ExecutionSucceededEventDetails{Output: new(tree.String(output)), OutputDetails: untruncated()})
	case api.ExecutionStatusFailed:
		r.emit(prev, api.HistoryEventTypeExecutionFailed, &api.ExecutionFailedEventDetails{Error: name, Cause: cause})
	case api.ExecutionStatusAborted:
		r.emit(prev, api.HistoryEventTypeExecutionAborted, &api.ExecutionAbortedEventDetails{Error: name, Cause: cause})
	case api.ExecutionStatusTimedOut:
		r.emit(prev, api.HistoryEventTypeExecutionTimedOut, &api.ExecutionTimedOutEventDetails{Error: name, Cause: cause})
	}
}

// words are the name and the cause of a failure, nil where there is none.
func words(e *asl.Error) (name, cause *string) {
	if e == nil {
		return nil, nil
	}
	return given(e.Name), given(e.Cause)
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
