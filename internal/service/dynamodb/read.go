package dynamodb

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxPage is how many bytes of items a Query or Scan looks at.
const maxPage = 1 << 20

// A selection is what Query and Scan have in common: where to read, what of
// it, and what to return.
type selection struct {
	table      aws.ARN
	indexName  *string
	start      item.Item // ExclusiveStartKey
	limit      int       // 0 is none
	consistent bool
	reverse    bool
	count      bool // return none
	counted    bool // say what it costs
	selects    string
	filter     condition
	project    *expression.Projection
	columns    columns // instead, if not nil
	statement  bool    // it is what one selects, of which refusals have words of their own

	t      *table
	ix     *index // nil: the table
	rows   store.Rows
	lo, hi []byte
}

// A page is what a selection finds.
type page struct {
	items   []item.Item
	count   int
	scanned int
	last    item.Item // key of the last item looked at, if there may be more
	cost    cost
}

// page reads a page. fit checks that the selection fits its table, which is
// first taken to be as it was last seen: see assumeTable.
func (sel *selection) page(s *Service, tx *store.Tx, fit func() error) (*page, error) {
	for _, t := range []*table{s.assumeTable(sel.table), nil} {
		assumed := t != nil
		if !assumed {
			var err error
			if t, err = s.findTable(tx, sel.table); err != nil {
				return nil, err
			}
		}
		err := sel.open(s, t)
		if err == nil {
			err = fit()
		}
		var p *page
		if err == nil {
			p, err = sel.read(s, tx)
		}
		if !assumed || err == nil && p.scanned > 0 {
			return p, err
		}
	}
	panic("dynamodb: a table that is known is not assumed")
}

// open finds the index of t to read.
func (sel *selection) open(s *Service, t *table) error {
	sel.t = t
	sel.rows, sel.ix = sel.t.rows, nil
	sel.counted = sel.counted || sel.t.limited(false)
	if sel.indexName == nil {
		return s.admitRead(sel.t, nil)
	}
	for ix := range sel.t.indexes {
		if ix.Name == *sel.indexName {
			sel.ix, sel.rows = ix, ix.rows
		}
	}
	switch {
	case sel.ix == nil && sel.statement:
		return refuse("The table does not have the specified index")
	case sel.ix == nil:
		return refuse("The table does not have the specified index: " + *sel.indexName)
	case !sel.ix.local && sel.consistent && sel.statement:
		return refuse("Strongly consistent read is not supported on Global Secondary Indexes")
	case !sel.ix.local && sel.consistent:
		return refuse("Consistent reads are not supported on global secondary indexes")
	case sel.ix.Backfill != nil:
		return refuse("Cannot read from backfilling global secondary index: " + sel.ix.Name)
	}
	return s.admitRead(sel.t, sel.ix)
}

// key is the key that orders what is read.
func (sel *selection) key() *keySchema {
	if sel.ix != nil {
		return &sel.ix.Key
	}
	return &sel.t.Key
}

// keyNames are the attributes of keys to start after.
func (sel *selection) keyNames() []string {
	if sel.ix != nil {
		return sel.ix.keys
	}
	return sel.t.Key.names()
}

// rowKey is the key of the row whose item has the key it.
func (sel *selection) rowKey(it item.Item) []byte {
	if sel.ix != nil {
		return sel.t.entryKey(sel.ix, it)
	}
	return sel.t.itemKey(it)
}

// checkTableKey refuses a starting key that does not have the table's key.
func (sel *selection) checkTableKey() error {
	if err := sel.t.checkKey(pick(sel.start, sel.t.Key.names())); err != nil {
		return refuse(errStart + ": " + aws.Refusal(err).Message)
	}
	return nil
}

const errStart = "The provided starting key is invalid"

// checkIndexKey refuses a starting key that does not have the index's key.
func (sel *selection) checkIndexKey() error {
	for d := range sel.key().attributes {
		v := sel.start.Get(d.Name)
		if v == nil {
			return refuse(errStart)
		}
		if err := checkKeyValue(d, v, false); err != nil {
			return err
		}
	}
	return nil
}

// fetches reports whether entries of the index lack what is asked for.
func (sel *selection) fetches() bool {
	if sel.ix == nil || sel.ix.Projection == "ALL" {
		return false
	}
	if sel.selects == "ALL_ATTRIBUTES" {
		return true
	}
	return sel.lacking() != nil
}

