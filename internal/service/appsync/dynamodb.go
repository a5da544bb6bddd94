package appsync

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// An operation on a table makes an input of a request and a value of the output.
type tableOperation struct {
	name   string
	input  func(t *tableRequest, in *vtl.Map)
	output func(t *tableRequest, out *vtl.Map) any
}

// A tableRequest is one of a table.
type tableRequest struct {
	*resolution
	source *api.DataSource
	doc    *vtl.Map
	wrong  string // what cannot be read of it
}

// tableOperations are those there are, by what requests call them.
var tableOperations = map[string]tableOperation{
	"GetItem":            {"GetItem", getInput, itemOutput("Item")},
	"PutItem":            {"PutItem", putInput, putOutput},
	"UpdateItem":         {"UpdateItem", updateInput, itemOutput("Attributes")},
	"DeleteItem":         {"DeleteItem", deleteInput, itemOutput("Attributes")},
	"Query":              {"Query", queryInput, pageOutput},
	"Scan":               {"Scan", scanInput, pageOutput},
	"Sync":               {"Scan", scanInput, pageOutput},
	"BatchGetItem":       {"BatchGetItem", batchGetInput, batchGetOutput},
	"BatchPutItem":       {"BatchWriteItem", batchPutInput, batchWriteOutput},
	"BatchDeleteItem":    {"BatchWriteItem", batchDeleteInput, batchWriteOutput},
	"TransactGetItems":   {"TransactGetItems", transactGetInput, transactGetOutput},
	"TransactWriteItems": {"TransactWriteItems", transactWriteInput, transactWriteOutput},
}

// askTable asks a table of DynamoDB.
func (r *resolution) askTable(ctx context.Context, d *api.DataSource, doc *vtl.Map) (any, *mapping.Problem) {
	t := &tableRequest{resolution: r, source: d, doc: doc}
	name := textOf(doc, "operation")
	op, ok := tableOperations[name]
	if !ok {
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: "Unsupported operation '" + name + "'."}
	}
	if textOf(doc, "version") == oldVersion && (strings.HasPrefix(name, "Batch") || strings.HasPrefix(name, "Transact")) {
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: "Unsupported operation '" + name + "'. Datasource Versioning only supports the following operations (GetItem,PutItem,UpdateItem,DeleteItem,Query,Scan)."}
	}
	in := vtl.NewMap()
	op.input(t, in)
	if t.wrong != "" {
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: t.wrong}
	}
	out, err := t.do(ctx, op.name, in)
	if err != nil {
		return t.failed(ctx, name, in, err)
	}
	return op.output(t, out), nil
}

// do runs an operation of DynamoDB.
func (t *tableRequest) do(ctx context.Context, name string, in *vtl.Map) (*vtl.Map, error) {
	call, problem := t.as(ctx, t.source)
	if problem != nil {
		return nil, aws.AccessDenied.Errorf("%s", problem.Message)
	}
	c := t.source.DynamodbConfig
	if aws.Value(c.UseCallerCredentials) {
		if t.caller == nil || t.caller.door.Type != api.AuthenticationTypeAwsIam {
			return nil, aws.AccessDenied.Errorf("The data source wants the credentials of a caller who signs.")
		}
		call = t.caller.call
	}
	if c.AwsRegion != "" && c.AwsRegion != call.Region {
		there := *call
		there.Region = c.AwsRegion
		call = &there
	}
	b, err := t.cfg.Table.CallJSON(ctx, call, "dynamodb", name, []byte(vtl.JSON(in)))
	if err != nil {
		return nil, err
	}
	out, err := vtl.ParseJSON(string(b))
	if err != nil {
		return nil, err
	}
	m, _ := out.(*vtl.Map)
	return orEmpty(m), nil
}

