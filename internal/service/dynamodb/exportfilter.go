package dynamodb

import (
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
	}
	return f, p.CheckUsed()
}

// checkKeyCondition refuses a key condition on what is not in the key of t.
func (t *table) checkKeyCondition(p *parameters, text string) error {
	c, err := p.Condition(expression.KeyConditionExpression, text)
	if err != nil {
		return err
	}
	tests, err := c.Keys()
	if err != nil {
		return err
	}
	for _, test := range tests {
		known := false
		for d := range t.Key.attributes {
			known = known || d.Name == test.Attribute
		}
		if !known {
			return refuse("Query condition missed key schema element: " + t.Key.Hash[0].Name)
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
