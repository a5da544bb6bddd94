// Package asl is the Amazon States Language: it reads definitions of state
// machines and says what each state does with its data. It runs nothing, keeps
// nothing and knows no service: an interpreter asks it, between the steps that
// it keeps.
//
//	m, diagnostics := asl.Parse(definition)
//	s := m.State("Charge")                     // of any depth: names are unique
//	env := asl.Env{Input: input, Context: context, Variables: variables, Event: 7, Source: asl.Live}
//
//	in, failed := s.Arguments(env)             // what a Task calls with, a branch begins with
//	exit, failed := s.Exit(env, result)        // output, variables and next state
//	delay, _, retry := s.RetryOf(failed, tries, rand.Float64())
//	exit, _, caught, failed := s.CatchOf(env, failed)
//
// The one idea: everything an interpreter must remember between two calls is
// plain: the state's name, its input and variables as JSON, the number of tries
// of each retrier. So an execution is a row, and a machine is parsed anew
// whenever it is needed. Evaluation depends on nothing but its arguments; the
// clock, random numbers and UUIDs come from Env.Source.
//
// Each type of state has its calls, in this order:
//
//	Pass, Succeed  Exit(env, nil)
//	Task           Timeouts, Role, Arguments; then Exit(env, result)
//	Choice         Choose
//	Wait           Until; then Exit(env, nil)
//	Fail           Failure
//	Parallel       Arguments, for each of Branches; then Exit(env, list of outputs)
//	Map            MapLimits; Items, or Reading for an ItemReader; ItemInput for each, NewBatcher; Exit(env, list of outputs)
//
// What fails at run time is an *Error, with the name that Retry and Catch match
// and the cause in AWS's words. RetryOf and CatchOf say what follows.
//
//	machine.go   Machine, State         template.go           payload templates: paths, calls, JSONata
//	parse.go, object.go, states.go      definitions, and what is refused
//	flow.go      Arguments, Exit        call.go, intrinsic.go States.Format and the others
//	env.go       what expressions see   choice.go             rules
//	map.go       items, batches         reader.go             CSV, JSON, manifests
//	retry.go     Retry and Catch        error.go              Error and its words
//	test.go      TestState
package asl
