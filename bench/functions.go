package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A code is a function's, and the floor of its cold start: its bare process.
type code struct {
	name, runtime, handler string
	zip                    []byte
	prepare                func() error // what the floor needs, once a worker has run
	floor                  func() (time.Duration, error)
	coldBar                func(floor float64) float64 // ms
	warm                   bool                        // measure warm invokes too
	warmBar                float64                     // ms
	rateBar                float64                     // of 16 clients, per second
}

// most is a bar that is no more than a time.
func most(ms float64) func(float64) float64 { return func(float64) float64 { return ms } }

// codes are the functions to measure: those whose language is installed.
func (b *bench) codes() ([]code, error) {
	program, err := b.goProgram()
	if err != nil {
		return nil, err
	}
	all := []code{*program}
	for _, add := range []func() ([]code, error){b.javaCodes, b.pythonCodes, b.nodeCodes} {
		more, err := add()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// hello is a function for provided.al2023, without a library.
const hello = `package main

import ("bytes"; "io"; "net/http"; "os")

func main() {
	api, ok := os.LookupEnv("AWS_LAMBDA_RUNTIME_API")
	if !ok { return }
	base := "http://" + api + "/2018-06-01/runtime/invocation/"
	for {
		r, err := http.Get(base + "next")
		if err != nil { return }
		event, _ := io.ReadAll(r.Body)
		r.Body.Close()
		p, err := http.Post(base+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(event))
		if err != nil { return }
		io.Copy(io.Discard, p.Body)
		p.Body.Close()
	}
}
`

func (b *bench) goProgram() (*code, error) {
	bin := filepath.Join(b.dir, "bootstrap")
	src := filepath.Join(b.dir, "hello.go")
	if err := os.WriteFile(src, []byte(hello), 0o600); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, src)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		return nil, err
	}
	zipped, err := zipOf("bootstrap", program)
	return &code{name: "go", runtime: "provided.al2023", handler: "bootstrap", zip: zipped, floor: boot(bin),
		coldBar: func(floor float64) float64 { return floor + 6 }, warm: true, warmBar: 0.25}, err
}

const nodeSDK = `const { DynamoDBClient, ListTablesCommand } = require('@aws-sdk/client-dynamodb');
const client = new DynamoDBClient({});
exports.handler = async event => event;
exports.calls = async event => (await client.send(new ListTablesCommand({}))).TableNames;
`

func (b *bench) nodeCodes() ([]code, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, nil
	}
	plain, err := zipOf("index.js", []byte("exports.handler = async event => event"))
	if err != nil {
		return nil, err
	}
	sdk, err := zipOf("index.js", []byte(nodeSDK))
	floor := boot(node, "-e", "0")
	return []code{
		{name: "node-sdk", runtime: "nodejs20.x", handler: "index.handler", zip: sdk, floor: floor, coldBar: most(8)},
		{name: "node-sdk-calls", runtime: "nodejs20.x", handler: "index.calls", zip: sdk, floor: floor, coldBar: most(8)},
		{name: "node", runtime: "nodejs20.x", handler: "index.handler", zip: plain, floor: floor, coldBar: most(4), warm: true, warmBar: 0.3, rateBar: 6000},
	}, err
}

const pythonSDK = `import boto3
client = boto3.client("dynamodb")
def handler(event, context):
    return event
def calls(event, context):
    return client.list_tables()["TableNames"]
`

func (b *bench) pythonCodes() ([]code, error) {
	// Not a script that finds the version to run.
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return nil, nil
	}
	python := strings.TrimSpace(string(out))
	plain, err := zipOf("index.py", []byte("def handler(event, context):\n    return event\n"))
	if err != nil {
		return nil, err
	}
	sdk, err := zipOf("index.py", []byte(pythonSDK))
	floor := boot(python, "-c", "import json, http.client")
	return []code{
		{name: "python-boto3", runtime: "python3.12", handler: "index.handler", zip: sdk, floor: floor, coldBar: most(15)},
		{name: "python-boto3-calls", runtime: "python3.12", handler: "index.calls", zip: sdk, floor: floor, coldBar: most(15)},
		{name: "python", runtime: "python3.12", handler: "index.handler", zip: plain, floor: floor, coldBar: most(5), warm: true, warmBar: 0.3},
	}, err
}

func zipOf(name string, content []byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}
