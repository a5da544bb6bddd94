package dynamodb

import (
	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
)

const (
	readUnit  = 4 << 10 // bytes
	writeUnit = 1 << 10

	// transactional operations cost twice.
	transactional = 2
)

// wanted reports whether ReturnConsumedCapacity asks for anything.
func wanted(parameter *string) bool { return aws.Or(parameter, "NONE") != "NONE" }

const (
	readsOfPartition  = 3000 // units a second
	writesOfPartition = 1000
)

// partitions is how many partitions AWS would spread the table over at first.
// Here that is no more than what limits and shards go by.
func (b *billing) partitions() int {
	if b.OnDemand {
		return 4
	}
	return int(max(1, (b.Read*writesOfPartition+b.Write*readsOfPartition+readsOfPartition*writesOfPartition-1)/(readsOfPartition*writesOfPartition)))
}

// partition is the partition of the table that the row with the key is in.
func (b *billing) partition(key []byte) int { return int(key[0]) * b.partitions() >> 8 }

func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

// getUnits is what it costs to read bytes.
func getUnits(bytes int, consistent bool) float64 {
	if consistent {
		return units(bytes, readUnit)
	}
	return units(bytes, readUnit) / 2
}

// A cost is what an operation has consumed of one table.
type cost struct {
	table           float64
	locals, globals map[string]float64
	read            bool
}

func (c *cost) addIndex(ix *index, units float64) {
	at := &c.globals
	if ix.local {
		at = &c.locals
	}
	if *at == nil {
		*at = make(map[string]float64)
	}
	(*at)[ix.Name] += units
}

func (c *cost) add(other cost) {
	c.table += other.table
	for name, u := range other.locals {
		c.addIndex(&index{Name: name, local: true}, u)
	}
	for name, u := range other.globals {
		c.addIndex(&index{Name: name}, u)
	}
}

// times returns c, factor times over.
func (c cost) times(factor float64) cost {
	out := cost{table: c.table * factor, read: c.read}
	for name, u := range c.locals {
		out.addIndex(&index{Name: name, local: true}, u*factor)
	}
	for name, u := range c.globals {
		out.addIndex(&index{Name: name}, u*factor)
	}
	return out
}

// describe tells of c, if parameter asks for it.
func (c *cost) describe(parameter *string, tableName string) *api.ConsumedCapacity {
	if c == nil || !wanted(parameter) {
		return nil
	}
	total := c.table
	for _, list := range []map[string]float64{c.locals, c.globals} {
		for _, u := range list {
			total += u
		}
	}
	out := &api.ConsumedCapacity{TableName: &tableName, CapacityUnits: &total}
	if *parameter == "INDEXES" {
		out.Table = &api.Capacity{CapacityUnits: &c.table}
		out.LocalSecondaryIndexes = capacities(c.locals)
		out.GlobalSecondaryIndexes = capacities(c.globals)
	}
	return out
}

// describeTransaction tells of c in a transaction, where AWS says besides
// which kind of units they are.
func (c *cost) describeTransaction(parameter *string, tableName string) *api.ConsumedCapacity {
	out := c.describe(parameter, tableName)
	if out == nil {
		return nil
	}
	if c.read {
		out.ReadCapacityUnits = out.CapacityUnits
	} else {
		out.WriteCapacityUnits = out.CapacityUnits
	}
	if out.Table != nil {
		out.Table.ReadCapacityUnits, out.Table.WriteCapacityUnits = nil, nil
		if c.read {
			out.Table.ReadCapacityUnits = out.Table.CapacityUnits
		} else {
			out.Table.WriteCapacityUnits = out.Table.CapacityUnits
		}
	}
	return out
}

// tableCosts are what a transaction consumes of tables, in the order in which
// they come.
type tableCosts struct {
	names []string
	costs map[string]*cost
}

func (tc *tableCosts) add(name string, c cost) {
	if tc.costs == nil {
		tc.costs = make(map[string]*cost)
	}
	if tc.costs[name] == nil {
		tc.costs[name] = &cost{read: c.read}
		tc.names = append(tc.names, name)
	}
	tc.costs[name].add(c)
}

// describe tells of all, if parameter asks for it.
func (tc *tableCosts) describe(parameter *string) []api.ConsumedCapacity {
	if !wanted(parameter) {
		return nil
	}
	var out []api.ConsumedCapacity
	for _, name := range tc.names {
		out = append(out, *tc.costs[name].describeTransaction(parameter, name))
	}
	return out
}

func capacities(units map[string]float64) map[string]api.Capacity {
	if units == nil {
		return nil
	}
	out := make(map[string]api.Capacity, len(units))
	for name, u := range units {
		out[name] = api.Capacity{CapacityUnits: new(u)}
	}
	return out
}

// cost is what w has consumed. It needs to know what was there.
func (w *write) cost() cost {
	c := cost{table: units(max(w.old.Size(), w.new.Size()), writeUnit)}
	for ix := range w.t.indexes {
		if u := w.t.indexCost(ix, w.old, w.new); u > 0 {
			c.addIndex(ix, u)
		}
	}
	return c
}

// indexCost is what changing the entry of an item in ix costs: an entry that
// moves is deleted and put.
func (t *table) indexCost(ix *index, old, new item.Item) float64 {
	was, is := t.entryKey(ix, old), t.entryKey(ix, new)
	var before, after item.Item
	if was != nil {
		before = ix.project(old)
	}
	if is != nil {
		after = ix.project(new)
	}
	switch {
	case was == nil && is == nil:
		return 0
	case was == nil:
		return units(after.Size(), writeUnit)
	case is == nil:
		return units(before.Size(), writeUnit)
	case string(was) != string(is):
		return units(before.Size(), writeUnit) + units(after.Size(), writeUnit)
	case before.Equal(after):
		return 0
	}
	return units(max(before.Size(), after.Size()), writeUnit)
}

func (w *write) capacity(parameter *string, tableName string) *api.ConsumedCapacity {
	if !wanted(parameter) {
		return nil
	}
	c := w.cost()
	return c.describe(parameter, tableName)
}

// collection tells of the items that share a partition key with what was
// written, if the table has local indexes and parameter asks for it.
func (w *write) collection(parameter *string) *api.ItemCollectionMetrics {
	if aws.Value(parameter) != "SIZE" || len(w.t.Locals) == 0 {
		return nil
	}
	return &api.ItemCollectionMetrics{
		ItemCollectionKey:   pick(w.target(), []string{w.t.Key.Hash[0].Name}),
		SizeEstimateRangeGB: []float64{0, 1},
	}
}
