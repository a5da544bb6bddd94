package lambda

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// TestMain is also the function that runs as bootstrap.
func TestMain(m *testing.M) {
	if runtime := os.Getenv("AWS_LAMBDA_RUNTIME_API"); runtime != "" {
		bootstrap("http://" + runtime + "/2018-06-01/runtime/invocation/")
		return
	}
	os.Exit(m.Run())
}

// bootstrap answers events with what they are, and the role it acts with.
func bootstrap(base string) {
	for {
		r, err := http.Get(base + "next")
		if err != nil {
			return
		}
		event, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if string(event) != `"quiet"` {
			fmt.Printf("got %s as %s\n", event, os.Getenv("AWS_ACCESS_KEY_ID"))
		}
		r, err = http.Post(base+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(event))
		if err != nil {
			return
		}
		r.Body.Close()
	}
}

// newProcessFixture runs functions in processes, fenced in if the host can.
func newProcessFixture(t testing.TB) *fixture {
	f := newFixtureOf(t, func(log func(sandbox.LogBatch)) Runner {
		m, err := sandbox.New(sandbox.Config{Sink: log, Unfenced: true, Depth: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	})
	in := f.function("fn", "any")
	in.Runtime, in.MemorySize, in.Timeout = new("provided.al2023"), new(int32(256)), new(int32(10))
	in.Code.ZipFile = selfZip(t)
	must(f, f.CreateFunction, in)
	return f
}

// selfZip is a zip file with this program as bootstrap.
func selfZip(t testing.TB) []byte {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	out, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	w.Close()
	return b.Bytes()
}

// A function in a process of its own answers, and what it writes is in its log.
func TestProcess(t *testing.T) {
	f := newProcessFixture(t)
	equal(t, "answer", f.invoke("fn", `"hello"`), `"hello"`)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		out, err := dispatch.Call(f.ctx, f.table, f.call, logs.FilterLogEvents, &logs.FilterLogEventsInput{LogGroupName: new("/aws/lambda/fn")})
		if err == nil && slices.ContainsFunc(out.Events, func(e logs.FilteredLogEvent) bool { return strings.HasPrefix(*e.Message, `got "hello" as ASIA`) }) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("log %v, %v", out, err)
		}
	}
	// New code takes the place of the old.
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", Description: new("changed")})
	equal(t, "answer", f.invoke("fn", `"again"`), `"again"`)
}

func BenchmarkWarmInvoke(b *testing.B) {
	f := newProcessFixture(b)
	in := &api.InvokeInput{FunctionName: "fn", Payload: []byte(`"quiet"`)}
	for b.Loop() {
		if _, err := dispatch.Call(f.ctx, f.table, f.call, api.Invoke, in); err != nil {
			b.Fatal(err)
		}
	}
}
