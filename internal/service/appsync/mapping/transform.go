package mapping

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

var transformHelpers = map[string]helper{
	"transform.toDynamoDBFilterExpression":    func(_ *Run, a arguments) (any, error) { return dynamoCondition(a.mapping(0)) },
	"transform.toDynamoDBConditionExpression": func(_ *Run, a arguments) (any, error) { return dynamoCondition(a.mapping(0)) },
	"transform.toSubscriptionFilter": func(_ *Run, a arguments) (any, error) {
		return toSubscriptionFilter(a)
	},
	"transform.toElasticsearchQueryDSL": func(*Run, arguments) (any, error) {
		return nil, &Abort{Problem{Type: "NotImplemented", Message: "Aloft does not answer util.transform.toElasticsearchQueryDSL of AppSync yet."}}
	},
}

// comparisons are conditions with an operator between.
var comparisons = map[string]string{"eq": "=", "ne": "<>", "le": "<=", "lt": "<", "ge": ">=", "gt": ">"}

// An expression of DynamoDB is one that is being written.
type expression struct {
	names, values *vtl.Map
}

// dynamoCondition writes a filter, which has operators by field, as JSON of an
// expression.
func dynamoCondition(filter *vtl.Map) (any, error) {
	x := expression{vtl.NewMap(), vtl.NewMap()}
	text, err := x.all(filter, " AND ")
	if err != nil {
		return nil, err
	}
	return vtl.JSON(vtl.NewMap().Set("expression", text).Set("expressionNames", x.names).Set("expressionValues", x.values)), nil
}

