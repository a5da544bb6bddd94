package formula

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A function is one of the language.
type function struct {
	least, most int // arguments
	do          func(e *Env, args []Value) (Value, error)
}

var functions map[string]function

func init() { // functions refer to the table by way of Eval
	functions = map[string]function{
		"ABS": elementwise(math.Abs), "CEIL": elementwise(math.Ceil), "FLOOR": elementwise(math.Floor),
		"LOG": elementwise(math.Log), "LOG10": elementwise(math.Log10),

		"AVG": aggregate(mean), "SUM": aggregate(sum), "MAX": aggregate(slices.Max[[]float64]), "MIN": aggregate(slices.Min[[]float64]),
		"STDDEV": aggregate(deviation),

		"FIRST": ofSeries(func(s *Series) float64 { return s.Values[0] }), "LAST": ofSeries(func(s *Series) float64 { return s.Values[len(s.Values)-1] }),
		"PERIOD":          {1, 1, period},
		"DATAPOINT_COUNT": {1, 1, datapointCount},
		"METRIC_COUNT":    {1, 1, metricCount},

		"RATE": running(rate), "DIFF": running(diff), "DIFF_TIME": running(diffTime), "RUNNING_SUM": running(runningSum),
		"MINUTE": clock(func(t time.Time) int { return t.Minute() }), "HOUR": clock(func(t time.Time) int { return t.Hour() }),
		"DAY": clock(weekday), "DATE": clock(func(t time.Time) int { return t.Day() }),
		"MONTH": clock(func(t time.Time) int { return int(t.Month()) }), "YEAR": clock(func(t time.Time) int { return t.Year() }),
		"EPOCH": clock(func(t time.Time) int { return int(t.Unix()) }),

		"FILL":         {2, 2, fill},
		"IF":           {2, 3, choose},
		"METRICS":      {0, 1, metrics},
		"REMOVE_EMPTY": {1, 1, removeEmpty},
		"SEARCH":       {2, 3, search},
		"SLICE":        {2, 3, slice},
		"SORT":         {3, 4, sorted},
		"TIME_SERIES":  {1, 1, func(e *Env, args []Value) (Value, error) { return e.series(args[0]) }},
	}
}

