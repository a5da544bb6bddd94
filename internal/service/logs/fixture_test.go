package logs

import (
	"context"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A fixture is a service over an empty store, and someone who calls it.
type fixture struct {
	*Service
	t    *testing.T
	ctx  context.Context
	call *aws.Call
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &fixture{Service: New(db, nil), t: t, ctx: context.Background(), call: &aws.Call{Account: "000000000000", Region: "eu-central-1"}}
}

// must calls a handler that is not expected to refuse.
func must[In, Out any](f *fixture, handle func(context.Context, *aws.Call, *In) (*Out, error), in *In) *Out {
	f.t.Helper()
	out, err := handle(f.ctx, f.call, in)
	if err != nil {
		f.t.Fatalf("%+v: %v", in, err)
	}
	return out
}

// refuse calls a handler that is expected to refuse with want.
func refuse[In, Out any](f *fixture, handle func(context.Context, *aws.Call, *In) (*Out, error), in *In, want string) {
	f.t.Helper()
	if _, err := handle(f.ctx, f.call, in); err == nil || err.Error() != want {
		f.t.Errorf("%+v: got %v, want %s", in, err, want)
	}
}
