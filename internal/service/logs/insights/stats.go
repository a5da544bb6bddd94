package insights

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// An aggregation is what stats makes of groups of records.
type aggregation struct {
	out, by []named
}

func (a *aggregation) names() []string { return appendNames(appendNames(nil, a.by), a.out) }

// A groupCall is a function of a group of records. While records come it is
// asked for its arguments; then it is evaluated by the state of the group.
type groupCall struct {
	name string
	args []expr
}

func (g *groupCall) groups(all []*groupCall) []*groupCall { return append(all, g) }

// eval returns what the group of r came to.
func (g *groupCall) eval(r *Record) value {
	if r.group == nil {
		return nil
	}
	return groupFunctions[g.name].result(r.group[g])
}

// A tally is what a function of groups has seen of a group.
type tally struct {
	count        float64
	sum, squares float64
	numbers      []float64 // for percentiles
	distinct     map[string]bool
	low, high    value
	first, last  value
	early, late  int64
	seen         bool
	share        float64
}

// A groupFunction is a function of groups.
type groupFunction struct {
	least, most int
	add         func(t *tally, r *Record, args []value)
	result      func(t *tally) value
}

func addNumber(t *tally, _ *Record, a []value) {
	if n, ok := number(a[0]); ok {
		t.count, t.sum, t.squares = t.count+1, t.sum+n, t.squares+n*n
	}
}

func addBounds(t *tally, _ *Record, a []value) {
	if a[0] == nil {
		return
	}
	if !t.seen || compare(a[0], t.low) < 0 {
		t.low = a[0]
	}
	if !t.seen || compare(a[0], t.high) > 0 {
		t.high = a[0]
	}
	t.seen = true
}

func addTimes(t *tally, r *Record, a []value) {
	if a[0] == nil {
		return
	}
	if !t.seen || r.Time < t.early {
		t.early, t.first = r.Time, a[0]
	}
	if !t.seen || r.Time >= t.late {
		t.late, t.last = r.Time, a[0]
	}
	t.seen = true
}

func orNone(t *tally, v float64) value {
	if t.count == 0 {
		return nil
	}
	return v
}

var groupFunctions map[string]groupFunction

func init() { // calls evaluate by the table
	percentile := groupFunction{2, 2, func(t *tally, _ *Record, a []value) {
		t.share, _ = number(a[1])
		if n, ok := number(a[0]); ok {
			t.numbers = append(t.numbers, n)
		}
	}, func(t *tally) value { return percentileOf(t.numbers, t.share) }}
	distinct := groupFunction{1, 1, func(t *tally, _ *Record, a []value) {
		if t.distinct == nil {
			t.distinct = make(map[string]bool)
		}
		if a[0] != nil && len(t.distinct) < maxStats*10 {
			t.distinct[text(a[0])] = true
		}
	}, func(t *tally) value { return float64(len(t.distinct)) }}
	groupFunctions = map[string]groupFunction{
		"count": {0, 1, func(t *tally, _ *Record, a []value) {
			if len(a) == 0 || a[0] != nil {
				t.count++
			}
		}, func(t *tally) value { return t.count }},
		"count_distinct": distinct, "count_distinct_approx": distinct,
		"sum": {1, 1, addNumber, func(t *tally) value { return orNone(t, t.sum) }},
		"avg": {1, 1, addNumber, func(t *tally) value { return orNone(t, t.sum/t.count) }},
		"stddev": {1, 1, addNumber, func(t *tally) value {
			return orNone(t, math.Sqrt(max(0, t.squares/t.count-(t.sum/t.count)*(t.sum/t.count))))
		}},
		"min": {1, 1, addBounds, func(t *tally) value { return t.low }},
		"max": {1, 1, addBounds, func(t *tally) value { return t.high }},
		"pct": percentile, "percentile": percentile,
		"median":     {1, 1, func(t *tally, r *Record, a []value) { percentile.add(t, r, append(a, 50.0)) }, percentile.result},
		"earliest":   {1, 1, addTimes, func(t *tally) value { return t.first }},
		"latest":     {1, 1, addTimes, func(t *tally) value { return t.last }},
		"sortsfirst": {1, 1, addBounds, func(t *tally) value { return t.low }},
		"sortslast":  {1, 1, addBounds, func(t *tally) value { return t.high }},
	}
}

// percentileOf returns the value that p per cent do not exceed.
func percentileOf(all []float64, p float64) value {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	rank := min(max(p, 0), 100) / 100 * float64(len(all)-1)
	i := int(rank)
	if i+1 >= len(all) {
		return all[len(all)-1]
	}
	return all[i] + (rank-float64(i))*(all[i+1]-all[i])
}

// A bucket is a group of records.
type bucket struct {
	keys    []value
	tallies map[*groupCall]*tally
	first   *Record
}

// grouped runs records through a.
type grouped struct {
	of      *aggregation
	calls   []*groupCall
	buckets map[string]*bucket
	order   []*bucket
}

func newGrouped(a *aggregation) *grouped {
	g := &grouped{of: a, buckets: make(map[string]*bucket)}
	for _, out := range a.out {
		g.calls = out.expr.groups(g.calls)
	}
	return g
}

func (g *grouped) add(r *Record) {
	keys := make([]value, len(g.of.by))
	var name strings.Builder
	for i, by := range g.of.by {
		keys[i] = by.expr.eval(r)
		name.WriteString(text(keys[i]))
		name.WriteByte(0)
	}
	b := g.buckets[name.String()]
	if b == nil {
		if len(g.order) == maxStats {
			return
		}
		b = &bucket{keys: keys, tallies: make(map[*groupCall]*tally), first: r}
		g.buckets[name.String()] = b
		g.order = append(g.order, b)
	}
	for _, c := range g.calls {
		t := b.tallies[c]
		if t == nil {
			t = &tally{}
			b.tallies[c] = t
		}
		args := make([]value, len(c.args))
		for i, a := range c.args {
			args[i] = a.eval(r)
		}
		groupFunctions[c.name].add(t, r, args)
	}
}

// records returns what the groups came to, by their keys.
func (g *grouped) records() []*Record {
	if len(g.of.by) == 0 && len(g.order) == 0 {
		g.add(&Record{}) // of nothing there is one count, which is 0
		for _, t := range g.order[0].tallies {
			*t = tally{share: t.share}
		}
	}
	slices.SortStableFunc(g.order, func(a, b *bucket) int {
		c := 0
		for i := range a.keys {
			c = cmp.Or(c, strings.Compare(text(a.keys[i]), text(b.keys[i])))
		}
		return c
	})
	var out []*Record
	for _, b := range g.order {
		r := &Record{set: make(map[string]value), group: b.tallies, Time: b.first.Time}
		for i, by := range g.of.by {
			r.set[by.name] = b.keys[i]
		}
		for _, o := range g.of.out {
			r.set[o.name] = o.expr.eval(r)
		}
		r.group = nil
		out = append(out, r)
	}
	return out
}
