package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// A step is a request, and under which name its answer was recorded; "" is not
// at all. {STREAM} in its input is the stream of the table that was made last,
// and so on.
type step struct{ name, operation, input string }

const (
	simple   = `"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]`
	capacity = `"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5}`
	images   = `"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}`
	records  = "dynamodbstreams GetRecords"
	users    = `"AttributeDefinitions":[{"AttributeName":"Username","AttributeType":"S"}],"KeySchema":[{"AttributeName":"Username","KeyType":"HASH"}]`
	owners   = `"AttributeDefinitions":[{"AttributeName":"TID","AttributeType":"S"},{"AttributeName":"TRID","AttributeType":"S"}],"KeySchema":[{"AttributeName":"TID","KeyType":"HASH"}]`
)

// recorded is what can be told of the recorded cases by their names and
// answers.
var recorded = map[string][]step{
	"test_table_crud": {
		{"create-table", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"describe-table", "DescribeTable", `{"TableName":"ttt"}`},
		{"delete-table", "DeleteTable", `{"TableName":"ttt"}`},
		{"delete-non-existent-table", "DeleteTable", `{"TableName":"non-existent"}`},
	},
	"test_table_warm_throughput": {
		{"create-table", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `,"WarmThroughput":{"ReadUnitsPerSecond":1000,"WriteUnitsPerSecond":1200}}`},
		{"describe-table", "DescribeTable", `{"TableName":"ttt"}`},
	},
	"test_gsi_with_billing_mode[PAY_PER_REQUEST]": {
		{"create-table-with-gsi", "CreateTable", `{"TableName":"ttt","BillingMode":"PAY_PER_REQUEST",` + owners + `,"GlobalSecondaryIndexes":[{"IndexName":"TransactionRecordID","KeySchema":[{"AttributeName":"TRID","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`},
		{"describe-table", "DescribeTable", `{"TableName":"ttt"}`},
	},
	"test_batch_write_items_streaming": {
		{"create-table", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `,` + images + `}`},
		{"describe-stream", "dynamodbstreams DescribeStream", `{"StreamArn":"{STREAM}"}`},
		{"put-item-1", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"Fred"}}}`},
		{"", "BatchWriteItem", `{"RequestItems":{"ttt":[{"PutRequest":{"Item":{"id":{"S":"NewKey"}}}}]}}`},
		{"batch-write-response-delete", "BatchWriteItem", `{"RequestItems":{"ttt":[{"DeleteRequest":{"Key":{"id":{"S":"NewKey"}}}}]}}`},
		{"batch-write-response-overwrite-item-1", "BatchWriteItem", `{"RequestItems":{"ttt":[{"PutRequest":{"Item":{"id":{"S":"Fred"},"name":{"S":"Fred"}}}}]}}`},
		{"get-records", records, ""},
	},
	"test_transact_write_items_streaming": {
		{"create-table", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `,` + images + `}`},
		{"describe-stream", "dynamodbstreams DescribeStream", `{"StreamArn":"{STREAM}"}`},
		{"put-item-1", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"Fred"}}}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"NewKey"}}}`},
		{"transact-write-response-update", "TransactWriteItems", `{"TransactItems":[{"Update":{"TableName":"ttt","Key":{"id":{"S":"NewKey"}},"UpdateExpression":"SET attr1 = :a, attr2 = :b","ExpressionAttributeValues":{":a":{"S":"value1"},":b":{"S":"value2"}}}}]}`},
		{"transact-write-update-insert", "TransactWriteItems", `{"TransactItems":[{"Update":{"TableName":"ttt","Key":{"id":{"S":"NonExistentKey"}},"UpdateExpression":"SET attr1 = :a","ExpressionAttributeValues":{":a":{"S":"value1"}}}}]}`},
		{"transact-write-response-delete", "TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"ttt","Key":{"id":{"S":"NewKey"}}}}]}`},
		{"transact-write-response-overwrite", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"ttt","Item":{"id":{"S":"Fred"},"name":{"S":"Fred"}}}}]}`},
		{"get-records", records, ""},
	},
	"test_dynamodb_stream_stream_view_type": {
		{"create-table", "CreateTable", `{"TableName":"ttt","AttributeDefinitions":[{"AttributeName":"Username","AttributeType":"S"}],"KeySchema":[{"AttributeName":"Username","KeyType":"HASH"}],` + capacity + `,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`},
		{"describe-stream", "dynamodbstreams DescribeStream", `{"StreamArn":"{STREAM}"}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"Username":{"S":"Fred"}}}`},
		{"", "UpdateItem", `{"TableName":"ttt","Key":{"Username":{"S":"Fred"}},"UpdateExpression":"SET a = :a","ExpressionAttributeValues":{":a":{"S":"x"}}}`},
		{"", "DeleteItem", `{"TableName":"ttt","Key":{"Username":{"S":"Fred"}}}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"Username":{"S":"Alice"}}}`},
		{"", "UpdateItem", `{"TableName":"ttt","Key":{"Username":{"S":"Alice"}},"UpdateExpression":"SET a = :a","ExpressionAttributeValues":{":a":{"S":"x"}}}`},
		{"", "DeleteItem", `{"TableName":"ttt","Key":{"Username":{"S":"Alice"}}}`},
		{"get-records", records, ""},
	},
	"test_batch_write_not_existing_table": {
		{"exc-not-found-transact-write-items", "BatchWriteItem", `{"RequestItems":{"non-existent-table":[{"PutRequest":{"Item":{"id":{"S":"x"}}}}]}}`},
	},
	"test_batch_write_not_matching_schema": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"ValidationException", "BatchWriteItem", `{"RequestItems":{"ttt":[{"PutRequest":{"Item":{"nonKey":{"S":"x"}}}}]}}`},
	},
	"test_dynamodb_pay_per_request": {
		{"Error", "CreateTable", `{"TableName":"ttt","BillingMode":"PAY_PER_REQUEST",` + simple + `,` + capacity + `}`},
	},
	"test_continuous_backup_update": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"update-continuous-backup", "UpdateContinuousBackups", `{"TableName":"ttt","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`},
		{"describe-continuous-backup", "DescribeContinuousBackups", `{"TableName":"ttt"}`},
	},
	"test_dynamodb_describe_contributor_insights": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"describe-contributor-insights-disabled", "DescribeContributorInsights", `{"TableName":"ttt"}`},
	},
	"test_return_values_in_put_item": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"PutFirstItem", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id1"},"data":{"S":"foobar"}},"ReturnValues":"ALL_OLD"}`},
		{"PutFirstItemOLD", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id1"},"data":{"S":"foobar"}},"ReturnValues":"ALL_OLD"}`},
		{"PutFirstItemB", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id1"},"data":{"S":"foobar"}},"ReturnValues":"ALL_OLD"}`},
		{"PutSecondItem", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id2"}},"ReturnValues":"ALL_OLD"}`},
		{"PutSecondItemReturnNone", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id2"}},"ReturnValues":"NONE"}`},
	},
	"test_return_values_on_conditions_check_failure": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"456"},"price":{"N":"650"},"product":{"S":"sporting goods"}}}`},
		{"items", "DeleteItem", `{"TableName":"ttt","Key":{"id":{"S":"456"}},"ConditionExpression":"price < :p","ExpressionAttributeValues":{":p":{"N":"1"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`},
	},
	"test_transact_get_items": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"John"}}}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"Sarah"}}}`},
		{"TransactGetItems", "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"ttt","Key":{"id":{"S":"John"}}}}]}`},
		{"TransactGetItems-with-TableArn", "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/ttt","Key":{"id":{"S":"Sarah"}}}}]}`},
	},
	"test_valid_local_secondary_index": {
		{"", "CreateTable", `{"TableName":"ttt",` + capacity + `,"AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"},{"AttributeName":"LSI1SK","AttributeType":"N"}],"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}],"LocalSecondaryIndexes":[{"IndexName":"LSI1","KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"LSI1SK","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"PK":{"S":"test one"},"SK":{"S":"hello"},"LSI1SK":{"N":"123"}}}`},
		{"Items", "Query", `{"TableName":"ttt","IndexName":"LSI1","KeyConditionExpression":"PK = :v","ExpressionAttributeValues":{":v":{"S":"test one"}},"Select":"ALL_ATTRIBUTES"}`},
	},
	"test_dynamodb_get_batch_items": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"Response", "BatchGetItem", `{"RequestItems":{"ttt":{"Keys":[{"id":{"S":"x"}}]}}}`},
	},
	"test_gsi_with_billing_mode[PROVISIONED]": {
		{"create-table-with-gsi", "CreateTable", `{"TableName":"ttt",` + capacity + `,` + owners + `,"GlobalSecondaryIndexes":[{"IndexName":"TransactionRecordID","KeySchema":[{"AttributeName":"TRID","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]}`},
		{"describe-table", "DescribeTable", `{"TableName":"ttt"}`},
	},
	"test_batch_write_binary": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"Response", "BatchWriteItem", `{"RequestItems":{"ttt":[{"PutRequest":{"Item":{"id":{"S":"x"},"data":{"B":"kA=="}}}}]}}`},
	},
	"test_empty_and_binary_values": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"PutFirstItem", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id1"},"data":{"S":""}}}`},
		{"PutSecondItem", "PutItem", `{"TableName":"ttt","Item":{"id":{"S":"id2"},"data":{"B":"kA=="}}}`},
	},
	"test_dynamodb_batch_execute_statement": {
		{"", "CreateTable", `{"TableName":"ttt",` + users + `,` + capacity + `}`},
		{"", "PutItem", `{"TableName":"ttt","Item":{"Username":{"S":"user02"}}}`},
		{"ExecutedStatement", "BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO \"ttt\" VALUE {'Username': 'user01'}"},{"Statement":"UPDATE \"ttt\" SET Age=20 WHERE Username='user02'"}]}`},
	},
	"test_dynamodb_execute_transaction": {
		{"", "CreateTable", `{"TableName":"ttt",` + users + `,` + capacity + `}`},
		{"ExecutedTransaction", "ExecuteTransaction", `{"TransactStatements":[{"Statement":"INSERT INTO \"ttt\" VALUE {'Username': 'user01'}"},{"Statement":"INSERT INTO \"ttt\" VALUE {'Username': 'user02'}"}]}`},
	},
	"test_transaction_write_items": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"Response", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"ttt","Item":{"id":{"S":"test1"}}}}]}`},
		{"Response_using_table_arn", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/ttt","Item":{"id":{"S":"test2"}}}}]}`},
	},
	"test_transaction_write_binary_data": {
		{"", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `}`},
		{"WriteResponse", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"ttt","Item":{"id":{"S":"someUser"},"binaryData":{"B":"Zm9vYmFy"}}}}]}`},
	},
	"test_transact_write_items_streaming_for_different_tables": {
		{"create-table-no-stream", "CreateTable", `{"TableName":"two",` + simple + `,` + capacity + `}`},
		{"create-table-stream", "CreateTable", `{"TableName":"ttt",` + simple + `,` + capacity + `,` + images + `}`},
		{"describe-stream", "dynamodbstreams DescribeStream", `{"StreamArn":"{STREAM}"}`},
		{"transact-write-two-tables", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"two","Item":{"id":{"S":"NewKey"}}}},{"Put":{"TableName":"ttt","Item":{"id":{"S":"Fred"}}}}]}`},
		{"get-records", records, ""},
	},
}

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("needs ALOFT_VECTORS, the folder of recorded answers")
	}
	b, err := os.ReadFile(filepath.Join(dir, "recorded", "dynamodb.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for name, steps := range recorded {
		answers := all["dynamodb/test_dynamodb.py::TestDynamoDB::"+name]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replay(t, steps, answers) })
		})
	}
}

