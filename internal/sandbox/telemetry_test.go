package sandbox

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listener is an extension that subscribes, and prints what it is told.
const listener = `#!/usr/bin/python3 -u
import http.client, http.server, json, os, socket, threading
def say(*words): os.write(1, (' '.join(map(str, words)) + '\n').encode())
c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def ask(method, path, body=None, **headers):
    c.request(method, path, body and json.dumps(body), {k.replace('_', '-'): v for k, v in headers.items()})
    r = c.getresponse()
    return r, r.read().decode()
class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for e in json.loads(self.rfile.read(int(self.headers['Content-Length']))):
            say('heard', json.dumps(e, sort_keys=True))
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(('sandbox.localdomain', 8080), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
lines = socket.create_server(('0.0.0.0', 8081))
def read():
    while True:
        for line in lines.accept()[0].makefile():
            say('line', line.strip())
threading.Thread(target=read, daemon=True).start()
r, _ = ask('POST', '/2020-01-01/extension/register', {'events': ['INVOKE', 'SHUTDOWN']}, Lambda_Extension_Name='listen')
id = r.getheader('Lambda-Extension-Identifier')
def subscribe(path, body):
    r, text = ask('PUT', path, body, Lambda_Extension_Identifier=id)
    return r.status, text
to = {'protocol': 'HTTP', 'URI': 'http://sandbox.localdomain:8080/x'}
say('bad', subscribe('/2022-07-01/telemetry', {'schemaVersion': '2022-12-13', 'types': ['function'], 'destination': {'protocol': 'HTTP', 'URI': 'http://169.254.169.254/'}}))
say('bad', subscribe('/2022-07-01/telemetry', {'schemaVersion': '2022-12-13', 'types': ['function'], 'buffering': {'timeoutMs': 1}, 'destination': to}))
say('good', subscribe('/2022-07-01/telemetry', {'schemaVersion': '2022-12-13', 'types': ['platform', 'function'], 'buffering': {'timeoutMs': 25}, 'destination': to}))
say('good', subscribe('/2020-08-15/logs', {'schemaVersion': '2021-03-18', 'types': ['platform'], 'buffering': {'timeoutMs': 25}, 'destination': {'protocol': 'TCP', 'port': 8081}}))
n = 0
while True:
    r, e = ask('GET', '/2020-01-01/extension/event/next', Lambda_Extension_Identifier=id)
    n += 1
    if n == 1: say('late', subscribe('/2022-07-01/telemetry', {'schemaVersion': '2022-12-13', 'types': ['function'], 'destination': to}))
    if json.loads(e)['eventType'] == 'SHUTDOWN': break
`

func TestTelemetry(t *testing.T) {
	if _, err := exec.LookPath("/usr/bin/python3"); err != nil {
		t.Skip("needs python3 in /usr/bin")
	}
	r := newRig(t, nil)
	f := node(t, `console.log('init'); exports.handler = async (e) => { console.log('hello'); return e }`)
	f.Layers = []string{code(t, map[string]string{"extensions/listen": listener})}
	res := r.invoke(t, f, "1")
	expect(t, res, "", "1")
	// What is told of an invoke may come to a worker that is frozen, and waits
	// for the next.
	heard := func(want string) string {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			r.mu.Lock()
			log := strings.Join(r.logs[res.LogStream], "")
			r.mu.Unlock()
			if regexp.MustCompile(want).MatchString(log) {
				return log
			}
			if time.Now().After(end) {
				t.Fatalf("no %s in the log:\n%s", want, log)
			}
			expect(t, r.invoke(t, f, "2"), "", "2")
		}
	}
	for _, want := range []string{
		`bad (400, '{"errorMessage":"destination.URI must be of http://sandbox.localdomain","errorType":"ValidationError"}')`,
		`bad (400, '{"errorMessage":"buffering.timeoutMs must be between 25 and 30000"`,
		`good (200, 'OK')`,
		`late (403, '{"errorMessage":"Telemetry API subscription is closed already","errorType":"Telemetry.SubscriptionClosed"}')`,
		`heard {"record": {"functionName": "node", "functionVersion": "$LATEST", "initializationType": "on-demand", "phase": "init", "runtimeVersion": `,
		`heard {"record": {"name": "listen", "state": "Subscribed", "types": ["platform", "function"]}, "time": `,
		`heard {"record": {"events": ["INVOKE", "SHUTDOWN"], "name": "listen", "state": "Ready"}, "time": `,
		`heard {"record": {"initializationType": "on-demand", "phase": "init", "status": "success"}, "time": `,
		`heard {"record": {"requestId": "` + testID + `", "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-2-3"}, "version": "$LATEST"}, "time": `,
		`heard {"record": {"metrics": {"durationMs": `,
		`line {"time":"`, `"type":"platform.end","record":{"requestId":"` + testID + `"}}`,
		`"type":"platform.logsSubscription","record":{"name":"listen","state":"Subscribed","types":["platform"]}}`,
	} {
		heard(regexp.QuoteMeta(want))
	}
	for _, want := range []string{`heard {"record": "[^"]*init\\n", "time": "[^"]*", "type": "function"}`, `heard {"record": "[^"]*hello\\n", "time": "[^"]*", "type": "function"}`} {
		heard(want)
	}
	if log := heard(`heard .*platform.report.*\n`); strings.Contains(log, `"type": "platform.end"`) {
		t.Error("the Telemetry API has platform.end")
	}
}
