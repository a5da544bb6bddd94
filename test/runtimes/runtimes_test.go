// Package runtimes_test runs what functions are written with, as it is
// published, on a whole platform: aws-lambda-go of today and of the first days,
// Powertools for Node.js and Python, and middy. What is not Go is installed into
// $ALOFT_CLIENTS, once.
package runtimes_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/aloft-cloud/aloft/internal/platform"
)

// A cloud is a platform that runs functions.
type cloud struct {
	cfg    aws.Config
	lambda *lambda.Client
}

func start(t *testing.T) *cloud {
	t.Helper()
	clients := clientsDir(t)
	p, err := platform.Start(t.Context(), platform.Config{
		Memory: true, Open: true, Unfenced: true, Region: "us-east-1", Endpoint: "http://localhost:4566", Cache: filepath.Join(clients, "sdks"),
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop() })
	s := httptest.NewServer(p.Handler)
	t.Cleanup(s.Close)
	c := &cloud{cfg: aws.Config{Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}}
	c.lambda = lambda.NewFromConfig(c.cfg)
	roles := iam.NewFromConfig(c.cfg)
	_, err = roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("all"), AssumeRolePolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	check(t, err)
	_, err = roles.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: new("all"), PolicyArn: new("arn:aws:iam::aws:policy/AdministratorAccess")})
	check(t, err)
	return c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clientsDir is where packages are installed.
func clientsDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ALOFT_CLIENTS")
	if dir == "" {
		t.Skip("set ALOFT_CLIENTS to a folder: packages of npm, pip and Go are installed into it, once")
	}
	return dir
}

// install copies a folder of testdata below $ALOFT_CLIENTS/runtimes and runs a
// program there, once for each content of the folder's list of packages.
func install(t *testing.T, name, list string, argv ...string) string {
	t.Helper()
	from := filepath.Join("testdata", name)
	want, err := os.ReadFile(filepath.Join(from, list))
	check(t, err)
	dir := filepath.Join(clientsDir(t), "runtimes", name)
	done := filepath.Join(dir, "."+list+".installed")
	if got, err := os.ReadFile(done); err != nil || !bytes.Equal(got, want) {
		check(t, os.RemoveAll(dir))
		check(t, os.MkdirAll(dir, 0o755))
		check(t, os.WriteFile(filepath.Join(dir, list), want, 0o644))
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", argv, err, out)
		}
		check(t, os.WriteFile(done, want, 0o644))
	}
	return dir
}

// pack zips folders on top of each other.
func pack(t *testing.T, dirs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil || strings.HasSuffix(rel, ".d.ts") || strings.HasPrefix(rel, ".") {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			h := &zip.FileHeader{Name: filepath.ToSlash(rel), Method: zip.Deflate}
			h.SetMode(0o755)
			f, err := w.CreateHeader(h)
			if err == nil {
				_, err = f.Write(content)
			}
			return err
		})
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

func (c *cloud) create(t *testing.T, name string, runtime types.Runtime, handler string, code []byte) {
	t.Helper()
	_, err := c.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: runtime, Handler: &handler, Role: new("arn:aws:iam::000000000000:role/all"), MemorySize: new(int32(512)), Timeout: new(int32(20)),
		Code: &types.FunctionCode{ZipFile: code},
	})
	check(t, err)
	check(t, lambda.NewFunctionActiveV2Waiter(c.lambda, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 20 * time.Millisecond }).
		Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, time.Minute))
}

// invoke fails the test unless the answer matches want, and what was logged
// matches each of logged.
func (c *cloud) invoke(t *testing.T, name, payload, want string, logged ...string) {
	t.Helper()
	out, err := c.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: types.LogTypeTail})
	check(t, err)
	var log bytes.Buffer
	if out.LogResult != nil {
		text, err := base64.StdEncoding.DecodeString(*out.LogResult)
		check(t, err)
		log.Write(text)
	}
	if !regexp.MustCompile("^(?s:" + want + ")$").Match(out.Payload) {
		t.Errorf("%s of %s: got %s, want %s\nlog: %s", name, payload, out.Payload, want, &log)
	}
	for _, l := range logged {
		if !regexp.MustCompile(l).Match(log.Bytes()) {
			t.Errorf("%s of %s: no %s in the log:\n%s", name, payload, l, &log)
		}
	}
}

