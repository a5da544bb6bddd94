package dynamodb

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/partiql"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A statement is one of PartiQL on a table.
type statement struct {
	*partiql.Statement
	table   aws.ARN
	request *expression.Request
	columns columns
	project *expression.Projection
	params  []item.Value
	text    string
}

// statement reads a statement.
func (s *Service) statement(call *aws.Call, text string, params []item.Value) (*statement, error) {
	parsed, err := partiql.Parse(text, params)
	if err != nil {
		return nil, err
	}
	st := &statement{Statement: parsed, params: params, text: text}
	if st.table, err = tableARN(call, parsed.Table); err != nil {
		return nil, err
	}
	if st.request, err = s.expressions.NewRequest(parsed.Names, parsed.Values); err != nil {
		return nil, plain(err)
	}
	if st.Kind != partiql.Select && st.Index != "" {
		return nil, refuse("This operation is not supported on an index")
	}
	if st.Kind == partiql.Delete && st.Returning != "" && st.Returning != "ALL OLD" {
		return nil, refuse("Invalid returning clause: RETURNING " + st.Returning + " *. Only RETURNING ALL OLD * is allowed in DELETE statements.")
	}
	return st, st.readColumns()
}

// plain leaves out of err which expression it is about: the caller wrote none.
func plain(err error) error {
	if r := aws.Refusal(err); strings.HasPrefix(r.Message, "Invalid ") {
		if _, message, ok := strings.Cut(r.Message, "Expression: "); ok {
			return refuse(message)
		}
	}
	return err
}

// columns make an item of parts of another, each by a name of its own.
type columns []column

type column struct {
	partiql.Column
	project *expression.Projection
}

// readColumns reads what is returned: a projection will do if no column is a
// part of an attribute.
func (st *statement) readColumns() error {
	var paths []string
	nested := false
	for _, c := range st.Columns {
		project, err := st.request.Projection(c.Path)
		if err != nil {
			return plain(err)
		}
		st.columns = append(st.columns, column{c, project})
		paths = append(paths, c.Path)
		nested = nested || c.Depth > 0
	}
	if !nested {
		st.columns = nil
	}
	if paths == nil {
		return nil
	}
	var err error
	if st.project, err = st.request.Projection(strings.Join(paths, ", ")); err != nil {
		return plain(err)
	}
	return nil
}

func (cs columns) apply(it item.Item) item.Item {
	var out []item.Attribute
	for _, c := range cs {
		if v := c.value(it); v != nil {
			out = append(out, item.Attribute{Name: c.Name, Value: v})
		}
	}
	return item.New(out...)
}

// value returns the one part of it that c is.
func (c *column) value(it item.Item) item.Value {
	v := item.Map(c.project.Apply(it))
	for range c.Depth + 1 {
		var inner item.Value
		for _, field := range v.Fields().All {
			inner = field
		}
		for element := range v.Elements {
			inner = element
		}
		if v = inner; v == nil {
			return nil
		}
	}
	return v
}

// output is what st returns of it.
func (st *statement) output(it item.Item) item.Item {
	if st.columns != nil {
		return st.columns.apply(it)
	}
	return st.project.Apply(it)
}

// where is the condition that all terms hold but the taken ones, or nil.
func (st *statement) where(taken []int) (condition, error) {
	var texts []string
	for i, t := range st.Where {
		if !slices.Contains(taken, i) {
			texts = append(texts, t.Text)
		}
	}
	if texts == nil {
		return nil, nil
	}
	c, err := st.request.Condition(expression.ConditionExpression, strings.Join(texts, " AND "))
	if err != nil {
		return nil, plain(err)
	}
	return c, nil
}

var errNotOneKey = refuse("Where clause does not contain a mandatory equality on all key attributes")

// key returns the key of the one item that st is about, and the condition that
// is left.
func (st *statement) key(t *table) (item.Item, condition, error) {
	var key []item.Attribute
	var taken []int
	for d := range t.Key.attributes {
		v, i := st.Equal(d.Name)
		if v == nil {
			return nil, nil, errNotOneKey
		}
		key = append(key, item.Attribute{Name: d.Name, Value: v})
		taken = append(taken, i)
	}
	rest, err := st.where(taken)
	return item.New(key...), rest, err
}

// statementWrite is what st does, if it writes.
func (s *Service) statementWrite(tx *store.Tx, st *statement, returnItem *string) (*write, error) {
	t, err := s.findTable(tx, st.table)
	if err != nil {
		return nil, err
	}
	w := &write{table: st.table, needOld: true, returnItem: returnItem}
	if st.Kind == partiql.Insert {
		w.item, w.inserts = st.Item, true
		if w.item.Size() > maxItem {
			return nil, errItemSize
		}
		return w, checkValues(w.item)
	}
	var rest condition
	if w.key, rest, err = st.key(t); err != nil {
		return nil, err
	}
	w.condition = existing{rest, st.Kind == partiql.Delete}
	w.checkOnly = st.Kind == partiql.Exists
	if st.Kind == partiql.Update {
		u, err := st.request.Update(st.Update)
		if err != nil {
			return nil, plain(err)
		}
		w.update = u
	}
	return w, nil
}