// all writes the conditions of a filter, with a word between.
func (x *expression) all(filter *vtl.Map, word string) (string, error) {
	var parts []string
	for _, key := range filter.Keys() {
		v, _ := filter.Lookup(key)
		var text string
		var err error
		switch key {
		case "and", "or":
			text, err = x.several(v, " "+strings.ToUpper(key)+" ")
		case "not":
			if text, err = x.all((arguments{v}).mapping(0), word); text != "" {
				text = "NOT " + text
			}
		default:
			text, err = x.field(key, v)
		}
		if err != nil {
			return "", err
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return joined(parts, word), nil
}

// several writes filters, of which all or one must hold.
func (x *expression) several(v any, word string) (string, error) {
	var parts []string
	filters := (arguments{v}).items(0)
	if m, ok := v.(*vtl.Map); ok {
		filters = []any{m}
	}
	for _, f := range filters {
		text, err := x.all((arguments{f}).mapping(0), " AND ")
		if err != nil {
			return "", err
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return joined(parts, word), nil
}

func joined(parts []string, word string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return "(" + strings.Join(parts, word) + ")"
}

// letters are what names in expressions may have.
var letters = regexp.MustCompile(`\W`)

// field writes the conditions on one field.
func (x *expression) field(field string, v any) (string, error) {
	conditions, ok := v.(*vtl.Map)
	if !ok {
		return "", &Abort{Problem{Type: "MappingTemplate", Message: fmt.Sprintf("The filter of %s is no map.", field)}}
	}
	plain := letters.ReplaceAllString(field, "_")
	name := "#" + plain
	x.names.Set(name, field)
	var parts []string
	for _, op := range conditions.Keys() {
		operand, _ := conditions.Lookup(op)
		text, err := x.condition(name, plain+"_"+op, op, operand)
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	return joined(parts, " AND "), nil
}

func (x *expression) condition(name, stem, op string, operand any) (string, error) {
	value := func(v any, suffix string) string {
		key := ":" + stem + suffix
		for n := 2; ; n++ { // the same may be asked of a field twice
			if _, used := x.values.Lookup(key); !used {
				break
			}
			key = ":" + stem + suffix + "_" + strconv.Itoa(n)
		}
		x.values.Set(key, ToDynamoDB(v))
		return key
	}
	if sign, ok := comparisons[op]; ok {
		return fmt.Sprintf("(%s %s %s)", name, sign, value(operand, "")), nil
	}
	items := (arguments{operand}).items(0)
	switch op {
	case "contains":
		return fmt.Sprintf("contains(%s, %s)", name, value(operand, "")), nil
	case "notContains":
		return fmt.Sprintf("(NOT contains(%s, %s))", name, value(operand, "")), nil
	case "beginsWith":
		return fmt.Sprintf("begins_with(%s, %s)", name, value(operand, "")), nil
	case "attributeExists":
		if operand == false {
			return fmt.Sprintf("attribute_not_exists(%s)", name), nil
		}
		return fmt.Sprintf("attribute_exists(%s)", name), nil
	case "attributeType":
		return fmt.Sprintf("attribute_type(%s, %s)", name, value(operand, "")), nil
	case "size":
		sizes, _ := operand.(*vtl.Map)
		if sizes == nil || sizes.Len() == 0 {
			break
		}
		inner := sizes.Keys()[0]
		bound, _ := sizes.Lookup(inner)
		return x.condition("size("+name+")", stem+"_"+inner, inner, bound)
	case "between":
		if len(items) == 2 {
			low := value(items[0], "0")
			return fmt.Sprintf("%s BETWEEN %s AND %s", name, low, value(items[1], "1")), nil
		}
	case "in":
		keys := make([]string, len(items))
		for i, item := range items {
			keys[i] = value(item, strconv.Itoa(i))
		}
		if len(keys) > 0 {
			return fmt.Sprintf("%s IN (%s)", name, strings.Join(keys, ", ")), nil
		}
	}
	return "", &Abort{Problem{Type: "MappingTemplate", Message: "Invalid filter condition: " + op}}
}

// toSubscriptionFilter makes groups of filters of a filter, as
// setSubscriptionFilter takes them.
func toSubscriptionFilter(a arguments) (any, error) {
	ignored := a.items(1)
	groups := [][]any{{}}
	var add func(filter *vtl.Map, groups [][]any) ([][]any, error)
	add = func(filter *vtl.Map, groups [][]any) ([][]any, error) {
		for _, key := range filter.Keys() {
			v, _ := filter.Lookup(key)
			switch key {
			case "and":
				for _, f := range (arguments{v}).items(0) {
					var err error
					if groups, err = add((arguments{f}).mapping(0), groups); err != nil {
						return nil, err
					}
				}
			case "or":
				var all [][]any
				for _, f := range (arguments{v}).items(0) {
					more, err := add((arguments{f}).mapping(0), groups)
					if err != nil {
						return nil, err
					}
					all = append(all, more...)
				}
				if len(all) > 0 {
					groups = all
				}
			case "not":
				return nil, &Abort{Problem{Type: "MappingTemplate", Message: "not is no condition of a subscription's filter."}}
			default:
				if containsText(ignored, key) {
					continue
				}
				groups = withConditions(groups, key, v)
			}
			if len(groups) > 100 {
				return nil, &Abort{Problem{Type: "MappingTemplate", Message: "The filter of the subscription has too many groups."}}
			}
		}
		return groups, nil
	}
	groups, err := add(a.mapping(0), groups)
	if err != nil {
		return nil, err
	}
	always := a.mapping(2)
	for _, key := range always.Keys() {
		v, _ := always.Lookup(key)
		groups = withConditions(groups, key, v)
	}
	out := &vtl.List{Items: []any{}, JSON: true}
	for _, g := range groups {
		out.Items = append(out.Items, vtl.NewMap().Set("filters", &vtl.List{Items: g, JSON: true}))
	}
	return vtl.NewMap().Set("filterGroup", out), nil
}

// withConditions adds the conditions on a field to each group.
func withConditions(groups [][]any, field string, v any) [][]any {
	conditions := (arguments{v}).mapping(0)
	out := make([][]any, len(groups))
	for i, g := range groups {
		out[i] = g[:len(g):len(g)]
		for _, op := range conditions.Keys() {
			value, _ := conditions.Lookup(op)
			out[i] = append(out[i], vtl.NewMap().Set("fieldName", field).Set("operator", op).Set("value", value))
		}
	}
	return out
}

func containsText(items []any, s string) bool {
	for _, item := range items {
		if vtl.String(item) == s {
			return true
		}
	}
	return false
}
