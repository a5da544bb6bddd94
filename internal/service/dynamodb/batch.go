package dynamodb

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxBatchGets   = 100
	maxBatchWrites = 25
	maxBatchBytes  = 16 << 20 // of items in an answer

	// maxBatchPartition is how many bytes of items of one partition are in an
	// answer: a page, and what the item that ends it takes.
	maxBatchPartition = maxPage + maxItem - 3

	errSameKeys = "Provided list of item keys contains duplicates"
)

// A get is the part of BatchGetItem that is about one table.
type get struct {
	name    string // as the caller wrote it
	table   aws.ARN
	keys    []item.Item
	project *expression.Projection
	in      api.KeysAndAttributes
}

// BatchGetItem returns many items by their keys.
func (s *Service) BatchGetItem(ctx context.Context, call *aws.Call, in *api.BatchGetItemInput) (*api.BatchGetItemOutput, error) {
	gets, err := s.batchGets(call, in)
	if err != nil {
		return nil, err
	}
	var out *api.BatchGetItemOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.BatchGetItemOutput{Responses: make(map[string][]item.Item), UnprocessedKeys: make(map[string]api.KeysAndAttributes)}
		left := maxBatchBytes
		for i, g := range gets {
			if err := s.batchGet(tx, g, in.ReturnConsumedCapacity, &left, out, i == len(gets)-1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// batchGets reads what BatchGetItem is asked to return.
func (s *Service) batchGets(call *aws.Call, in *api.BatchGetItemInput) ([]get, error) {
	var gets []get
	var older, newer bool // of all tables
	n := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		k := in.RequestItems[name]
		g := get{name: name, keys: k.Keys, in: k}
		p := &parameters{
			names:       k.ExpressionAttributeNames,
			expressions: []parameter{textParameter(expression.ProjectionExpression, k.ProjectionExpression)},
			older:       []parameter{{name: "AttributesToGet", given: k.AttributesToGet != nil}},
		}
		var err error
		if g.table, err = tableARN(call, name); err != nil {
			return nil, err
		}
		if err := p.begin(); err != nil {
			return nil, err
		}
		if g.project, err = s.projection(p, k.AttributesToGet, k.ProjectionExpression); err != nil {
			return nil, err
		}
		seen := make(map[string]bool, len(k.Keys))
		for _, key := range k.Keys {
			if err := checkValues(key); err != nil {
				return nil, err
			}
			if seen[string(key)] {
				return nil, refuse(errSameKeys)
			}
			seen[string(key)] = true
		}
		if n += len(k.Keys); n > maxBatchGets {
			return nil, refuse("Too many items requested for the BatchGetItem call")
		}
		gets = append(gets, g)
		older, newer = older || k.AttributesToGet != nil, newer || k.ProjectionExpression != nil
	}
	if older && newer {
		return nil, errMixed([]string{"AttributesToGet"}, []string{expression.ProjectionExpression})
	}
	return gets, nil
}

// batchGet adds the items of g to out, as long as left bytes are left. If g is
// the last and nothing at all could be read, it says why.
func (s *Service) batchGet(tx *store.Tx, g get, parameter *string, left *int, out *api.BatchGetItemOutput, last bool) error {
	t, err := s.findTable(tx, g.table)
	if err != nil {
		return err
	}
	consistent := aws.Value(g.in.ConsistentRead)
	c := cost{read: true}
	items := []item.Item{}
	if err := s.admitRead(t, nil); err != nil {
		if len(out.Responses) == 0 && last {
			return err
		}
		out.UnprocessedKeys[g.name] = g.in
		return nil
	}
	rest := g.in
	rest.Keys = nil
	sizes := make([]int, t.Billing.partitions())
	for _, key := range g.keys {
		it, err := t.get(tx, key, g.project)
		if err != nil {
			return err
		}
		size, sum := it.Size(), &sizes[t.Billing.partition(t.itemKey(key))]
		if *left < size || *sum+size > maxBatchPartition {
			rest.Keys = append(rest.Keys, key)
			c.table += getUnits(0, consistent) // for having looked
			continue
		}
		*left -= size
		*sum += size
		c.table += getUnits(it.Size(), consistent)
		if it != nil {
			items = append(items, g.project.Apply(it))
		}
	}
	if rest.Keys != nil {
		out.UnprocessedKeys[g.name] = rest
	}
	out.Responses[g.name] = items
	s.charge(t, &c, 1)
	if d := c.describe(parameter, g.name); d != nil {
		out.ConsumedCapacity = append(out.ConsumedCapacity, *d)
	}
	return nil
}

// BatchWriteItem puts and deletes many items. AWS does each of them alone;
// here all are done or none.
func (s *Service) BatchWriteItem(ctx context.Context, call *aws.Call, in *api.BatchWriteItemInput) (*api.BatchWriteItemOutput, error) {
	batches, err := batchWrites(call, in)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.batchWrite(tx, batches) })
	if err != nil {
		return nil, err
	}
	out := &api.BatchWriteItemOutput{UnprocessedItems: make(map[string][]api.WriteRequest)}
	for _, b := range batches {
		if b.throttled {
			out.UnprocessedItems[b.name] = in.RequestItems[b.name]
			continue
		}
		if wanted(in.ReturnConsumedCapacity) {
			var c cost
			for _, w := range b.writes {
				c.add(w.cost())
			}
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c.describe(in.ReturnConsumedCapacity, b.name))
		}
		if list := collections(b.writes, in.ReturnItemCollectionMetrics); list != nil {
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = make(map[string][]api.ItemCollectionMetrics)
			}
			out.ItemCollectionMetrics[b.name] = list
		}
	}
	return out, nil
}

