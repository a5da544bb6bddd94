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
		if err := checkTableName(P(in).GetTableName()); err != nil {
			return err
		}
		return checkTable(call, op.Name, P(in).GetTableName(), check)
	}).Checks("TableName")
}

// onItems is the row of an operation on items of one table.
func onItems[In, Out any, P tableInput[In]](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return checkTable(call, op.Name, P(in).GetTableName(), check)
	})
}

// onResource is the row of an operation on a resource that is meant by its ARN.
func onResource[In, Out any, PtrIn interface {
	*In
	GetResourceArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	action := op.Service + ":" + op.Name
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := resourceTable(PtrIn(in).GetResourceArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: action, Resource: arn})
	}).Checks("ResourceArn")
}

// checkTable checks for leave to do action on the table of that name.
func checkTable(call *aws.Call, action, name string, check func(service.Access) error) error {
	arn, err := tableARN(call, name)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:" + action, Resource: arn})
}

func batchGetAccess(call *aws.Call, in *api.BatchGetItemInput, check func(service.Access) error) error {
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		if err := checkTable(call, "BatchGetItem", name, check); err != nil {
			return err
		}
	}
	return nil
}

func batchWriteAccess(call *aws.Call, in *api.BatchWriteItemInput, check func(service.Access) error) error {
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		if err := checkTable(call, "BatchWriteItem", name, check); err != nil {
			return err
		}
	}
	return nil
}

func transactGetAccess(call *aws.Call, in *api.TransactGetItemsInput, check func(service.Access) error) error {
	for _, a := range in.TransactItems {
		if err := checkTable(call, "GetItem", a.Get.TableName, check); err != nil {
			return err
		}
	}
	return nil
}

func transactWriteAccess(call *aws.Call, in *api.TransactWriteItemsInput, check func(service.Access) error) error {
	for _, a := range in.TransactItems {
		var err error
		switch {
		case a.Put != nil:
			err = checkTable(call, "PutItem", a.Put.TableName, check)
		case a.Update != nil:
			err = checkTable(call, "UpdateItem", a.Update.TableName, check)
		case a.Delete != nil:
			err = checkTable(call, "DeleteItem", a.Delete.TableName, check)
		case a.ConditionCheck != nil:
			err = checkTable(call, "ConditionCheckItem", a.ConditionCheck.TableName, check)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
