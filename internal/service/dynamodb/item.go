package dynamodb

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PutItem puts an item in the place of the one with its key, if there is one.
func (s *Service) PutItem(ctx context.Context, call *aws.Call, in *api.PutItemInput) (*api.PutItemOutput, error) {
	w, err := s.put(call, in)
	if err != nil {
		return nil, err
	}
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
		return nil, err
	}
	out := &api.PutItemOutput{
		ConsumedCapacity:      w.capacity(in.ReturnConsumedCapacity, in.TableName),
		ItemCollectionMetrics: w.collection(in.ReturnItemCollectionMetrics),
	}
	if aws.Value(in.ReturnValues) == "ALL_OLD" {
		out.Attributes = w.old
	}
	return out, nil
}

// put reads what PutItem is asked to do.
func (s *Service) put(call *aws.Call, in *api.PutItemInput) (*write, error) {
	w := &write{item: in.Item, returnItem: in.ReturnValuesOnConditionCheckFailure}
	w.needOld = aws.Value(in.ReturnValues) == "ALL_OLD" || wanted(in.ReturnConsumedCapacity)
	p := &parameters{
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expressions: []parameter{textParameter(expression.ConditionExpression, in.ConditionExpression)},
		older:       []parameter{{name: "Expected", given: in.Expected != nil}, {name: "ConditionalOperator", given: in.ConditionalOperator != nil}},
	}
	var err error
	if w.table, err = tableARN(call, in.TableName); err != nil {
		return nil, err
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := checkValues(in.Item); err != nil {
		return nil, err
	}
	if v := aws.Value(in.ReturnValues); v != "" && v != "ALL_OLD" && v != "NONE" {
		return nil, refuse("ReturnValues can only be ALL_OLD or NONE")
	}
	if in.Item.Size() > maxItem {
		return nil, errItemSize
	}
	return w, s.conditions(p, w, in.Expected, in.ConditionalOperator, in.ConditionExpression, nil)
}

// conditions reads the condition and update of w.
func (s *Service) conditions(p *parameters, w *write, expected map[string]api.ExpectedAttributeValue, operator, text, update *string) error {
	if p.none() {
		return nil
	}
	var err error
	if w.condition, err = readExpected(expected, operator); err != nil {
		return err
	}
	if err := p.open(&s.expressions); err != nil {
		return err
	}
	if update != nil {
		u, err := p.Update(*update)
		if err != nil {
			return err
		}
		w.update = u
	}
	if text != nil {
		if w.condition, err = p.conditionIn(expression.ConditionExpression, text); err != nil {
			return err
		}
	}
	return p.CheckUsed()
}

// DeleteItem removes the item with a key, if there is one.
func (s *Service) DeleteItem(ctx context.Context, call *aws.Call, in *api.DeleteItemInput) (*api.DeleteItemOutput, error) {
	w, err := s.delete(call, in)
	if err != nil {
		return nil, err
	}
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
		return nil, err
	}
	out := &api.DeleteItemOutput{
		ConsumedCapacity:      w.capacity(in.ReturnConsumedCapacity, in.TableName),
		ItemCollectionMetrics: w.collection(in.ReturnItemCollectionMetrics),
	}
	if aws.Value(in.ReturnValues) == "ALL_OLD" {
		out.Attributes = w.old
	}
	return out, nil
}

// delete reads what DeleteItem is asked to do.
func (s *Service) delete(call *aws.Call, in *api.DeleteItemInput) (*write, error) {
	w := &write{key: in.Key, returnItem: in.ReturnValuesOnConditionCheckFailure}
	w.needOld = aws.Value(in.ReturnValues) == "ALL_OLD" || wanted(in.ReturnConsumedCapacity)
	p := &parameters{
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expressions: []parameter{textParameter(expression.ConditionExpression, in.ConditionExpression)},
		older:       []parameter{{name: "Expected", given: in.Expected != nil}, {name: "ConditionalOperator", given: in.ConditionalOperator != nil}},
	}
	var err error
	if w.table, err = tableARN(call, in.TableName); err != nil {
		return nil, err
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	if v := aws.Value(in.ReturnValues); v != "" && v != "ALL_OLD" && v != "NONE" {
		return nil, refuse("ReturnValues can only be ALL_OLD or NONE")
	}
	return w, s.conditions(p, w, in.Expected, in.ConditionalOperator, in.ConditionExpression, nil)
}

// UpdateItem changes attributes of an item, which it makes if there is none.
func (s *Service) UpdateItem(ctx context.Context, call *aws.Call, in *api.UpdateItemInput) (*api.UpdateItemOutput, error) {
	w, err := s.updateOf(call, in)
	if err != nil {
		return nil, err
	}
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
		return nil, err
	}
	out := &api.UpdateItemOutput{
		ConsumedCapacity:      w.capacity(in.ReturnConsumedCapacity, in.TableName),
		ItemCollectionMetrics: w.collection(in.ReturnItemCollectionMetrics),
	}
	switch aws.Value(in.ReturnValues) {
	case "ALL_OLD":
		out.Attributes = w.old
	case "ALL_NEW":
		out.Attributes = w.new
	case "UPDATED_OLD":
		out.Attributes = unlessEmpty(w.update.Touched(w.old))
	case "UPDATED_NEW":
		out.Attributes = unlessEmpty(w.update.Touched(w.new))
	}
	return out, nil
}