// batchWrite does what batches say, but for tables whose capacity is used up,
// unless all are.
func (s *Service) batchWrite(tx *store.Tx, batches []*writeBatch) error {
	for _, b := range batches {
		if err := s.batchCheck(tx, b); err != nil {
			return err
		}
	}
	done := false
	var why error
	for _, b := range batches {
		err := s.admitWrite(b.writes[0].t)
		if b.throttled = err != nil; b.throttled {
			why = err
			continue
		}
		done = true
		for _, w := range b.writes {
			if err := s.runChecked(tx, w, 1); err != nil {
				return err
			}
		}
	}
	if !done {
		return why
	}
	return nil
}

// collections tells of the collections that writes were in, each once.
func collections(writes []*write, parameter *string) []api.ItemCollectionMetrics {
	var out []api.ItemCollectionMetrics
	for _, w := range writes {
		m := w.collection(parameter)
		if m == nil || slices.ContainsFunc(out, func(have api.ItemCollectionMetrics) bool { return have.ItemCollectionKey.Equal(m.ItemCollectionKey) }) {
			continue
		}
		out = append(out, *m)
	}
	return out
}

// A writeBatch is the part of BatchWriteItem that is about one table.
type writeBatch struct {
	name   string // as the caller wrote it
	table  aws.ARN
	writes []*write

	throttled bool // nothing was done
}

// batchWrites reads what BatchWriteItem is asked to do.
func batchWrites(call *aws.Call, in *api.BatchWriteItemInput) ([]*writeBatch, error) {
	var batches []*writeBatch
	n := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		arn, err := tableARN(call, name)
		if err != nil {
			return nil, err
		}
		b := &writeBatch{name: name, table: arn}
		for _, r := range in.RequestItems[name] {
			w := &write{table: arn, needOld: wanted(in.ReturnConsumedCapacity)}
			switch {
			case (r.PutRequest == nil) == (r.DeleteRequest == nil):
				return nil, refuse("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			case r.PutRequest != nil:
				w.item = r.PutRequest.Item
				if w.item.Size() > maxItem {
					return nil, errItemSize
				}
			default:
				w.key = r.DeleteRequest.Key
			}
			if err := checkValues(w.target()); err != nil {
				return nil, err
			}
			b.writes = append(b.writes, w)
		}
		n += len(b.writes)
		batches = append(batches, b)
	}
	if n > maxBatchWrites {
		return nil, refuse("Too many items requested for the BatchWriteItem call")
	}
	return batches, nil
}

// batchCheck refuses writes that do not fit their table, or twice the same item.
func (s *Service) batchCheck(tx *store.Tx, b *writeBatch) error {
	t, err := s.findTable(tx, b.table)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(b.writes))
	for _, w := range b.writes {
		w.t = t
		if err := w.check(); err != nil {
			// AWS has other words for these here than in PutItem.
			if m := aws.Refusal(err).Message; strings.Contains(m, "Missing the key") || strings.Contains(m, "Type mismatch for key") {
				return errKeySchema
			}
			return err
		}
		key := string(t.itemKey(w.target()))
		if seen[key] {
			return refuse(errSameKeys)
		}
		seen[key] = true
	}
	return nil
}
