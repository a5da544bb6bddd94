// Package function is functions at the edge, which see a request on its way to
// the origin or the answer on its way back, and may change it: CloudFront
// Functions, which are scripts, and functions of Lambda.
//
// The idea that makes it work: either sort is JSON in and JSON out, so all that
// CloudFront allows them are rules of that JSON, and are here, without a service.
// What a script reaches besides is one host function; runtime.js has the rest of
// its world.
//
//	program.go   scripts that are ready to run, and what running them comes to
//	runtime.js   what scripts find
//	viewer.go    requests and answers as scripts see them, and back
//	trigger.go   and as functions of Lambda do
//	header.go    what neither may change
//	choice.go    the origins that they choose
package function

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/aloft-cloud/aloft/internal/script"
	"github.com/aloft-cloud/aloft/internal/tree"
)

//go:embed runtime.js
var runtimeText string

const (
	// MaxCode is how many bytes the code of a function may have.
	MaxCode = 10 << 10

	lasts    = 500 * time.Millisecond // by the clock, before a function is stopped
	mayTake  = 50 * time.Millisecond  // what a function's time is measured by
	maxEvent = 40 << 10               // of what a function returns
)

// A Runner runs scripts.
type Runner interface {
	Run(ctx context.Context, job *script.Job) (*script.Result, error)
}

// A Values is the key value stores that functions read.
type Values interface {
	// Value returns the value of a key, or false.
	Value(ctx context.Context, store, key string) (string, bool, error)
	// Meta tells of a store what functions may know, as JSON.
	Meta(ctx context.Context, store string) (json.RawMessage, error)
}

// A Program is code that is ready to run.
type Program struct {
	source script.Source
	stores []string // ARNs
	wrong  error    // why it does not run
}

// Compile makes code ready that reads stores. What is wrong with it is told when
// it is run.
func Compile(code []byte, stores ...string) *Program {
	out := api.Transform(string(code), api.TransformOptions{Format: api.FormatCommonJS, Target: api.ES2017, Loader: api.LoaderJS, LogLevel: api.LogLevelSilent, Sourcefile: "function.js"})
	p := &Program{stores: stores}
	if len(out.Errors) > 0 {
		m := out.Errors[0]
		p.wrong = &Failure{Message: "SyntaxError: " + m.Text}
		if m.Location != nil {
			p.wrong = &Failure{Message: fmt.Sprintf("SyntaxError: %s in %d", m.Text, m.Location.Line)}
		}
		return p
	}
	p.source = script.Source{Name: "function.js", Text: "var __handler = (function (require, module, exports) {" + string(out.Code) + "\nreturn typeof handler === 'undefined' ? undefined : handler;\n})(__viewer.require, {exports: {}}, {});"}
	return p
}

// A Failure is the error of a function that did not run to its end.
type Failure struct{ Message string }

func (e *Failure) Error() string { return e.Message }

// An Invalid is the error of a function that returned what it may not.
type Invalid struct{ Message string }

func (e *Invalid) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &Invalid{"The CloudFront function returned an invalid value: " + fmt.Sprintf(format, args...)}
}

// An Outcome is what a run came to.
type Outcome struct {
	Value *tree.Object // a request or an answer
	Log   []string
	Used  int     // of the time that it may take, in percent
	Route *Choice // of the origin; nil: it made none
}

// Run calls the function with an event. An error may be a *Failure, or an
// *Invalid; there is an outcome even then, for its log.
func (p *Program) Run(ctx context.Context, runner Runner, values Values, event *tree.Object) (*Outcome, error) {
	if p.wrong != nil {
		return &Outcome{}, p.wrong
	}
	stores, err := json.Marshal(append([]string{}, p.stores...))
	if err != nil {
		return nil, err
	}
	reads := script.Source{Name: "stores", Text: "var __stores = " + string(stores) + ";"}
	result, err := runner.Run(ctx, &script.Job{
		Sources: []script.Source{reads, {Name: "cloudfront", Text: runtimeText}, p.source}, Entry: "(event) => __viewer.run(__handler, event)", Args: []json.RawMessage{tree.Append(nil, event)},
		Timeout: lasts, Call: (&answering{values}).call,
	})
	switch {
	case errors.Is(err, script.ErrTimeout):
		return &Outcome{Used: 100}, &Failure{"The CloudFront function exceeded the time that it may take."}
	case errors.Is(err, script.ErrMemory), errors.Is(err, script.ErrAnswer):
		return &Outcome{}, &Failure{"The CloudFront function did not run: " + err.Error() + "."}
	case err != nil:
		return nil, err
	}
	out := &Outcome{Log: result.Log, Used: min(int(result.Took*100/mayTake), 100)}
	if t := result.Thrown; t != nil {
		words := t.Message
		if t.Name != "" {
			words = t.Name + ": " + words
		}
		return out, &Failure{words}
	}
	return out, out.take(result.Value)
}

// take reads what a script returned.
func (o *Outcome) take(raw json.RawMessage) error {
	v, err := tree.Parse(raw)
	if err != nil {
		return err
	}
	whole, _ := v.(*tree.Object)
	value, _ := whole.Get("value")
	var ok bool
	if o.Value, ok = value.(*tree.Object); !ok {
		return invalid("it is no request and no response.")
	}
	if len(tree.Append(nil, value)) > maxEvent {
		return invalid("it is larger than %d bytes.", maxEvent)
	}
	if chosen, made := whole.Get("chosen"); made {
		o.Route = new(Choice)
		if err := json.Unmarshal(tree.Append(nil, chosen), o.Route); err != nil {
			return invalid("the origin is not valid.")
		}
	}
	return nil
}

// An answering answers what scripts ask of their host.
type answering struct{ values Values }

var errAsked = errors.New("there is no such thing to ask for")

func (a *answering) call(ctx context.Context, name string, args []json.RawMessage) (json.RawMessage, error) {
	texts := make([]*string, 3)
	for i, raw := range args[:min(len(args), len(texts))] {
		if err := json.Unmarshal(raw, &texts[i]); err != nil {
			return nil, errAsked
		}
	}
	switch {
	case name == "digest" && texts[0] != nil && texts[2] != nil:
		return digest(*texts[0], texts[1], *texts[2])
	case name == "kvs.get" && texts[0] != nil && texts[1] != nil:
		value, found, err := a.values.Value(ctx, *texts[0], *texts[1])
		if err != nil || !found {
			return json.RawMessage("null"), err
		}
		return json.Marshal(value)
	case name == "kvs.meta" && texts[0] != nil:
		return a.values.Meta(ctx, *texts[0])
	}
	return nil, errAsked
}

var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New}

// digest is a hash of data, or with a key one of both; all are in base64.
func digest(algorithm string, key *string, data string) (json.RawMessage, error) {
	newHash := hashes[strings.ToLower(algorithm)]
	bytes, err := base64.StdEncoding.DecodeString(data)
	if err != nil || newHash == nil {
		return nil, errAsked
	}
	h := newHash()
	if key != nil {
		k, err := base64.StdEncoding.DecodeString(*key)
		if err != nil {
			return nil, errAsked
		}
		h = hmac.New(newHash, k)
	}
	h.Write(bytes)
	return json.Marshal(h.Sum(nil))
}
