package platformtest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// Handlers are the functions that scripts can deploy, by the name they give as
// the function's handler.
var Handlers = map[string]sandbox.Handler{
	"apigateway": apigateway,
	"echo":       echo,
	"edge":       atEdge,
	"env":        env,
	"fail":       fail,
	"firehose":   firehose,
	"local":      local,
	"log":        logEvent,
	"macro":      macro,
	"picky":      picky,
	"reply":      reply,
	"sift":       sift,
	"stream":     stream,
	"wait":       wait,
}

// echo returns its event.
func echo(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
	return e.Payload, nil
}

// local asks what answers at its own loopback, and logs and returns what it said: "200
// text". A number in the event has it wait so many seconds, and what begins with
// "!" is asked without the token that extensions for secrets ask for.
func local(_ context.Context, f *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	var asked []any
	if err := json.Unmarshal(e.Payload, &asked); err != nil {
		return nil, err
	}
	creds := sandbox.Credentials{SessionToken: "token"}
	handlers := make(map[string]http.Handler)
	for port, companion := range f.Companions {
		handlers["localhost:"+strconv.Itoa(port)] = companion(creds, log)
	}
	var said []string
	for _, what := range asked {
		if n, ok := what.(float64); ok {
			time.Sleep(time.Duration(n) * time.Second)
			continue
		}
		url, silent := strings.CutPrefix(what.(string), "!")
		r := httptest.NewRequest("GET", url, nil)
		if !silent {
			r.Header.Set("X-Aws-Parameters-Secrets-Token", creds.SessionToken)
		}
		w := httptest.NewRecorder()
		if handlers[r.Host] == nil {
			return nil, errors.New("connection refused: " + r.Host)
		}
		handlers[r.Host].ServeHTTP(w, r)
		text := strconv.Itoa(w.Code) + " " + w.Body.String()
		log(text)
		said = append(said, text)
	}
	return json.Marshal(said)
}

// apigateway answers an API with its event.
func apigateway(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
	return json.Marshal(map[string]any{"statusCode": 200, "body": string(e.Payload)})
}

// atEdge is a function at the edge, which does what the path says: /fail fails,
// /bad returns what it may not, /answer answers, /moved goes to the origin
// other.example; else it logs its event and adds a header that names it.
func atEdge(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	var in struct {
		Records []struct {
			CF struct {
				Config            struct{ EventType string }
				Request, Response map[string]any
			}
		}
	}
	if err := json.Unmarshal(e.Payload, &in); err != nil {
		return nil, err
	}
	log(string(e.Payload))
	cf := in.Records[0].CF
	out := cf.Request
	if cf.Response != nil {
		out = cf.Response
	}
	out["headers"].(map[string]any)["x-"+cf.Config.EventType] = []any{map[string]string{"key": "X-" + cf.Config.EventType, "value": "seen"}}
	origin, _ := out["origin"].(map[string]any)
	switch uri := cf.Request["uri"]; {
	case uri == "/fail":
		return nil, errors.New("failed as asked")
	case uri == "/bad":
		return []byte(`"bad"`), nil
	case uri == "/answer" && cf.Response == nil:
		return []byte(`{"status":"201","headers":{"x-made":[{"value":"here"}]},"body":"bWFkZQ==","bodyEncoding":"base64"}`), nil
	case uri == "/moved" && origin != nil:
		origin["custom"].(map[string]any)["domainName"] = "other.example"
	}
	return json.Marshal(out)
}

// env returns the function's variables.
func env(_ context.Context, f *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
	return json.Marshal(f.Env)
}

// fail throws an error, with the words in FAIL.
func fail(_ context.Context, f *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
	return nil, errors.New(cmp.Or(f.Env["FAIL"], "failed as asked"))
}

// logEvent writes its event to the log.
func logEvent(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	log(string(e.Payload))
	return []byte("null"), nil
}

// picky logs its event, and fails if "poison" is in it.
func picky(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	log(string(e.Payload))
	if strings.Contains(string(e.Payload), "poison") {
		return nil, errors.New("poisoned")
	}
	return []byte("null"), nil
}

// sift logs its event, and says that its records with "bad" in them failed.
func sift(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	log(string(e.Payload))
	var in struct {
		Records []map[string]any
	}
	if err := json.Unmarshal(e.Payload, &in); err != nil {
		return nil, err
	}
	failed := []map[string]any{}
	for _, r := range in.Records {
		id := r["messageId"]
		for _, body := range []string{"dynamodb", "kinesis"} {
			if of, ok := r[body].(map[string]any); ok {
				id = cmp.Or(of["SequenceNumber"], of["sequenceNumber"])
			}
		}
		if text, err := json.Marshal(r); err == nil && strings.Contains(string(text), "bad") {
			failed = append(failed, map[string]any{"itemIdentifier": id})
		}
	}
	return json.Marshal(map[string]any{"batchItemFailures": failed})
}

