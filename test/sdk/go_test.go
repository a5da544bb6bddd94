package sdk_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	fntypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func config(a *aloft) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &a.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// want fails the test unless err is a refusal of that code.
func want(t *testing.T, code string, err error) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestGo does a round with aws-sdk-go-v2.
func TestGo(t *testing.T) {
	a := start(t, t.TempDir())
	cfg := config(a)
	t.Run("sts", func(t *testing.T) {
		who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
		check(t, err)
		if *who.Account != "000000000000" {
			t.Errorf("account %s", *who.Account)
		}
	})
	t.Run("dynamodb", func(t *testing.T) { goDynamoDB(t, dynamodb.NewFromConfig(cfg)) })
	t.Run("s3", func(t *testing.T) {
		goS3(t, s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }))
	})
	t.Run("lambda", func(t *testing.T) { goLambda(t, a, cfg) })
	t.Run("logs", func(t *testing.T) {
		client := cloudwatchlogs.NewFromConfig(cfg)
		_, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: new("go")})
		check(t, err)
		_, err = client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: new("go")})
		want(t, "ResourceAlreadyExistsException", err)
	})
	t.Run("cloudformation", func(t *testing.T) {
		client := cloudformation.NewFromConfig(cfg)
		name := new("go")
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: name, TemplateBody: new(`{"Resources":{"G":{"Type":"AWS::Logs::LogGroup"}}}`)})
		check(t, err)
		waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
		check(t, waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, 20*time.Second))
		_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: new("bad"), TemplateBody: new(`{"Resources":{"X":{"Type":"AWS::No::Such"}}}`)})
		want(t, "ValidationError", err)
	})
}

func goDynamoDB(t *testing.T, client *dynamodb.Client) {
	ctx := t.Context()
	table := new("go-table")
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: table, BillingMode: dbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: new("id"), AttributeType: "S"}},
		KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: new("id"), KeyType: "HASH"}},
	})
	check(t, err)
	check(t, dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: table}, 10*time.Second))
	item := map[string]dbtypes.AttributeValue{
		"id": &dbtypes.AttributeValueMemberS{Value: "1"},
		"n":  &dbtypes.AttributeValueMemberN{Value: "12.50"},
		"b":  &dbtypes.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
	}
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: item})
	check(t, err)
	got, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: map[string]dbtypes.AttributeValue{"id": item["id"]}})
	check(t, err)
	if n := got.Item["n"].(*dbtypes.AttributeValueMemberN).Value; n != "12.5" {
		t.Errorf("n = %s, want 12.5", n)
	}
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: item, ConditionExpression: new("attribute_not_exists(id)")})
	want(t, "ConditionalCheckFailedException", err)
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: map[string]dbtypes.AttributeValue{"n": item["n"]}})
	want(t, "ValidationException", err)
}

func goS3(t *testing.T, client *s3.Client) {
	ctx := t.Context()
	bucket, key := new("go-bucket"), new("a b/c")
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	check(t, err)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader([]byte("hello")), ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256})
	check(t, err)
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, ChecksumMode: s3types.ChecksumModeEnabled})
	check(t, err)
	body, err := io.ReadAll(got.Body)
	check(t, err)
	if string(body) != "hello" || got.ChecksumSHA256 == nil {
		t.Errorf("got %q, checksum %v", body, got.ChecksumSHA256)
	}
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: new("none")})
	want(t, "NoSuchKey", err)
}

// program is a function for provided.al2023: it echoes events by the Runtime
// API, without any library.
const program = `package main

import ("bytes"; "io"; "net/http"; "os")

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		r, err := http.Get(base + "next")
		if err != nil { panic(err) }
		event, _ := io.ReadAll(r.Body)
		r.Body.Close()
		p, err := http.Post(base+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(event))
		if err != nil { panic(err) }
		p.Body.Close()
	}
}
`

// zipped returns program, built, in an archive.
func zipped(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	cmd := exec.Command("go", "build", "-o", "bootstrap", "main.go")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bin, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	check(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	check(t, err)
	_, err = f.Write(bin)
	check(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func goLambda(t *testing.T, a *aloft, cfg aws.Config) {
	ctx := t.Context()
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: new("go-role"), AssumeRolePolicyDocument: new(trust)})
	check(t, err)
	client := lambda.NewFromConfig(cfg)
	name := new("go-fn")
	fn, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: fntypes.RuntimeProvidedal2023, Handler: new("bootstrap"), Role: role.Role.Arn,
		Code: &fntypes.FunctionCode{ZipFile: zipped(t)},
	})
	check(t, err)
	check(t, lambda.NewFunctionActiveV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, 10*time.Second))
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Payload: []byte(`{"a":1}`)})
	check(t, err)
	if string(out.Payload) != `{"a":1}` || out.FunctionError != nil {
		t.Errorf("got %s, error %v", out.Payload, aws.ToString(out.FunctionError))
	}
	goAPI(t, a, cfg, *fn.FunctionArn)
	_, err = client.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("none")})
	want(t, "ResourceNotFoundException", err)
}

// goAPI calls a function that echoes, through an HTTP API.
func goAPI(t *testing.T, a *aloft, cfg aws.Config, fn string) {
	ctx := t.Context()
	api, err := apigatewayv2.NewFromConfig(cfg).CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: new("go"), ProtocolType: types.ProtocolTypeHttp, Target: &fn})
	check(t, err)
	call := func() (int, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/hello", nil)
		check(t, err)
		r.Host = *api.ApiId + ".execute-api.localhost"
		resp, err := http.DefaultClient.Do(r)
		check(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		return resp.StatusCode, string(body)
	}
	if status, body := call(); status != http.StatusInternalServerError {
		t.Errorf("without a permission: %d %s, want 500", status, body)
	}
	_, err = lambda.NewFromConfig(cfg).AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &fn, StatementId: new("api"), Action: new("lambda:InvokeFunction"), Principal: new("apigateway.amazonaws.com"),
	})
	check(t, err)
	if status, body := call(); status != http.StatusOK || !bytes.Contains([]byte(body), []byte(`"rawPath":"/hello"`)) {
		t.Errorf("got %d %s", status, body)
	}
}
