package dynamodb

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A tableInput is the input of an operation on one table.
type tableInput[In any] interface {
	*In
	GetTableName() string
}

// onTable is the row of an operation on one table as a whole.
func onTable[In, Out any, P tableInput[In]](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return checkTable(call, op.Name, P(in).GetTableName(), check)
	}).Checks("TableName")
}

// checkTable checks for leave to do action with the table of that name.
func checkTable(call *aws.Call, action, name string, check func(service.Access) error) error {
	if err := checkTableName(name); err != nil {
		return err
	}
	arn, err := tableARN(call, name)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:" + action, Resource: arn})
}

func createAccess(call *aws.Call, in *api.CreateTableInput, check func(service.Access) error) error {
	if err := checkTableName(in.TableName); err != nil {
		return err
	}
	if err := checkMembers(in); err != nil {
		return err
	}
	return checkTable(call, "CreateTable", in.TableName, check)
}

// destinationAccess checks for leave to do action with a table. The input is
// that of two operations, so it has no method that names the table.
func destinationAccess(action string) func(*aws.Call, *api.KinesisStreamingDestinationInput, func(service.Access) error) error {
	return func(call *aws.Call, in *api.KinesisStreamingDestinationInput, check func(service.Access) error) error {
		return checkTable(call, action, in.TableName, check)
	}
}

// onItems is the row of an operation on items of one table. about adds what
// policies may ask of the request.
func onItems[In, Out any, P tableInput[In]](
	s *Service,
	op smithy.Operation[In, Out],
	handle func(context.Context, *aws.Call, *In) (*Out, error),
	about func(*facts, *In),
) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return s.checkItems(call, op.Name, P(in).GetTableName(), check, func(f *facts) { about(f, in) })
	})
}

// checkItems checks for leave to do action on items of the table of that name.
// A root needs none but of others' tables, so what policies may ask is not
// looked up for one.
func (s *Service) checkItems(call *aws.Call, action, name string, check func(service.Access) error, about func(*facts)) error {
	arn, err := tableARN(call, name)
	if err != nil {
		return err
	}
	a := service.Access{Action: "dynamodb:" + action, Resource: arn}
	f := &facts{service: s, table: arn}
	if call.Principal.Kind == aws.Root && arn.Account == call.Account {
		f.onlyIndex = true
	}
	about(f)
	if f.index != "" {
		a.Resource.Resource += "/index/" + f.index
	}
	if !f.onlyIndex {
		a.Keys = f.keys()
	}
	if err := check(a); err != nil || f.onlyIndex {
		return err
	}
	return s.checkUse(call, f, check)
}

// arnNamed is the input of an operation on what an ARN names.
type arnNamed[In any] interface {
	*In
	GetResourceArn() string
}

// onResource is the row of an operation on a table that is meant by its ARN.
func onResource[In, Out any, P arnNamed[In]](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return onNamed[In, Out, P](op, handle, resourceTable).Checks("ResourceArn")
}

// onPoliced is the row of an operation on what has a policy of its own.
func onPoliced[In, Out any, P arnNamed[In]](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return onNamed[In, Out, P](op, handle, policed)
}

func onNamed[In, Out any, P arnNamed[In]](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), parse func(string) (aws.ARN, error)) service.Operation {
	action := op.Service + ":" + op.Name
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := parse(P(in).GetResourceArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: action, Resource: arn})
	}).Checks("ResourceArn")
}

func aboutPut(f *facts, in *api.PutItemInput) {
	f.write(in.ReturnValues, in.ReturnConsumedCapacity)
	f.put(in.Item)
	f.condition(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression, nil, in.Expected)
}

func aboutDelete(f *facts, in *api.DeleteItemInput) {
	f.write(in.ReturnValues, in.ReturnConsumedCapacity)
	f.put(in.Key)
	f.condition(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression, nil, in.Expected)
}

func aboutUpdate(f *facts, in *api.UpdateItemInput) {
	f.write(in.ReturnValues, in.ReturnConsumedCapacity)
	f.put(in.Key)
	f.names(slices.Collect(maps.Keys(in.AttributeUpdates)))
	f.condition(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression, in.UpdateExpression, in.Expected)
}

