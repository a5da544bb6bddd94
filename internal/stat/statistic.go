package stat

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A Statistic is a number that tells something of a set: "Average", "p99.9",
// "TM(10%:90%)".
type Statistic struct {
	name   string
	kind   string  // "Sum"; "p", "TM", "TC", "TS", "WM", "PR" take bounds
	lo, hi float64 // bounds: percentiles if percent, else values
	share  bool    // bounds are percentiles
}

var (
	percentile = regexp.MustCompile(`^(p|tm|tc|ts|wm)(\d{1,2}(?:\.\d{0,10})?|100)$`)
	bounded    = regexp.MustCompile(`^(TM|TC|TS|WM|PR)\(([^:()]*):([^:()]*)\)$`)
)

// Parse returns the statistic of a name, and whether there is one.
func Parse(name string) (Statistic, bool) {
	s := Statistic{name: name, kind: name}
	switch name {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return s, true
	case "IQM":
		s.kind, s.lo, s.hi, s.share = "TM", 25, 75, true
		return s, true
	}
	if m := percentile.FindStringSubmatch(name); m != nil {
		s.kind, s.share = m[1], true
		s.hi, _ = strconv.ParseFloat(strings.TrimSuffix(m[2], "."), 64)
		if s.kind != "p" {
			s.kind = strings.ToUpper(s.kind)
		}
		return s, true
	}
	m := bounded.FindStringSubmatch(name)
	if m == nil || m[2] == "" && m[3] == "" {
		return s, false
	}
	s.kind, s.lo, s.hi = m[1], math.Inf(-1), math.Inf(1)
	s.share = strings.HasSuffix(m[2], "%") || strings.HasSuffix(m[3], "%")
	if s.share {
		s.lo, s.hi = 0, 100
	}
	for i, at := range []*float64{&s.lo, &s.hi} {
		text := m[2+i]
		if text == "" {
			continue
		}
		number, percent := strings.CutSuffix(text, "%")
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || percent != s.share || percent && (v < 0 || v > 100) {
			return s, false
		}
		*at = v
	}
	return s, !(s.kind == "PR" && s.share) && s.lo <= s.hi
}

func (s Statistic) String() string { return s.name }

// Basic says that s needs no more than a statistic set has.
func (s Statistic) Basic() bool {
	switch s.kind {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return true
	}
	return false
}

// Of returns the statistic of set, and whether it can be told.
func (s Statistic) Of(set *Set) (float64, bool) {
	if set.Count == 0 {
		return 0, false
	}
	switch s.kind {
	case "SampleCount":
		return set.Count, true
	case "Average":
		return set.Sum / set.Count, true
	case "Sum":
		return set.Sum, true
	case "Minimum":
		return set.Min, true
	case "Maximum":
		return set.Max, true
	}
	if set.Opaque {
		return 0, false
	}
	if s.kind == "p" {
		return set.percentile(s.hi), true
	}
	return s.trimmed(set)
}

// trimmed tells of the measurements within the bounds of s.
func (s Statistic) trimmed(set *Set) (float64, bool) {
	lo, hi := s.lo, s.hi
	var count, sum, below, above float64
	from, to := set.Count*lo/100, set.Count*hi/100 // of measurements in order, if bounds are shares
	at := 0.0
	for _, p := range set.pairs {
		n := p.Count
		if s.share {
			n = math.Max(0, math.Min(at+p.Count, to)-math.Max(at, from))
			below += math.Max(0, math.Min(at+p.Count, from)-at)
			above += math.Max(0, at+p.Count-math.Max(at, to))
			at += p.Count
		} else if p.Value <= lo && !math.IsInf(lo, -1) {
			n, below = 0, below+p.Count
		} else if p.Value > hi {
			n, above = 0, above+p.Count
		}
		count, sum = count+n, sum+n*p.Value
	}
	switch s.kind {
	case "TC":
		return count, true
	case "TS":
		return sum, true
	case "PR":
		return 100 * count / set.Count, true
	case "WM":
		if s.share {
			lo, hi = set.percentile(lo), set.percentile(hi)
		}
		if below > 0 {
			sum += below * lo
		}
		if above > 0 {
			sum += above * hi
		}
		return sum / set.Count, true
	}
	if count == 0 {
		return 0, false
	}
	return sum / count, true
}

// percentile returns the value that p per cent of measurements do not exceed,
// between neighbours by share.
func (s *Set) percentile(p float64) float64 {
	rank := p / 100 * (s.Count - 1)
	at, last := 0.0, s.Min
	for _, pair := range s.pairs {
		value := min(max(pair.Value, s.Min), s.Max) // rounding may lead beyond
		if rank < at+pair.Count-1 || rank == at {
			if rank < at { // between the one before and this
				return last + (value-last)*(rank-(at-1))
			}
			return value
		}
		if rank <= at+pair.Count-1 {
			return value
		}
		at, last = at+pair.Count, value
	}
	return s.Max
}

// GoString helps tests.
func (s Set) GoString() string {
	return fmt.Sprintf("%v in [%v, %v], sum %v of %v", s.pairs, s.Min, s.Max, s.Sum, s.Count)
}
