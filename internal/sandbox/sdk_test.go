package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sdkRig has SDKs from $ALOFT_CLIENTS/sdks, fetched if they are not there.
func sdkRig(t testing.TB) *rig {
	t.Helper()
	dir := os.Getenv("ALOFT_CLIENTS")
	if dir == "" {
		t.Skip("set ALOFT_CLIENTS to a directory for the AWS SDKs, which are fetched into it once")
	}
	dir = filepath.Join(dir, "sdks")
	return newRig(t, func(c *Config) { c.SDKs, c.Endpoint, c.Tell = dir, table, func(s string) { t.Log(s) } })
}

// table is a table with one item, and says who asks in which region.
var table = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	fmt.Fprintf(w, `{"Item":{"host":{"S":%q},"auth":{"S":%q},"agent":{"S":%q}}}`, r.Host, r.Header.Get("Authorization")[:75], r.UserAgent())
})

const (
	withV3 = `const { DynamoDBClient } = require('@aws-sdk/client-dynamodb')
const { DynamoDBDocumentClient, GetCommand } = require('@aws-sdk/lib-dynamodb')
const c = DynamoDBDocumentClient.from(new DynamoDBClient())
exports.handler = async () => (await c.send(new GetCommand({ TableName: 't', Key: { k: 'a' } }))).Item`
	withV2 = `const AWS = require('aws-sdk')
const c = new AWS.DynamoDB.DocumentClient()
exports.handler = async () => (await c.get({ TableName: 't', Key: { k: 'a' } }).promise()).Item`
	withModule = `import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
const c = new DynamoDB({})
await new Promise((r) => setTimeout(r, 1))
export const handler = async () => unmarshall((await c.getItem({ TableName: 't', Key: { k: { S: 'a' } } })).Item)`
	withClient = `import boto3
c = boto3.client('dynamodb')
def handler(e, _): return {k: v['S'] for k, v in c.get_item(TableName='t', Key={'k': {'S': 'a'}})['Item'].items()}`
	withResource = `import boto3
t = boto3.resource('dynamodb').Table('t')
def handler(e, _): return t.get_item(Key={'k': 'a'})['Item']`
)

func sdkFunctions(t testing.TB) map[string]*Function {
	return map[string]*Function{
		"v3":          node(t, withV3),
		"v2":          function("old", "nodejs12.x", "index.handler", code(t, map[string]string{"index.js": withV2})),
		"module":      function("module", "nodejs22.x", "index.handler", code(t, map[string]string{"index.mjs": withModule})),
		"boto3":       python(t, withClient),
		"resource":    python(t, withResource),
		"other boto3": function("other", "python3.12", "index.handler", code(t, map[string]string{"index.py": withClient})),
	}
}

// Functions that bring no SDK have that of their runtime, with credentials and
// region of their own and name their runtime, whether their worker was trained or not.
func TestSDKs(t *testing.T) {
	r := sdkRig(t)
	for name, f := range sdkFunctions(t) {
		for _, way := range []string{"assigned", "booted"} {
			t.Run(name+" "+way, func(t *testing.T) {
				g := *f
				g.Revision = way
				g.Timeout = 20 * time.Second
				if way == "booted" {
					g.Env = map[string]string{"LANG": "C.UTF-8"}
				} else {
					r.await(t, &g)
				}
				res := r.invoke(t, &g, "{}")
				expect(t, res, "", `{.*Credential=ASIAEXAMPLE/\d+/eu-west-1/dynamodb/.*}`)
				if name != "v2" {
					expect(t, res, "", `{.*127.0.0.1:4566.*}`)
					expect(t, res, "", `{.*exec-env/AWS_Lambda_`+g.Runtime+`.*}`)
				}
			})
		}
	}
}

// await waits until a blank worker for f is ready.
func (r *rig) await(t testing.TB, f *Function) {
	t.Helper()
	if err := r.Prepare(f.Runtime); err != nil {
		t.Skip(err)
	}
	l, err := r.findLanguage(f.Runtime)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r.Manager.mu.Lock()
		p := r.pools[l]
		ready := p != nil && len(p.ready) == p.depth
		r.Manager.mu.Unlock()
		if ready {
			return
		}
	}
	t.Fatal("no blank worker")
}

// BenchmarkColdSDK is from an event to an answer that took a call of DynamoDB.
func BenchmarkColdSDK(b *testing.B) {
	for name, f := range sdkFunctions(b) {
		b.Run(name, func(b *testing.B) {
			r := sdkRig(b)
			r.await(b, f)
			var d []time.Duration
			for i := 0; b.Loop(); i++ {
				g := *f
				g.Revision = fmt.Sprint("bench", i)
				began := time.Now()
				r.invoke(b, &g, `{}`)
				d = append(d, time.Since(began))
				b.StopTimer()
				r.await(b, f)
				b.StartTimer()
			}
			quantiles(b, d)
		})
	}
}

// Variables that many functions have, and that change how an interpreter
// starts, are heeded by workers that were booted ahead.
func TestUsualVariables(t *testing.T) {
	r := newRig(t, nil)
	const source = "function f() {\n\n\n  throw new Error('mapped')\n}\nexports.handler = async () => f()\n//# sourceMappingURL=index.js.map\n"
	f := node(t, "")
	f.Code = code(t, map[string]string{"index.js": source, "index.js.map": `{"version":3,"sources":["app.ts"],"names":[],"mappings":"AAAA;AACA;AACA;AACA"}`})
	f.Env = map[string]string{"NODE_OPTIONS": "--enable-source-maps", "NODE_EXTRA_CA_CERTS": "/var/runtime/ca-cert.pem"}
	r.await(t, f)
	res := r.invoke(t, f, "1")
	expect(t, res, "Unhandled", `.*/var/task/app.ts:4.*`)
	p := python(t, "import mine\ndef handler(e, c): return mine.x")
	p.Code = code(t, map[string]string{"index.py": "import mine\ndef handler(e, c): return mine.x", "src/mine.py": "x = 5"})
	p.Env = map[string]string{"PYTHONPATH": "/var/task/src"}
	r.await(t, p)
	expect(t, r.invoke(t, p, "1"), "", "5")
	if len(bootEnv(f))+len(bootEnv(p)) > 0 {
		t.Error("they are not given to workers that were booted ahead")
	}
}
