package handler_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"example.com/todo/internal/handler"
	"example.com/todo/internal/todo"
)

// one keeps the last task.
type one struct {
	todo.Store
	last todo.Task
}

func (o *one) Put(_ context.Context, t todo.Task) error {
	o.last = t
	return nil
}

func TestCreate(t *testing.T) {
	f := func(body string, encoded bool, want int) {
		t.Helper()
		store := new(one)
		r := events.APIGatewayV2HTTPRequest{Body: body, IsBase64Encoded: encoded}
		got, err := handler.Create(todo.NewList(store))(t.Context(), r)
		if err != nil || got.StatusCode != want {
			t.Errorf("%q: %d %s %v, want %d", body, got.StatusCode, got.Body, err, want)
		}
		if want == 201 && store.last.Title != "milk" {
			t.Errorf("%q: kept %+v", body, store.last)
		}
	}
	f(`{"title":"milk"}`, false, 201)
	f(base64.StdEncoding.EncodeToString([]byte(`{"title":"milk"}`)), true, 201)
	f(`{"title":""}`, false, 400)
	f(``, false, 400)
	f(`milk`, false, 400)
}
