package asl

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// runner is the smallest interpreter there can be: no time passes, and tasks
// answer at once. It shows how the calls of this package go together.
type runner struct {
	task  func(s *State, args Value) (Value, *Error)
	steps int
	event int64
}

var fixed = Source{
	Now:     func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) },
	Float64: rand.New(rand.NewPCG(1, 2)).Float64,
	UUID:    func() string { return "1b4e28ba-2fa1-41d2-883f-0016d3cca427" },
}

const maxSteps = 10000

// run runs one level to its end.
func (r *runner) run(m *Machine, input Value, context, variables *tree.Object) (Value, *Error) {
	name := m.StartAt
	for {
		if r.steps++; r.steps > maxSteps {
			return nil, &Error{"Test.TooLong", ""}
		}
		s := m.States[name]
		r.event += 2
		about := tree.NewObject("EnteredTime", "2026-11-28T12:00:00Z", "Name", s.Name)
		env := Env{Input: input, Context: context.With("State", about), Variables: variables, Event: r.event, Source: fixed}
		exit, failed := r.step(s, env)
		if failed != nil {
			return nil, failed
		}
		input, variables = exit.Output, exit.Variables
		if exit.Next == "" {
			return exit.Output, nil
		}
		name = exit.Next
	}
}

func (r *runner) step(s *State, env Env) (Exit, *Error) {
	tries := make([]int, len(s.Retry))
	for {
		exit, failed := r.try(s, env)
		if failed == nil {
			return exit, nil
		}
		if _, i, again := s.RetryOf(failed, tries, 0.5); again {
			tries[i]++
			continue
		}
		if exit, _, caught, err := s.CatchOf(env, failed); caught {
			return exit, err
		}
		return Exit{}, failed
	}
}

func (r *runner) try(s *State, env Env) (Exit, *Error) {
	switch s.Type {
	case Choice:
		return s.Choose(env)
	case Fail:
		return Exit{}, s.Failure(env)
	case Wait:
		if _, err := s.Until(env); err != nil {
			return Exit{}, err
		}
	case Task:
		return r.call(s, env)
	case Parallel:
		in, err := s.Arguments(env)
		if err != nil {
			return Exit{}, err
		}
		var outs []Value
		for _, b := range s.Branches {
			out, err := r.run(b, in, env.Context, env.Variables)
			if err != nil {
				return Exit{}, err
			}
			outs = append(outs, out)
		}
		return s.Exit(env, outs)
	case Map:
		return r.mapOver(s, env)
	}
	return s.Exit(env, nil)
}

func (r *runner) call(s *State, env Env) (Exit, *Error) {
	if _, err := s.Timeouts(env); err != nil {
		return Exit{}, err
	}
	if _, err := s.Role(env); err != nil {
		return Exit{}, err
	}
	args, err := s.Arguments(env)
	if err != nil {
		return Exit{}, err
	}
	result, err := r.task(s, args)
	if err != nil {
		return Exit{}, err
	}
	return s.Exit(env, result)
}

func (r *runner) mapOver(s *State, env Env) (Exit, *Error) {
	if _, err := s.MapLimits(env); err != nil {
		return Exit{}, err
	}
	items, err := s.Items(env)
	if err != nil {
		return Exit{}, err
	}
	variables := env.Variables
	if s.Processor.Distributed {
		variables = nil
	}
	outs := []Value{}
	for i, item := range items {
		context := ItemContext(env.Context, int64(i), item)
		at := env
		at.Context = context
		in, err := s.ItemInput(at, item)
		if err != nil {
			return Exit{}, err
		}
		out, err := r.run(s.Processor, in, context, variables)
		if err != nil {
			return Exit{}, err
		}
		outs = append(outs, out)
	}
	return s.Exit(env, outs)
}

// outcome runs a definition: its output, or the error and cause.
func outcome(t *testing.T, definition, input string, task func(*State, Value) (Value, *Error)) string {
	t.Helper()
	m, found := Parse([]byte(definition))
	if m == nil {
		return InvalidDefinition(found)
	}
	in, err := tree.ParseString(input)
	if err != nil {
		t.Fatal(err)
	}
	if task == nil {
		task = func(_ *State, args Value) (Value, *Error) { return args, nil }
	}
	r := &runner{task: task}
	context := tree.NewObject("Execution", tree.NewObject("Id", "arn:x", "Input", in, "Name", "run"), "StateMachine", tree.NewObject("Id", "arn:m", "Name", "m-1"))
	out, failed := r.run(m, in, context, nil)
	if failed != nil {
		return fmt.Sprintf("%s: %s", failed.Name, failed.Cause)
	}
	return tree.String(out)
}

// passing is a machine of one Pass state S with the fields.
func passing(fields string) string {
	return `{"StartAt":"S","States":{"S":{"Type":"Pass",` + fields + `,"End":true}}}`
}