// reply returns what the variable REPLY holds.
func reply(_ context.Context, f *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
	return []byte(f.Env["REPLY"]), nil
}

// stream streams the parts of PARTS, which | separates, one a second, as TYPE.
func stream(_ context.Context, f *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
	if e.Stream == nil {
		return json.Marshal(f.Env["PARTS"])
	}
	w := e.Stream(f.Env["TYPE"])
	for part := range strings.SplitSeq(f.Env["PARTS"], "|") {
		time.Sleep(time.Second)
		if _, err := io.WriteString(w, part); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// wait takes a minute, unless its time is up sooner.
func wait(ctx context.Context, _ *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
	select {
	case <-ctx.Done():
		return nil, errors.New("time is up")
	case <-time.After(time.Minute):
		return []byte(`"waited"`), nil
	}
}

// macro is the function of a macro: what its variable FRAGMENT holds takes the
// place of the fragment, or else the fragment stays as it is; ERROR fails it.
func macro(_ context.Context, f *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	var event struct {
		RequestID string          `json:"requestId"`
		Fragment  json.RawMessage `json:"fragment"`
	}
	if err := json.Unmarshal(e.Payload, &event); err != nil {
		return nil, err
	}
	log(string(e.Payload))
	answer := map[string]any{"requestId": event.RequestID, "status": "success", "fragment": event.Fragment}
	if text := f.Env["FRAGMENT"]; text != "" {
		answer["fragment"] = json.RawMessage(text)
	}
	if text := f.Env["ERROR"]; text != "" {
		answer["status"], answer["errorMessage"] = "failure", text
	}
	return json.Marshal(answer)
}

// custom makes a function for custom resources. It answers with what the
// resource's property Answer holds, at the URL that serve answers; without one
// it succeeds, and with an empty one it never answers.
func custom(serve http.HandlerFunc) sandbox.Handler {
	return func(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
		var request struct {
			RequestType, ResponseURL, RequestId, LogicalResourceId, PhysicalResourceId string
			ResourceProperties                                                         struct{ Answer, Id *string }
		}
		if err := json.Unmarshal(e.Payload, &request); err != nil {
			return nil, err
		}
		log(string(e.Payload))
		id := request.LogicalResourceId + "-1"
		if request.PhysicalResourceId != "" {
			id = request.PhysicalResourceId
		}
		if p := request.ResourceProperties.Id; p != nil && request.RequestType != "Delete" {
			id = *p
		}
		answer := `{"Status":"SUCCESS","PhysicalResourceId":"` + id + `","Data":{"Of":"` + request.RequestType + `","Count":3}}`
		if text := request.ResourceProperties.Answer; text != nil && request.RequestType != "Delete" {
			answer = *text
		}
		if answer != "" {
			w := httptest.NewRecorder()
			serve(w, httptest.NewRequest(http.MethodPut, request.ResponseURL, strings.NewReader(answer)))
			if w.Code != http.StatusOK {
				return nil, errors.New(w.Body.String())
			}
		}
		return []byte("null"), nil
	}
}

// firehose transforms records of a delivery stream, by what they begin with:
// "drop" is dropped, "bad" fails, "lost" is not returned, "crash" throws, and
// the rest is shouted, in a partition named for its first letter.
func firehose(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
	type record struct {
		ID       string         `json:"recordId"`
		Result   string         `json:"result"`
		Data     []byte         `json:"data"`
		Metadata map[string]any `json:"metadata,omitempty"`
	}
	var in, out struct {
		Records []record `json:"records"`
	}
	if err := json.Unmarshal(e.Payload, &in); err != nil {
		return nil, err
	}
	for _, r := range in.Records {
		text := string(r.Data)
		r.Result = "Ok"
		switch {
		case strings.HasPrefix(text, "crash"):
			return nil, errors.New("failed as asked")
		case strings.HasPrefix(text, "lost"):
			continue
		case strings.HasPrefix(text, "drop"):
			r.Result = "Dropped"
		case strings.HasPrefix(text, "bad"):
			r.Result = "ProcessingFailed"
		default:
			r.Data = []byte(strings.ToUpper(text))
			r.Metadata = map[string]any{"partitionKeys": map[string]any{"letter": text[:1]}}
		}
		out.Records = append(out.Records, r)
	}
	return json.Marshal(out)
}
