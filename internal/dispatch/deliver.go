package dispatch

import (
	"cmp"
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
)

// A Deliverer makes the calls that deliveries become; it is an
// event.Deliverer.
type Deliverer struct {
	Table    *Table
	Sessions *Sessions
}

// Deliver runs the operation that d is, as the service that sends it or as the
// role that it names.
func (v Deliverer) Deliver(ctx context.Context, d *event.Delivery) error {
	err := v.deliver(ctx, d)
	if m := v.Table.observer.Meter; m != nil {
		if def := v.Table.serving(d.Source.Service, func(def *service.Definition) bool { return def.Delivered != nil }); def != nil {
			def.Delivered(m, d, err)
		}
	}
	return err
}

func (v Deliverer) deliver(ctx context.Context, d *event.Delivery) error {
	call, err := v.call(ctx, d)
	if err != nil {
		return err
	}
	if serviceName, operation, ok := strings.Cut(d.Operation, "."); ok {
		_, err := v.Table.CallJSON(ctx, call, serviceName, operation, d.Body)
		return err
	}
	def := v.Table.serving(d.Target.Service, func(def *service.Definition) bool { return def.Receive != nil })
	if err := event.ToRecord(d.Target); err != nil {
		return err
	}
	if def == nil {
		return aws.NotImplemented.Errorf("Aloft does not deliver to %s yet.", d.Target.Service)
	}
	operation, in, err := def.Receive(d)
	if err != nil {
		return err
	}
	row, err := v.Table.Find(def.API.Name, operation)
	if err != nil {
		return err
	}
	if err := v.Table.apis[row.Service].Check(row.Name, in, row.Own); err != nil {
		return err
	}
	_, err = v.Table.Do(ctx, call, row, in)
	return err
}

// call returns the call that d is made with.
func (v Deliverer) call(ctx context.Context, d *event.Delivery) (*aws.Call, error) {
	call := aws.ServiceCall(cmp.Or(d.As, d.Source.Service), d.Source)
	call.Trace = d.Trace
	if d.Account != "" {
		call.Account = d.Account
	}
	switch {
	case d.Region != "":
		call.Region = d.Region
	case d.Operation == "" && d.Target.Region != "": // what is delivered to may be in another
		call.Region = d.Target.Region
	}
	if d.Role == "" {
		return call, nil
	}
	session, err := v.Sessions.Assume(ctx, call, d.Role)
	if err != nil {
		return nil, err
	}
	return session.Call(call), nil
}

// Dead returns the attributes that the service which sent d gives its dead letter.
func (v Deliverer) Dead(d *event.Delivery, why event.Failure) map[string]event.Attribute {
	def := v.Table.serving(d.Source.Service, func(def *service.Definition) bool { return def.Dead != nil })
	if def == nil {
		return nil
	}
	return def.Dead(d, why)
}

// Settled returns what the service that sent d reports of what became of it.
func (v Deliverer) Settled(d *event.Delivery, o event.Outcome) (report event.Delivery, wanted bool) {
	def := v.Table.serving(d.Source.Service, func(def *service.Definition) bool { return def.Settled != nil })
	if def == nil {
		return report, false
	}
	return def.Settled(d, o)
}

// serving returns the first definition of a service, by its name in ARNs, that
// has what is wanted, or nil.
func (t *Table) serving(arnName string, has func(*service.Definition) bool) *service.Definition {
	for i := range t.services {
		if def := &t.services[i]; def.API.ARNName == arnName && has(def) {
			return def
		}
	}
	return nil
}
