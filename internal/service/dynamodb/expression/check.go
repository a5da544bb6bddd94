package expression

import (
	"github.com/aloft-cloud/aloft/internal/item"
)

// condition returns what is wrong with n now that the names and values are
// known. AWS checks one comparison after the other, and in each of them first
// references, then how many operands there are, then what they are.
func (c checker) condition(n *node) problem {
	switch n.kind {
	case nodeAnd, nodeOr, nodeNot:
		for _, a := range n.args {
			if p := c.condition(a); p != "" {
				return p
			}
		}
		return ""
	}
	for _, check := range []func(*node) problem{c.refs, each(operands), each(c.distinct), each(c.types)} {
		if p := check(n); p != "" {
			return p
		}
	}
	return ""
}

// each makes a check of one node one of all of them, innermost first.
func each(check func(*node) problem) func(*node) problem {
	var all func(*node) problem
	all = func(n *node) problem {
		for _, a := range n.args {
			if p := all(a); p != "" {
				return p
			}
		}
		return check(n)
	}
	return all
}

// maxIn is how many values IN compares with.
const maxIn = 100

// operands checks how many operands a function has, or IN.
func operands(n *node) problem {
	if n.kind == nodeIn && len(n.args)-1 > maxIn {
		return problemf("The IN operator is provided with too many operands; number of operands: %d", len(n.args)-1)
	}
	if n.kind == nodeCall && len(n.args) != functions[n.name] {
		return problemf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.name, len(n.args))
	}
	return ""
}

// distinct checks that an attribute is not compared with itself.
func (c checker) distinct(n *node) problem {
	if n.kind != nodeCall && n.kind != nodeCompare || len(n.args) != 2 || n.args[0].kind != nodePath || n.args[1].kind != nodePath {
		return ""
	}
	a, b := c.text(n.args[0].path), c.text(n.args[1].path)
	if a != b {
		return ""
	}
	return "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
		problem(n.name) + ", first operand: " + a
}

// types checks the operands whose type is known without an item.
func (c checker) types(n *node) problem {
	switch n.kind {
	case nodeCall:
		return c.call(n)
	case nodeBetween:
		return c.between(n)
	case nodeCompare:
		if n.name == "=" || n.name == "<>" {
			return ""
		}
		return c.mayBe(n, ordered)
	}
	return ""
}

// typeOf returns the type of an operand, or 0 if only the item will tell.
func (c checker) typeOf(n *node) item.Type {
	switch {
	case n.kind == nodeValue:
		return c.binding.values[n.value].Type()
	case n.kind == nodeCall && n.name == "size":
		return item.N
	}
	return 0
}

// mayBe checks that the operands of n may be of types that fit.
func (c checker) mayBe(n *node, fit func(item.Type) bool) problem {
	for _, a := range n.args {
		if t := c.typeOf(a); t != 0 && !fit(t) {
			return wrongType(n.name, t.String())
		}
	}
	return ""
}

func wrongType(function, found string) problem {
	return "Incorrect operand type for operator or function; operator or function: " + problem(function) + ", operand type: " + problem(found)
}

func needsPath(n *node) problem {
	if n.args[0].kind != nodePath {
		return "Operator or function requires a document path; operator or function: " + problem(n.name)
	}
	return ""
}

func (c checker) call(n *node) problem {
	switch n.name {
	case "attribute_exists", "attribute_not_exists":
		return needsPath(n)
	case "begins_with":
		return c.mayBe(n, func(t item.Type) bool { return t == item.S || t == item.B })
	case "size":
		return c.mayBe(n, func(t item.Type) bool { return t != item.N && t != item.BOOL && t != item.NULL })
	case "attribute_type":
		switch t := c.typeOf(n.args[1]); t {
		case item.S:
			name := c.binding.values[n.args[1].value].Text()
			if _, ok := item.TypeNamed(name); !ok {
				return "Invalid attribute type name found; type: " + problem(name) + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
			}
		case 0:
			return wrongType(n.name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		default:
			return wrongType(n.name, t.String())
		}
	}
	return ""
}

// between checks the bounds, if both are given by the request.
func (c checker) between(n *node) problem {
	if p := c.mayBe(n, ordered); p != "" {
		return p
	}
	if n.args[1].kind != nodeValue || n.args[2].kind != nodeValue {
		return ""
	}
	low, high := c.binding.values[n.args[1].value], c.binding.values[n.args[2].value]
	what := ""
	switch {
	case low.Type() != high.Type():
		what = "same data type for lower and upper bounds"
	case low.Compare(high) > 0:
		what = "upper bound to be greater than or equal to lower bound"
	default:
		return ""
	}
	return problemf("The BETWEEN operator requires %s; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
		what, low.Type(), low.Text(), high.Type(), high.Text())
}
