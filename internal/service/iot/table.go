package iot

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service/iot/query"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// What an action on a table does with an item.
const (
	insertItem = "INSERT"
	updateItem = "UPDATE"
	deleteItem = "DELETE"
)

// usualPayloadField has the message in an item, if the action does not say.
const usualPayloadField = "payload"

// item writes the whole message to an attribute of an item whose keys the
// action says.
func (b *builder) item(a *api.Action) {
	d := a.DynamoDB
	b.resource = d.TableName
	hash, sort := b.template(d.HashKeyValue), b.template(aws.Value(d.RangeKeyValue))
	operation, field := b.template(aws.Or(d.Operation, insertItem)), b.template(aws.Or(d.PayloadField, usualPayloadField))
	to := b.arn("dynamodb", "table/"+d.TableName)
	if (d.RangeKeyField == nil) != (d.RangeKeyValue == nil) {
		b.fail(invalid("rangeKeyField and rangeKeyValue are given together."))
	}
	if op := aws.Or(d.Operation, insertItem); op != insertItem && op != updateItem && op != deleteItem && !strings.Contains(op, "${") {
		b.fail(invalid("Invalid DynamoDB operation: %s", op))
	}
	b.make = func(m *query.Message, out []byte) (event.Delivery, error) {
		keys := map[string]any{d.HashKeyField: keyValue(hash.Fill(m), d.HashKeyType)}
		if d.RangeKeyField != nil {
			keys[*d.RangeKeyField] = keyValue(sort.Fill(m), d.RangeKeyType)
		}
		call := func(operation string, in map[string]any) (event.Delivery, error) {
			in["TableName"] = d.TableName
			return event.Delivery{Target: to, Operation: "dynamodb." + operation, Body: encode(in)}, nil
		}
		switch op := operation.Fill(m); op {
		case insertItem:
			keys[field.Fill(m)] = payloadValue(out)
			return call("PutItem", map[string]any{"Item": keys})
		case updateItem:
			return call("UpdateItem", map[string]any{
				"Key": keys, "UpdateExpression": "SET #payload = :payload", "ExpressionAttributeNames": map[string]string{"#payload": field.Fill(m)},
				"ExpressionAttributeValues": map[string]any{":payload": payloadValue(out)},
			})
		case deleteItem:
			return call("DeleteItem", map[string]any{"Key": keys})
		default:
			return event.Delivery{}, invalid("Invalid DynamoDB operation: %s", op)
		}
	}
}

// columns writes each member of the message to an attribute of its name.
func (b *builder) columns(a *api.Action) {
	table := aws.Value(a.DynamoDBv2.PutItem).TableName
	b.resource = table
	b.calls(b.arn("dynamodb", "table/"+table), "dynamodb.PutItem", func(_ *query.Message, out []byte) (map[string]any, error) {
		v, err := tree.Parse(out)
		o, ok := v.(*tree.Object)
		if err != nil || !ok {
			return nil, invalid("The message for the table %s is not a JSON object.", table)
		}
		return map[string]any{"TableName": table, "Item": attributes(o)}, nil
	})
}

func keyValue(text string, kind *string) any {
	if aws.Value(kind) == "NUMBER" {
		return map[string]any{"N": text}
	}
	return map[string]any{"S": text}
}

// payloadValue is a message as an attribute: a document, or what it is else.
func payloadValue(out []byte) any {
	if v, err := tree.Parse(out); err == nil {
		return attribute(v)
	}
	if utf8.Valid(out) {
		return map[string]any{"S": string(out)}
	}
	return map[string]any{"B": base64Of(out)}
}

// attribute is a value of JSON as DynamoDB writes it.
func attribute(v tree.Value) any {
	switch v := v.(type) {
	case bool:
		return map[string]any{"BOOL": v}
	case string:
		return map[string]any{"S": v}
	case json.Number:
		return map[string]any{"N": string(v)}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = attribute(e)
		}
		return map[string]any{"L": list}
	case *tree.Object:
		return map[string]any{"M": attributes(v)}
	}
	return map[string]any{"NULL": true}
}

func attributes(o *tree.Object) map[string]any {
	m := make(map[string]any, o.Len())
	for name, v := range o.All() {
		m[name] = attribute(v)
	}
	return m
}
