package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// TestMain is also the function that runs as bootstrap.
func TestMain(m *testing.M) {
	if port := os.Getenv(rpcVariable); port != "" {
		serveRPC(port)
		return
	}
	if api := os.Getenv("AWS_LAMBDA_RUNTIME_API"); api != "" {
		bootstrap(api)
		return
	}
	os.Exit(m.Run())
}

// A rig is a Manager and the logs of its functions.
type rig struct {
	*Manager
	mu   sync.Mutex
	logs map[string][]string // by stream
}

// newRig skips the test where functions cannot be fenced in.
func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{logs: map[string][]string{}}
	cfg := Config{Sink: func(b LogBatch) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, l := range b.Lines {
			r.logs[b.Stream] = append(r.logs[b.Stream], l.Message)
		}
	}}
	if change != nil {
		change(&cfg)
	}
	var err error
	if r.Manager, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if !r.fence.Fenced() && !cfg.Unfenced {
		t.Skip("needs root and Linux 5.12: missing ", r.Missing())
	}
	return r
}

// log is what a stream has once it has a line that matches until.
func (r *rig) log(t testing.TB, stream, until string) string {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		r.mu.Lock()
		all := strings.Join(r.logs[stream], "")
		r.mu.Unlock()
		if regexp.MustCompile(until).MatchString(all) {
			return all
		}
		if time.Now().After(end) {
			t.Fatalf("no %q in the log:\n%s", until, all)
		}
		time.Sleep(time.Millisecond)
	}
}

// code is a directory with files.
func code(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func function(name, runtime, handler, dir string) *Function {
	return &Function{
		ARN: aws.ARN{Service: "lambda", Region: "eu-west-1", Account: "123456789012", Resource: "function:" + name}, Version: "$LATEST", Revision: "1",
		Runtime: runtime, Handler: handler, Code: dir, MemoryMB: 256, Timeout: 5 * time.Second,
		Credentials: func(context.Context) (Credentials, error) {
			return Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}, nil
		},
	}
}

func node(t testing.TB, source string) *Function {
	return function("node", "nodejs20.x", "index.handler", code(t, map[string]string{"index.js": source}))
}

func python(t testing.TB, source string) *Function {
	return function("python", "python3.11", "index.handler", code(t, map[string]string{"index.py": source}))
}

// self is a function that this program runs: see bootstrap.
func self(t testing.TB) *Function {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	return function("self", "provided.al2023", "any", code(t, map[string]string{"bootstrap": string(b)}))
}

const testID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