// An existing is the condition that there is an item for which another holds.
type existing struct {
	condition      // nil always holds
	orNone    bool // holds if there is none
}

func (e existing) Match(it item.Item) bool {
	if it == nil {
		return e.orNone
	}
	return e.condition == nil || e.condition.Match(it)
}

func (e existing) Attributes() []expression.Attribute {
	if e.condition == nil {
		return nil
	}
	return e.condition.Attributes()
}

// returned is what st returns of what w has done, or nil.
func (st *statement) returned(w *write) item.Item {
	switch st.Returning {
	case "ALL OLD":
		return w.old
	case "ALL NEW":
		return w.new
	case "MODIFIED OLD":
		return unlessEmpty(w.update.Touched(w.old))
	case "MODIFIED NEW":
		return unlessEmpty(w.update.Touched(w.new))
	}
	return nil
}

// get returns the one item that st selects, or nil.
func (st *statement) get(tx *store.Tx, t *table) (item.Item, error) {
	key, rest, err := st.key(t)
	if err != nil {
		return nil, err
	}
	it, err := t.get(tx, key, st.project)
	if err != nil || it == nil || rest != nil && !rest.Match(it) {
		return nil, err
	}
	return it, nil
}

// selection is what st reads, if it selects.
func (st *statement) selection() *selection {
	sel := &selection{table: st.table, project: st.project, columns: st.columns, statement: true}
	if st.Index != "" {
		sel.indexName = &st.Index
	}
	return sel
}

// fitStatement checks that st fits its table or index, and sets what it reads:
// items of one partition key, if that is asked for, else all.
func (sel *selection) fitStatement(st *statement) error {
	keys, taken, err := sel.takeKeys(st)
	if err != nil {
		return err
	}
	if sel.filter, err = st.where(taken); err != nil {
		return err
	}
	if err := sel.order(st, keys != nil); err != nil {
		return err
	}
	if err := sel.checkFetch(); err != nil {
		return err
	}
	if err := sel.checkScalars(sel.project.Attributes()); err != nil {
		return err
	}
	if err := sel.checkScalars(sel.filterAttributes()); err != nil {
		return err
	}
	sel.lo, sel.hi = nil, nil
	if keys != nil {
		sel.lo, sel.hi = sel.key().bounds(keys)
	}
	if sel.start != nil {
		if sel.start.Len() != len(sel.keyNames()) || sel.checkIndexKey() != nil || sel.checkTableKey() != nil {
			return errToken
		}
	}
	sel.narrow()
	return nil
}

// takeKeys returns what st asks of the key that can be read in order, and
// which of its terms say so; nothing if the partition key may be any.
func (sel *selection) takeKeys(st *statement) (keys []test, taken []int, err error) {
	k := sel.key()
	for _, d := range k.Hash {
		v, i := st.Equal(d.Name)
		if v == nil {
			return nil, nil, nil
		}
		keys = append(keys, test{d.Name, "EQ", []item.Value{v}})
		taken = append(taken, i)
	}
	for _, d := range k.Range {
		i := slices.IndexFunc(st.Where, func(t partiql.Term) bool {
			return t.Test != nil && t.Test.Attribute == d.Name && keyOperators[t.Test.Operator] != ""
		})
		if i < 0 {
			break
		}
		t := st.Where[i].Test
		keys = append(keys, test{d.Name, keyOperators[t.Operator], t.Values})
		taken = append(taken, i)
		if t.Operator != "=" {
			break
		}
	}
	for i := range keys {
		if err := keys[i].check(); err != nil {
			return nil, nil, err
		}
	}
	return keys, taken, sel.checkKeys(keys)
}

// order checks that items can be read in the order that st asks for.
func (sel *selection) order(st *statement, queries bool) error {
	sel.reverse = false
	for _, o := range st.OrderBy {
		switch k := sel.key(); {
		case !queries:
			return refuse("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
		case !slices.Contains(k.names(), o.Attribute):
			return refuse("Variable reference " + o.Attribute + " in ORDER BY clause must be part of the primary key")
		case len(k.Range) > 0 && o.Attribute == k.Range[0].Name:
			sel.reverse = o.Descending
		}
	}
	return nil
}

var errToken = refuse("NextToken does not match request")

// digest tells statements apart.
func (st *statement) digest() []byte {
	h := sha256.New()
	_, _ = h.Write([]byte(st.text))
	for _, v := range st.params {
		_, _ = h.Write(v.AppendJSON([]byte{0}))
	}
	return h.Sum(nil)[:8]
}

// token is where to go on, after the item with the key last.
func (st *statement) token(last item.Item) *string {
	if last == nil {
		return nil
	}
	return new(base64.StdEncoding.EncodeToString(last.AppendJSON(st.digest())))
}

// after returns the key in a token.
func (st *statement) after(token *string) (item.Item, error) {
	if token == nil {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(*token)
	if err != nil {
		return nil, refuse("Given NextToken is not valid")
	}
	text, ok := strings.CutPrefix(string(b), string(st.digest()))
	if !ok {
		return nil, errToken
	}
	var key item.Item
	if key.DecodeJSON(jx.NewReader(text)) != nil || key.Err() != nil {
		return nil, errToken
	}
	return key, nil
}
