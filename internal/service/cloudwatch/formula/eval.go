package formula

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Series is values by time, the earliest first.
type Series struct {
	Label  string
	Metric any   // what it is of, for who made it
	Period int64 // seconds
	Times  []int64
	Values []float64
}

// A Value is what an expression comes to.
type Value struct {
	Kind   Kind
	Number float64
	Text   string
	Series []*Series // one if it is a time series
}

// A Kind is that of a value.
type Kind uint8

// The kinds of values.
const (
	Number Kind = iota
	Text
	TimeSeries
	List
)

func (k Kind) String() string {
	return [...]string{"a scalar", "a string", "a time series", "an array"}[k]
}

// Of returns the value that is a time series.
func Of(s *Series) Value { return Value{Kind: TimeSeries, Series: []*Series{s}} }

// An Env is what an expression is evaluated in.
type Env struct {
	From, To int64 // seconds, for which values are wanted
	Period   int64 // that series have that are made of nothing

	Look    func(id string) (Value, error)
	Metrics func(part string) []*Series // of the request, whose ids have part
	Search  func(query *Query, statistic string, period int64) ([]*Series, error)
}

// Eval evaluates f.
func (f *Formula) Eval(env *Env) (Value, error) { return env.eval(f.root) }

func (e *Env) eval(n *node) (Value, error) {
	switch n.kind {
	case numberNode:
		return Value{Number: n.num}, nil
	case stringNode:
		return Value{Kind: Text, Text: n.text}, nil
	case idNode:
		if n.text[0] < 'a' || n.text[0] > 'z' {
			return Value{Kind: Text, Text: n.text}, nil
		}
		return e.Look(n.text)
	case listNode:
		out := Value{Kind: List}
		args, err := e.evalAll(n.args)
		for _, v := range args {
			if v.Kind == Number || v.Kind == Text {
				return v, fmt.Errorf("an array has time series, and not %s", v.Kind)
			}
			out.Series = append(out.Series, v.Series...)
		}
		return out, err
	case operatorNode:
		args, err := e.evalAll(n.args)
		if err != nil {
			return Value{}, err
		}
		if len(args) == 1 {
			return each(args[0], unaries[n.text])
		}
		return both(args[0], args[1], binaries[strings.ToUpper(n.text)])
	}
	fn, ok := functions[n.text]
	if !ok {
		return Value{}, fmt.Errorf("unknown function %s", n.text)
	}
	if len(n.args) < fn.least || len(n.args) > fn.most {
		return Value{}, fmt.Errorf("%s takes from %d to %d arguments", n.text, fn.least, fn.most)
	}
	args, err := e.evalAll(n.args)
	if err != nil {
		return Value{}, err
	}
	return fn.do(e, args)
}

func (e *Env) evalAll(nodes []*node) ([]Value, error) {
	args := make([]Value, 0, len(nodes))
	for _, n := range nodes {
		v, err := e.eval(n)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	return args, nil
}

var unaries = map[string]func(float64) float64{
	"-": func(v float64) float64 { return -v },
	"!": func(v float64) float64 { return truth(v == 0) },
}

var binaries = map[string]func(a, b float64) float64{
	"+":   func(a, b float64) float64 { return a + b },
	"-":   func(a, b float64) float64 { return a - b },
	"*":   func(a, b float64) float64 { return a * b },
	"/":   func(a, b float64) float64 { return a / b },
	"^":   math.Pow,
	"==":  func(a, b float64) float64 { return truth(a == b) },
	"!=":  func(a, b float64) float64 { return truth(a != b) },
	"<":   func(a, b float64) float64 { return truth(a < b) },
	">":   func(a, b float64) float64 { return truth(a > b) },
	"<=":  func(a, b float64) float64 { return truth(a <= b) },
	">=":  func(a, b float64) float64 { return truth(a >= b) },
	"AND": func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	"&&":  func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	"OR":  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
	"||":  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// with returns a series as s is, with other values.
func (s *Series) with(times []int64, values []float64) *Series {
	return &Series{Label: s.Label, Metric: s.Metric, Period: s.Period, Times: times, Values: values}
}

// add adds a value to the end, if it is a number.
func (s *Series) add(at int64, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		s.Times, s.Values = append(s.Times, at), append(s.Values, v)
	}
}

// at returns the value at a time.
func (s *Series) at(t int64) (float64, bool) {
	i, ok := slices.BinarySearch(s.Times, t)
	if !ok {
		return 0, false
	}
	return s.Values[i], true
}

// eachSeries makes something of every series of v, which is of the same kind.
func eachSeries(v Value, f func(*Series) *Series) (Value, error) {
	if v.Kind == Number || v.Kind == Text {
		return v, fmt.Errorf("a time series is needed, and not %s", v.Kind)
	}
	out := Value{Kind: v.Kind, Series: make([]*Series, 0, len(v.Series))}
	for _, s := range v.Series {
		out.Series = append(out.Series, f(s))
	}
	return out, nil
}

// each makes something of every number of v.
func each(v Value, f func(float64) float64) (Value, error) {
	if v.Kind == Number {
		return Value{Number: f(v.Number)}, nil
	}
	return eachSeries(v, func(s *Series) *Series {
		out := s.with(nil, nil)
		for i, x := range s.Values {
			out.add(s.Times[i], f(x))
		}
		return out
	})
}

// both applies an operator of two arguments.
func both(a, b Value, f func(a, b float64) float64) (Value, error) {
	if a.Kind == Text || b.Kind == Text {
		return a, fmt.Errorf("an operator does not take a string")
	}
	switch {
	case a.Kind == Number && b.Kind == Number:
		return Value{Number: f(a.Number, b.Number)}, nil
	case a.Kind == Number:
		return each(b, func(x float64) float64 { return f(a.Number, x) })
	case b.Kind == Number:
		return each(a, func(x float64) float64 { return f(x, b.Number) })
	case b.Kind == TimeSeries:
		return eachSeries(a, func(s *Series) *Series { return zip(s, b.Series[0], f) })
	case a.Kind == TimeSeries:
		return eachSeries(b, func(s *Series) *Series { return zip(a.Series[0], s, f).labelled(s) })
	case len(a.Series) != len(b.Series):
		return a, fmt.Errorf("arrays of different sizes")
	}
	out := Value{Kind: List}
	for i, s := range a.Series {
		out.Series = append(out.Series, zip(s, b.Series[i], f))
	}
	return out, nil
}

func (s *Series) labelled(as *Series) *Series {
	s.Label, s.Metric = as.Label, as.Metric
	return s
}

// zip applies f where both series have values.
func zip(a, b *Series, f func(a, b float64) float64) *Series {
	out := a.with(nil, nil)
	out.Period = max(a.Period, b.Period)
	for i, t := range a.Times {
		if y, ok := b.at(t); ok {
			out.add(t, f(a.Values[i], y))
		}
	}
	return out
}
