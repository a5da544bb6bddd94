package integration

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// Result is what the task has of an answer.
func (t *Target) Result(answer []byte, requestID string) (tree.Value, *asl.Error) {
	v, err := tree.Parse(answer)
	if err != nil {
		return nil, &asl.Error{Name: asl.ErrRuntime, Cause: "The answer is no JSON: " + err.Error()}
	}
	o, ok := v.(*tree.Object)
	if !ok || !t.Optimised {
		return v, nil
	}
	if t.after != nil {
		if e := t.after(o); e != nil {
			return nil, e
		}
	}
	if t.Service != "events" {
		describe(o, t.Service, len(answer), requestID)
	}
	return o, nil
}

// describe adds what the SDK says of the response.
func describe(o *tree.Object, service string, length int, requestID string) {
	kind := map[string]string{"sns": "text/xml", "lambda": "application/json"}[service]
	if kind == "" {
		kind = "application/x-amz-json-1.0"
	}
	all, one := tree.NewObject(), tree.NewObject()
	for _, h := range [][2]string{
		{"Content-Length", strconv.Itoa(length)}, {"Content-Type", kind}, {"Date", time.Now().UTC().Format(http.TimeFormat)},
		{"connection", "keep-alive"}, {"x-amzn-RequestId", requestID},
	} {
		all.Set(h[0], []tree.Value{h[1]})
		one.Set(h[0], h[1])
	}
	o.Set("SdkHttpMetadata", tree.NewObject("AllHttpHeaders", all, "HttpHeaders", one, "HttpStatusCode", json.Number("200")))
	o.Set("SdkResponseMetadata", tree.NewObject("RequestId", requestID))
}

// Payload is what a function answered.
func Payload(text []byte) (tree.Value, error) {
	if strings.TrimSpace(string(text)) == "" {
		return nil, nil
	}
	return tree.Parse(text)
}

// FunctionError is the failure that a function tells of: the type of its error
// is the name.
func FunctionError(payload []byte) *asl.Error {
	e := &asl.Error{Name: "Lambda.Unknown", Cause: string(payload)}
	v, err := tree.Parse(payload)
	if o, ok := v.(*tree.Object); err == nil && ok {
		if name, _ := o.Get("errorType"); name != nil {
			if text, ok := name.(string); ok && text != "" {
				e.Name = text
			}
		}
	}
	return e
}

// invoked makes a function's payload the JSON it is, and its error the task's.
func invoked(o *tree.Object) *asl.Error {
	text, _ := o.Get("Payload")
	payload, _ := text.(string)
	if failed, _ := o.Get("FunctionError"); failed != nil {
		return FunctionError([]byte(payload))
	}
	v, err := Payload([]byte(payload))
	if err != nil {
		v = payload
	}
	code, _ := o.Get("StatusCode")
	version, _ := o.Get("ExecutedVersion")
	for _, name := range append([]string{}, o.Keys()...) {
		o.Delete(name)
	}
	if version != nil {
		o.Set("ExecutedVersion", version)
	}
	o.Set("Payload", v)
	o.Set("StatusCode", code)
	return nil
}

// allEntries fails if the bus took not all events.
func allEntries(o *tree.Object) *asl.Error {
	count, _ := o.Get("FailedEntryCount")
	if n, _ := tree.Int(count); n > 0 {
		return &asl.Error{Name: "EventBridge.FailedEntry", Cause: tree.String(o)}
	}
	return nil
}

// startedInMs says when an execution started as the SDK of this integration does.
func startedInMs(o *tree.Object) *asl.Error {
	text, _ := o.Get("StartDate")
	if s, ok := text.(string); ok {
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			o.Set("StartDate", json.Number(strconv.FormatInt(at.UnixMilli(), 10)))
		}
	}
	return nil
}