func (r *rig) invoke(t testing.TB, f *Function, payload string) Result {
	t.Helper()
	res, err := r.Invoke(t.Context(), f, Event{RequestID: testID, Payload: []byte(payload), InvokedARN: f.ARN.String(), TraceID: "Root=1-2-3"})
	if errors.Is(err, ErrRuntime) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// expect fails unless the result is as said; want is a regular expression.
func expect(t testing.TB, res Result, functionError, want string) {
	t.Helper()
	if res.FunctionError != functionError || !regexp.MustCompile("(?s)^"+want+"$").Match(res.Payload) {
		t.Errorf("got %q %s\nwant %q %s\nlog: %s", res.FunctionError, res.Payload, functionError, want, res.LogTail)
	}
}

func TestNode(t *testing.T) {
	r := newRig(t, nil)
	for name, tc := range map[string]struct{ source, payload, err, want string }{
		"async":      {`exports.handler = async (e) => ({ got: e.a })`, `{"a":1}`, "", `{"got":1}`},
		"callback":   {`exports.handler = (e, c, cb) => { setTimeout(() => cb(null, e), 10) }`, `"x"`, "", `"x"`},
		"waits":      {`let n = 0; exports.handler = (e, c, cb) => { setTimeout(() => { n++ }, 50); cb(null, () => n); cb(null, 2) }`, `1`, "", `null`},
		"not wait":   {`exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); cb(null, 7) }`, `1`, "", `7`},
		"done":       {`exports.handler = (e, c) => c.done(null, 3)`, `1`, "", `3`},
		"succeed":    {`exports.handler = (e, c) => c.succeed(4)`, `1`, "", `4`},
		"nothing":    {`exports.handler = () => {}`, `1`, "", `null`},
		"undefined":  {`exports.handler = async () => {}`, `1`, "", `null`},
		"throw":      {`exports.handler = async () => { throw new TypeError('bad') }`, `1`, "Unhandled", `{"errorType":"TypeError","errorMessage":"bad","trace":\["TypeError: bad","    at .*handler \(/var/task/index.js:1:\d+\)".*`},
		"throw now":  {`exports.handler = () => { throw new Error('now') }`, `1`, "Unhandled", `{"errorType":"Error","errorMessage":"now","trace":\["Error: now".*`},
		"reject":     {`exports.handler = async () => { throw 'text' }`, `1`, "Unhandled", `{"errorType":"string","errorMessage":"text","trace":\[\]}`},
		"fail":       {`exports.handler = (e, c) => c.fail()`, `1`, "Unhandled", `{"errorType":"string","errorMessage":"handled","trace":\[\]}`},
		"cb error":   {`exports.handler = (e, c, cb) => cb(new Error('cb'))`, `1`, "Unhandled", `{"errorType":"Error","errorMessage":"cb".*`},
		"unsettled":  {`exports.handler = async () => { await new Promise(() => {}) }`, `1`, "Unhandled", `{"errorType":"Runtime.NodeJsExit","errorMessage":"The Lambda runtime client detected an unexpected Node.js exit code.*`},
		"uncaught":   {`exports.handler = async () => new Promise(() => { setTimeout(() => { throw new Error('late') }, 5) })`, `1`, "Unhandled", `{"errorType":"Error","errorMessage":"late".*`},
		"unhandled":  {`exports.handler = async () => new Promise(() => { Promise.reject(new Error('lost')); setTimeout(() => {}, 1000) })`, `1`, "Unhandled", `{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost".*`},
		"exit":       {`exports.handler = async () => process.exit(3)`, `1`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + testID + ` Error: Runtime exited with error: exit status 3"}`},
		"exit 0":     {`exports.handler = async () => process.exit()`, `1`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + testID + ` Error: Runtime exited without providing a reason"}`},
		"import":     {`require('missing')`, `1`, "Unhandled", `{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'missing'\\nRequire stack:\\n- /var/task/index.js.*`},
		"syntax":     {`exports.handler = {`, `1`, "Unhandled", `{"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: .*`},
		"no handler": {`exports.other = 1`, `1`, "Unhandled", `{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is undefined or not exported".*`},
		"at load":    {`throw new RangeError('load')`, `1`, "Unhandled", `{"errorType":"RangeError","errorMessage":"load".*`},
		"unicode":    {`exports.handler = async (e) => e + 'ü✓'`, `"ß"`, "", `"ßü✓"`},
		"circular":   {`exports.handler = async () => { const a = {}; a.a = a; return a }`, `1`, "Unhandled", `{"errorType":"Error","errorMessage":"Unable to stringify response body".*`},
		"context": {`exports.handler = async (e, c) => [c.functionName, c.functionVersion, c.memoryLimitInMB, c.awsRequestId, c.logGroupName, c.invokedFunctionArn, c.getRemainingTimeInMillis() > 4000, process.env._X_AMZN_TRACE_ID, process.env.AWS_REGION, process.env.AWS_ACCESS_KEY_ID, process.cwd()]`,
			`1`, "", `\["node","\$LATEST","256","` + testID + `","/aws/lambda/node","arn:aws:lambda:eu-west-1:123456789012:function:node",true,"Root=1-2-3","eu-west-1","ASIAEXAMPLE","/var/task"\]`},
		"large":        {`exports.handler = async (e) => e.length`, `"` + strings.Repeat("x", 6<<20) + `"`, "", `6291456`},
		"too large":    {`exports.handler = async () => 'x'.repeat(6291556)`, `1`, "Unhandled", `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\)."}`},
		"stream":       {`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('a'); s.write('b'); s.end('c') })`, `1`, "", `abc`},
		"stream error": {`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('a'); throw new Error('mid') })`, `1`, "Unhandled", `{"errorType":"Error","errorMessage":"mid".*`},
		"stream head":  {`exports.handler = awslambda.streamifyResponse(async (e, s) => { s = awslambda.HttpResponseStream.from(s, {statusCode: 201}); s.end('c') })`, `1`, "", "{\"statusCode\":201}\x00{8}c"},
	} {
		t.Run(name, func(t *testing.T) {
			f := node(t, tc.source)
			f.Revision = name
			res := r.invoke(t, f, tc.payload)
			expect(t, res, tc.err, tc.want)
		})
	}
}

func TestStream(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, `exports.handler = awslambda.streamifyResponse(async (e, s) => {
		s.setContentType('text/x')
		s.write('one')
		await new Promise((r) => setTimeout(r, 50))
		s.end('two')
	})`)
	in, out := io.Pipe()
	kind := make(chan string, 1)
	got := make(chan string, 10)
	go func() {
		buf := make([]byte, 100)
		for {
			n, err := in.Read(buf)
			if err != nil {
				close(got)
				return
			}
			got <- string(buf[:n])
		}
	}()
	res, err := r.Invoke(t.Context(), f, Event{RequestID: testID, Stream: func(contentType string) io.Writer { kind <- contentType; return out }})
	if errors.Is(err, ErrRuntime) {
		t.Skip(err)
	}
	out.Close()
	if err != nil || res.FunctionError != "" || len(res.Payload) > 0 {
		t.Errorf("%+v, %v", res, err)
	}
	if k, one, two := <-kind, <-got, <-got; k != "text/x" || one != "one" || two != "two" {
		t.Errorf("%q %q %q", k, one, two)
	}
}

