package jsonata

import "regexp"

type nodeKind int

const (
	nLiteral  nodeKind = iota // value
	nName                     // text
	nVariable                 // text
	nWildcard                 // *
	nDescendant
	nParent    // %
	nRegex     // regex
	nPath      // list: steps
	nBinary    // text: operator; left, right
	nNegate    // right
	nArray     // list
	nObject    // pairs
	nBlock     // list
	nCondition // left ? right : other
	nCoalesce  // left ?? right
	nElvis     // left ?: right
	nBind      // left := right
	nCall      // left(list)
	nPartial   // left(list), some of which are placeholders
	nHole      // ?
	nLambda    // function(names) { right }
	nApply     // left ~> right
	nTransform // |left|right, other|
	nSort      // terms, a step only
)

// node is one node of an expression.
type node struct {
	kind               nodeKind
	pos                int
	text               string
	value              value
	regex              *regexp.Regexp
	left, right, other *node
	list               []*node
	pairs              [][2]*node
	terms              []sortTerm

	names     []string // of a lambda's parameters
	signature *signature

	stages   []stage    // predicates, and where a position is bound
	group    [][2]*node // {key: value} after it
	hasGroup bool
	keep     bool   // [] after it: one item stays a list
	cons     bool   // an array constructor at the end of a path: its lists are not flattened
	focus    string // @$v
	index    string // #$i
	bound    bool   // has one of the two, in it or in a stage
	parents  bool   // % is somewhere in it
}

type sortTerm struct {
	descending bool
	expr       *node
}

// stage is a predicate, or binds the position of each item.
type stage struct {
	filter *node
	index  string
}