func replay(t *testing.T, steps []step, answers map[string]any) {
	p := platformtest.Start(t)
	stream := ""
	for _, s := range steps {
		var code int
		var got map[string]any
		if s.operation == records {
			got = readStream(t, p, stream)
		} else {
			code, got = request(t, p, s.operation, strings.ReplaceAll(s.input, "{STREAM}", stream))
		}
		if d, ok := got["TableDescription"].(map[string]any); ok && d["LatestStreamArn"] != nil {
			stream = d["LatestStreamArn"].(string)
		}
		if s.name == "" {
			if code != 200 {
				t.Fatalf("%s: %d %v", s.operation, code, got)
			}
			continue
		}
		want, ok := answers[s.name]
		if !ok {
			t.Fatalf("%s was not recorded", s.name)
		}
		if diff := differ(s.name, want, asRecorded(s.operation, want, code, got)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Second)
	}
}

// asRecorded is an answer in the form in which want was recorded.
func asRecorded(operation string, want any, code int, got map[string]any) any {
	refusal, _ := got["__type"].(string)
	if refusal == "" {
		return got
	}
	refusal = refusal[strings.LastIndexByte(refusal, '#')+1:]
	if _, ok := want.(string); ok {
		return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %s", refusal, operation, got["message"])
	}
	out := map[string]any{"Error": map[string]any{"Code": refusal, "Message": got["message"]}}
	for k, v := range got {
		if k != "__type" {
			out[k] = v
		}
	}
	if m, ok := want.(map[string]any); ok && m["message"] == nil {
		delete(out, "message")
	}
	return out
}

