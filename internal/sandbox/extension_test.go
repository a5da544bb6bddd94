package sandbox

import (
	"os/exec"
	"testing"
	"time"
)

// watcher is an extension that logs what it is told, and takes its time.
const watcher = `#!/usr/bin/python3 -u
import http.client, json, os, time
api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API']
c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def ask(method, path, body=None, **headers):
    c.request(method, path, body and json.dumps(body), {k.replace('_', '-'): v for k, v in headers.items()})
    r = c.getresponse()
    return r, json.loads(r.read() or b'null')
r, about = ask('POST', '/2020-01-01/extension/register', {'events': ['INVOKE', 'SHUTDOWN']}, Lambda_Extension_Name='watch', Lambda_Extension_Accept_Feature='accountId')
id = r.getheader('Lambda-Extension-Identifier')
print('about', json.dumps(about), os.path.exists('/var/task/index.js'), '_HANDLER' in os.environ)
print('stranger', ask('GET', '/2020-01-01/extension/event/next', Lambda_Extension_Identifier='x')[0].status)
while True:
    r, e = ask('GET', '/2020-01-01/extension/event/next', Lambda_Extension_Identifier=id)
    print('told', e['eventType'], e.get('requestId'), e.get('shutdownReason'), open('/tmp/shared').read() if e['eventType'] == 'SHUTDOWN' else '')
    if e['eventType'] == 'SHUTDOWN': break
    time.sleep(0.2)
    print('done')
`

// idle counts the idle workers of a function.
func (r *rig) idle(f *Function) int {
	r.Manager.mu.Lock()
	defer r.Manager.mu.Unlock()
	return len(r.crewOf(f, "").idle)
}

func TestExtension(t *testing.T) {
	if _, err := exec.LookPath("/usr/bin/python3"); err != nil {
		t.Skip("needs python3 in /usr/bin")
	}
	r := newRig(t, nil)
	for _, way := range []string{"assigned", "booted"} {
		t.Run(way, func(t *testing.T) {
			f := node(t, `exports.handler = async (e) => { require('fs').writeFileSync('/tmp/shared', 'kept'); return e }`)
			f.Revision = way
			f.Layers = []string{code(t, map[string]string{"extensions/watch": watcher, "extensions/lib/x": "no extension"})}
			if way == "booted" {
				f.Env = map[string]string{"LANG": "C.UTF-8"}
			} else {
				r.await(t, f)
			}
			res := r.invoke(t, f, "1")
			expect(t, res, "", "1")
			r.log(t, res.LogStream, `about {"functionName": "node", "functionVersion": "\$LATEST", "handler": "index.handler", "accountId": "123456789012"} True False\n(?s:.*)stranger 403\n(?s:.*)told INVOKE `+testID)
			if n := r.idle(f); n > 0 {
				t.Errorf("%d workers are free, though their extension is busy", n)
			}
			r.log(t, res.LogStream, "done\n")
			for end := time.Now().Add(5 * time.Second); r.idle(f) == 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			if again := r.invoke(t, f, "2"); again.LogStream != res.LogStream {
				t.Errorf("the second event had another worker: %s", again.LogTail)
			}
			r.log(t, res.LogStream, "(?s:done.*done)")
			r.Forget(f.ARN)
			r.log(t, res.LogStream, "(?s:done.*done.*)told SHUTDOWN None spindown kept\n")
		})
	}
	f := node(t, `exports.handler = async (e) => e`)
	f.Layers = []string{code(t, map[string]string{"extensions/bad": "#!/bin/sh\nexit 3\n"})}
	expect(t, r.invoke(t, f, "1"), "Unhandled", `{"errorType":"Extension.Crash",.*`)
	f.Layers = []string{code(t, map[string]string{"extensions/bad": "#!/none\n"})}
	f.Revision = "other"
	expect(t, r.invoke(t, f, "1"), "Unhandled", `{"errorType":"Extension.LaunchError",.*`)
}

// A wrapper that asks for events by itself, as the Lambda Web Adapter has it,
// starts with the function's own variables, and not our client.
func TestWrapperOfItsOwn(t *testing.T) {
	r := newRig(t, nil)
	f := function("web", "python3.13", "loop.py", code(t, map[string]string{"loop.py": `
import http.client, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
base = '/2018-06-01/runtime/invocation/'
while True:
    api.request('GET', base + 'next')
    event = api.getresponse()
    event.read()
    api.request('POST', base + event.headers['Lambda-Runtime-Aws-Request-Id'] + '/response', '"' + os.environ['WHO'] + '"')
    api.getresponse().read()
`}))
	r.await(t, f)
	f.Env = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap", "WHO": "me"}
	f.Layers = []string{code(t, map[string]string{"bootstrap": "#!/bin/sh\nexec \"$1\" \"$LAMBDA_TASK_ROOT/$_HANDLER\"\n"})}
	expect(t, r.invoke(t, f, "{}"), "", `"me"`)
	expect(t, r.invoke(t, f, "{}"), "", `"me"`)
}