func TestNodeModules(t *testing.T) {
	r := newRig(t, nil)
	for name, tc := range map[string]struct {
		handler string
		files   map[string]string
		want    string
	}{
		"mjs":      {"a.handler", map[string]string{"a.mjs": `const x = await Promise.resolve(5); export const handler = async () => x`}, "5"},
		"type":     {"src/a.handler", map[string]string{"package.json": `{"type":"module"}`, "src/a.js": `export const handler = async () => import.meta.url.slice(-4)`}, `"a.js"`},
		"cjs":      {"a.b.c", map[string]string{"a.cjs": `exports.b = { c: async () => __filename }`}, `"/var/task/a.cjs"`},
		"sub":      {"./lib/deep/x.run", map[string]string{"lib/deep/x.js": `exports.run = async () => require('../y')`, "lib/y.js": "module.exports = 9"}, "9"},
		"modules":  {"a.handler", map[string]string{"a.js": `const m = require('m'); exports.handler = async () => m`, "node_modules/m/index.js": "module.exports = 'm'"}, `"m"`},
		"esm deps": {"a.handler", map[string]string{"a.mjs": `import m from 'm'; export const handler = async () => m`, "node_modules/m/index.js": "module.exports = 'm'"}, `"m"`},
	} {
		t.Run(name, func(t *testing.T) {
			f := function("modules", "nodejs20.x", tc.handler, code(t, tc.files))
			f.Revision = name
			expect(t, r.invoke(t, f, "{}"), "", tc.want)
		})
	}
}

