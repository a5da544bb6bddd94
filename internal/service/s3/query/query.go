package query

import (
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Kinds of steps.
const (
	Member      StepKind = iota // .name
	Element                     // [0]
	AllMembers                  // .*
	AllElements                 // [*]
)

// A StepKind is what a step leads to.
type StepKind uint8

// A Step of a path leads from a value to what is in it.
type Step struct {
	Kind  StepKind
	Name  string
	Exact bool // the name was in quotes: its case counts
	Index int
}

// A Row is a record that a query is run over.
type Row interface {
	// Get returns what the step leads to, or Missing.
	Get(Step) Value

	// All returns the whole record, as "*" does.
	All() Record

	// Value returns the record as one value.
	Value() Value
}

// A Record is what a query returns of a row.
type Record []Field

// A Field is a column of a record.
type Field struct {
	Name  string
	Value Value
}

// A Query is a statement that has been read.
type Query struct {
	Path []Step // from the root of JSON to the rows
	Uses []Step // what it asks of rows, once each

	columns []column // none is all
	where   expression
	limit   int64 // -1 if there is none
	totals  []total
}

// A column of the answer.
type column struct {
	name  string
	value expression
	all   bool // s.*
}

// Total reports whether q has one answer, about all rows.
func (q *Query) Total() bool { return len(q.totals) > 0 }

// An expression is evaluated for a row.
type expression func(*scope) (Value, error)

// A scope is what an expression may refer to.
type scope struct {
	row    Row
	totals []sum
	now    time.Time
}

// A Run is a query on its way over rows.
type Run struct {
	q     *Query
	scope scope
	found int64 // rows that matched
}

// Start begins a run of q at a time.
func (q *Query) Start(now time.Time) *Run {
	return &Run{q: q, scope: scope{totals: make([]sum, len(q.totals)), now: now}}
}

// Done reports whether no more rows are needed.
func (r *Run) Done() bool { return r.q.limit >= 0 && !r.q.Total() && r.found >= r.q.limit }

// Add takes a row and returns what the query says of it, if anything.
func (r *Run) Add(row Row) (Record, bool, error) {
	r.scope.row = row
	if r.q.where != nil {
		v, err := r.q.where(&r.scope)
		if err != nil || v != true {
			return nil, false, err
		}
	}
	r.found++
	if r.q.Total() {
		return nil, false, r.count()
	}
	out, err := r.project()
	return out, err == nil, err
}

// count adds the row to each aggregate.
func (r *Run) count() error {
	for i := range r.q.totals {
		if err := r.q.totals[i].add(&r.scope, &r.scope.totals[i]); err != nil {
			return err
		}
	}
	return nil
}

// End returns what a query with aggregates says of all rows.
func (r *Run) End() (Record, bool, error) {
	if !r.q.Total() || r.q.limit == 0 {
		return nil, false, nil
	}
	r.scope.row = nil
	out, err := r.project()
	return out, err == nil, err
}

func (r *Run) project() (Record, error) {
	if len(r.q.columns) == 0 {
		return r.scope.row.All(), nil
	}
	var out Record
	for _, c := range r.q.columns {
		if c.all {
			out = append(out, r.scope.row.All()...)
			continue
		}
		v, err := c.value(&r.scope)
		if err != nil {
			return nil, err
		}
		out = append(out, Field{c.name, v})
	}
	return out, nil
}

// A Tree is a row of JSON.
type Tree struct{ Root tree.Value }

// Get implements Row.
func (t Tree) Get(s Step) Value { return descend(t.Root, s) }

// All implements Row.
func (t Tree) All() Record {
	switch v := t.Root.(type) {
	case *tree.Object:
		out := make(Record, 0, v.Len())
		for name, member := range v.All() {
			out = append(out, Field{name, member})
		}
		return out
	case Missing:
		return nil
	}
	return Record{{"_1", t.Root}}
}

// ColumnName is what column i, from 0, is called if nothing else calls it.
func ColumnName(i int) string { return "_" + strconv.Itoa(i+1) }

// Value implements Row.
func (t Tree) Value() Value { return t.Root }
