// Package platformtest runs scripts against a whole platform, in memory and
// on a clock of its own, so that a wait of four days takes no time.
//
// A script calls an operation by service and name, with members as
// name=string, name:=json, name<=file or name<<=file for bytes. The answer is on stdout, be it a refusal or not;
// ! says that it must be one:
//
//	dynamodb CreateTable TableName=jobs …
//	keep ARN .TableDescription.TableArn
//	! dynamodb DescribeTable TableName=none
//	stdout ResourceNotFoundException
//	sleep 5s
//
// More commands:
//
//	as root                     go on as the root of account 000000000000
//	as ID SECRET [TOKEN]        go on with these keys
//	in REGION                   go on in another region
//	http GET URL [k=v …] [body] a plain request, unsigned, with headers; status and body are on stdout
//	signed [SERVICE] PUT URL [k=v …] [body]  the same, signed for s3, or another service
//	zip NAME file=text …        keep a zip of these files, in base64, as $NAME
//	keep NAME .Path.0.To        keep a part of the last answer as $NAME
//	find NAME REGEXP            keep what its group finds in the last answer as $NAME
//	sleep 5s                    let time pass
//	mail FROM TO[,TO…] [ip=ADDRESS] [tls] FILE  send a message over SMTP; what it comes to is on stdout
//	ws NAME URL [k=v …]         open a WebSocket, with headers; status and protocol are on stdout
//	say NAME TEXT               send it a text
//	hear NAME                   what comes next is on stdout, or "closed CODE REASON"; with !, nothing comes
//	leave NAME                  close it
//
// Functions run in this process: their handler's name is one of Handlers.
package platformtest

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Run runs each script in dir as a subtest.
func Run(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { run(t, file) })
		})
	}
}

func run(t *testing.T, file string) {
	p := Start(t)
	s := &session{platform: p, sockets: make(map[string]*socket), region: "us-east-1", keys: sigv4.Credentials{AccessKey: "test", Secret: "test"}}
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"as": s.as, "in": s.in, "http": s.http, "signed": s.signed, "zip": makeZip, "keep": keep, "find": find, "sleep": sleep,
		"mail": s.mail, "ws": s.ws, "say": s.say, "hear": s.hear, "leave": s.leave,
	}
	for _, def := range p.Table.Services() {
		commands[def.API.Name] = s.operation(def.API.Name)
	}
	testscript.RunT(bubble{t}, testscript.Params{Files: []string{file}, Cmds: commands})
}

// Start starts a platform in memory that ends with t. It takes unknown keys as
// root, as in development. change, if given, changes what an operator chooses.
func Start(t *testing.T, change ...func(*platform.Config)) *platform.Platform {
	t.Helper()
	var p *platform.Platform
	handlers := maps.Clone(Handlers)
	handlers["custom"] = custom(func(w http.ResponseWriter, r *http.Request) { p.Handler.ServeHTTP(w, r) })
	handlers["lens"] = lens(func(w http.ResponseWriter, r *http.Request) { p.Handler.ServeHTTP(w, r) })
	cfg := platform.Config{
		Memory:    true,
		Endpoint:  "http://localhost:4566",
		Region:    "us-east-1",
		Open:      true,
		Databases: databases{},
		Runner: func(sink func(sandbox.LogBatch)) sandbox.Runner {
			return &sandbox.InProcess{Handlers: handlers, Sink: sink}
		},
		Version: "test",
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	p, err := platform.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// A session is a script's caller.
type session struct {
	platform *platform.Platform
	region   string
	keys     sigv4.Credentials

	group   task.Group         // of what waits for WebSockets
	sockets map[string]*socket // by name
}

func (s *session) as(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case len(args) == 1 && args[0] == "root":
		s.keys = sigv4.Credentials{AccessKey: "test", Secret: "test"}
	case len(args) == 2:
		s.keys = sigv4.Credentials{AccessKey: args[0], Secret: args[1]}
	case len(args) == 3:
		s.keys = sigv4.Credentials{AccessKey: args[0], Secret: args[1], Token: args[2]}
	default:
		ts.Fatalf("usage: as root, or as ID SECRET [TOKEN]")
	}
}

func (s *session) in(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: in REGION")
	}
	s.region = args[0]
}

