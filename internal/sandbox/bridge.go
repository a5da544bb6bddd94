package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"strconv"
	"time"
)

// Programs for go1.x know no Runtime API, the older of them: they serve calls of
// Go's own net/rpc at a port that their environment names. A bridge is the
// client of the Runtime API for such a program.

const (
	rpcPort     = "8001" // where workers have a network of their own
	rpcVariable = "_LAMBDA_SERVER_PORT"
	rpcPause    = 2 * time.Millisecond
)

// What the program is called with, and answers: fields are matched by name.
type (
	rpcDeadline struct{ Seconds, Nanos int64 }
	rpcEvent    struct {
		Payload               []byte
		RequestId             string
		XAmznTraceId          string
		Deadline              rpcDeadline
		InvokedFunctionArn    string
		CognitoIdentityId     string
		CognitoIdentityPoolId string
		ClientContext         []byte
	}
	rpcFrame struct {
		Path  string `json:"path"`
		Line  int32  `json:"line"`
		Label string `json:"label"`
	}
	rpcError struct {
		Message    string      `json:"errorMessage"`
		Type       string      `json:"errorType"`
		StackTrace []*rpcFrame `json:"stackTrace,omitempty"`
		ShouldExit bool        `json:"-"`
	}
	rpcAnswer struct {
		Payload []byte
		Error   *rpcError
	}
)

// freePort is a port for the program of a worker.
func freePort(confined bool) (string, error) {
	if confined {
		return rpcPort, nil
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// bridge serves events to the program of w, until it ends. A program that asks
// the Runtime API itself is left alone.
func (w *worker) bridge(port string) {
	far, err := w.callable(port)
	if err != nil {
		return // it has ended, or needs no bridge
	}
	program := rpc.NewClient(far)
	defer program.Close()
	ours, its := net.Pipe()
	defer ours.Close()
	w.m.group.Go(func() { w.api.Join(its) })
	r := bufio.NewReader(ours)
	for {
		res, err := ask(ours, r, http.MethodGet, "invocation/next", nil, "")
		if err != nil {
			return
		}
		path, body, kind := callProgram(program, res)
		if _, err := ask(ours, r, http.MethodPost, path, body, kind); err != nil {
			return
		}
	}
}

// callable connects to the program once it listens.
func (w *worker) callable(port string) (net.Conn, error) {
	for {
		if c, err := w.proc.Dial("127.0.0.1:" + port); err == nil {
			return c, nil
		}
		if w.api.Used() {
			return nil, errors.New("it asks itself")
		}
		timer := time.NewTimer(rpcPause)
		select {
		case <-timer.C:
		case <-w.exited:
			timer.Stop()
			return nil, errors.New("it has ended")
		}
	}
}

// A reply is an answer of the Runtime API.
type reply struct {
	http.Header
	body []byte
}

// ask sends one request over c and reads its answer.
func ask(c net.Conn, r *bufio.Reader, method, path string, body []byte, kind string) (reply, error) {
	req, err := http.NewRequest(method, "http://aloft/2018-06-01/runtime/"+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if kind != "" {
		req.Header.Set("Lambda-Runtime-Function-Error-Type", kind)
	}
	if err := req.Write(c); err != nil {
		return reply{}, err
	}
	res, err := http.ReadResponse(r, req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 && res.StatusCode != http.StatusRequestEntityTooLarge {
		err = fmt.Errorf("the Runtime API answered %s: %s", res.Status, b)
	}
	return reply{res.Header, b}, err
}

// callProgram gives the program an event, and says what to send for it.
func callProgram(program *rpc.Client, event reply) (path string, body []byte, kind string) {
	e := &rpcEvent{
		Payload: event.body, RequestId: event.Get("Lambda-Runtime-Aws-Request-Id"), XAmznTraceId: event.Get("Lambda-Runtime-Trace-Id"),
		InvokedFunctionArn: event.Get("Lambda-Runtime-Invoked-Function-Arn"), ClientContext: []byte(event.Get("Lambda-Runtime-Client-Context")),
	}
	ms, _ := strconv.ParseInt(event.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	e.Deadline = rpcDeadline{Seconds: ms / 1000, Nanos: ms % 1000 * 1e6}
	var identity struct{ CognitoIdentityID, CognitoIdentityPoolID string }
	if text := event.Get("Lambda-Runtime-Cognito-Identity"); text != "" {
		json.Unmarshal([]byte(text), &identity) // what is not understood is not there
	}
	e.CognitoIdentityId, e.CognitoIdentityPoolId = identity.CognitoIdentityID, identity.CognitoIdentityPoolID
	path = "invocation/" + e.RequestId
	var a rpcAnswer
	if err := program.Call("Function.Invoke", e, &a); err != nil {
		a.Error = &rpcError{Message: err.Error(), Type: "Runtime.ExitError"}
	}
	if a.Error == nil {
		return path + "/response", a.Payload, ""
	}
	body, err := json.Marshal(a.Error)
	if err != nil {
		body = errorDocument(a.Error.Type, a.Error.Message)
	}
	return path + "/error", body, a.Error.Type
}
