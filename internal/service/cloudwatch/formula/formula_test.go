package formula

import (
	"fmt"
	"strings"
	"testing"
)

// env has m1, m2 and a gap, by the minute from 0 on.
func env() *Env {
	m1 := &Series{Label: "one", Period: 60, Times: []int64{0, 60, 120}, Values: []float64{1, 2, 3}}
	m2 := &Series{Label: "two", Period: 60, Times: []int64{0, 60, 120}, Values: []float64{10, 0, 30}}
	gap := &Series{Label: "gap", Period: 60, Times: []int64{0, 120}, Values: []float64{5, 9}}
	all := map[string]*Series{"m1": m1, "m2": m2, "gap": gap}
	return &Env{From: 0, To: 180, Period: 60,
		Look: func(id string) (Value, error) {
			if s := all[id]; s != nil {
				return Of(s), nil
			}
			return Value{}, fmt.Errorf("no %s", id)
		},
		Metrics: func(part string) (list []*Series) {
			for _, id := range []string{"gap", "m1", "m2"} {
				if strings.Contains(id, part) {
					list = append(list, all[id])
				}
			}
			return list
		},
		Search: func(*Query, string, int64) ([]*Series, error) { return []*Series{m1, m2}, nil },
	}
}

func show(v Value) string {
	switch v.Kind {
	case Number:
		return fmt.Sprint(v.Number)
	case Text:
		return v.Text
	}
	var parts []string
	for _, s := range v.Series {
		var b strings.Builder
		for i, t := range s.Times {
			fmt.Fprintf(&b, "%d:%.4g ", t/60, s.Values[i])
		}
		parts = append(parts, strings.TrimSpace(b.String()))
	}
	return strings.Join(parts, " | ")
}

func TestEval(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			return
		}
		v, err := p.Eval(env())
		got := show(v)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s = %s, want %s", text, got, want)
		}
	}
	f("1+2*3^2", "19")
	f("-(2-5)", "3")
	f("m1+m2", "0:11 1:2 2:33")
	f("m1/m2", "0:0.1 2:0.1")
	f("m1*2 - 1", "0:1 1:3 2:5")
	f("m1 + gap", "0:6 2:12")
	f("m1 > 1", "0:0 1:1 2:1")
	f("m1 > 1 AND m2 > 0", "0:0 1:0 2:1")
	f("m1 > 2 || m2 == 0", "0:0 1:1 2:1")
	f("SUM(m1)", "6")
	f("AVG([m1,m2])", "0:5.5 1:1 2:16.5")
	f("SUM(METRICS())", "0:16 1:2 2:42")
	f(`SUM(METRICS("m"))`, "0:11 1:2 2:33")
	f("MAX(METRICS('m'))", "0:10 1:2 2:30")
	f("MIN(m2)", "0")
	f("FILL(gap,0)", "0:5 1:0 2:9")
	f("FILL(gap,REPEAT)", "0:5 1:5 2:9")
	f("FILL(gap,LINEAR)", "0:5 1:7 2:9")
	f("FILL(gap,m1)", "0:5 1:2 2:9")
	f("RATE(m2)", "1:-0.1667 2:0.5")
	f("DIFF(m1)", "1:1 2:1")
	f("DIFF_TIME(gap)", "2:120")
	f("RUNNING_SUM(m1)", "0:1 1:3 2:6")
	f("PERIOD(m1)", "60")
	f("m1/PERIOD(m1)", "0:0.01667 1:0.03333 2:0.05")
	f("IF(m1>1,m2,-1)", "0:-1 1:0 2:30")
	f("IF(m1>1,m2)", "1:0 2:30")
	f("IF(1, m1, m2)", "0:1 1:2 2:3")
	f("TIME_SERIES(7)", "0:7 1:7 2:7")
	f("FIRST(m1)+LAST(m1)", "4")
	f("DATAPOINT_COUNT(gap)", "2")
	f("METRIC_COUNT(METRICS())", "3")
	f("SLICE(SORT(METRICS(), MAX, DESC), 0)", "0:10 1:0 2:30")
	f("SORT(METRICS(), AVG, ASC, 1)", "0:1 1:2 2:3")
	f("ABS(0-m1)", "0:1 1:2 2:3")
	f("MINUTE(m1)", "0:0 1:1 2:2")
	f("STDDEV(m1)", "0.816496580927726")
	f(`SUM(SEARCH('{AWS/Lambda,FunctionName} MetricName="Errors"', 'Sum', 60))`, "0:11 1:2 2:33")
	f("METRICS()*2", "0:10 2:18 | 0:2 1:4 2:6 | 0:20 1:0 2:60")
	f("NOPE(m1)", "error: unknown function NOPE")
	f("m9", "error: no m9")
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "m1+", "(m1", "SUM(m1", "m1 m2", "[m1,", "'x", "1..2", "#", strings.Repeat("(", 1000)} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) is no refusal", text)
		}
	}
}

func TestQuery(t *testing.T) {
	c := &Candidate{Namespace: "AWS/Lambda", Name: "Errors", Dimensions: [][2]string{{"FunctionName", "orders-get"}}}
	f := func(text string, want bool) {
		t.Helper()
		q, err := ParseQuery(text)
		if err != nil {
			t.Errorf("ParseQuery(%q): %v", text, err)
		} else if q.Match(c) != want {
			t.Errorf("%q matches: %v, want %v", text, !want, want)
		}
	}
	f("{AWS/Lambda,FunctionName} MetricName=\"Errors\"", true)
	f("{AWS/Lambda,FunctionName} Errors", true)
	f("{AWS/Lambda,FunctionName,Resource} Errors", false)
	f("{AWS/Lambda,FunctionName} Duration", false)
	f("errors", true)
	f(`"errors"`, false)
	f(`Namespace="AWS/Lambda" FunctionName=orders`, true)
	f(`Namespace="AWS/Lambda" NOT FunctionName="orders-get"`, false)
	f(`(Duration OR Errors) AND orders`, true)
	f(`FunctionName=("a" OR "orders-get")`, true)
	f(`function`, true)
	for _, text := range []string{"{AWS/Lambda", "(a", `"a`, "a=", ")"} {
		if _, err := ParseQuery(text); err == nil {
			t.Errorf("ParseQuery(%q) is no refusal", text)
		}
	}
}

// No text makes the parser or the evaluation of what it parsed panic.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"m1+SUM(METRICS())", "FILL(gap,LINEAR)", "IF(m1>1,m2,-1)", `SEARCH('{A,B} c', 'Sum', 60)`, "SLICE(METRICS(),1,9)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := Parse(text); err == nil {
			p.Eval(env())
		}
		ParseQuery(text)
	})
}