func TestPython(t *testing.T) {
	r := newRig(t, nil)
	for name, tc := range map[string]struct{ source, payload, err, want string }{
		"return":  {"def handler(e, c): return {'got': e['a']}", `{"a":1}`, "", `{"got": 1}`},
		"decimal": {"import decimal\ndef handler(e, c): return {'n': decimal.Decimal('1.10'), 's': 'x'}", `{}`, "", `{"n": 1.10, "s": "x"}`},
		"raise": {"def handler(e, c):\n    raise Exception('Handler fails')", `{}`, "Unhandled",
			`{"errorMessage": "Handler fails", "errorType": "Exception", "requestId": "` + testID + `", "stackTrace": \["  File \\"/var/task/index.py\\", line 2, in handler\\n    raise Exception\('Handler fails'\)\\n"\]}`},
		"import":  {"import missing\n", `{}`, "Unhandled", `{"errorMessage": "Unable to import module 'index': No module named 'missing'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": \[\]}`},
		"syntax":  {"def handler(:", `{}`, "Unhandled", `{"errorMessage": "Syntax error in module 'index': invalid syntax \(index.py, line 1\)", "errorType": "Runtime.UserCodeSyntaxError", "requestId": "", "stackTrace": \["  File \\"/var/task/index.py\\" Line 1\\n    def handler\(:"\]}`},
		"missing": {"x = 1", `{}`, "Unhandled", `{"errorMessage": "Handler 'handler' missing on module 'index'", "errorType": "Runtime.HandlerNotFound", "requestId": "", "stackTrace": \[\]}`},
		"at load": {"raise Exception('Runtime startup fails')", `{}`, "Unhandled", `{"errorMessage": "Runtime startup fails", "errorType": "Exception", "requestId": "", "stackTrace": \["  File \\".*importlib/__init__.py\\", line \d+, in import_module.*`},
		"marshal": {"def handler(e, c): return {1, 2}", `{}`, "Unhandled", `{"errorMessage": "Unable to marshal response: Object of type set is not JSON serializable", "errorType": "Runtime.MarshalError", "requestId": "` + testID + `", "stackTrace": \[\]}`},
		"exit":    {"import sys\ndef handler(e, c): sys.exit(2)", `{}`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + testID + ` Error: Runtime exited with error: exit status 2"}`},
		"bytes":   {"def handler(e, c): return b'raw'", `{}`, "", `raw`},
		"context": {"import os\ndef handler(e, c): return [c.function_name, c.function_version, c.memory_limit_in_mb, c.aws_request_id, c.log_group_name, c.invoked_function_arn, c.get_remaining_time_in_millis() > 4000, os.environ['_X_AMZN_TRACE_ID'], os.getcwd()]",
			`{}`, "", `\["python", "\$LATEST", "256", "` + testID + `", "/aws/lambda/python", "arn:aws:lambda:eu-west-1:123456789012:function:python", true, "Root=1-2-3", "/var/task"\]`},
		"unicode": {"def handler(e, c): return e", `"ß✓"`, "", `"(ß✓|\\u00df\\u2713)"`},
		"large":   {"def handler(e, c): return len(e)", `"` + strings.Repeat("x", 6<<20) + `"`, "", `6291456`},
	} {
		t.Run(name, func(t *testing.T) {
			f := python(t, tc.source)
			f.Revision = name
			expect(t, r.invoke(t, f, tc.payload), tc.err, tc.want)
		})
	}
}

func TestPythonVersions(t *testing.T) {
	r := newRig(t, nil)
	for _, v := range []string{"3.9", "3.10", "3.12", "3.13"} {
		f := function("v"+v[2:], "python"+v, "pkg/mod.handler", code(t, map[string]string{"pkg/mod.py": "import sys, ssl, json\ndef handler(e, c): return sys.version"}))
		res := r.invoke(t, f, "{}")
		if res.FunctionError != "" {
			t.Errorf("python%s: %s", v, res.Payload)
		}
		t.Logf("python%s runs on %s", v, res.Payload)
	}
}

// bootstrap is a function in Go. It does what its event names.
func bootstrap(api string) {
	url := "http://" + api + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(url + "next")
		if err != nil {
			return
		}
		var e struct{ Do, Say string }
		body, _ := io.ReadAll(res.Body) // all, so that the connection is used again
		res.Body.Close()
		json.Unmarshal(body, &e)
		out := "null"
		switch e.Do {
		case "env":
			b, _ := json.Marshal(os.Environ())
			out = string(b)
		case "endpoint":
			got, err := http.Get(os.Getenv("AWS_ENDPOINT_URL") + "/hello")
			out = fmt.Sprintf("%q", fmt.Sprint(got.StatusCode, err))
		case "echo":
			out = fmt.Sprintf("%q", e.Say)
		case "get":
			if got, err := http.Get(e.Say); err != nil {
				out = fmt.Sprintf("%q", err)
			} else {
				b, _ := io.ReadAll(got.Body)
				out = fmt.Sprintf("%q", b)
			}
		case "read":
			if b, err := os.ReadFile(e.Say); err != nil {
				out = fmt.Sprintf("%q", err)
			} else {
				out = fmt.Sprintf("%q", b)
			}
		case "write":
			out = fmt.Sprintf("%q", fmt.Sprint(os.WriteFile(e.Say, nil, 0o600)))
		case "exit":
			os.Exit(7)
		case "sleep":
			fmt.Println("going to sleep")
			time.Sleep(time.Hour)
		case "memory":
			var all [][]byte
			for {
				all = append(all, []byte(strings.Repeat("x", 1<<20)))
				runtime.KeepAlive(all)
			}
		case "flood":
			for {
				fmt.Println(strings.Repeat("x", 1000))
			}
		case "orphan":
			os.StartProcess("/bin/sh", []string{"sh", "-c", "sleep 1; echo still here"}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stdout}})
		case "twice":
			http.Post(url+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "", strings.NewReader("1"))
			out = "2"
		case "rubbish":
			http.Post(url+"other/response", "", strings.NewReader("1"))
			http.Post(url+"other/error", "", strings.NewReader("1"))
			http.Get("http://" + api + "/../../etc/passwd")
		}
		res, err = http.Post(url+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", strings.NewReader(out))
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}
}

