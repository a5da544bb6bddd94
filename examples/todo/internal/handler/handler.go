// Package handler turns HTTP requests into actions on a to-do list, and what
// comes of them into answers.
package handler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"example.com/todo/internal/todo"
)

// A Func answers a request.
type Func func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// List answers with all tasks.
func List(l *todo.List) Func {
	return action(200, func(ctx context.Context, _ string, _ body) (any, error) { return l.All(ctx) })
}

// Get answers with one task.
func Get(l *todo.List) Func {
	return action(200, func(ctx context.Context, id string, _ body) (any, error) { return l.Get(ctx, id) })
}

// Create adds a task.
func Create(l *todo.List) Func {
	return action(201, func(ctx context.Context, _ string, b body) (any, error) { return l.Add(ctx, b.Title) })
}

// Update gives a task another title.
func Update(l *todo.List) Func {
	return action(200, func(ctx context.Context, id string, b body) (any, error) { return l.Rename(ctx, id, b.Title) })
}

// Complete marks a task as done.
func Complete(l *todo.List) Func {
	return action(200, func(ctx context.Context, id string, _ body) (any, error) { return l.Complete(ctx, id) })
}

// Delete removes a task.
func Delete(l *todo.List) Func {
	return action(204, func(ctx context.Context, id string, _ body) (any, error) { return nil, l.Remove(ctx, id) })
}

// body is what clients send.
type body struct {
	Title string `json:"title"`
}

// read returns the body of r. The gateway encodes what is not said to be text,
// as what curl sends if it is not told otherwise.
func read(r events.APIGatewayV2HTTPRequest) (b body, err error) {
	text := []byte(r.Body)
	if r.IsBase64Encoded {
		if text, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return b, err
		}
	}
	if len(text) == 0 {
		return b, nil
	}
	return b, json.Unmarshal(text, &b)
}

// action answers with status and what do returns.
func action(status int, do func(ctx context.Context, id string, b body) (any, error)) Func {
	return func(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		b, err := read(r)
		if err != nil {
			return answer(400, message{"the body is not JSON"})
		}
		out, err := do(ctx, r.PathParameters["id"], b)
		switch {
		case errors.Is(err, todo.ErrNotFound):
			return answer(404, message{err.Error()})
		case errors.Is(err, todo.ErrNoTitle):
			return answer(400, message{err.Error()})
		case err != nil:
			log.Print(err)
			return answer(500, message{"something went wrong"})
		}
		return answer(status, out)
	}
}

type message struct {
	Message string `json:"message"`
}

func answer(status int, v any) (events.APIGatewayV2HTTPResponse, error) {
	out := events.APIGatewayV2HTTPResponse{StatusCode: status, Headers: map[string]string{"content-type": "application/json"}}
	if status == 204 {
		return out, nil
	}
	b, err := json.Marshal(v)
	out.Body = string(b)
	return out, err
}
