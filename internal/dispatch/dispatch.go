// Package dispatch is the one table of everything the platform answers.
// Requests from outside, the deploy engine and services themselves all go
// through it, so all of them are authorised alike.
//
//	edge, deploy, services --> Table.Do --> authorise --> handler
package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// An Authorizer decides whether a call may do what access says. It returns
// nil, or a refusal that says why not.
type Authorizer interface {
	Authorize(ctx context.Context, call *aws.Call, access service.Access) error
}

// An Observer hears what is done. A nil field hears nothing.
type Observer struct {
	Meter *meter.Meter // counts it, for metrics
}

// A Table finds and runs operations. Fill it with Add before first use.
type Table struct {
	auth     Authorizer
	observer Observer
	rows     map[string]map[string]*service.Operation // by service and name
	services []service.Definition
	apis     map[string]*protocol.API // by service
}

// NewTable returns an empty table whose operations auth guards.
func NewTable(auth Authorizer, observer Observer) *Table {
	return &Table{auth: auth, observer: observer, rows: make(map[string]map[string]*service.Operation), apis: make(map[string]*protocol.API)}
}

// Add puts the operations of def in the table.
func (t *Table) Add(def service.Definition) {
	t.services = append(t.services, def)
	t.apis[def.API.Name] = protocol.New(def.API)
	for i := range def.Operations {
		op := &def.Operations[i]
		op.Measure = def.Measure
		if t.rows[op.Service] == nil {
			t.rows[op.Service] = make(map[string]*service.Operation)
		}
		if t.rows[op.Service][op.Name] != nil {
			panic("dispatch: two handlers for " + op.Service + ":" + op.Name)
		}
		t.rows[op.Service][op.Name] = op
	}
}

// Services returns the definitions in the table, in the order they came.
func (t *Table) Services() []service.Definition { return t.services }

// Find returns the row of an operation, or a refusal that names it.
func (t *Table) Find(serviceName, operation string) (*service.Operation, error) {
	if op := t.rows[serviceName][operation]; op != nil {
		return op, nil
	}
	return nil, aws.NotImplemented.Errorf("Aloft does not answer %s:%s yet.", serviceName, operation)
}

// Do authorises and runs an operation on an input that its NewInput returned.
func (t *Table) Do(ctx context.Context, call *aws.Call, op *service.Operation, in any) (out any, err error) {
	if op.Measure == nil || t.observer.Meter == nil {
		return t.do(ctx, call, op, in)
	}
	began := time.Now()
	out, err = t.do(ctx, call, op, in)
	op.Measure(t.observer.Meter, &service.Done{Call: call, Op: op, In: in, Out: out, Err: err, Began: began, Took: time.Since(began)})
	return out, err
}

func (t *Table) do(ctx context.Context, call *aws.Call, op *service.Operation, in any) (out any, err error) {
	check := func(a service.Access) error { return t.auth.Authorize(ctx, call, a) }
	if op.Some != nil {
		out, err = op.Some(ctx, call, in, check)
	} else if err = op.Access(call, in, check); err != nil {
		return nil, err
	} else {
		out, err = op.Handle(ctx, call, in)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%s: %w", op.Service, op.Name, err)
	}
	return out, nil
}

// May returns nil if call may do what access says, or a refusal that says why
// not, for a service that has to know before it does it.
func (t *Table) May(ctx context.Context, call *aws.Call, access service.Access) error {
	return t.auth.Authorize(ctx, call, access)
}

// Call runs op for a part of the platform that is a client of another.
func Call[In, Out any](ctx context.Context, t *Table, call *aws.Call, op smithy.Operation[In, Out], in *In) (*Out, error) {
	out, err := t.call(ctx, call, op.Service, op.Name, in)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

func (t *Table) call(ctx context.Context, call *aws.Call, service, name string, in any) (any, error) {
	row, err := t.Find(service, name)
	if err != nil {
		return nil, err
	}
	return t.Do(ctx, call, row, in)
}

// CallJSON runs an operation by its name, on an input that somebody wrote as
// JSON, with members by the names of the API's documentation. It is refused as
// it would be had it come over the wire. The answer has that form too.
func (t *Table) CallJSON(ctx context.Context, call *aws.Call, serviceName, operation string, in []byte) ([]byte, error) {
	return t.callText(ctx, call, serviceName, operation, in, (*protocol.API).DecodeInput, protocol.EncodeJSON)
}

// CallLower is CallJSON, whose answer has members by names that begin with a
// small letter.
func (t *Table) CallLower(ctx context.Context, call *aws.Call, serviceName, operation string, in []byte) ([]byte, error) {
	return t.callText(ctx, call, serviceName, operation, in, (*protocol.API).DecodeInput, protocol.EncodeLower)
}

// CallTask is CallJSON in the form that tasks of Step Functions have: times in
// ISO 8601, bytes as text, and any JSON for a string.
func (t *Table) CallTask(ctx context.Context, call *aws.Call, serviceName, operation string, in []byte) ([]byte, error) {
	return t.callText(ctx, call, serviceName, operation, in, (*protocol.API).DecodeTask, protocol.EncodeTask)
}

func (t *Table) callText(ctx context.Context, call *aws.Call, serviceName, operation string, in []byte,
	decode func(a *protocol.API, op string, text []byte, in any, own []string) error, encode func(any) ([]byte, error),
) ([]byte, error) {
	row, err := t.Find(serviceName, operation)
	if err != nil {
		return nil, err
	}
	input := row.NewInput()
	if err := decode(t.apis[row.Service], row.Name, in, input, row.Own); err != nil {
		return nil, err
	}
	out, err := t.Do(ctx, call, row, input)
	if err != nil {
		return nil, err
	}
	return encode(out)
}

// CallChecked is Call with an input that holds what somebody wrote: it is
// refused as it would be had it come over the wire. Handlers count on that.
func CallChecked[In, Out any](ctx context.Context, t *Table, call *aws.Call, op smithy.Operation[In, Out], in *In) (*Out, error) {
	out, err := t.callChecked(ctx, call, op.Service, op.Name, in)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

func (t *Table) callChecked(ctx context.Context, call *aws.Call, service, name string, in any) (any, error) {
	row, err := t.Find(service, name)
	if err != nil {
		return nil, err
	}
	if err := t.apis[service].Check(name, in, row.Own); err != nil {
		return nil, err
	}
	return t.Do(ctx, call, row, in)
}
