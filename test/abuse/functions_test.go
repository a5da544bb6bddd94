package abuse

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
)

// A hostile function is in Python; what it answers, or fails with, is matched.
type hostile struct {
	source string
	want   string // of the answer
	err    string // FunctionError
	memory int    // MB; 256 if 0
}

const killed = `.*Runtime exited with error: signal: killed.*`

// tries calls each of fs and answers with what did not fail.
const tries = `
import ctypes, errno, os, resource, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(*a):
    if libc.syscall(*a) < 0: raise OSError(ctypes.get_errno(), 'held')
def dial(addr):
    s = socket.socket(); s.settimeout(3); s.connect(addr); s.sendall(b'GET / HTTP/1.0\r\n\r\n')
    if not s.recv(1): raise OSError('closed')
def tried(**fs):
    done = []
    for name, f in fs.items():
        try: f(); done.append(name)
        except OSError: pass
    return done
def until(f, most):
    for n in range(most):
        try: f()
        except OSError as e: return [n, errno.errorcode[e.errno]]
    return 'NOT STOPPED'
`

var hostiles = map[string]hostile{
	"fork bomb": {source: `
def handler(e, c):
    def fork():
        if os.fork() == 0:
            while True: time.sleep(1000)
    return until(fork, 20000)`, want: `\[\d{2,4}, "EAGAIN"\]`, memory: 2048},
	"memory bomb": {source: `
def handler(e, c):
    a = []
    while True: a.append(b'x' * (8 << 20))`, err: "Unhandled", want: killed},
	"memory that is lent to /tmp": {source: `
def handler(e, c):
    a = b'x' * (300 << 20)
    time.sleep(2)
    return 'KEPT'`, err: "Unhandled", want: killed},
	"/tmp fill": {source: `
def handler(e, c):
    f = open('/tmp/fill', 'wb', buffering=0)
    block = b'x' * (1 << 20)
    def put():
        if f.write(block) < len(block): raise OSError(errno.ENOSPC, 'short')
    return until(put, 10000)`, want: `\[51[12], "ENOSPC"\]`},
	"disk fill": {source: `
def handler(e, c):
    return tried(**{d: lambda d=d: open(d + '/x', 'w') for d in ('/', '/var/task', '/opt', '/var/runtime', '/home/sbx_user1051', '/dev/shm', '/run', '/var', '/etc', '/usr', '/dev', '/proc', '/sys')})`, want: `\[\]`},
	"descriptors": {source: `
def handler(e, c):
    return until(lambda: os.open('/dev/null', 0), 100000)`, want: `\[\d{3,4}, "EMFILE"\]`},
	"spin past the time-out": {source: `
def handler(e, c):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True: pass`, err: "Unhandled", want: `.*Task timed out after 5.00 seconds.*`},
	"files of the host": {source: `
def handler(e, c):
    return tried(**{f: lambda f=f: open(f).read(1) for f in ('/etc/shadow', '/root', e['data'], '/proc/1/root' + e['data'], '/proc/kcore', '/dev/vda', '/dev/mem', '/proc/sys/kernel/core_pattern' + '/x')})`, want: `\[\]`},
	"a neighbour": {source: `
def handler(e, c):
    pids = [p for p in os.listdir('/proc') if p.isdigit() and p != str(os.getpid())]
    found = tried(**{f: lambda f=f: open('/proc/%s/%s' % (e['pid'], f)).read(1) for f in ('environ', 'mem', 'cmdline', 'maps', 'root/var/task/secret.txt')})
    return pids + found + tried(kill=lambda: os.kill(e['pid'], 0), ptrace=lambda: call(101, 16, e['pid'], 0, 0), vm=lambda: call(310, e['pid'], 0, 0, 0, 0, 0))`, want: `\[\]`},
	"kill everything": {source: `
def handler(e, c):
    try: os.kill(-1, 9)
    except OSError: pass
    return 'done'`, want: `"done"`},
	"mount and devices": {source: `
def handler(e, c):
    return tried(
        mount=lambda: call(165, b't', b'/tmp', b'tmpfs', 0, 0), remount=lambda: call(165, 0, b'/', 0, 32, 0), umount=lambda: call(166, b'/var/task', 0),
        mknod=lambda: os.mknod('/tmp/d', 0o60600, os.makedev(254, 0)), chroot=lambda: os.chroot('/tmp'), unshare=lambda: call(272, 0x10000000), setns=lambda: call(308, 0, 0),
        raw=lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1), packet=lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW), root=lambda: os.setuid(0))`, want: `\[\]`},
	"the network": {source: `
def handler(e, c):
    return tried(metadata=lambda: dial(('169.254.169.254', 80)), admin=lambda: dial((e['host'], e['port'])), loopback=lambda: dial(('127.0.0.1', e['port'])), neighbour=lambda: dial((e['host'], 9001)),
        abstract=lambda: socket.socket(socket.AF_UNIX).connect('\0' + e['socket']))`, want: `\[\]`},
	"another's event": {source: `
import http.client
def handler(e, c):
    h = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
    h.request('POST', '/2018-06-01/runtime/invocation/' + e['neighbour'] + '/response', '"mine"')
    r = h.getresponse(); r.read()
    return r.status`, want: `400`},
	"links out": {source: `
def handler(e, c):
    os.symlink('/proc/1/root/../../..' + e['data'], '/tmp/soft')
    return tried(soft=lambda: open('/tmp/soft').read(), hard=lambda: os.link('/var/task/index.py', '/tmp/hard'), up=lambda: open('/var/task/../../../..' + e['data']).read())`, want: `\[\]`},
	"a process that outlives its invoke": {source: `
def handler(e, c):
    if os.fork() == 0:
        os.setsid()
        for fd in (0,): os.close(fd)
        while True: os.write(1, b'still here\n'); time.sleep(0.05)
    return 'gone'`, want: `"gone"`},
	"output flood": {source: `
def handler(e, c):
    for _ in range(20): os.write(1, b'x' * (1 << 20))
    return 'said'`, want: `"said"`},
	"malformed traffic": {source: `
def handler(e, c):
    host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')
    path = b'/2018-06-01/runtime/invocation/' + c.aws_request_id.encode() + b'/response HTTP/1.1\r\n'
    for b in (b'\x00' * 100000, b'GET ' + b'/' * 100000, b'POST ' + path + b'Content-Length: -1\r\n\r\n', b'POST ' + path + b'Content-Length: 99999999999999999999\r\n\r\n',
              b'POST ' + path + b'Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n', b'POST ' + path + b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nx', b'GET / HTTP/1.1\r\n' + b'a: b\r\n' * 100000, b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'):
        s = socket.create_connection((host, int(port))); s.settimeout(3)
        try: s.sendall(b); s.recv(1000)
        except OSError: pass
    held = [socket.create_connection((host, int(port))) for _ in range(100)]
    return len(held)`, want: `100`},
}