func aboutGet(f *facts, in *api.GetItemInput) {
	f.set("dynamodb:ReturnConsumedCapacity", in.ReturnConsumedCapacity)
	f.put(in.Key)
	f.projection(in.ExpressionAttributeNames, in.ProjectionExpression, in.AttributesToGet)
}

func aboutQuery(f *facts, in *api.QueryInput) {
	f.index = aws.Value(in.IndexName)
	f.set("dynamodb:Select", in.Select)
	f.set("dynamodb:ReturnConsumedCapacity", in.ReturnConsumedCapacity)
	f.query(in)
	f.filter(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.FilterExpression, in.QueryFilter)
	f.projection(in.ExpressionAttributeNames, in.ProjectionExpression, in.AttributesToGet)
}

func aboutScan(f *facts, in *api.ScanInput) {
	f.index = aws.Value(in.IndexName)
	f.set("dynamodb:Select", in.Select)
	f.set("dynamodb:ReturnConsumedCapacity", in.ReturnConsumedCapacity)
	f.filter(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.FilterExpression, in.ScanFilter)
	f.projection(in.ExpressionAttributeNames, in.ProjectionExpression, in.AttributesToGet)
}

func (s *Service) batchGetAccess(call *aws.Call, in *api.BatchGetItemInput, check func(service.Access) error) error {
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		err := s.checkItems(call, "BatchGetItem", name, check, func(f *facts) {
			k := in.RequestItems[name]
			f.set("dynamodb:ReturnConsumedCapacity", in.ReturnConsumedCapacity)
			for _, key := range k.Keys {
				f.put(key)
			}
			f.projection(k.ExpressionAttributeNames, k.ProjectionExpression, k.AttributesToGet)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) batchWriteAccess(call *aws.Call, in *api.BatchWriteItemInput, check func(service.Access) error) error {
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		err := s.checkItems(call, "BatchWriteItem", name, check, func(f *facts) {
			f.set("dynamodb:ReturnConsumedCapacity", in.ReturnConsumedCapacity)
			for _, r := range in.RequestItems[name] {
				if r.PutRequest != nil {
					f.put(r.PutRequest.Item)
				}
				if r.DeleteRequest != nil {
					f.put(r.DeleteRequest.Key)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) transactGetAccess(call *aws.Call, in *api.TransactGetItemsInput, check func(service.Access) error) error {
	for _, a := range in.TransactItems {
		err := s.checkItems(call, "GetItem", a.Get.TableName, check, func(f *facts) {
			f.set("dynamodb:EnclosingOperation", new("TransactGetItems"))
			f.put(a.Get.Key)
			f.projection(a.Get.ExpressionAttributeNames, a.Get.ProjectionExpression, nil)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) transactWriteAccess(call *aws.Call, in *api.TransactWriteItemsInput, check func(service.Access) error) error {
	for _, a := range in.TransactItems {
		var action, table string
		var about func(*facts)
		switch {
		case a.Put != nil:
			action, table = "PutItem", a.Put.TableName
			about = func(f *facts) {
				f.put(a.Put.Item)
				f.condition(a.Put.ExpressionAttributeNames, a.Put.ExpressionAttributeValues, a.Put.ConditionExpression, nil, nil)
			}
		case a.Update != nil:
			action, table = "UpdateItem", a.Update.TableName
			about = func(f *facts) {
				f.put(a.Update.Key)
				f.condition(a.Update.ExpressionAttributeNames, a.Update.ExpressionAttributeValues, a.Update.ConditionExpression, &a.Update.UpdateExpression, nil)
			}
		case a.Delete != nil:
			action, table = "DeleteItem", a.Delete.TableName
			about = func(f *facts) {
				f.put(a.Delete.Key)
				f.condition(a.Delete.ExpressionAttributeNames, a.Delete.ExpressionAttributeValues, a.Delete.ConditionExpression, nil, nil)
			}
		case a.ConditionCheck != nil:
			c := a.ConditionCheck
			action, table = "ConditionCheckItem", c.TableName
			about = func(f *facts) {
				f.put(c.Key)
				f.condition(c.ExpressionAttributeNames, c.ExpressionAttributeValues, &c.ConditionExpression, nil, nil)
			}
		default:
			continue // the handler refuses it
		}
		err := s.checkItems(call, action, table, check, func(f *facts) {
			f.set("dynamodb:EnclosingOperation", new("TransactWriteItems"))
			about(f)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
