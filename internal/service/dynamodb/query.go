package dynamodb

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Query returns items with one partition key, in order of their sort keys.
func (s *Service) Query(ctx context.Context, call *aws.Call, in *api.QueryInput) (*api.QueryOutput, error) {
	sel, keys, err := s.query(call, in)
	if err != nil {
		return nil, err
	}
	var p *page
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err = sel.page(s, tx, func() error { return sel.fit(keys, in.QueryFilter != nil) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.queryOutput(in), nil
}

// query reads what Query is asked to do.
func (s *Service) query(call *aws.Call, in *api.QueryInput) (*selection, []test, error) {
	sel := &selection{
		indexName: in.IndexName, start: in.ExclusiveStartKey, limit: int(aws.Value(in.Limit)),
		consistent: aws.Value(in.ConsistentRead), reverse: !aws.Or(in.ScanIndexForward, true),
		selects: aws.Value(in.Select), count: aws.Value(in.Select) == "COUNT",
		counted: wanted(in.ReturnConsumedCapacity),
	}
	var err error
	if sel.table, err = tableARN(call, in.TableName); err != nil {
		return nil, nil, err
	}
	p := &parameters{
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expressions: []parameter{
			textParameter(expression.ProjectionExpression, in.ProjectionExpression),
			textParameter(expression.FilterExpression, in.FilterExpression),
			textParameter(expression.KeyConditionExpression, in.KeyConditionExpression),
		},
		older: []parameter{
			{name: "AttributesToGet", given: in.AttributesToGet != nil}, {name: "QueryFilter", given: in.QueryFilter != nil},
			{name: "ConditionalOperator", given: in.ConditionalOperator != nil},
			{name: "KeyConditions", given: in.KeyConditions != nil && in.KeyConditionExpression != nil},
		},
	}
	if err := p.begin(); err != nil {
		return nil, nil, err
	}
	if sel.filter, err = readFilter(in.QueryFilter, in.ConditionalOperator); err != nil {
		return nil, nil, err
	}
	if in.AttributesToGet != nil {
		if sel.project, err = attributesToGet(in.AttributesToGet); err != nil {
			return nil, nil, err
		}
	}
	if err := checkStart(in.ExclusiveStartKey); err != nil {
		return nil, nil, err
	}
	if in.KeyConditions == nil && in.KeyConditionExpression == nil {
		return nil, nil, refuse("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := checkSelect(sel.selects, in.AttributesToGet, in.ProjectionExpression, in.IndexName, "1 validation error detected: "); err != nil {
		return nil, nil, err
	}
	keys, err := s.queryExpressions(p, sel, in)
	if err != nil {
		return nil, nil, err
	}
	most := 2
	if in.KeyConditionExpression != nil && in.IndexName != nil {
		most = 2 * maxKeyParts
	}
	if len(keys) < 1 || len(keys) > most {
		return nil, nil, refuse("Conditions can be of length 1 or 2 only")
	}
	return sel, keys, nil
}

// queryExpressions reads the expressions, and what is asked of the keys.
func (s *Service) queryExpressions(p *parameters, sel *selection, in *api.QueryInput) ([]test, error) {
	if err := p.open(&s.expressions); err != nil {
		return nil, err
	}
	var key *expression.Condition
	var err error
	if in.KeyConditionExpression != nil {
		if key, err = p.Condition(expression.KeyConditionExpression, *in.KeyConditionExpression); err != nil {
			return nil, err
		}
	}
	if in.FilterExpression != nil {
		if sel.filter, err = p.conditionIn(expression.FilterExpression, in.FilterExpression); err != nil {
			return nil, err
		}
	}
	if in.ProjectionExpression != nil {
		if sel.project, err = p.projectionIn(in.ProjectionExpression); err != nil {
			return nil, err
		}
	}
	if err := p.CheckUsed(); err != nil {
		return nil, err
	}
	if key == nil {
		return readConditions(in.KeyConditions)
	}
	return keyTests(key)
}

// keyTests returns what a key condition asks of the attributes of the key.
func keyTests(key *expression.Condition) ([]test, error) {
	tests, err := key.Keys()
	if err != nil {
		return nil, err
	}
	var out []test
	for _, t := range tests {
		out = append(out, test{t.Attribute, keyOperators[t.Operator], t.Values})
		if err := out[len(out)-1].check(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keyOperators are the older names of the operators of key conditions.
var keyOperators = map[string]string{"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "BETWEEN": "BETWEEN", "begins_with": "BEGINS_WITH"}

// fit checks that the query fits its table or index, and sets what it reads.
func (sel *selection) fit(keys []test, olderFilter bool) error {
	k := sel.key()
	if sel.start != nil && sel.start.Len() != len(sel.keyNames()) {
		return refuse(errStart)
	}
	if err := sel.checkKeys(keys); err != nil {
		return err
	}
	sel.lo, sel.hi = k.bounds(keys)
	if sel.start != nil {
		if err := sel.checkTableKey(); err != nil {
			return err
		}
		if err := sel.checkStartFits(keys); err != nil {
			return err
		}
		if sel.ix == nil && len(k.Range) == 0 {
			return refuse("The provided exclusive start key is invalid: ExclusiveStartKey: " + sel.start.String())
		}
	}
	if err := sel.checkScalars(sel.project.Attributes()); err != nil {
		return err
	}
	name := "Filter Expression"
	if olderFilter {
		name = "QueryFilter"
	}
	for _, a := range sel.filterAttributes() {
		if slices.Contains(k.names(), a.Name) {
			return errFilterKey(name, a.Name)
		}
	}
	if err := sel.checkFetch(); err != nil {
		return err
	}
	if err := sel.checkScalars(sel.filterAttributes()); err != nil {
		return err
	}
	sel.narrow()
	return nil
}

func errFilterKey(parameter, attribute string) error {
	return refuse(parameter + " can only contain non-primary key attributes: Primary key attribute: " + attribute)
}

func findTest(keys []test, name string) *test {
	for i := range keys {
		if keys[i].attribute == name {
			return &keys[i]
		}
	}
	return nil
}

// checkKeys refuses key conditions that are not of the key: EQ for all hash
// attributes, then for the first of the range attributes, and any that can be
// read in order for the one after.
func (sel *selection) checkKeys(keys []test) error {
	k := sel.key()
	if len(k.Range) == 0 && len(keys) > len(k.Hash) {
		return sel.afterStart(refuse("Query key condition not supported"))
	}
	matched := 0
	ordered := true // all range attributes so far are given, by EQ
	for i, d := range slices.Concat(k.Hash, k.Range) {
		if err := sel.checkStartPart(d); err != nil {
			return err
		}
		t := findTest(keys, d.Name)
		hash := i < len(k.Hash)
		if i == len(k.Hash) {
			if err := k.checkOrder(keys); err != nil {
				return err
			}
		}
		if t == nil {
			if hash || ordered && matched < len(keys) && i == len(k.Hash) {
				return refuse("Query condition missed key schema element: " + d.Name)
			}
			ordered = false
			continue
		}
		if err := checkKeyTest(d, t, hash); err != nil {
			return err
		}
		if !ordered {
			return refuse("Query key condition not supported")
		}
		matched++
		ordered = hash || t.operator == "EQ"
	}
	if matched < len(keys) {
		return refuse("Query key condition not supported")
	}
	return nil
}

// checkOrder refuses conditions on range attributes of which one before is not
// given.
func (k *keySchema) checkOrder(keys []test) error {
	var open []string
	for _, d := range k.Range {
		t := findTest(keys, d.Name)
		if t != nil && open != nil {
			return refuse("RANGE key attributes " + strings.Join(open, ", ") + " must have equality conditions specified in the query " +
				"because a condition is present on key attribute " + d.Name)
		}
		if t == nil || t.operator != "EQ" {
			open = append(open, d.Name)
		}
	}
	return nil
}

// afterStart returns err unless the starting key is wrong, which counts first.
func (sel *selection) afterStart(err error) error {
	for d := range sel.key().attributes {
		if err := sel.checkStartPart(d); err != nil {
			return err
		}
	}
	return err
}

// checkStartPart checks an attribute of the starting key, if there is one.
func (sel *selection) checkStartPart(d definition) error {
	if sel.start == nil {
		return nil
	}
	v := sel.start.Get(d.Name)
	if v == nil {
		return refuse(errStart)
	}
	return checkKeyValue(d, v, slices.Contains(sel.key().Hash, d))
}

func checkKeyTest(d definition, t *test, hash bool) error {
	if slices.Contains([]string{"NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN"}, t.operator) {
		return refuse("Attempted conditional constraint is not an indexable operation")
	}
	for _, v := range t.values {
		if v.Type() != d.Type {
			return refuse(invalid + "Condition parameter type does not match schema type")
		}
		if v.Len() == 0 && d.Type != item.N {
			return errEmptyKey(d)
		}
	}
	if hash && t.operator != "EQ" {
		return refuse("Query key condition not supported")
	}
	return nil
}

// checkStartFits refuses a starting key that is not among what is asked for.
func (sel *selection) checkStartFits(keys []test) error {
	k := sel.key()
	sameHash := true
	for _, d := range k.Hash {
		sameHash = sameHash && findTest(keys, d.Name).match(sel.start.Get(d.Name))
	}
	ranged := false
	for _, d := range k.Range {
		t := findTest(keys, d.Name)
		ranged = ranged || t != nil
		if t != nil && !t.match(sel.start.Get(d.Name)) {
			return refuse("The provided starting key does not match the range key predicate")
		}
	}
	switch {
	case sameHash:
		return nil
	case ranged:
		return refuse("The query can return at most one row and cannot be restarted")
	}
	return refuse("The provided starting key is outside query boundaries based on provided conditions")
}

// bounds returns the range of the rows whose keys are as keys say.
func (k *keySchema) bounds(keys []test) (lo, hi []byte) {
	var spread []item.Value
	for _, d := range k.Hash {
		spread = append(spread, findTest(keys, d.Name).values[0])
	}
	b := appendHash(nil, spread)
	for _, v := range spread {
		b = item.AppendKey(b, v)
	}
	for _, d := range k.Range {
		t := findTest(keys, d.Name)
		if t == nil {
			break
		}
		if t.operator != "EQ" {
			return t.bounds(b)
		}
		b = item.AppendKey(b, t.values[0])
	}
	return b, store.KeyAfter(b)
}

// bounds returns the range of the rows that begin with b and then a value that
// t is true of.
func (t *test) bounds(b []byte) (lo, hi []byte) {
	with := func(v item.Value) []byte { return item.AppendKey(slices.Clip(b), v) }
	first := t.values[0]
	switch t.operator {
	case "LT":
		return b, with(first)
	case "LE":
		return b, store.KeyAfter(with(first))
	case "GT":
		return store.KeyAfter(with(first)), store.KeyAfter(b)
	case "GE":
		return with(first), store.KeyAfter(b)
	case "BETWEEN":
		return with(first), store.KeyAfter(with(t.values[1]))
	}
	lo = item.AppendKeyPrefix(slices.Clip(b), first) // BEGINS_WITH
	return lo, store.KeyAfter(lo)
}