func TestProvided(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Endpoint = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	f := self(t)
	f.Env = map[string]string{"MINE": "a=b", "AWS_REGION": "mars"}
	res := r.invoke(t, f, `{"Do":"env"}`)
	for _, want := range []string{"MINE=a=b", "AWS_REGION=eu-west-1", "AWS_LAMBDA_FUNCTION_NAME=self", "_HANDLER=any", "LAMBDA_TASK_ROOT=/var/task", "AWS_SESSION_TOKEN=token", "AWS_ENDPOINT_URL=http://127.0.0.1:4566", "TZ=:UTC"} {
		if !strings.Contains(string(res.Payload), `"`+want+`"`) {
			t.Errorf("no %s in %s", want, res.Payload)
		}
	}
	if !res.Stats.Cold || res.Stats.Init == 0 {
		t.Errorf("stats of the first invoke: %+v", res.Stats)
	}
	res = r.invoke(t, f, `{"Do":"endpoint"}`)
	expect(t, res, "", `"418 <nil>"`)
	if res.Stats.Cold || res.Stats.Init != 0 {
		t.Errorf("stats of the second invoke: %+v", res.Stats)
	}
	expect(t, r.invoke(t, f, `{"Do":"twice"}`), "", `1`)
	expect(t, r.invoke(t, f, `{"Do":"rubbish"}`), "", `null`)
	expect(t, r.invoke(t, f, `{}`), "", `null`)
}