// failed is what comes of a request that DynamoDB refuses. A condition that does
// not hold has the item as it is; and if it is as it was to be, all is well.
func (t *tableRequest) failed(ctx context.Context, name string, in *vtl.Map, err error) (any, *mapping.Problem) {
	if ctx.Err() != nil {
		return nil, &mapping.Problem{Type: "ExecutionTimeout", Message: "Request timed out."}
	}
	problem := t.refused("DynamoDB", err)
	refusal := aws.Refusal(err)
	switch {
	case errors.Is(err, dynamodb.TransactionCanceledException):
		problem.Type = "DynamoDB:TransactionCanceledException"
		reasons := cancellation(refusal)
		problem.Info = reasons
		return vtl.NewMap().Set("items", nil).Set("keys", nil).Set("cancellationReasons", reasons), problem
	case !errors.Is(err, dynamodb.ConditionalCheckFailedException):
		return nil, problem
	}
	current, hard := t.do(ctx, "GetItem", vtl.NewMap().Set("TableName", t.table()).Set("Key", t.attributes("key")).Set("ConsistentRead", true))
	if hard != nil {
		return nil, problem
	}
	raw, _ := current.Lookup("Item")
	item := mapping.FromAttributes(raw)
	condition := t.part("condition")
	if wanted, _ := in.Lookup("Item"); name == "PutItem" && t.same(raw, wanted, condition) || name == "DeleteItem" && item == nil {
		return item, nil
	}
	problem.Data = item
	return item, problem
}

// same reports whether an item is as it was to be, but for what a condition says
// makes no difference.
func (t *tableRequest) same(item, wanted any, condition *vtl.Map) bool {
	a, _ := mapping.FromAttributes(item).(*vtl.Map)
	b, _ := mapping.FromAttributes(wanted).(*vtl.Map)
	if a == nil || b == nil {
		return false
	}
	if ignored, ok := lookup(condition, "equalsIgnore").(*vtl.List); ok {
		for _, name := range ignored.Items {
			a.Delete(vtl.String(name))
			b.Delete(vtl.String(name))
		}
	}
	if a.Len() != b.Len() {
		return false
	}
	for _, k := range a.Keys() {
		v, _ := a.Lookup(k)
		w, has := b.Lookup(k)
		if !has || vtl.JSON(v) != vtl.JSON(w) {
			return false
		}
	}
	return true
}

func lookup(m *vtl.Map, name string) any {
	if m == nil {
		return nil
	}
	v, _ := m.Lookup(name)
	return v
}

func (t *tableRequest) table() string { return t.source.DynamodbConfig.TableName }

// part is a member of the request that is a map, or nil.
func (t *tableRequest) part(name string) *vtl.Map {
	m, _ := lookup(t.doc, name).(*vtl.Map)
	return m
}

// attributes are those of a member that is an item.
func (t *tableRequest) attributes(name string) *vtl.Map {
	m := t.part(name)
	if m == nil {
		t.wrong = "The " + name + " is missing from the request."
		return vtl.NewMap()
	}
	return wire(m)
}

// wire is an item as DynamoDB reads it: numbers are texts, and null is true.
func wire(m *vtl.Map) *vtl.Map {
	out := vtl.NewMap()
	for _, k := range m.Keys() {
		v, _ := m.Lookup(k)
		out.Set(k, wireValue(v))
	}
	return out
}

func wireValue(v any) any {
	m, ok := v.(*vtl.Map)
	if !ok || m.Len() != 1 {
		return v
	}
	kind := m.Keys()[0]
	inner, _ := m.Lookup(kind)
	switch kind {
	case "N", "S":
		if inner == nil {
			return vtl.NewMap().Set("NULL", true)
		}
		return vtl.NewMap().Set(kind, vtl.String(inner))
	case "NULL":
		return vtl.NewMap().Set("NULL", true)
	case "NS", "L":
		out := &vtl.List{Items: []any{}, JSON: true}
		if list, ok := inner.(*vtl.List); ok {
			for _, item := range list.Items {
				if kind == "NS" {
					out.Items = append(out.Items, vtl.String(item))
				} else {
					out.Items = append(out.Items, wireValue(item))
				}
			}
		}
		return vtl.NewMap().Set(kind, out)
	case "M":
		if members, ok := inner.(*vtl.Map); ok {
			return vtl.NewMap().Set("M", wire(members))
		}
	}
	return m
}

// express puts an expression of the request in an input.
func express(in, part *vtl.Map, member string) {
	if part == nil {
		return
	}
	if text, _ := lookup(part, "expression").(string); text != "" {
		in.Set(member, text)
	}
	if names, ok := lookup(part, "expressionNames").(*vtl.Map); ok {
		merge(in, "ExpressionAttributeNames", names)
	}
	if values, ok := lookup(part, "expressionValues").(*vtl.Map); ok {
		merge(in, "ExpressionAttributeValues", wire(values))
	}
}

