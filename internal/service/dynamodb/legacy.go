package dynamodb

import (
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
)

// A test is what an older parameter asks of one attribute.
type test struct {
	attribute string
	operator  string // EQ, NOT_NULL, …
	values    []item.Value
}

// tests is a condition of older parameters.
type tests struct {
	list []test
	any  bool // one is enough: ConditionalOperator is OR
}

// Attributes implements condition.
func (ts *tests) Attributes() []expression.Attribute {
	var out []expression.Attribute
	for _, t := range ts.list {
		out = append(out, expression.Attribute{Name: t.attribute})
	}
	return out
}

// Match implements condition.
func (ts *tests) Match(it item.Item) bool {
	for _, t := range ts.list {
		if t.match(it.Get(t.attribute)) == ts.any {
			return ts.any
		}
	}
	return !ts.any || len(ts.list) == 0
}

func (t *test) match(v item.Value) bool {
	switch t.operator {
	case "NULL":
		return v == nil
	case "NOT_NULL":
		return v != nil
	}
	first := t.values[0]
	switch t.operator {
	case "EQ":
		return v.Equal(first)
	case "NE":
		return !v.Equal(first)
	case "IN":
		return slices.ContainsFunc(t.values, v.Equal)
	case "CONTAINS":
		return expression.Contains(v, first)
	case "NOT_CONTAINS":
		return v != nil && !expression.Contains(v, first)
	case "BEGINS_WITH":
		return expression.BeginsWith(v, first)
	case "BETWEEN":
		return expression.Compare(">=", v, first) && expression.Compare("<=", v, t.values[1])
	}
	return expression.Compare(map[string]string{"LT": "<", "LE": "<=", "GT": ">", "GE": ">="}[t.operator], v, first)
}

// arguments are how many values an operator takes, at least and at most.
var arguments = map[string][2]int{
	"NULL": {0, 0}, "NOT_NULL": {0, 0}, "EQ": {1, 1}, "NE": {1, 1}, "LE": {1, 1}, "LT": {1, 1}, "GE": {1, 1}, "GT": {1, 1},
	"CONTAINS": {1, 1}, "NOT_CONTAINS": {1, 1}, "BEGINS_WITH": {1, 1}, "IN": {1, 1 << 30}, "BETWEEN": {2, 2},
}

// scalarsOnly are the operators that compare strings, numbers and binaries alone.
var scalarsOnly = []string{"LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN"}

