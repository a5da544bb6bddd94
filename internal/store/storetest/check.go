package storetest

import (
	"fmt"
	"slices"
	"strings"
)

// A Kind says what a step of a transaction does.
type Kind byte

// The kinds of steps.
const (
	Append Kind = 'a' // Val to the list Key
	Read   Kind = 'r' // the list Key
	Insert Kind = 'i' // Val into the set Key
	Scan   Kind = 's' // the set Key
)

// An Op is one step of a transaction.
type Op struct {
	Kind Kind
	Key  int
	Val  int   // appended or inserted; not 0, and unique in a history
	Seen []int // read, in order; or scanned
}

// A Txn is one transaction of a history.
type Txn struct {
	ID         int
	Start, End int64 // on one clock, in nanoseconds
	Ops        []Op
	Unknown    bool // it may have been kept or not; only what it writes counts
}

// Forget makes t one whose outcome is not known.
func (t *Txn) Forget() {
	t.Unknown = true
	t.Ops = slices.DeleteFunc(slices.Clone(t.Ops), func(o Op) bool { return o.Kind == Read || o.Kind == Scan })
}

// Check returns nil if history is strictly serialisable, or the first reason
// found why it is not. Its last transaction should read everything.
func Check(history []Txn) error {
	c := newChecker(history)
	for i := range history {
		if err := c.addTxn(i); err != nil {
			return err
		}
	}
	c.addOrders()
	if err := c.checkKept(); err != nil {
		return err
	}
	c.addClock()
	return c.checkCycle()
}

// A checker holds the graph of who must be before whom. Nodes are
// transactions, and then moments.
type checker struct {
	txns     []Txn
	edges    [][]edge
	writer   map[int]int   // of a value
	inserted map[int][]int // values by set, in no order
	longest  map[int][]int // the longest that was read of each list
	seen     map[int]bool  // values read or scanned
	kept     []bool        // transactions that surely were
}

type edge struct {
	to  int
	why string
}

func newChecker(txns []Txn) *checker {
	c := &checker{
		txns:     txns,
		edges:    make([][]edge, len(txns)),
		writer:   make(map[int]int),
		inserted: make(map[int][]int),
		longest:  make(map[int][]int),
		seen:     make(map[int]bool),
		kept:     make([]bool, len(txns)),
	}
	for i, t := range txns {
		for _, o := range t.Ops {
			switch o.Kind {
			case Append:
				c.writer[o.Val] = i
			case Insert:
				c.writer[o.Val] = i
				c.inserted[o.Key] = append(c.inserted[o.Key], o.Val)
			case Read:
				if len(o.Seen) > len(c.longest[o.Key]) {
					c.longest[o.Key] = o.Seen
				}
			}
			for _, v := range o.Seen {
				c.seen[v] = true
			}
		}
	}
	for i, t := range txns {
		c.kept[i] = !t.Unknown || slices.ContainsFunc(t.Ops, func(o Op) bool { return o.Val != 0 && c.seen[o.Val] })
	}
	return c
}

func (c *checker) add(from, to int, why string) {
	if from != to {
		c.edges[from] = append(c.edges[from], edge{to, why})
	}
}

// addTxn adds what the transaction i saw.
func (c *checker) addTxn(i int) error {
	own := make(map[int]bool)
	for _, o := range c.txns[i].Ops {
		for _, v := range o.Seen {
			if _, found := c.writer[v]; !found {
				return fmt.Errorf("txn %d saw %d, which nobody wrote", c.txns[i].ID, v)
			}
		}
		switch o.Kind {
		case Append, Insert:
			own[o.Val] = true
		case Read:
			if err := c.addRead(i, o); err != nil {
				return err
			}
		case Scan:
			c.addScan(i, o, own)
		}
	}
	return nil
}

// addRead puts i after who wrote the last that it saw, and before who wrote
// the next.
func (c *checker) addRead(i int, o Op) error {
	all := c.longest[o.Key]
	n := len(o.Seen)
	if !slices.Equal(o.Seen, all[:n]) {
		return fmt.Errorf("list %d was read in two orders: txn %d read %v, another %v", o.Key, c.txns[i].ID, o.Seen, all)
	}
	if n > 0 {
		c.add(c.writer[o.Seen[n-1]], i, "wrote what was read by")
	}
	if n < len(all) {
		c.add(i, c.writer[all[n]], "did not read what was written by")
	}
	return nil
}

