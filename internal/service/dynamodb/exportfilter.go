package dynamodb

import (
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
)

// An exportFilter says which items are exported, and what of them. nil: all.
type exportFilter struct {
	conditions []condition
	projection *expression.Projection
}

// exportFilter reads what an export says of items of t.
func (s *Service) exportFilter(t *table, in *api.FilterSpecification) (*exportFilter, error) {
	if in == nil {
		return nil, nil
	}
	p := &parameters{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, expressions: []parameter{
		textParameter(expression.ProjectionExpression, in.ProjectionExpression),
		textParameter(expression.FilterExpression, in.FilterExpression),
		textParameter(expression.KeyConditionExpression, in.KeyConditionExpression),
	}}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := p.open(&s.expressions); err != nil {
		return nil, err
	}
	f := &exportFilter{}
	for _, e := range p.expressions[1:] {
		c, err := p.conditionIn(e.name, e.text)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		if err := t.checkScalars(c.Attributes()); err != nil {
			return nil, err
		}
		f.conditions = append(f.conditions, c)
	}
	var err error
	if f.projection, err = p.projectionIn(in.ProjectionExpression); err != nil {
		return nil, err
	}
	if in.KeyConditionExpression != nil {
		if err := t.checkKeyCondition(p, *in.KeyConditionExpression); err != nil {
			return nil, err
		}
		if in.FilterExpression != nil {
			if err := t.checkBesideKey(f.conditions[0]); err != nil {
				return nil, err
			}
		}
	}
	return f, p.CheckUsed()
}

// checkKeyCondition refuses a key condition that a Query of t would refuse.
func (t *table) checkKeyCondition(p *parameters, text string) error {
	c, err := p.Condition(expression.KeyConditionExpression, text)
	if err != nil {
		return err
	}
	tests, err := keyTests(c)
	if err != nil {
		return err
	}
	return (&selection{t: t}).checkKeys(tests)
}

// checkBesideKey refuses a filter of what is in the key, which is for the key
// condition beside it.
func (t *table) checkBesideKey(filter condition) error {
	for _, a := range filter.Attributes() {
		if slices.Contains(t.Key.names(), a.Name) {
			return errFilterKey("Filter Expression", a.Name)
		}
	}
	return nil
}

func (f *exportFilter) matches(it item.Item) bool {
	if f == nil {
		return true
	}
	for _, c := range f.conditions {
		if !c.Match(it) {
			return false
		}
	}
	return true
}

func (f *exportFilter) project(it item.Item) item.Item {
	if f == nil || f.projection == nil {
		return it
	}
	return f.projection.Apply(it)
}
