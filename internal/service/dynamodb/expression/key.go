package expression

import "github.com/aloft-cloud/aloft/internal/item"

// A KeyTest is what a key condition asks of one attribute of a key.
type KeyTest struct {
	Attribute string
	Operator  string       // = < <= > >= BETWEEN begins_with
	Values    []item.Value // two for BETWEEN, one for all others
}

// Keys returns what the key condition c asks, or refuses one that is no key
// condition: only tests of plain attributes, joined by AND.
func (c *Condition) Keys() ([]KeyTest, error) {
	var tests []KeyTest
	if err := c.keys(c.root, &tests); err != "" {
		return nil, refuse(string(err))
	}
	return tests, nil
}

const badKeyCondition = "Invalid condition in KeyConditionExpression: "

func (c *Condition) keys(n *node, tests *[]KeyTest) problem {
	switch {
	case n.kind == nodeAnd:
		if p := c.keys(n.args[0], tests); p != "" {
			return p
		}
		return c.keys(n.args[1], tests)
	case n.kind == nodeOr, n.kind == nodeIn, n.kind == nodeCompare && n.name == "<>":
		return "Invalid operator used in KeyConditionExpression: " + problem(n.name)
	case n.kind == nodeNot:
		return "Invalid operator used in KeyConditionExpression: NOT"
	case n.kind == nodeCall && n.name == "size":
		return "KeyConditionExpressions cannot contain nested operations"
	case n.kind == nodeCall && n.name != "begins_with":
		return "Invalid operator used in KeyConditionExpression: " + problem(n.name)
	case n.kind != nodeCompare && n.args[0].kind != nodePath:
		return badKeyCondition + problem(n.name) + " operator must have the key attribute as its first operand"
	}
	return c.keyTest(n, tests)
}

// flipped has the operators for operands that change places.
var flipped = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (c *Condition) keyTest(n *node, tests *[]KeyTest) problem {
	t := KeyTest{Operator: n.name}
	found := false
	for i, a := range n.args {
		switch {
		case a.kind == nodeCall:
			return "KeyConditionExpressions cannot contain nested operations"
		case a.kind == nodeValue:
			t.Values = append(t.Values, c.values[a.value])
		case found:
			return badKeyCondition + "Multiple attribute names used in one condition"
		case len(a.path) > 1:
			return "KeyConditionExpressions cannot have conditions on nested attributes"
		default:
			found = true
			t.Attribute = c.name(a.path[0])
			if i > 0 {
				t.Operator = flipped[n.name]
			}
		}
	}
	if !found {
		return badKeyCondition + "No key attribute specified"
	}
	for _, have := range *tests {
		if have.Attribute == t.Attribute {
			return "KeyConditionExpressions must only contain one condition per key"
		}
	}
	*tests = append(*tests, t)
	return ""
}