// differ says how got differs from want, as far as that is not masked.
func differ(at string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", at, got)
		}
		for k, v := range g {
			if _, has := w[k]; !has && !strings.HasPrefix(k, "ttt") {
				return fmt.Sprintf("%s.%s is %v, and was not recorded", at, k, v)
			}
		}
		for k, v := range w {
			if k == "ResponseMetadata" {
				continue
			}
			if k == "<test-table>" {
				k = "ttt"
			}
			if diff := differ(at+"."+k, v, g[k]); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s is %v, want %v", at, got, want)
		}
		for i := range w {
			if diff := differ(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if got != nil && (strings.Contains(w, "<") || w == "datetime" || w == "starting-sequence-number") {
			return ""
		}
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %v", at, got, want)
}

func request(t *testing.T, p *platform.Platform, operation, body string) (int, map[string]any) {
	t.Helper()
	target := "DynamoDB_20120810."
	if name, ok := strings.CutPrefix(operation, "dynamodbstreams "); ok {
		operation, target = name, "DynamoDBStreams_20120810."
	}
	r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {target + operation},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"},
	}
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Body)
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %s", operation, text)
	}
	return w.Code, out
}

// readStream returns all records of a stream.
func readStream(t *testing.T, p *platform.Platform, stream string) map[string]any {
	_, d := request(t, p, "dynamodbstreams DescribeStream", `{"StreamArn":"`+stream+`"}`)
	shard := d["StreamDescription"].(map[string]any)["Shards"].([]any)[0].(map[string]any)["ShardId"]
	_, it := request(t, p, "dynamodbstreams GetShardIterator", fmt.Sprintf(`{"StreamArn":%q,"ShardId":%q,"ShardIteratorType":"TRIM_HORIZON"}`, stream, shard))
	_, out := request(t, p, "dynamodbstreams GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it["ShardIterator"]))
	delete(out, "NextShardIterator")
	return out
}
