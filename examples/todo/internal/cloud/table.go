// Package cloud keeps tasks in a DynamoDB table.
package cloud

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/todo/internal/todo"
)

// A Table keeps tasks, one item each.
type Table struct {
	db   *dynamodb.Client
	name *string
}

// NewTable returns the table that the environment names. It is called once per
// worker, so that the connection outlives an invocation.
func NewTable() *Table {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err) // the function's own set-up is broken
	}
	return &Table{db: dynamodb.NewFromConfig(cfg), name: aws.String(os.Getenv("TABLE"))}
}

// All returns every task.
func (t *Table) All(ctx context.Context) ([]todo.Task, error) {
	tasks := []todo.Task{}
	pages := dynamodb.NewScanPaginator(t.db, &dynamodb.ScanInput{TableName: t.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		var some []todo.Task
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &some); err != nil {
			return nil, err
		}
		tasks = append(tasks, some...)
	}
	return tasks, nil
}

// Get returns the task of that id.
func (t *Table) Get(ctx context.Context, id string) (task todo.Task, err error) {
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: t.name, Key: key(id)})
	if err != nil {
		return task, err
	}
	if out.Item == nil {
		return task, todo.ErrNotFound
	}
	return task, attributevalue.UnmarshalMap(out.Item, &task)
}

// Put keeps a task.
func (t *Table) Put(ctx context.Context, task todo.Task) error {
	item, err := attributevalue.MarshalMap(task)
	if err != nil {
		return err
	}
	_, err = t.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: t.name, Item: item})
	return err
}

// SetTitle changes the title of a task.
func (t *Table) SetTitle(ctx context.Context, id, title string) (todo.Task, error) {
	return t.set(ctx, id, "title", &types.AttributeValueMemberS{Value: title})
}

// SetDone marks a task as done.
func (t *Table) SetDone(ctx context.Context, id string) (todo.Task, error) {
	return t.set(ctx, id, "done", &types.AttributeValueMemberBOOL{Value: true})
}

func (t *Table) set(ctx context.Context, id, name string, value types.AttributeValue) (task todo.Task, err error) {
	out, err := t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 t.name,
		Key:                       key(id),
		UpdateExpression:          aws.String("SET #name = :value"),
		ConditionExpression:       aws.String("attribute_exists(id)"),
		ExpressionAttributeNames:  map[string]string{"#name": name},
		ExpressionAttributeValues: map[string]types.AttributeValue{":value": value},
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		return task, absent(err)
	}
	return task, attributevalue.UnmarshalMap(out.Attributes, &task)
}

// Delete removes the task of that id.
func (t *Table) Delete(ctx context.Context, id string) error {
	_, err := t.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:           t.name,
		Key:                 key(id),
		ConditionExpression: aws.String("attribute_exists(id)"),
	})
	return absent(err)
}

func key(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
}

// absent says ErrNotFound for a condition that found no item.
func absent(err error) error {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return todo.ErrNotFound
	}
	return err
}