func unlessEmpty(it item.Item) item.Item {
	if it.Len() == 0 {
		return nil
	}
	return it
}

// updateOf reads what UpdateItem is asked to do.
func (s *Service) updateOf(call *aws.Call, in *api.UpdateItemInput) (*write, error) {
	w := &write{key: in.Key, returnItem: in.ReturnValuesOnConditionCheckFailure}
	p := &parameters{
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expressions: []parameter{
			textParameter(expression.UpdateExpression, in.UpdateExpression),
			textParameter(expression.ConditionExpression, in.ConditionExpression),
		},
		older: []parameter{
			{name: "AttributeUpdates", given: in.AttributeUpdates != nil}, {name: "Expected", given: in.Expected != nil},
			{name: "ConditionalOperator", given: in.ConditionalOperator != nil},
		},
	}
	var err error
	if w.table, err = tableARN(call, in.TableName); err != nil {
		return nil, err
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	updates, err := readUpdates(in.AttributeUpdates)
	if err != nil {
		return nil, err
	}
	w.update = updates
	return w, s.conditions(p, w, in.Expected, in.ConditionalOperator, in.ConditionExpression, in.UpdateExpression)
}

// GetItem returns the item with a key.
func (s *Service) GetItem(ctx context.Context, call *aws.Call, in *api.GetItemInput) (*api.GetItemOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	project, err := s.getParameters(in)
	if err != nil {
		return nil, err
	}
	var t *table
	var it item.Item
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if t = s.assumeTable(arn); t != nil {
			if it, err = t.get(tx, in.Key, project); err == nil && it != nil {
				return nil
			}
		}
		if t, err = s.findTable(tx, arn); err != nil {
			return err
		}
		if it, err = t.get(tx, in.Key, project); err != nil {
			return err
		}
		return s.admitRead(t, nil)
	})
	if err != nil {
		return nil, errGetKey(err)
	}
	c := cost{table: getUnits(it.Size(), aws.Value(in.ConsistentRead)), read: true}
	s.charge(t, &c, 1)
	out := &api.GetItemOutput{ConsumedCapacity: c.describe(in.ReturnConsumedCapacity, in.TableName)}
	if it != nil {
		out.Item = project.Apply(it)
	}
	return out, nil
}

// getParameters reads what GetItem is asked to return.
func (s *Service) getParameters(in *api.GetItemInput) (*expression.Projection, error) {
	p := &parameters{
		names:       in.ExpressionAttributeNames,
		expressions: []parameter{textParameter(expression.ProjectionExpression, in.ProjectionExpression)},
		older:       []parameter{{name: "AttributesToGet", given: in.AttributesToGet != nil}},
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	return s.projection(p, in.AttributesToGet, in.ProjectionExpression)
}

// projection reads a request whose only expression is a projection.
func (s *Service) projection(p *parameters, names []string, text *string) (*expression.Projection, error) {
	if names != nil {
		return attributesToGet(names)
	}
	if p.none() {
		return nil, nil
	}
	if err := p.open(&s.expressions); err != nil {
		return nil, err
	}
	project, err := p.projectionIn(text)
	if err != nil {
		return nil, err
	}
	return project, p.CheckUsed()
}

// attributesToGet reads the parameter of that name.
func attributesToGet(names []string) (*expression.Projection, error) {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return nil, refuse(invalid + "Duplicate value in attribute name: " + name)
		}
		if name == "" {
			return nil, refuse(invalid + "Empty attribute name")
		}
		seen[name] = true
	}
	return expression.ProjectAttributes(names...), nil
}

// get returns the item with a key, or nil.
func (t *table) get(tx *store.Tx, key item.Item, project *expression.Projection) (item.Item, error) {
	if err := t.checkKey(key); err != nil {
		return nil, err
	}
	if err := t.checkScalars(project.Attributes()); err != nil {
		return nil, err
	}
	row, err := t.rows.Get(tx, t.itemKey(key))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return row, err
}