// addScan puts i after all who inserted what it saw, and before all others.
func (c *checker) addScan(i int, o Op, own map[int]bool) {
	saw := make(map[int]bool)
	for _, v := range o.Seen {
		saw[v] = true
		c.add(c.writer[v], i, "inserted what was scanned by")
	}
	for _, v := range c.inserted[o.Key] {
		if w := c.writer[v]; !saw[v] && !own[v] && c.kept[w] {
			c.add(i, w, "did not scan what was inserted by")
		}
	}
}

// addOrders adds the orders in which lists were written.
func (c *checker) addOrders() {
	for _, l := range c.longest {
		for i := 1; i < len(l); i++ {
			c.add(c.writer[l[i-1]], c.writer[l[i]], "wrote before")
		}
	}
}

// checkKept finds what was acknowledged and never seen, or seen in part.
func (c *checker) checkKept() error {
	for i, t := range c.txns {
		for _, o := range t.Ops {
			if o.Val != 0 && c.kept[i] && !c.seen[o.Val] {
				return fmt.Errorf("lost: txn %d was kept, but its %c of %d is nowhere", t.ID, o.Kind, o.Val)
			}
		}
	}
	return nil
}

// addClock puts who ended before another began before it. Moments are nodes in
// a chain, so that there are few edges.
func (c *checker) addClock() {
	type event struct {
		at    int64
		start bool
		txn   int
	}
	var events []event
	for i, t := range c.txns {
		events = append(events, event{t.Start, true, i})
		if !t.Unknown {
			events = append(events, event{t.End, false, i})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		switch {
		case a.at != b.at:
			return int(a.at - b.at)
		case a.start == b.start:
			return 0
		case a.start: // at one moment is not before
			return -1
		}
		return 1
	})
	moment := -1
	for _, e := range events {
		if e.start {
			if moment >= 0 {
				c.add(moment, e.txn, "was over before")
			}
			continue
		}
		c.edges = append(c.edges, nil)
		next := len(c.edges) - 1
		if moment >= 0 {
			c.add(moment, next, "was over before")
		}
		c.add(e.txn, next, "was over before")
		moment = next
	}
}

// checkCycle finds nodes that would have to be before themselves: Tarjan's
// algorithm, with a stack of its own.
func (c *checker) checkCycle() error {
	n := len(c.edges)
	index, low, on := make([]int, n), make([]int, n), make([]bool, n)
	var component []int
	type frame struct{ node, next int }
	count := 0
	enter := func(v int) frame {
		count++
		index[v], low[v], on[v] = count, count, true
		component = append(component, v)
		return frame{node: v}
	}
	for root := range n {
		if index[root] > 0 {
			continue
		}
		stack := []frame{enter(root)}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next < len(c.edges[f.node]) {
				to := c.edges[f.node][f.next].to
				f.next++
				if index[to] == 0 {
					stack = append(stack, enter(to))
				} else if on[to] {
					low[f.node] = min(low[f.node], low[to])
				}
				continue
			}
			v := f.node
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				parent := stack[len(stack)-1].node
				low[parent] = min(low[parent], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			i := slices.Index(component, v)
			if len(component)-i > 1 {
				return c.cycle(component[i:])
			}
			component, on[v] = component[:i], false
		}
	}
	return nil
}

// cycle describes some of what is wrong among nodes.
func (c *checker) cycle(nodes []int) error {
	in := make(map[int]bool)
	for _, v := range nodes {
		in[v] = true
	}
	var s strings.Builder
	lines := 0
	for _, v := range nodes {
		for _, e := range c.edges[v] {
			if v < len(c.txns) && in[e.to] && lines < 12 {
				fmt.Fprintf(&s, "\n\ttxn %d %s %s", c.txns[v].ID, e.why, c.name(e.to))
				lines++
			}
		}
	}
	return fmt.Errorf("no order: a cycle of %d:%s", len(nodes), s.String())
}

func (c *checker) name(node int) string {
	if node < len(c.txns) {
		return fmt.Sprint("txn ", c.txns[node].ID)
	}
	return "a moment"
}