// check refuses values that do not go with the operator.
func (t *test) check() error {
	for _, v := range t.values {
		if err := v.Err(); err != nil {
			return refuse(err.Message)
		}
	}
	if n := arguments[t.operator]; len(t.values) < n[0] || len(t.values) > n[1] {
		return refuse(invalid + "Invalid number of argument(s) for the " + t.operator + " ComparisonOperator")
	}
	for _, v := range t.values {
		if v.Type() != t.values[0].Type() {
			return refuse(invalid + "AttributeValues inside AttributeValueList must be of same type")
		}
	}
	for _, v := range t.values {
		scalar := v.Type() == item.S || v.Type() == item.N || v.Type() == item.B
		if !scalar && slices.Contains(scalarsOnly, t.operator) || t.operator == "BEGINS_WITH" && v.Type() != item.S && v.Type() != item.B {
			return refuse(invalid + "ComparisonOperator " + t.operator + " is not valid for " + v.Type().String() + " AttributeValue type")
		}
	}
	if t.operator == "BETWEEN" && t.values[0].Compare(t.values[1]) > 0 {
		return refuse("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	return nil
}

// readConditions reads KeyConditions, QueryFilter or ScanFilter.
func readConditions(in map[string]api.Condition) ([]test, error) {
	var out []test
	for _, name := range slices.Sorted(maps.Keys(in)) {
		t := test{name, in[name].ComparisonOperator, in[name].AttributeValueList}
		if err := t.check(); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// readFilter reads QueryFilter or ScanFilter.
func readFilter(in map[string]api.Condition, operator *string) (condition, error) {
	if in == nil {
		if operator != nil {
			return nil, refuse("One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected")
		}
		return nil, nil
	}
	list, err := readConditions(in)
	if err != nil {
		return nil, err
	}
	if err := checkOperator(len(list), operator); err != nil {
		return nil, err
	}
	return &tests{list, aws.Value(operator) == "OR"}, nil
}

// checkOperator refuses a ConditionalOperator that has less than two to join.
func checkOperator(n int, operator *string) error {
	if operator != nil && n < 2 {
		return refuse("One or more parameter values were invalid: ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return nil
}

// readExpected reads Expected.
func readExpected(in map[string]api.ExpectedAttributeValue, operator *string) (condition, error) {
	if in == nil {
		if operator != nil {
			return nil, refuse("One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected")
		}
		return nil, nil
	}
	ts := &tests{any: aws.Value(operator) == "OR"}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		t, err := readExpectation(name, in[name])
		if err != nil {
			return nil, err
		}
		ts.list = append(ts.list, t)
	}
	if err := checkOperator(len(ts.list), operator); err != nil {
		return nil, err
	}
	return ts, nil
}

func readExpectation(name string, e api.ExpectedAttributeValue) (test, error) {
	t := test{attribute: name, operator: aws.Value(e.ComparisonOperator), values: e.AttributeValueList}
	if e.Value != nil {
		t.values = []item.Value{e.Value}
	}
	switch {
	case e.AttributeValueList != nil && e.Value != nil:
		return t, refuse(invalid + "Value and AttributeValueList cannot be used together for Attribute: " + name)
	case e.ComparisonOperator != nil && e.Exists != nil:
		return t, refuse(invalid + "Exists and ComparisonOperator cannot be used together for Attribute: " + name)
	case e.ComparisonOperator != nil:
		if arguments[t.operator][0] > 0 && t.values == nil {
			return t, refuse(invalid + "Value or AttributeValueList must be used with ComparisonOperator: " + t.operator + " for Attribute: " + name)
		}
		return t, t.check()
	case e.AttributeValueList != nil:
		return t, refuse(invalid + "AttributeValueList can only be used with a ComparisonOperator for Attribute: " + name)
	case aws.Or(e.Exists, true) && e.Value == nil:
		exists := "null"
		if e.Exists != nil {
			exists = "true"
		}
		return t, refuse(invalid + "Value must be provided when Exists is " + exists + " for Attribute: " + name)
	case !aws.Or(e.Exists, true) && e.Value != nil:
		return t, refuse(invalid + "Value cannot be used when Exists is false for Attribute: " + name)
	case e.Value == nil:
		t.operator = "NULL"
		return t, nil
	}
	t.operator = "EQ"
	return t, t.check()
}

// attributeUpdates is an update of older parameters.
type attributeUpdates []attributeUpdate

type attributeUpdate struct {
	name   string
	action string // PUT, ADD, DELETE
	value  item.Value
}

// readUpdates reads AttributeUpdates.
func readUpdates(in map[string]api.AttributeValueUpdate) (attributeUpdates, error) {
	var out attributeUpdates
	for _, name := range slices.Sorted(maps.Keys(in)) {
		u := attributeUpdate{name, aws.Or(in[name].Action, "PUT"), in[name].Value}
		if err := u.value.Err(); err != nil {
			return nil, refuse(err.Message)
		}
		t := u.value.Type()
		switch {
		case name == "":
			return nil, refuse(invalid + "Empty attribute name")
		case u.value == nil && u.action != "DELETE":
			return nil, refuse(invalid + "Only DELETE action is allowed when no attribute value is specified")
		case u.value != nil && u.action == "DELETE" && !t.IsSet():
			return nil, refuse(invalid + "DELETE action with value is not supported for the type " + t.String())
		case u.action == "ADD" && !t.IsSet() && t != item.L && t != item.N:
			return nil, refuse(invalid + "ADD action is not supported for the type " + t.String())
		}
		out = append(out, u)
	}
	return out, nil
}

// Apply implements updater.
func (us attributeUpdates) Apply(it item.Item, existed bool) (item.Item, error) {
	changes := make([]item.Attribute, 0, len(us))
	for _, u := range us {
		v, err := u.apply(it.Get(u.name))
		if err != nil {
			return nil, err
		}
		changes = append(changes, item.Attribute{Name: u.name, Value: v})
	}
	return it.With(changes...), nil
}

func (u *attributeUpdate) apply(v item.Value) (item.Value, error) {
	switch {
	case u.action == "PUT" || u.value == nil:
		return u.value, nil
	case v == nil && u.action == "DELETE":
		return nil, nil
	case v == nil:
		return u.value, nil
	case v.Type() != u.value.Type():
		return nil, refuse("Type mismatch for attribute to update")
	case u.action == "DELETE":
		return v.Without(u.value), nil
	case v.Type() == item.L:
		return v.Append(u.value), nil
	case v.Type() == item.N:
		sum, err := item.Add(v, u.value)
		if err != nil {
			return nil, refuse(err.Error())
		}
		return sum, nil
	}
	return v.Union(u.value), nil
}

// Touched implements updater.
func (us attributeUpdates) Touched(it item.Item) item.Item {
	var names []string
	for _, u := range us {
		names = append(names, u.name)
	}
	return pick(it, names)
}

// OnlyRemoves implements updater. An update that does nothing makes an item.
func (us attributeUpdates) OnlyRemoves() bool {
	for _, u := range us {
		if u.action != "DELETE" {
			return false
		}
	}
	return len(us) > 0
}

// Sets implements updater.
func (us attributeUpdates) Sets(yield func(string, item.Type) bool) {
	for _, u := range us {
		if u.value != nil && u.action != "DELETE" && !yield(u.name, u.value.Type()) {
			return
		}
	}
}

// Attributes implements updater.
func (us attributeUpdates) Attributes() (changed, read []expression.Attribute) {
	for _, u := range us {
		changed = append(changed, expression.Attribute{Name: u.name})
	}
	return changed, nil
}
