package asl

import (
	"math"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Matches reports whether an ErrorEquals list matches an error's name. Nothing
// matches States.Runtime, and only its name States.DataLimitExceeded.
func Matches(errorEquals []string, name string) bool {
	if name == ErrRuntime {
		return false
	}
	return slices.ContainsFunc(errorEquals, func(e string) bool {
		switch {
		case e == name:
			return true
		case name == ErrDataLimitExceeded:
			return false
		case e == ErrAll:
			return true
		case e == ErrTaskFailed: // any error but a time-out
			return name != ErrTimeout && name != ErrHeartbeatTimeout
		}
		return e == ErrTimeout && name == ErrHeartbeatTimeout
	})
}

// RetryOf says whether e is tried again, and after how long. tries[i] is how
// often retrier i was used since the state was entered; the caller counts the
// one that is returned. random is in [0, 1), for jitter.
func (s *State) RetryOf(e *Error, tries []int, random float64) (delay time.Duration, retrier int, ok bool) {
	for i, r := range s.Retry {
		if !Matches(r.ErrorEquals, e.Name) {
			continue
		}
		n := 0
		if i < len(tries) {
			n = tries[i]
		}
		if int64(n) >= r.MaxAttempts {
			return 0, i, false
		}
		return r.Delay(n, random), i, true
	}
	return 0, -1, false
}

// Delay is how long to wait before a retry that n retries came before.
func (r Retrier) Delay(n int, random float64) time.Duration {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(n))
	limit := float64(maxSeconds)
	if r.MaxDelaySeconds > 0 {
		limit = float64(r.MaxDelaySeconds)
	}
	seconds = min(seconds, limit)
	if r.FullJitter {
		seconds *= random
	}
	return time.Duration(seconds * float64(time.Second))
}

// CatchOf leaves a state by the catcher that matches e, if one does.
func (s *State) CatchOf(env Env, e *Error) (exit Exit, catcher int, caught bool, failed *Error) {
	for i := range s.Catch {
		c := &s.Catch[i]
		if !Matches(c.ErrorEquals, e.Name) {
			continue
		}
		exit, failed = s.caught(env, c, e, i)
		return exit, i, true, failed
	}
	return Exit{}, -1, false, nil
}

func (s *State) caught(env Env, c *Catcher, e *Error, i int) (Exit, *Error) {
	told := tree.NewObject("Error", e.Name, "Cause", e.Cause)
	ev := s.on(env, told)
	ev.failed = told
	at := "Catch[" + string(intNumber(int64(i)).(number)) + "]/"
	if s.QueryLanguage == JSONata {
		ev.input = env.Input
		return ev.leave(c.flow, at, c.Next, told)
	}
	variables, assigned, err := ev.assign(c.flow.assign, at+"Assign")
	if err != nil {
		return Exit{}, err
	}
	out, err := ev.place(c.flow.resultPath, told)
	if err != nil {
		return Exit{}, err
	}
	return Exit{Next: c.Next, Output: out, Variables: variables, Assigned: assigned}, CheckSize(out, s.Name)
}
