package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/logs"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	account = "000000000000"
	role    = "arn:aws:iam::000000000000:role/worker"
	prefix  = "arn:aws:lambda:eu-central-1:000000000000:"
)

// A fixture is Lambda over an empty store, with logs, stand-ins for the other
// services it calls, and someone who calls it.
type fixture struct {
	*Service
	t    testing.TB
	ctx  context.Context
	call *aws.Call
	auth *guard
	dir  string

	putObject  func(*s3.PutObjectInput) // stands in for S3
	sessionsOf *dispatch.Sessions
	router     *event.Router

	mu   sync.Mutex
	seen []string // what handler "note" was called with
}

// A guard lets everything pass that is not denied.
type guard struct {
	deny func(call *aws.Call, access service.Access) bool
}

func (g *guard) Authorize(_ context.Context, call *aws.Call, access service.Access) error {
	if g.deny != nil && g.deny(call, access) {
		return aws.AccessDenied.Errorf("denied: %s", access.Action)
	}
	return nil
}

var handlers = map[string]sandbox.Handler{
	"echo": func(_ context.Context, f *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
		log("got " + string(e.Payload))
		return e.Payload, nil
	},
	"arn": func(_ context.Context, f *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
		return []byte(`"` + e.InvokedARN + " " + f.Version + " " + f.Env["V"] + `"`), nil
	},
	"fail": func(context.Context, *sandbox.Function, sandbox.Event, func(string)) ([]byte, error) {
		return nil, errors.New("as asked")
	},
	"wait": func(ctx context.Context, _ *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
		time.Sleep(time.Second)
		return []byte("1"), nil
	},
}

func newFixture(t testing.TB) *fixture {
	return newFixtureOf(t, func(log func(sandbox.LogBatch)) Runner {
		return &sandbox.InProcess{Handlers: maps.Clone(handlers), Sink: log}
	})
}

// newFixtureOf is a fixture with another runner.
func newFixtureOf(t testing.TB, runner func(log func(sandbox.LogBatch)) Runner) *fixture {
	t.Helper()
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f := &fixture{t: t, ctx: context.Background(), call: &aws.Call{Account: account, Region: "eu-central-1", Host: "localhost:4566", RequestID: aws.NewRequestID()}, auth: &guard{}, dir: t.TempDir()}
	table := dispatch.NewTable(f.auth, dispatch.Observer{})
	run := runner(func(b sandbox.LogBatch) { f.Log(b) })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	f.sessionsOf = dispatch.NewSessions(table)
	f.router = event.NewRouter(db, dispatch.Deliverer{Table: table, Sessions: f.sessionsOf}, log)
	f.Service = New(Config{Dir: f.dir, Log: log}, db, table, f.router, f.sessionsOf, run)
	table.Add(f.Definition())
	table.Add(logs.New(db, nil).Definition())
	table.Add(service.Definition{API: sts.API, Operations: []service.Operation{service.Op(sts.AssumeRole, assumeRole, service.Any)}})
	table.Add(service.Definition{API: s3.API, Operations: []service.Operation{service.Op(s3.GetObject, getObject, service.Any), service.Op(s3.PutObject, func(_ context.Context, _ *aws.Call, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
		f.putObject(in)
		return &s3.PutObjectOutput{}, nil
	}, service.Any)}})
	return f
}

// assumeRole stands in for STS: every role but "stranger" trusts Lambda.
func assumeRole(_ context.Context, _ *aws.Call, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	if strings.HasSuffix(in.RoleArn, "/stranger") {
		return nil, aws.AccessDenied.Errorf("no")
	}
	return &sts.AssumeRoleOutput{
		Credentials:     &sts.Credentials{AccessKeyId: "ASIA", SecretAccessKey: "s", SessionToken: "t", Expiration: time.Now().Add(time.Hour)},
		AssumedRoleUser: &sts.AssumedRoleUser{Arn: "arn:aws:sts::000000000000:assumed-role/worker/" + in.RoleSessionName, AssumedRoleId: "AROA:" + in.RoleSessionName},
	}, nil
}

// getObject stands in for S3: there is one object, code/fn.zip.
func getObject(_ context.Context, _ *aws.Call, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	switch {
	case in.Bucket != "code":
		return nil, aws.Fault{Code: "NoSuchBucket", Status: 404}.Errorf("The specified bucket does not exist")
	case in.Key != "fn.zip":
		return nil, aws.Fault{Code: "NoSuchKey", Status: 404}.Errorf("The specified key does not exist.")
	}
	return &s3.GetObjectOutput{Body: bytes.NewReader(zipOf("index.js", "from s3"))}, nil
}

// zipOf makes a zip file of files, given as name, text, …
func zipOf(files ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			panic(err)
		}
		io.WriteString(f, files[i+1])
	}
	w.Close()
	return b.Bytes()
}

// function is the input for a function with that handler.
func (f *fixture) function(name, handler string) *api.CreateFunctionInput {
	return &api.CreateFunctionInput{FunctionName: name, Runtime: new("nodejs22.x"), Handler: &handler, Role: role, Code: &api.FunctionCode{ZipFile: zipOf("index.js", name)}}
}

// create makes a function with that handler.
func (f *fixture) create(name, handler string) *api.FunctionConfiguration {
	f.t.Helper()
	return must(f, f.CreateFunction, f.function(name, handler))
}

// invoke calls a function, and returns what it answers.
func (f *fixture) invoke(name, payload string) string {
	f.t.Helper()
	return string(must(f, f.Invoke, &api.InvokeInput{FunctionName: name, Payload: []byte(payload)}).Payload)
}

// must calls a handler that is not expected to refuse.
func must[In, Out any](f *fixture, handle func(context.Context, *aws.Call, *In) (*Out, error), in *In) *Out {
	f.t.Helper()
	out, err := handle(f.ctx, f.call, in)
	if err != nil {
		f.t.Fatalf("%T: %v", in, err)
	}
	return out
}

// refuse calls a handler that is expected to refuse with want.
func refuse[In, Out any](f *fixture, handle func(context.Context, *aws.Call, *In) (*Out, error), in *In, want string) {
	f.t.Helper()
	if _, err := handle(f.ctx, f.call, in); err == nil || err.Error() != want {
		f.t.Errorf("%T: got %v, want %s", in, err, want)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