// TestGo builds a function with versions of aws-lambda-go, of which the oldest
// knows no Runtime API.
func TestGo(t *testing.T) {
	c := start(t)
	for _, tc := range []struct {
		version, tags, binary string
		runtime               types.Runtime
	}{
		{"v1.55.1", "lambda.norpc", "bootstrap", types.RuntimeProvidedal2023},
		{"v1.55.1", "", "main", types.RuntimeGo1x},
		{"v1.6.0", "", "main", types.RuntimeGo1x},
	} {
		name := "go-" + strings.ReplaceAll(tc.version, ".", "-") + "-" + tc.binary
		t.Run(name, func(t *testing.T) {
			c.create(t, name, tc.runtime, tc.binary, pack(t, build(t, tc.version, tc.tags, tc.binary)))
			c.invoke(t, name, `{"path":"/"}`, `.*"statusCode":200.*"body":"[0-9a-f-]{36} `+name+`".*`)
			c.invoke(t, name, `{"path":"/"}`, `.*"statusCode":200.*`)
			c.invoke(t, name, `{"path":"/error"}`, `{"errorMessage":"bad","errorType":"errorString"}`)
			c.invoke(t, name, `{"path":"/panic"}`, `{"errorMessage":"oh","errorType":"string","stackTrace":\[{"path":.*`)
			c.invoke(t, name, `{"path":"/"}`, `.*"statusCode":200.*`)
		})
	}
}

func build(t *testing.T, version, tags, binary string) string {
	t.Helper()
	src := t.TempDir()
	text, err := os.ReadFile("testdata/go/main.go")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(src, "main.go"), text, 0o644))
	check(t, os.WriteFile(filepath.Join(src, "go.mod"), []byte("module function\n\ngo 1.21\n\nrequire github.com/aws/aws-lambda-go "+version+"\n"), 0o644))
	out := filepath.Join(src, "out")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-tags", tags, "-o", filepath.Join(out, binary), ".")
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// sqsEvent is two messages, of which one is bad.
const sqsEvent = `{"Records":[` + sqsRecord + `"messageId":"1","body":"good"},` + sqsRecord + `"messageId":"2","body":"bad"}]}`
const sqsRecord = `{"receiptHandle":"r","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1","SenderId":"s","ApproximateFirstReceiveTimestamp":"1"},"messageAttributes":{},"md5OfBody":"m","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:q","awsRegion":"us-east-1",`

func TestNode(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("needs npm")
	}
	c := start(t)
	c.table(t)
	code := pack(t, install(t, "node", "package.json", "npm", "install", "--no-audit", "--no-fund", "--loglevel=error"), "testdata/node")
	for name, handler := range map[string]string{"powertools": "powertools.handler", "batch": "powertools.batch", "once": "powertools.once", "middy": "middy.handler"} {
		c.create(t, name, types.RuntimeNodejs20x, handler, code)
	}
	c.invoke(t, "powertools", `{"order":7}`, `{"traced":"1-.*"}`, `"message":"got it".*"order":7`, `"cold_start":true|"ColdStart":1`, `"Namespace":"shop"`)
	c.invoke(t, "batch", sqsEvent, `{"batchItemFailures":\[{"itemIdentifier":"2"}\]}`)
	c.invoke(t, "once", `{"id":1}`, `{"calls":1,"of":1}`)
	c.invoke(t, "once", `{"id":1}`, `{"calls":1,"of":1}`)
	c.invoke(t, "once", `{"id":2}`, `{"calls":2,"of":2}`)
	c.invoke(t, "middy", `{"headers":{"Content-Type":"application/json"},"body":"{\"name\":\"Ada\"}"}`, `{"statusCode":200,"body":"hello Ada"}`)
	c.invoke(t, "middy", `{"headers":{"Content-Type":"application/json"},"body":"{}"}`, `{"statusCode":400,.*`)
}

func TestPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	version, err := exec.Command(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").Output()
	check(t, err)
	c := start(t)
	c.table(t)
	code := pack(t, install(t, "python", "requirements.txt", python, "-m", "pip", "install", "-q", "--target", ".", "-r", "requirements.txt"), "testdata/python")
	for name, handler := range map[string]string{"powertools": "app.handler", "http": "app.http", "batch": "app.batch", "once": "app.once"} {
		c.create(t, name, types.Runtime("python"+strings.TrimSpace(string(version))), handler, code)
	}
	c.invoke(t, "powertools", `{"order":7}`, `{"order": 7}`, `"message":"got it".*"order":7`, `"ColdStart":\[1.0\]`, `"Namespace":"shop"`)
	c.invoke(t, "http", `{"version":"2.0","routeKey":"$default","rawPath":"/hello/ada","rawQueryString":"","headers":{},"requestContext":{"http":{"method":"GET","path":"/hello/ada"},"stage":"$default"},"isBase64Encoded":false}`,
		`{"statusCode": 200, "body": "{\\"message\\":\\"hello ada\\"}".*`)
	c.invoke(t, "batch", sqsEvent, `{"batchItemFailures": \[{"itemIdentifier": "2"}\]}`)
	c.invoke(t, "once", `{"id":1}`, `{"calls": 1, "of": 1}`)
	c.invoke(t, "once", `{"id":1}`, `{"calls": 1, "of": 1}`)
	c.invoke(t, "once", `{"id":2}`, `{"calls": 2, "of": 2}`)
}

// table makes the table in which Powertools remember what was done.
func (c *cloud) table(t *testing.T) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(c.cfg).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: new("once"), BillingMode: dbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: new("id"), AttributeType: dbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: new("id"), KeyType: dbtypes.KeyTypeHash}},
	})
	check(t, err)
}