// A den is where hostile functions run: beside a neighbour, on a host that has
// something to lose.
type den struct {
	*sandbox.Manager
	neighbour *sandbox.Function
	facts     []byte // that attackers know
	lines     atomic.Int64
}

func newDen(t *testing.T) *den {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3")
	}
	d := new(den)
	var err error
	d.Manager, err = sandbox.New(sandbox.Config{Dir: filepath.Join(t.TempDir(), "sandbox"), Egress: fence.Egress{Internet: true}, Sink: func(b sandbox.LogBatch) { d.lines.Add(int64(len(b.Lines))) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if missing := strings.Join(d.Missing(), "; "); missing != "" {
		t.Skip("this host cannot fence functions in whole: ", missing)
	}
	d.neighbour = function(t, "neighbour", "import os\ndef handler(e, c): return [os.environ['SECRET'], os.getpid()]", 256)
	d.neighbour.Env = map[string]string{"SECRET": "mine"}
	l, err := net.Listen("tcp", "0.0.0.0:0") // what an admin surface would be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	abstract, err := net.Listen("unix", "@aloft-abuse-functions")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { abstract.Close() })
	victim := exec.Command("sleep", "1000")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill(); victim.Wait() })
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	d.facts, err = json.Marshal(map[string]any{"data": data, "pid": victim.Process.Pid, "host": hostAddr(), "port": l.Addr().(*net.TCPAddr).Port, "socket": "aloft-abuse-functions", "neighbour": neighbourID})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const neighbourID = "00000000-0000-4000-8000-000000000001"

func hostAddr() string {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	return "192.0.2.1"
}

func function(t *testing.T, name, source string, memory int) *sandbox.Function {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"index.py": source, "secret.txt": "code"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &sandbox.Function{
		ARN: aws.ARN{Service: "lambda", Region: "us-east-1", Account: "000000000000", Resource: "function:" + name}, Version: "$LATEST", Revision: "1",
		Runtime: "python3.12", Handler: "index.handler", Code: dir, MemoryMB: memory, Timeout: 5 * time.Second,
	}
}

// meet has the neighbour answer, which it must in reasonable time.
func (d *den) meet(t *testing.T) {
	t.Helper()
	began := time.Now()
	res, err := d.Invoke(context.Background(), d.neighbour, sandbox.Event{RequestID: neighbourID})
	if err != nil || !strings.HasPrefix(string(res.Payload), `["mine", `) {
		t.Errorf("the neighbour: %s %v", res.Payload, err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the neighbour took %v", took)
	}
}

// Hostile functions get nothing, and do no harm: each attack is held, and while
// it runs and afterwards a neighbour answers as ever.
func TestHostileFunctions(t *testing.T) {
	d := newDen(t)
	d.meet(t)
	for name, h := range hostiles {
		t.Run(name, func(t *testing.T) {
			memory := h.memory
			if memory == 0 {
				memory = 256
			}
			f := function(t, "hostile", tries+h.source, memory)
			f.Revision = name
			done := make(chan struct{})
			go func() {
				defer close(done)
				time.Sleep(100 * time.Millisecond)
				d.meet(t)
			}()
			res, err := d.Invoke(t.Context(), f, sandbox.Event{RequestID: fmt.Sprintf("%036d", len(name)), Payload: d.facts})
			<-done
			if err != nil {
				t.Fatal(err)
			}
			if res.FunctionError != h.err || !regexp.MustCompile("^(?s:"+h.want+")$").Match(res.Payload) {
				t.Errorf("got %q %s, want %q %s\n%s", res.FunctionError, res.Payload, h.err, h.want, res.LogTail)
			}
			d.Forget(f.ARN)
			d.meet(t)
		})
	}
	// What a process writes that outlived its worker would still come.
	time.Sleep(time.Second)
	before := d.lines.Load()
	time.Sleep(500 * time.Millisecond)
	if after := d.lines.Load(); after != before {
		t.Errorf("%d lines were written by nobody", after-before)
	}
}