// lacking are the attributes that are asked for and that the index does not hold.
func (sel *selection) lacking() []string {
	var names []string
	for _, a := range sel.project.Attributes() {
		if !slices.Contains(sel.ix.keys, a.Name) && !slices.Contains(sel.ix.Include, a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// checkFetch refuses to read from a global index what it does not hold.
func (sel *selection) checkFetch() error {
	if sel.ix == nil || sel.ix.local || !sel.fetches() {
		return nil
	}
	if sel.selects == "ALL_ATTRIBUTES" {
		return refuse(invalid + "Select type ALL_ATTRIBUTES is not supported for global secondary index " + sel.ix.Name +
			" because its projection type is not ALL")
	}
	return refuse(invalid + "Global secondary index " + sel.ix.Name + " does not project [" + strings.Join(sel.lacking(), ", ") + "]")
}

// checkScalars refuses expressions that reach into key attributes.
func (sel *selection) checkScalars(attrs []expression.Attribute) error {
	return sel.t.checkScalars(attrs)
}

// filterAttributes are those that the filter looks at.
func (sel *selection) filterAttributes() []expression.Attribute {
	if sel.filter == nil {
		return nil
	}
	return sel.filter.Attributes()
}

// read reads a page.
func (sel *selection) read(s *Service, tx *store.Tx) (*page, error) {
	p := &page{cost: cost{read: true}}
	if !sel.count {
		p.items = []item.Item{}
	}
	fetches := sel.fetches()
	var size, weight, fetched int
	for _, row := range sel.scan(tx) {
		it := item.Item(row)
		if sel.counted {
			size += it.Size()
		}
		weight += sel.t.weight(it)
		if fetches {
			whole, err := sel.t.rows.Get(tx, sel.t.itemKey(it))
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			it = whole
			fetched += int(getUnits(it.Size(), true))
		}
		p.scanned++
		if sel.filter == nil || sel.filter.Match(it) {
			p.count++
			if !sel.count {
				p.items = append(p.items, sel.keep(it, fetches))
			}
		}
		if p.scanned == sel.limit || weight >= maxPage {
			p.last = pick(it, sel.keyNames())
			break
		}
	}
	p.cost = sel.cost(size, fetched)
	s.charge(sel.t, &p.cost, 1)
	return p, tx.Err()
}

// weight is what it counts on a page: not its size, but what it seems to take
// where AWS keeps it, with short lengths instead of the names of attributes,
// and the sort key again with every block.
func (t *table) weight(it item.Item) int {
	n, key := 0, 0
	for name, v := range it.All {
		if len(t.Key.Range) > 0 && string(name) == t.Key.Range[0].Name {
			key = v.Size()
		} else {
			n += 1 + stored(v)
		}
	}
	return 2 + n + (1+(1+n)/3072)*(18+key)
}

func stored(v item.Value) int {
	n := v.Size()
	switch v.Type() {
	case item.S:
		switch {
		case n < 128:
			return n + 1
		case n < 16384:
			return n + 2
		}
		return n + 3
	case item.B, item.N:
		return n + 1
	case item.NULL:
		return 0
	case item.SS, item.NS, item.BS:
		return n + 1 + v.Len()
	}
	return n
}

// keep returns what is returned of it, which is good until the next row unless
// it was fetched.
func (sel *selection) keep(it item.Item, fetched bool) item.Item {
	if sel.columns != nil {
		return sel.columns.apply(it)
	}
	if sel.project != nil {
		return sel.project.Apply(it) // makes anew
	}
	if fetched {
		return it
	}
	return bytes.Clone(it)
}

func (sel *selection) scan(tx *store.Tx) iter.Seq2[[]byte, []byte] {
	if sel.reverse {
		return sel.rows.ScanReverse(tx, sel.lo, sel.hi)
	}
	return sel.rows.Scan(tx, sel.lo, sel.hi)
}

// cost is what it takes to read bytes, and to fetch items of so many units.
func (sel *selection) cost(bytes, fetched int) cost {
	c := cost{read: true}
	units := getUnits(bytes, sel.consistent)
	if sel.ix == nil {
		c.table = units
		return c
	}
	c.addIndex(sel.ix, units)
	c.table = float64(fetched)
	if !sel.consistent {
		c.table /= 2
	}
	return c
}

// checkSelect refuses values of Select that do not go with what else is asked.
func checkSelect(selects string, names []string, text *string, index *string, wrap string) error {
	what := map[string]string{"COUNT": "only the Count", "ALL_ATTRIBUTES": "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES": "ALL_PROJECTED_ATTRIBUTES"}[selects]
	switch {
	case selects == "SPECIFIC_ATTRIBUTES" && names == nil && text == nil:
		return refuse(wrap + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case what != "" && names != nil:
		return refuse("Cannot specify the AttributesToGet when choosing to get " + what)
	case what != "" && text != nil:
		return refuse("Cannot specify the ProjectionExpression when choosing to get " + what)
	case selects == "ALL_PROJECTED_ATTRIBUTES" && index == nil:
		return refuse(invalid + "Select type ALL_PROJECTED_ATTRIBUTES can be used only when querying using an IndexName")
	}
	return nil
}

// checkStart refuses a starting key whose values are against the rules.
func checkStart(start item.Item) error {
	err := start.Err()
	if err == nil {
		return nil
	}
	for _, bare := range []string{"contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude"} {
		if bytes.Contains([]byte(err.Message), []byte(bare)) {
			return refuse(err.Message)
		}
	}
	return refuse(errStart + ": " + err.Message)
}

// narrow moves the bound of what is read past the starting key.
func (sel *selection) narrow() {
	if sel.start == nil {
		return
	}
	key := sel.rowKey(sel.start)
	if sel.reverse {
		if sel.hi == nil || bytes.Compare(key, sel.hi) < 0 {
			sel.hi = key
		}
		return
	}
	if key = append(key, 0); bytes.Compare(key, sel.lo) > 0 {
		sel.lo = key
	}
}

func (p *page) queryOutput(in *api.QueryInput) *api.QueryOutput {
	return &api.QueryOutput{
		Items: p.items, Count: new(int32(p.count)), ScannedCount: new(int32(p.scanned)), LastEvaluatedKey: p.last,
		ConsumedCapacity: p.cost.describe(in.ReturnConsumedCapacity, in.TableName),
	}
}

func (p *page) scanOutput(in *api.ScanInput) *api.ScanOutput {
	return &api.ScanOutput{
		Items: p.items, Count: new(int32(p.count)), ScannedCount: new(int32(p.scanned)), LastEvaluatedKey: p.last,
		ConsumedCapacity: p.cost.describe(in.ReturnConsumedCapacity, in.TableName),
	}
}