func TestBadBootstrap(t *testing.T) {
	r := newRig(t, nil)
	f := function("none", "provided.al2", "h", code(t, map[string]string{"other": ""}))
	expect(t, r.invoke(t, f, "{}"), "Unhandled", `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: `+testID+` Error: Couldn't find valid bootstrap\(s\): \[/var/task/bootstrap /opt/bootstrap\]"}`)
	f = function("text", "provided.al2", "h", code(t, map[string]string{"bootstrap": "not a program"}))
	expect(t, r.invoke(t, f, "{}"), "Unhandled", `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: .* Error: fork/exec /var/task/bootstrap: exec format error"}`)
	f = function("script", "provided.al2", "h", code(t, map[string]string{"bootstrap": "#!/bin/sh\necho starting\nexit 4"}))
	res := r.invoke(t, f, "{}")
	expect(t, res, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `+testID+` Error: Runtime exited with error: exit status 4"}`)
	log := r.log(t, res.LogStream, `\nREPORT`)
	if !regexp.MustCompile(`^INIT_START.*\nstarting\nINIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\nSTART RequestId: .*\nstarting\nINIT_REPORT .*Phase: invoke\tStatus: error\tError Type: Runtime.ExitError\nRequestId: .* Error: Runtime exited.*\nRuntime.ExitError\nEND .*\nREPORT .*\tStatus: error\tError Type: Runtime.ExitError\n$`).MatchString(log) {
		t.Errorf("log:\n%s", log)
	}
	f = function("later", "nodejs99.x", "h", code(t, nil))
	if _, err := r.Invoke(t.Context(), function("later", "cobol1", "h", f.Code), Event{RequestID: testID}); !errors.Is(err, ErrRuntime) {
		t.Errorf("unknown runtime: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	r := newRig(t, nil)
	f := self(t)
	f.Timeout = time.Second
	res := r.invoke(t, f, `{"Do":"sleep"}`)
	expect(t, res, "Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: `+testID+` Error: Task timed out after 1.00 seconds"}`)
	if !regexp.MustCompile(`(?s)^START RequestId: \S+ Version: \$LATEST\ngoing to sleep\n\d{4}-\d\d-\d\dT\S+Z \S+ Task timed out after 1.00 seconds\n\nEND RequestId: \S+\nREPORT RequestId: \S+\tDuration: 1\d\d\d\.\d\d ms\tBilled Duration: 1000 ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: .* ms\tStatus: timeout\n$`).Match(res.LogTail) {
		t.Errorf("log: %s", res.LogTail)
	}
	if res := r.invoke(t, f, `{}`); !res.Stats.Cold {
		t.Error("the worker outlived its time-out")
	}
	spin := node(t, `exports.handler = async () => { for (;;) {} }`)
	spin.Timeout = time.Second
	expect(t, r.invoke(t, spin, "{}"), "Unhandled", `{"errorType":"Sandbox.Timedout".*`)
}

func TestMemory(t *testing.T) {
	r := newRig(t, nil)
	if strings.Contains(strings.Join(r.Missing(), ""), "memory") {
		t.Skip(r.Missing())
	}
	f := self(t)
	f.MemoryMB, f.TmpMB = 128, 64
	expect(t, r.invoke(t, f, `{"Do":"memory"}`), "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: .* Error: Runtime exited with error: signal: killed"}`)
}

func TestOutput(t *testing.T) {
	r := newRig(t, nil)
	f := self(t)
	f.Timeout = time.Second
	res := r.invoke(t, f, `{"Do":"flood"}`)
	expect(t, res, "Unhandled", `{"errorType":"Sandbox.Timedout".*`)
	if len(res.LogTail) != maxTail {
		t.Errorf("tail of %d bytes", len(res.LogTail))
	}
	expect(t, r.invoke(t, f, `{"Do":"orphan"}`), "", "null")
	expect(t, r.invoke(t, f, `{}`), "", "null")
}

func TestLogNode(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, "console.log('init'); exports.handler = async () => { console.log('two\\nlines', {a: 1}); console.error('bad'); process.stdout.write('raw\\npartial'); throw new Error('x') }")
	res := r.invoke(t, f, "{}")
	const ts = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	log := r.log(t, res.LogStream, `\nREPORT`)
	if !regexp.MustCompile(`^INIT_START Runtime Version: nodejs:\d+\.v1\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:nodejs:\d+\n` +
		ts + `\tundefined\tINFO\tinit\nSTART RequestId: ` + testID + ` Version: \$LATEST\n` +
		ts + `\t` + testID + `\tINFO\ttwo\nlines \{ a: 1 \}\n` + ts + `\t` + testID + `\tERROR\tbad\nraw\npartial` + ts + `\t` + testID + `\tERROR\tInvoke Error \t\{"errorType":"Error","errorMessage":"x","stack":\["Error: x",.*\]\}\n` +
		`END RequestId: ` + testID + `\nREPORT RequestId: ` + testID + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n$`).MatchString(log) {
		t.Errorf("log:\n%s", log)
	}
	if want := "START RequestId"; !strings.HasPrefix(string(res.LogTail), want) || !strings.HasSuffix(string(res.LogTail), "\t\n") {
		t.Errorf("tail: %q", res.LogTail)
	}
}

func TestLogPython(t *testing.T) {
	r := newRig(t, nil)
	f := python(t, "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(e, c):\n    print('multi\\nline')\n    logging.info('two\\nlines')\n    print('end', end='')\n    raise ValueError('x')\n")
	res := r.invoke(t, f, "{}")
	log := r.log(t, res.LogStream, `\nREPORT`)
	if !regexp.MustCompile(`multi\nline\n\[INFO\]\t\d{4}-\S+Z\t` + testID + `\ttwo\nlines\nend\[ERROR\] ValueError: x\nTraceback \(most recent call last\):\n\x{a0}\x{a0}File "/var/task/index.py", line 7, in handler\n\x{a0}{4}raise ValueError\('x'\)END`).MatchString(log) {
		t.Errorf("log:\n%q", log)
	}
}

func TestLogJSON(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, "exports.handler = async () => { console.debug('no'); console.log('a', 'b'); console.log({x: 1}) }")
	f.LogFormat = "JSON"
	res := r.invoke(t, f, "{}")
	var types []string
	for line := range strings.Lines(r.log(t, res.LogStream, "platform.report"+`.*\n`)) {
		var l struct {
			Type, Level, RequestID string
			Message                any
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		types = append(types, fmt.Sprint(l.Type, l.Level, l.Message))
	}
	if got := strings.Join(types, " "); got != "platform.initStart<nil> platform.start<nil> INFOa b INFOmap[x:1] platform.report<nil>" {
		t.Error(got)
	}
}

func TestLayersAndHome(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, `const fs = require('fs'); exports.handler = async () => { fs.writeFileSync('/tmp/x', 'y'); return [require('dep'), fs.readdirSync('/opt'), fs.existsSync('/root'), fs.readdirSync('/proc').filter((p) => +p).length, process.getuid() > 1000] }`)
	f.Layers = []string{code(t, map[string]string{"nodejs/node_modules/dep/index.js": "module.exports = 'old'", "a": ""}), code(t, map[string]string{"nodejs/node_modules/dep/index.js": "module.exports = 'new'", "b": ""})}
	expect(t, r.invoke(t, f, "{}"), "", `\["new",\["a","b","nodejs"\],false,1,true\]`)
}

func TestScale(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, `let n = 0; exports.handler = async () => { await new Promise((r) => setTimeout(r, 100)); return ++n }`)
	var wg sync.WaitGroup
	var mu sync.Mutex
	cold := 0
	for range 10 {
		wg.Go(func() {
			res := r.invoke(t, f, "{}")
			mu.Lock()
			defer mu.Unlock()
			if res.Stats.Cold {
				cold++
			}
		})
	}
	wg.Wait()
	if cold < 2 {
		t.Errorf("%d cold starts for 10 invokes at once", cold)
	}
	workers := func() int {
		r.Manager.mu.Lock()
		defer r.Manager.mu.Unlock()
		n := 0
		for w := range r.live {
			if w.crew != nil {
				n++
			}
		}
		return n
	}
	for range 5 {
		r.invoke(t, f, "{}")
	}
	if n := workers(); n > 10 { // some that the ten had started may have come up since
		t.Errorf("%d workers for ten invokes at once and five one by one", n)
	}
	g := *f
	g.Revision = "2"
	expect(t, r.invoke(t, &g, "{}"), "", "1")
	r.Forget(f.ARN)
	expect(t, r.invoke(t, &g, "{}"), "", "1")
}

// TestLeaks: what workers had is given back when they are gone.
func TestLeaks(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Depth = -1 })
	f := self(t)
	held := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(fds)
	}
	round := func(n int) {
		for i := range n {
			g := *f
			g.Revision = fmt.Sprint("leak", n, i)
			expect(t, r.invoke(t, &g, "{}"), "", "null")
		}
		r.Forget(f.ARN)
	}
	round(10)
	settle := func() int { // wait until it does not change any more
		n, last := held(), -1
		for end := time.Now().Add(5 * time.Second); n != last && time.Now().Before(end); n = held() {
			last = n
			time.Sleep(200 * time.Millisecond)
		}
		return n
	}
	before := settle()
	round(50)
	if after := settle(); after > before+5 {
		t.Errorf("%d descriptors, then %d", before, after)
	}
}

func TestBudget(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MemoryMB = 200 })
	for i := range 8 {
		f := node(t, `exports.handler = async () => 1`)
		f.ARN.Resource = fmt.Sprint("function:f", i)
		expect(t, r.invoke(t, f, "{}"), "", "1")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.usedMB > 200 {
		t.Errorf("%d MB used of 200", r.usedMB)
	}
}

func TestFrozen(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, `exports.handler = async () => 1`)
	r.invoke(t, f, "{}")
	frozen := func() bool {
		r.Manager.mu.Lock()
		defer r.Manager.mu.Unlock()
		for w := range r.live {
			if w.frozen || w.unfrozen {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(3 * time.Second); !frozen(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("an idle worker was not frozen")
		}
	}
	if res := r.invoke(t, f, "{}"); res.Stats.Cold || res.Stats.Duration > time.Second {
		t.Errorf("after the freeze: %+v", res.Stats)
	}
}

// Layers are laid over each other however long their paths are.
func TestLongPaths(t *testing.T) {
	r := newRig(t, nil)
	f := function("long", "nodejs20.x", "index.handler", code(t, map[string]string{"index.js": "exports.handler = async () => require('a') + require('b') + require('c')"}))
	for _, name := range []string{"a", "b", "c"} {
		dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40), strings.Repeat("path", 40))
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(code(t, map[string]string{"nodejs/node_modules/" + name + "/index.js": "module.exports = '" + name + "'"}), dir); err != nil {
			t.Fatal(err)
		}
		f.Layers = append(f.Layers, dir)
	}
	r.await(t, f)
	expect(t, r.invoke(t, f, "{}"), "", `"abc"`)
}
