package sandbox

import (
	"fmt"
	"net"
	"net/rpc"
	"os"
	"strings"
	"testing"
)

// An rpcProgram is a program of go1.x as it was built in the first days.
type rpcProgram struct{}

// Types of calls must have names that are exported.
type (
	InvokeRequest  rpcEvent
	InvokeResponse rpcAnswer
)

func (rpcProgram) Invoke(e InvokeRequest, a *InvokeResponse) error {
	if strings.Contains(string(e.Payload), "bad") {
		a.Error = &rpcError{Message: "bad", Type: "errorString"}
		return nil
	}
	a.Payload = fmt.Appendf(nil, `{"id":%q,"arn":%q,"trace":%q,"got":%s,"late":%t}`, e.RequestId, e.InvokedFunctionArn, e.XAmznTraceId, e.Payload, e.Deadline.Seconds > 0)
	return nil
}

// serveRPC serves calls at a port, as such a program does.
func serveRPC(port string) {
	s := rpc.NewServer()
	s.RegisterName("Function", rpcProgram{})
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.Accept(l)
}

func TestBridge(t *testing.T) {
	r := newRig(t, nil)
	f := self(t)
	f.Runtime, f.Handler = "go1.x", "bootstrap"
	for range 2 {
		expect(t, r.invoke(t, f, `{"a":1}`), "", `{"id":"`+testID+`","arn":"arn:aws:lambda:eu-west-1:123456789012:function:self","trace":"Root=1-2-3","got":{"a":1},"late":true}`)
	}
	expect(t, r.invoke(t, f, `"bad"`), "Unhandled", `{"errorMessage":"bad","errorType":"errorString"}`)
	expect(t, r.invoke(t, f, `2`), "", `.*"got":2.*`)
}
