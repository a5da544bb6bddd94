package dynamodb

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

// facts are what policies may ask of a request: whose items it is about
// (dynamodb:LeadingKeys), which attributes, and some of its parameters. What
// cannot be read is left out; the handler will refuse it.
type facts struct {
	service   *Service
	table     aws.ARN
	index     string // the one that is read
	onlyIndex bool   // no policy will ask anything else

	items      []item.Item     // or keys
	hash       item.Value      // of a query
	attributes map[string]bool // top-level
	values     service.Keys
}

// set notes a parameter.
func (f *facts) set(key string, value *string) {
	if f.onlyIndex || value == nil {
		return
	}
	if f.values == nil {
		f.values = make(service.Keys)
	}
	f.values[key] = []string{*value}
}

// write notes parameters that writes of single items have.
func (f *facts) write(returnValues, returnCapacity *string) {
	f.set("dynamodb:ReturnValues", new(aws.Or(returnValues, "NONE")))
	f.set("dynamodb:ReturnConsumedCapacity", returnCapacity)
}

// put notes an item or a key.
func (f *facts) put(it item.Item) {
	if f.onlyIndex {
		return
	}
	f.items = append(f.items, it)
	for name := range it.All {
		f.names([]string{string(name)})
	}
}

// names notes attributes.
func (f *facts) names(names []string) {
	if f.onlyIndex {
		return
	}
	if f.attributes == nil {
		f.attributes = make(map[string]bool)
	}
	for _, name := range names {
		f.attributes[name] = true
	}
}

func (f *facts) expression(attrs []expression.Attribute) {
	for _, a := range attrs {
		f.names([]string{a.Name})
	}
}

// condition notes the attributes of a condition and an update.
func (f *facts) condition(names map[string]string, values item.Item, text, update *string, expected map[string]api.ExpectedAttributeValue) {
	if f.onlyIndex {
		return
	}
	f.names(slices.Collect(maps.Keys(expected)))
	r, err := f.service.expressions.NewRequest(names, values)
	if err != nil {
		return
	}
	if text != nil {
		if c, err := r.Condition(expression.ConditionExpression, *text); err == nil {
			f.expression(c.Attributes())
		}
	}
	if update != nil {
		if u, err := r.Update(*update); err == nil {
			changed, read := u.Attributes()
			f.expression(changed)
			f.expression(read)
		}
	}
}

// filter notes the attributes of a filter.
func (f *facts) filter(names map[string]string, values item.Item, text *string, older map[string]api.Condition) {
	if f.onlyIndex {
		return
	}
	f.names(slices.Collect(maps.Keys(older)))
	r, err := f.service.expressions.NewRequest(names, values)
	if err != nil || text == nil {
		return
	}
	if c, err := r.Condition(expression.FilterExpression, *text); err == nil {
		f.expression(c.Attributes())
	}
}

// projection notes the attributes that are returned.
func (f *facts) projection(names map[string]string, text *string, older []string) {
	if f.onlyIndex {
		return
	}
	f.names(older)
	r, err := f.service.expressions.NewRequest(names, nil)
	if err != nil || text == nil {
		return
	}
	if p, err := r.Projection(*text); err == nil {
		f.expression(p.Attributes())
	}
}

// query notes whose items a query returns.
func (f *facts) query(in *api.QueryInput) {
	if f.onlyIndex {
		return
	}
	t := f.find()
	if t == nil {
		return
	}
	name := t.Key.Hash[0].Name
	for ix := range t.indexes {
		if ix.Name == f.index {
			name = ix.Key.Hash[0].Name
		}
	}
	if c, ok := in.KeyConditions[name]; ok && len(c.AttributeValueList) > 0 {
		f.hash = c.AttributeValueList[0]
	}
	f.names(slices.Collect(maps.Keys(in.KeyConditions)))
	r, err := f.service.expressions.NewRequest(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil || in.KeyConditionExpression == nil {
		return
	}
	c, err := r.Condition(expression.KeyConditionExpression, *in.KeyConditionExpression)
	if err != nil {
		return
	}
	f.expression(c.Attributes())
	tests, _ := c.Keys() // what is no key condition is refused later
	for _, t := range tests {
		if t.Attribute == name && t.Operator == "=" {
			f.hash = t.Values[0]
		}
	}
}

// find returns the table, or nil.
func (f *facts) find() *table {
	var t *table
	_ = f.service.db.View(context.Background(), func(tx *store.Tx) (err error) {
		t, err = f.service.lookTable(tx, f.table)
		return err
	})
	return t
}

// keys returns the facts as values of condition keys.
func (f *facts) keys() service.Keys {
	if f.values == nil {
		f.values = make(service.Keys)
	}
	if f.attributes != nil {
		f.values["dynamodb:Attributes"] = slices.Sorted(maps.Keys(f.attributes))
	}
	leading := make(map[string]bool)
	if f.hash != nil {
		leading[keyText(f.hash)] = true
	}
	if len(f.items) > 0 {
		if t := f.find(); t != nil {
			for _, it := range f.items {
				leading[keyText(it.Get(t.Key.Hash[0].Name))] = true
			}
		}
	}
	if len(leading) > 0 {
		f.values["dynamodb:LeadingKeys"] = slices.Sorted(maps.Keys(leading))
	}
	return f.values
}

// keyText is a key as policies write it.
func keyText(v item.Value) string {
	if v.Type() == item.B {
		return base64.StdEncoding.EncodeToString(v.Bytes())
	}
	return v.Text()
}
