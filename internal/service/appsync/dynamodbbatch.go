package appsync

import (
	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// eachTable calls f for the tables that a batch is about.
func (t *tableRequest) eachTable(f func(name string, v any)) {
	tables := t.part("tables")
	if tables == nil || tables.Len() == 0 {
		t.wrong = "The tables are missing from the request."
		return
	}
	for _, name := range tables.Keys() {
		v, _ := tables.Lookup(name)
		f(name, v)
	}
}

// itemsOf are those of a list, as DynamoDB reads them.
func itemsOf(v any) *vtl.List {
	out := &vtl.List{Items: []any{}, JSON: true}
	if list, ok := v.(*vtl.List); ok {
		for _, item := range list.Items {
			if m, ok := item.(*vtl.Map); ok {
				out.Items = append(out.Items, wire(m))
			}
		}
	}
	return out
}

func batchGetInput(t *tableRequest, in *vtl.Map) {
	all := vtl.NewMap()
	t.eachTable(func(name string, v any) {
		m, _ := v.(*vtl.Map)
		one := vtl.NewMap().Set("Keys", itemsOf(lookup(m, "keys")))
		if consistent := lookup(m, "consistentRead"); consistent != nil {
			one.Set("ConsistentRead", consistent)
		}
		projection, _ := lookup(m, "projection").(*vtl.Map)
		express(one, projection, "ProjectionExpression")
		all.Set(name, one)
	})
	in.Set("RequestItems", all)
}

// batchGetOutput has the items of each table in the order of their keys; one that
// is not there is null.
func batchGetOutput(t *tableRequest, out *vtl.Map) any {
	data, left := vtl.NewMap(), vtl.NewMap()
	found, _ := lookup(out, "Responses").(*vtl.Map)
	unprocessed, _ := lookup(out, "UnprocessedKeys").(*vtl.Map)
	t.eachTable(func(name string, v any) {
		m, _ := v.(*vtl.Map)
		items := plainItems(lookup(found, name))
		list := &vtl.List{Items: []any{}, JSON: true}
		for _, key := range itemsOf(lookup(m, "keys")).Items {
			list.Items = append(list.Items, itemOfKey(items, mapping.FromAttributes(key).(*vtl.Map)))
		}
		data.Set(name, list)
		rest, _ := lookup(unprocessed, name).(*vtl.Map)
		left.Set(name, plainItems(lookup(rest, "Keys")))
	})
	return vtl.NewMap().Set("data", data).Set("unprocessedKeys", left)
}

// itemOfKey finds the item that has a key, or nil.
func itemOfKey(items *vtl.List, key *vtl.Map) any {
	for _, item := range items.Items {
		m, ok := item.(*vtl.Map)
		if !ok {
			continue
		}
		same := true
		for _, k := range key.Keys() {
			want, _ := key.Lookup(k)
			got, has := m.Lookup(k)
			same = same && has && vtl.JSON(got) == vtl.JSON(want)
		}
		if same {
			return m
		}
	}
	return nil
}

// batchWriteInput makes requests of the items of each table.
func batchWriteInput(t *tableRequest, in *vtl.Map, request func(item any) *vtl.Map) {
	all := vtl.NewMap()
	t.eachTable(func(name string, v any) {
		list := &vtl.List{Items: []any{}, JSON: true}
		for _, item := range itemsOf(v).Items {
			list.Items = append(list.Items, request(item))
		}
		all.Set(name, list)
	})
	in.Set("RequestItems", all)
}

func batchPutInput(t *tableRequest, in *vtl.Map) {
	batchWriteInput(t, in, func(item any) *vtl.Map { return vtl.NewMap().Set("PutRequest", vtl.NewMap().Set("Item", item)) })
}

func batchDeleteInput(t *tableRequest, in *vtl.Map) {
	batchWriteInput(t, in, func(key any) *vtl.Map { return vtl.NewMap().Set("DeleteRequest", vtl.NewMap().Set("Key", key)) })
}

// batchWriteOutput has what was written: what was not is null there.
func batchWriteOutput(t *tableRequest, out *vtl.Map) any {
	data, left := vtl.NewMap(), vtl.NewMap()
	unprocessed, _ := lookup(out, "UnprocessedItems").(*vtl.Map)
	member, inner, rest := "PutRequest", "Item", "unprocessedItems"
	if textOf(t.doc, "operation") == "BatchDeleteItem" {
		member, inner, rest = "DeleteRequest", "Key", "unprocessedKeys"
	}
	t.eachTable(func(name string, v any) {
		missed := &vtl.List{Items: []any{}, JSON: true}
		if list, ok := lookup(unprocessed, name).(*vtl.List); ok {
			for _, request := range list.Items {
				one, _ := request.(*vtl.Map)
				of, _ := lookup(one, member).(*vtl.Map)
				missed.Items = append(missed.Items, mapping.FromAttributes(lookup(of, inner)))
			}
		}
		list := plainItems(itemsOf(v))
		for i, item := range list.Items {
			if itemOfKey(missed, item.(*vtl.Map)) != nil {
				list.Items[i] = nil
			}
		}
		data.Set(name, list)
		left.Set(name, missed)
	})
	return vtl.NewMap().Set("data", data).Set(rest, left)
}

// transactItems are the items of a transaction's request.
func (t *tableRequest) transactItems() []*vtl.Map {
	list, ok := lookup(t.doc, "transactItems").(*vtl.List)
	if !ok || len(list.Items) == 0 {
		t.wrong = "The transactItems are missing from the request."
		return nil
	}
	var all []*vtl.Map
	for _, item := range list.Items {
		if m, ok := item.(*vtl.Map); ok {
			all = append(all, m)
		}
	}
	return all
}

func transactGetInput(t *tableRequest, in *vtl.Map) {
	list := &vtl.List{Items: []any{}, JSON: true}
	for _, item := range t.transactItems() {
		key, _ := lookup(item, "key").(*vtl.Map)
		get := vtl.NewMap().Set("TableName", lookup(item, "table")).Set("Key", wire(orEmpty(key)))
		projection, _ := lookup(item, "projection").(*vtl.Map)
		express(get, projection, "ProjectionExpression")
		list.Items = append(list.Items, vtl.NewMap().Set("Get", get))
	}
	in.Set("TransactItems", list)
}

func transactGetOutput(_ *tableRequest, out *vtl.Map) any {
	items := &vtl.List{Items: []any{}, JSON: true}
	if list, ok := lookup(out, "Responses").(*vtl.List); ok {
		for _, one := range list.Items {
			m, _ := one.(*vtl.Map)
			items.Items = append(items.Items, mapping.FromAttributes(lookup(m, "Item")))
		}
	}
	return vtl.NewMap().Set("items", items).Set("cancellationReasons", nil)
}

func transactWriteInput(t *tableRequest, in *vtl.Map) {
	list := &vtl.List{Items: []any{}, JSON: true}
	for _, item := range t.transactItems() {
		key, _ := lookup(item, "key").(*vtl.Map)
		one := &tableRequest{resolution: t.resolution, source: t.source, doc: item}
		write := vtl.NewMap().Set("TableName", lookup(item, "table"))
		member := ""
		switch op := textOf(item, "operation"); op {
		case "PutItem":
			member = "Put"
			write.Set("Item", union(wire(orEmpty(one.part("attributeValues"))), wire(orEmpty(key))))
		case "UpdateItem":
			member = "Update"
			write.Set("Key", wire(orEmpty(key)))
			express(write, one.part("update"), "UpdateExpression")
		case "DeleteItem", "ConditionCheck":
			if member = "Delete"; op == "ConditionCheck" {
				member = op
			}
			write.Set("Key", wire(orEmpty(key)))
		default:
			t.wrong = "Unsupported operation '" + op + "' in a transaction."
		}
		condition := one.part("condition")
		express(write, condition, "ConditionExpression")
		if returns := lookup(condition, "returnValuesOnConditionCheckFailure"); condition != nil && returns != false {
			write.Set("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
		}
		list.Items = append(list.Items, vtl.NewMap().Set(member, write))
	}
	in.Set("TransactItems", list)
}

func transactWriteOutput(t *tableRequest, _ *vtl.Map) any {
	keys := &vtl.List{Items: []any{}, JSON: true}
	for _, item := range t.transactItems() {
		key, _ := lookup(item, "key").(*vtl.Map)
		keys.Items = append(keys.Items, mapping.FromAttributes(wire(orEmpty(key))))
	}
	return vtl.NewMap().Set("keys", keys).Set("cancellationReasons", nil)
}

// cancellation says why a transaction was cancelled, item by item.
func cancellation(refusal *aws.Error) any {
	out := &vtl.List{Items: []any{}, JSON: true}
	detail, ok := refusal.Detail.(*dynamodb.TransactionCanceledExceptionDetail)
	if !ok {
		return out
	}
	for _, reason := range detail.CancellationReasons {
		one := vtl.NewMap().Set("item", nil).Set("type", aws.Or(reason.Code, "None")).Set("message", aws.Or(reason.Message, "None"))
		out.Items = append(out.Items, one)
	}
	return out
}
