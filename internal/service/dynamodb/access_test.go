package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// accesses returns what a user must be allowed to do for an operation.
func accesses(t *testing.T, s *Service, operation, body string) string {
	t.Helper()
	call := &aws.Call{Account: "000000000000", Region: "us-east-1", Principal: aws.Principal{Kind: aws.User, Account: "000000000000"}}
	var out []string
	for _, op := range s.Definition().Operations {
		if op.Name != operation {
			continue
		}
		in := op.NewInput()
		if err := protocol.DecodeJSON([]byte(body), in); err != nil {
			t.Fatal(err)
		}
		err := op.Access(call, in, func(a service.Access) error {
			out = append(out, fmt.Sprint(a.Action, " ", a.Resource.Resource, " ", map[string][]string(a.Keys)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(out, "\n")
}

func TestAccess(t *testing.T) {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := New(Config{}, db, nil)
	create := new(api.CreateTableInput)
	err = protocol.DecodeJSON([]byte(`{"TableName":"games","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"user","AttributeType":"S"},{"AttributeName":"score","AttributeType":"N"}],
		"KeySchema":[{"AttributeName":"user","KeyType":"HASH"}],
		"GlobalSecondaryIndexes":[{"IndexName":"byscore","KeySchema":[{"AttributeName":"score","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`), create)
	if err == nil {
		_, err = s.CreateTable(context.Background(), &aws.Call{Account: "000000000000", Region: "us-east-1"}, create)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := func(operation, body, want string) {
		t.Helper()
		if got := accesses(t, s, operation, body); got != want {
			t.Errorf("%s %s\n got %s\nwant %s", operation, body, got, want)
		}
	}
	f("PutItem", `{"TableName":"games","Item":{"user":{"S":"eve"},"n":{"N":"1"}},"ConditionExpression":"attribute_not_exists(#x.y)","ExpressionAttributeNames":{"#x":"z"}}`,
		"dynamodb:PutItem table/games map[dynamodb:Attributes:[n user z] dynamodb:LeadingKeys:[eve] dynamodb:ReturnValues:[NONE]]")
	f("GetItem", `{"TableName":"arn:aws:dynamodb:us-east-1:111111111111:table/games","Key":{"user":{"S":"eve"}},"ProjectionExpression":"n"}`,
		"dynamodb:GetItem table/games map[dynamodb:Attributes:[n user]]") // another account's, which has none of that name
	f("UpdateItem", `{"TableName":"games","Key":{"user":{"S":"eve"}},"UpdateExpression":"SET a = b + :n","ExpressionAttributeValues":{":n":{"N":"1"}},"ReturnValues":"ALL_NEW"}`,
		"dynamodb:UpdateItem table/games map[dynamodb:Attributes:[a b user] dynamodb:LeadingKeys:[eve] dynamodb:ReturnValues:[ALL_NEW]]")
	f("Query", `{"TableName":"games","KeyConditionExpression":"#u = :u","ExpressionAttributeNames":{"#u":"user"},"ExpressionAttributeValues":{":u":{"S":"eve"}},"Select":"COUNT"}`,
		"dynamodb:Query table/games map[dynamodb:Attributes:[user] dynamodb:LeadingKeys:[eve] dynamodb:Select:[COUNT]]")
	f("Query", `{"TableName":"games","IndexName":"byscore","KeyConditionExpression":"score = :s","ExpressionAttributeValues":{":s":{"N":"1.0"}}}`,
		"dynamodb:Query table/games/index/byscore map[dynamodb:Attributes:[score] dynamodb:LeadingKeys:[1]]")
	f("Scan", `{"TableName":"games","FilterExpression":"a = :s","ExpressionAttributeValues":{":s":{"N":"1.0"}}}`,
		"dynamodb:Scan table/games map[dynamodb:Attributes:[a]]")
	f("BatchWriteItem", `{"RequestItems":{"games":[{"PutRequest":{"Item":{"user":{"S":"eve"}}}},{"DeleteRequest":{"Key":{"user":{"S":"bob"}}}}],"other":[]}}`,
		"dynamodb:BatchWriteItem table/games map[dynamodb:Attributes:[user] dynamodb:LeadingKeys:[bob eve]]\ndynamodb:BatchWriteItem table/other map[]")
	f("TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"games","Key":{"user":{"S":"eve"}},"ConditionExpression":"a = b"}},{"Delete":{"TableName":"games","Key":{"user":{"S":"bob"}}}}]}`,
		"dynamodb:ConditionCheckItem table/games map[dynamodb:Attributes:[a b user] dynamodb:EnclosingOperation:[TransactWriteItems] dynamodb:LeadingKeys:[eve]]\n"+
			"dynamodb:DeleteItem table/games map[dynamodb:Attributes:[user] dynamodb:EnclosingOperation:[TransactWriteItems] dynamodb:LeadingKeys:[bob]]")
	f("ExecuteStatement", `{"Statement":"SELECT a FROM games.byscore WHERE score = 1 AND b > 2"}`,
		"dynamodb:PartiQLSelect table/games/index/byscore map[dynamodb:Attributes:[a b score] dynamodb:FullTableScan:[false] dynamodb:LeadingKeys:[1]]")
	f("ExecuteStatement", `{"Statement":"SELECT * FROM games WHERE a = 1"}`, "dynamodb:PartiQLSelect table/games map[dynamodb:Attributes:[a] dynamodb:FullTableScan:[true]]")
	f("BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO games VALUE {'user':'eve','n':1}"},{"Statement":"nonsense"},{"Statement":"DELETE FROM games WHERE \"user\" = ?","Parameters":[{"S":"bob"}]}]}`,
		"dynamodb:PartiQLInsert table/games map[dynamodb:Attributes:[n user] dynamodb:EnclosingOperation:[BatchExecuteStatement] dynamodb:LeadingKeys:[eve]]\n"+
			"dynamodb:PartiQLDelete table/games map[dynamodb:Attributes:[user] dynamodb:EnclosingOperation:[BatchExecuteStatement] dynamodb:LeadingKeys:[bob]]")

	if _, err := tableARN(&aws.Call{Region: "us-east-1"}, "arn:aws:dynamodb:eu-west-1:000000000000:table/games"); !errors.Is(err, aws.ValidationException) {
		t.Errorf("a table of another region: %v", err)
	}
}
