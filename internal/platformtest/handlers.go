package platformtest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// Handlers are the functions that scripts can deploy, by the name they give as
// the function's handler.
var Handlers = map[string]sandbox.Handler{
	"echo":  echo,
	"env":   env,
	"fail":  fail,
	"log":   logEvent,
	"reply": reply,
	"wait":  wait,
}

// echo returns its event.
func echo(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
	return e.Payload, nil
}

// env returns the function's variables.
func env(_ context.Context, f *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
	return json.Marshal(f.Env)
}

// fail throws an error.
func fail(context.Context, *sandbox.Function, sandbox.Event, func(string)) ([]byte, error) {
	return nil, errors.New("failed as asked")
}

// logEvent writes its event to the log.
func logEvent(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	log(string(e.Payload))
	return []byte("null"), nil
}

// reply returns what the variable REPLY holds.
func reply(_ context.Context, f *sandbox.Function, _ sandbox.Event, _ func(string)) ([]byte, error) {
	return []byte(f.Env["REPLY"]), nil
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