func elementwise(f func(float64) float64) function {
	return function{1, 1, func(_ *Env, args []Value) (Value, error) { return each(args[0], f) }}
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

func mean(values []float64) float64 { return sum(values) / float64(len(values)) }

func deviation(values []float64) float64 {
	m, squares := mean(values), 0.0
	for _, v := range values {
		squares += (v - m) * (v - m)
	}
	return math.Sqrt(squares / float64(len(values)))
}

// aggregate makes one number of a series, and one series of a list.
func aggregate(f func([]float64) float64) function {
	return function{1, math.MaxInt, func(_ *Env, args []Value) (Value, error) {
		v := args[0]
		if len(args) > 1 { // SUM(m1, m2) is SUM([m1, m2])
			v = Value{Kind: List}
			for _, a := range args {
				v.Series = append(v.Series, a.Series...)
			}
		}
		switch v.Kind {
		case Number:
			return v, nil
		case Text:
			return v, fmt.Errorf("a time series is needed, and not a string")
		case TimeSeries:
			if len(v.Series[0].Values) == 0 {
				return Value{Number: math.NaN()}, nil
			}
			return Value{Number: f(v.Series[0].Values)}, nil
		}
		return Of(across(v.Series, f)), nil
	}}
}

// across makes one series of several: at each time of what they have then.
func across(all []*Series, f func([]float64) float64) *Series {
	at := make(map[int64][]float64)
	out := &Series{}
	for _, s := range all {
		out.Period = max(out.Period, s.Period)
		for i, t := range s.Times {
			if at[t] == nil {
				out.Times = append(out.Times, t)
			}
			at[t] = append(at[t], s.Values[i])
		}
	}
	slices.Sort(out.Times)
	for _, t := range out.Times {
		out.Values = append(out.Values, f(at[t]))
	}
	return out
}

func one(v Value) (*Series, error) {
	if v.Kind != TimeSeries {
		return nil, fmt.Errorf("a time series is needed, and not %s", v.Kind)
	}
	return v.Series[0], nil
}

func ofSeries(f func(*Series) float64) function {
	return function{1, 1, func(_ *Env, args []Value) (Value, error) {
		s, err := one(args[0])
		if err != nil {
			return Value{}, err
		}
		if len(s.Values) == 0 {
			return Value{Number: math.NaN()}, nil
		}
		return Value{Number: f(s)}, nil
	}}
}

func period(_ *Env, args []Value) (Value, error) {
	s, err := one(args[0])
	if err != nil {
		return Value{}, err
	}
	return Value{Number: float64(s.Period)}, nil
}

func datapointCount(_ *Env, args []Value) (Value, error) {
	s, err := one(args[0])
	if err != nil {
		return Value{}, err
	}
	return Value{Number: float64(len(s.Values))}, nil
}

func metricCount(_ *Env, args []Value) (Value, error) {
	return Value{Number: float64(len(args[0].Series))}, nil
}

// running makes a series of each by the values before.
func running(f func(s *Series, i int, last float64) float64) function {
	return function{1, 1, func(_ *Env, args []Value) (Value, error) {
		return eachSeries(args[0], func(s *Series) *Series {
			out, last := s.with(nil, nil), 0.0
			for i, t := range s.Times {
				last = f(s, i, last)
				out.add(t, last)
			}
			return out
		})
	}}
}

func diff(s *Series, i int, _ float64) float64 {
	if i == 0 {
		return math.NaN()
	}
	return s.Values[i] - s.Values[i-1]
}

func diffTime(s *Series, i int, _ float64) float64 {
	if i == 0 {
		return math.NaN()
	}
	return float64(s.Times[i] - s.Times[i-1])
}

func rate(s *Series, i int, last float64) float64 { return diff(s, i, last) / diffTime(s, i, last) }

func runningSum(s *Series, i int, last float64) float64 { return last + s.Values[i] }

func clock(f func(time.Time) int) function {
	return running(func(s *Series, i int, _ float64) float64 { return float64(f(time.Unix(s.Times[i], 0).UTC())) })
}

// weekday is 1 for Monday and 7 for Sunday.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// grid yields the times of the periods asked for.
func (e *Env) grid(period int64, yield func(int64)) {
	if period <= 0 || (e.To-e.From)/period > 200_000 {
		return
	}
	for t := e.From; t < e.To; t += period {
		yield(t)
	}
}

// series is v as a time series: a number at all times.
func (e *Env) series(v Value) (Value, error) {
	if v.Kind != Number {
		return v, nil
	}
	s := &Series{Period: e.Period}
	e.grid(e.Period, func(t int64) { s.add(t, v.Number) })
	return Of(s), nil
}

// fill gives series values where they have none.
func fill(e *Env, args []Value) (Value, error) {
	filler := args[1]
	linear := filler.Kind == Text && strings.EqualFold(filler.Text, "LINEAR")
	if filler.Kind == Text && !linear && !strings.EqualFold(filler.Text, "REPEAT") || filler.Kind == List {
		return filler, fmt.Errorf("FILL takes a number, a time series, REPEAT or LINEAR")
	}
	return eachSeries(args[0], func(s *Series) *Series {
		out := s.with(nil, nil)
		e.grid(cmp.Or(s.Period, e.Period), func(t int64) {
			i, found := slices.BinarySearch(s.Times, t)
			switch {
			case found:
				out.add(t, s.Values[i])
			case filler.Kind == Number:
				out.add(t, filler.Number)
			case filler.Kind == TimeSeries:
				if v, ok := filler.Series[0].at(t); ok {
					out.add(t, v)
				}
			case i > 0 && linear && i < len(s.Times):
				share := float64(t-s.Times[i-1]) / float64(s.Times[i]-s.Times[i-1])
				out.add(t, s.Values[i-1]+share*(s.Values[i]-s.Values[i-1]))
			case i > 0:
				out.add(t, s.Values[i-1])
			}
		})
		return out
	})
}

// choose is IF: where the condition is not 0 the second argument, else the third.
func choose(e *Env, args []Value) (Value, error) {
	cond := args[0]
	if cond.Kind == Number {
		if cond.Number != 0 {
			return e.series(args[1])
		}
		if len(args) == 3 {
			return e.series(args[2])
		}
		return Of(&Series{Period: e.Period}), nil
	}
	if cond.Kind != TimeSeries {
		return cond, fmt.Errorf("the condition of IF is a scalar or a time series")
	}
	pick := func(v Value, t int64) (float64, bool) {
		if v.Kind == Number {
			return v.Number, true
		}
		return v.Series[0].at(t)
	}
	for _, a := range args[1:] {
		if a.Kind != Number && a.Kind != TimeSeries {
			return a, fmt.Errorf("IF chooses among scalars and time series, and not %s", a.Kind)
		}
	}
	s := cond.Series[0]
	out := &Series{Period: s.Period}
	for i, t := range s.Times {
		branch := 1
		if s.Values[i] == 0 {
			branch = 2
		}
		if branch < len(args) {
			if v, ok := pick(args[branch], t); ok {
				out.add(t, v)
			}
		}
	}
	return Of(out), nil
}

func metrics(e *Env, args []Value) (Value, error) {
	part := ""
	if len(args) == 1 {
		if args[0].Kind != Text {
			return args[0], fmt.Errorf("METRICS takes a string")
		}
		part = args[0].Text
	}
	return Value{Kind: List, Series: e.Metrics(part)}, nil
}

func removeEmpty(_ *Env, args []Value) (Value, error) {
	v := args[0]
	if v.Kind != List {
		return v, fmt.Errorf("REMOVE_EMPTY takes an array")
	}
	return Value{Kind: List, Series: slices.DeleteFunc(slices.Clone(v.Series), func(s *Series) bool { return len(s.Values) == 0 })}, nil
}

func slice(_ *Env, args []Value) (Value, error) {
	v, n := args[0], len(args[0].Series)
	if v.Kind != List {
		return v, fmt.Errorf("SLICE takes an array")
	}
	bound := func(v Value) int { return min(max(int(min(max(v.Number, 0), 1e6)), 0), n) }
	from, to := bound(args[1]), n
	if len(args) == 3 {
		to = bound(args[2])
	}
	if len(args) == 2 { // one alone
		if from == n {
			return v, fmt.Errorf("SLICE: there is no such time series")
		}
		return Of(v.Series[from]), nil
	}
	return Value{Kind: List, Series: v.Series[from:max(from, to)]}, nil
}

func sorted(_ *Env, args []Value) (Value, error) {
	v := args[0]
	by := map[string]func([]float64) float64{"AVG": mean, "SUM": sum, "MAX": slices.Max[[]float64], "MIN": slices.Min[[]float64], "STDDEV": deviation}[strings.ToUpper(args[1].Text)]
	order := strings.ToUpper(args[2].Text)
	if v.Kind != List || by == nil || order != "ASC" && order != "DESC" {
		return v, fmt.Errorf("SORT takes an array, AVG, MAX, MIN, SUM or STDDEV, and ASC or DESC")
	}
	rank := func(s *Series) float64 {
		if len(s.Values) == 0 {
			return math.Inf(-1)
		}
		return by(s.Values)
	}
	all := slices.Clone(v.Series)
	slices.SortStableFunc(all, func(a, b *Series) int {
		c := cmp.Compare(rank(a), rank(b))
		if order == "DESC" {
			c = -c
		}
		return c
	})
	if len(args) == 4 {
		all = all[:min(len(all), max(0, int(min(args[3].Number, 1e6))))]
	}
	return Value{Kind: List, Series: all}, nil
}

func search(e *Env, args []Value) (Value, error) {
	if args[0].Kind != Text || args[1].Kind != Text {
		return args[0], fmt.Errorf("SEARCH takes a search expression, a statistic and a period")
	}
	q, err := ParseQuery(args[0].Text)
	if err != nil {
		return Value{}, err
	}
	every := e.Period
	if len(args) == 3 && args[2].Kind == Number {
		every = int64(min(max(args[2].Number, 1), 1e9))
	}
	found, err := e.Search(q, args[1].Text, every)
	return Value{Kind: List, Series: found}, err
}