// operation is the command that calls operations of a service, over HTTP as an
// SDK would.
func (s *session) operation(service string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) == 0 {
			ts.Fatalf("usage: %s Operation [member=string | member:=json | member<=file]…", service)
		}
		in := make(map[string]any)
		for _, arg := range args[1:] {
			name, value, ok := strings.Cut(arg, "=")
			if !ok {
				ts.Fatalf("%q is no member: want name=string or name:=json", arg)
			}
			if member, isBlob := strings.CutSuffix(name, "<<"); isBlob {
				in[member] = []byte(ts.ReadFile(value))
			} else if member, isFile := strings.CutSuffix(name, "<"); isFile {
				in[member] = ts.ReadFile(value)
			} else if raw, isJSON := strings.CutSuffix(name, ":"); isJSON {
				if !json.Valid([]byte(value)) {
					ts.Fatalf("%s is no JSON", value)
				}
				in[raw] = json.RawMessage(value)
			} else {
				in[name] = value
			}
		}
		body, err := json.Marshal(in)
		ts.Check(err)
		r := httptest.NewRequest(http.MethodPost, "http://localhost:4566/", nil)
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", service+"."+args[0])
		w := s.send(r, body, service)
		fmt.Fprintln(ts.Stdout(), w.Body)
		if (w.Code >= 300) != neg {
			ts.Fatalf("%s %s: status %d: %s", service, args[0], w.Code, w.Body)
		}
	}
}

// send signs r for service, unless that is empty, and has the platform answer it.
func (s *session) send(r *http.Request, body []byte, service string) *httptest.ResponseRecorder {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if service != "" {
		sigv4.Sign(r, s.keys, s.region, service, time.Now(), body)
	}
	w := httptest.NewRecorder()
	s.platform.Handler.ServeHTTP(w, r)
	return w
}

func (s *session) http(ts *testscript.TestScript, neg bool, args []string) {
	s.plain(ts, neg, args, "")
}

func (s *session) signed(ts *testscript.TestScript, neg bool, args []string) {
	service := "s3"
	if len(args) > 0 && args[0] == strings.ToLower(args[0]) {
		service, args = args[0], args[1:]
	}
	s.plain(ts, neg, args, service)
}

// plain makes a request that is no operation: METHOD URL [header=value]… [body].
func (s *session) plain(ts *testscript.TestScript, neg bool, args []string, service string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD URL [header=value]… [body]")
	}
	r := httptest.NewRequest(args[0], args[1], nil)
	var body []byte
	for i, arg := range args[2:] {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || i == len(args)-3 && !headerName(name) {
			body = []byte(arg)
			continue
		}
		r.Header.Set(name, value)
	}
	w := s.send(r, body, service)
	fmt.Fprintln(ts.Stdout(), w.Code)
	for _, name := range []string{"Content-Type", "Location", "Etag", "X-Amz-Version-Id", "Access-Control-Allow-Origin", "Set-Cookie"} {
		if v := w.Header().Get(name); v != "" {
			fmt.Fprintf(ts.Stdout(), "%s: %s\n", name, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if strings.HasPrefix(name, "X-") && !strings.HasPrefix(name, "X-Amz-") {
			for _, v := range w.Header()[name] {
				fmt.Fprintf(ts.Stdout(), "%s: %s\n", name, v)
			}
		}
	}
	fmt.Fprintln(ts.Stdout(), w.Body)
	if (w.Code >= 400) != neg {
		ts.Fatalf("%s %s: status %d: %s", args[0], args[1], w.Code, w.Body)
	}
}

// headerName reports whether s can be the name of a header.
func headerName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// makeZip keeps a zip of files: zip NAME file=text …
func makeZip(ts *testscript.TestScript, neg bool, args []string) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, arg := range args[1:] {
		name, text, _ := strings.Cut(arg, "=")
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := w.CreateHeader(h)
		ts.Check(err)
		_, err = io.WriteString(f, text)
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Setenv(args[0], base64.StdEncoding.EncodeToString(out.Bytes()))
}

// keep sets a variable to a part of the last answer: keep URL .Queues.0.Url
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: keep NAME .Path")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for part := range strings.SplitSeq(strings.Trim(args[1], "."), ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				ts.Fatalf("%s: the list has no %s", args[1], part)
			}
			v = x[i]
		default:
			v = nil
		}
	}
	if v == nil {
		ts.Fatalf("the last answer has no %s", args[1])
	}
	if text, ok := v.(string); ok {
		ts.Setenv(args[0], text)
		return
	}
	b, err := json.Marshal(v)
	ts.Check(err)
	ts.Setenv(args[0], string(b))
}

// find sets a variable to what a group of a regular expression finds in the last
// answer: find CODE 'code is (\d+)'
func find(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: find NAME REGEXP")
	}
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	m := re.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) != 2 {
		ts.Fatalf("the last answer has no %s, or not one group", args[1])
	}
	ts.Setenv(args[0], m[1])
}

func sleep(ts *testscript.TestScript, neg bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
	synctest.Wait()
}

// bubble is a testing.T within synctest, where subtests may not be run.
type bubble struct{ *testing.T }

func (b bubble) Run(_ string, f func(testscript.T)) { f(b) }
func (b bubble) Parallel()                          {}
func (b bubble) Verbose() bool                      { return testing.Verbose() }