// merge adds members to one of an input.
func merge(in *vtl.Map, member string, more *vtl.Map) {
	if more.Len() == 0 {
		return
	}
	m, _ := lookup(in, member).(*vtl.Map)
	in.Set(member, union(orEmpty(m), more))
}

// union adds members to m, which it returns.
func union(m, more *vtl.Map) *vtl.Map {
	for _, k := range more.Keys() {
		v, _ := more.Lookup(k)
		m.Set(k, v)
	}
	return m
}

// setIf puts a member of the request in an input, if it is there.
func (t *tableRequest) setIf(in *vtl.Map, member, name string) {
	if v := lookup(t.doc, name); v != nil {
		in.Set(member, v)
	}
}

func getInput(t *tableRequest, in *vtl.Map) {
	in.Set("TableName", t.table()).Set("Key", t.attributes("key"))
	t.setIf(in, "ConsistentRead", "consistentRead")
	express(in, t.part("projection"), "ProjectionExpression")
}

func putInput(t *tableRequest, in *vtl.Map) {
	in.Set("TableName", t.table()).Set("Item", union(wire(orEmpty(t.part("attributeValues"))), t.attributes("key")))
	express(in, t.part("condition"), "ConditionExpression")
}

func updateInput(t *tableRequest, in *vtl.Map) {
	in.Set("TableName", t.table()).Set("Key", t.attributes("key")).Set("ReturnValues", "ALL_NEW")
	express(in, t.part("update"), "UpdateExpression")
	express(in, t.part("condition"), "ConditionExpression")
}

func deleteInput(t *tableRequest, in *vtl.Map) {
	in.Set("TableName", t.table()).Set("Key", t.attributes("key")).Set("ReturnValues", "ALL_OLD")
	express(in, t.part("condition"), "ConditionExpression")
}

func queryInput(t *tableRequest, in *vtl.Map) {
	if t.part("query") == nil {
		t.wrong = "The query is missing from the request."
		return
	}
	express(in, t.part("query"), "KeyConditionExpression")
	t.setIf(in, "ScanIndexForward", "scanIndexForward")
	scanInput(t, in)
}

func scanInput(t *tableRequest, in *vtl.Map) {
	in.Set("TableName", t.table())
	express(in, t.part("filter"), "FilterExpression")
	express(in, t.part("projection"), "ProjectionExpression")
	t.setIf(in, "IndexName", "index")
	t.setIf(in, "ConsistentRead", "consistentRead")
	t.setIf(in, "Select", "select")
	t.setIf(in, "Limit", "limit")
	t.setIf(in, "Segment", "segment")
	t.setIf(in, "TotalSegments", "totalSegments")
	token, _ := lookup(t.doc, "nextToken").(string)
	if token == "" {
		return
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	key, err2 := vtl.ParseJSON(string(b))
	if _, ok := key.(*vtl.Map); err != nil || err2 != nil || !ok {
		t.wrong = "Invalid pagination token given."
		return
	}
	in.Set("ExclusiveStartKey", key)
}

// itemOutput takes an item from a member of an output.
func itemOutput(member string) func(*tableRequest, *vtl.Map) any {
	return func(_ *tableRequest, out *vtl.Map) any { return mapping.FromAttributes(lookup(out, member)) }
}

func putOutput(t *tableRequest, _ *vtl.Map) any {
	in := vtl.NewMap()
	putInput(t, in)
	return mapping.FromAttributes(lookup(in, "Item"))
}

func pageOutput(_ *tableRequest, out *vtl.Map) any {
	var token any
	if key, ok := lookup(out, "LastEvaluatedKey").(*vtl.Map); ok {
		token = base64.RawURLEncoding.EncodeToString([]byte(vtl.JSON(key)))
	}
	return vtl.NewMap().Set("items", plainItems(lookup(out, "Items"))).Set("nextToken", token).
		Set("scannedCount", lookup(out, "ScannedCount")).Set("startedAt", nil)
}

// plainItems are items without types.
func plainItems(v any) *vtl.List {
	out := &vtl.List{Items: []any{}, JSON: true}
	if list, ok := v.(*vtl.List); ok {
		for _, item := range list.Items {
			out.Items = append(out.Items, mapping.FromAttributes(item))
		}
	}
	return out
}
