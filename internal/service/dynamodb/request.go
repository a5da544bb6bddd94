package dynamodb

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
)

// A condition is what must be true of an item: an expression, or what older
// parameters say.
type condition interface {
	Match(item.Item) bool
	Attributes() []expression.Attribute
}

// An updater makes a new item of an old one: an expression, or what older
// parameters say.
type updater interface {
	Apply(it item.Item, existed bool) (item.Item, error)
	Touched(item.Item) item.Item
	OnlyRemoves() bool
	Sets(yield func(name string, t item.Type) bool)
	Attributes() (changed, read []expression.Attribute)
}

// parameters are those of one request, or of one part of a batch, that say
// what it is about in expressions or in the older way.
type parameters struct {
	names  map[string]string
	values item.Item

	// Expressions the request could have, in the order that AWS lists them,
	// and their texts.
	expressions []parameter
	// Older parameters, and whether they are there.
	older []parameter

	*expression.Request
}

// A parameter is one by name. Expressions have a text.
type parameter struct {
	name  string
	given bool
	text  *string
}

func textParameter(name string, text *string) parameter { return parameter{name, text != nil, text} }

// none reports whether nothing of all that is given.
func (p *parameters) none() bool {
	if p.names != nil || p.values != nil {
		return false
	}
	for _, list := range [][]parameter{p.expressions, p.older} {
		for _, param := range list {
			if param.given {
				return false
			}
		}
	}
	return true
}

// begin checks that the two ways are not mixed, and the names and values.
func (p *parameters) begin() error {
	if p.none() {
		return nil
	}
	var used, old []string
	for _, e := range p.expressions {
		if e.given {
			used = append(used, e.name)
		}
	}
	for _, o := range p.older {
		if o.given {
			old = append(old, o.name)
		}
	}
	switch {
	case used != nil && old != nil:
		return errMixed(old, used)
	case used == nil && p.names != nil:
		return refuse("ExpressionAttributeNames can only be specified when using expressions")
	}
	return p.checkValuesUsable()
}

// errMixed refuses parameters of the older way beside expressions.
func errMixed(old, used []string) error {
	return refuse("Can not use both expression and non-expression parameters in the same request: " +
		"Non-expression parameters: {" + strings.Join(old, ", ") + "} Expression parameters: {" + strings.Join(used, ", ") + "}")
}

// checkValuesUsable refuses values that no expression of the request could use.
func (p *parameters) checkValuesUsable() error {
	var could []string
	for _, e := range p.expressions {
		if e.name == expression.ProjectionExpression {
			continue
		}
		if e.given {
			return nil
		}
		could = append(could, e.name)
	}
	if p.values == nil || could == nil {
		return nil
	}
	are := "is"
	if len(could) > 1 {
		are = "are"
	}
	return refuse("ExpressionAttributeValues can only be specified when using expressions: " + strings.Join(could, " and ") + " " + are + " null")
}

// open prepares to read the expressions.
func (p *parameters) open(cache *expression.Cache) error {
	var err error
	p.Request, err = cache.NewRequest(p.names, p.values)
	return err
}

// conditionIn reads the condition in the parameter of that name, if it is given.
func (p *parameters) conditionIn(name string, text *string) (condition, error) {
	if text == nil {
		return nil, nil
	}
	c, err := p.Condition(name, *text)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// projectionIn reads a projection, if it is given.
func (p *parameters) projectionIn(text *string) (*expression.Projection, error) {
	if text == nil {
		return nil, nil
	}
	return p.Projection(*text)
}

// checkScalars refuses expressions that reach into an attribute of a key.
func (t *table) checkScalars(attrs []expression.Attribute) error {
	const scalars = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for _, a := range attrs {
		if !a.Nested {
			continue
		}
		for d := range t.Key.attributes {
			if d.Name == a.Name {
				return refuse(scalars + "Key: " + a.Name)
			}
		}
		for ix := range t.indexes {
			for d := range ix.Key.attributes {
				if d.Name == a.Name {
					return refuse(scalars + "IndexKey: " + a.Name)
				}
			}
		}
	}
	return nil
}
