package events

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// receiveEvent is what a delivery to a bus becomes. AWS has no such operation:
// PutEvents would make a new event of one that is there already.
var receiveEvent = smithy.Operation[receiveEventInput, receiveEventOutput]{Service: "events", Name: "ReceiveEvent"}

type receiveEventInput struct {
	bus   aws.ARN
	event envelope
}

type receiveEventOutput struct{}

// receive answers deliveries to buses and API destinations.
func receive(d *event.Delivery) (operation string, in any, err error) {
	if strings.HasPrefix(d.Target.Resource, destinationKind) {
		in := &invokeInput{Arn: d.Target.String(), Body: d.Body}
		if text := d.Params[httpParameters]; text != "" {
			if err := json.Unmarshal([]byte(text), &in.HttpParameters); err != nil {
				return "", nil, err
			}
		}
		return invokeAPIDestination.Name, in, nil
	}
	e := &receiveEventInput{bus: d.Target}
	if err := json.Unmarshal(d.Body, &e.event); err != nil || e.event.Source == "" || e.event.DetailType == "" {
		return "", nil, invalid("The delivery is no event.")
	}
	e.event.fillIn(d)
	return receiveEvent.Name, e, nil
}

// fillIn gives an event what its sender left out.
func (e *envelope) fillIn(d *event.Delivery) {
	e.Version = cmp.Or(e.Version, "0")
	e.ID = cmp.Or(e.ID, aws.NewRequestID())
	e.Account = cmp.Or(e.Account, d.Account, d.Source.Account)
	e.Region = cmp.Or(e.Region, d.Region, d.Source.Region)
	e.Time = cmp.Or(e.Time, time.Now().UTC().Format(timeLayout))
	if e.Resources == nil {
		e.Resources = []string{}
	}
	var detail bytes.Buffer
	if json.Compact(&detail, e.Detail) != nil {
		detail.WriteString("{}")
	}
	e.Detail = detail.Bytes()
}

// mayReceive lets AWS's services tell of their own resources, and rules send
// to buses of their own account; what is from another the handler decides.
func mayReceive(call *aws.Call, in *receiveEventInput, check func(service.Access) error) error {
	if call.Principal.Kind == aws.Service {
		if call.Principal.Source.Service == "events" || call.Account == in.bus.Account && strings.HasPrefix(in.event.Source, "aws.") {
			return nil
		}
	}
	keys := service.Keys{"events:source": {in.event.Source}, "events:detail-type": {in.event.DetailType}}
	return check(service.Access{Action: "events:PutEvents", Resource: in.bus, Keys: keys})
}

// receiveEvent puts an event on a bus as it is.
func (s *Service) receiveEvent(ctx context.Context, call *aws.Call, in *receiveEventInput) (*receiveEventOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, err := findBus(tx, in.bus)
		if err != nil {
			return err
		}
		if call.Principal.Kind == aws.Service && call.Account != in.bus.Account {
			if err := checkAccount(call, in, b.Policy); err != nil {
				return err
			}
		}
		return s.put(tx, &incoming{bus: in.bus, event: in.event, ingested: time.Now(), trace: call.Trace})
	})
	if err != nil {
		return nil, err
	}
	return &receiveEventOutput{}, nil
}

// checkAccount refuses an event of another account whose rule acts as no role,
// unless the policy of the bus lets that account as such.
func checkAccount(call *aws.Call, in *receiveEventInput, text string) error {
	refusal := aws.AccessDenied.Errorf("Account %s may not put events on %s.", call.Account, in.bus)
	if text == "" {
		return refusal
	}
	doc, err := policy.Parse(text)
	if err != nil {
		return err
	}
	as := *call
	as.Principal = aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::" + call.Account + ":root", ID: call.Account, Account: call.Account}
	d := policy.Decide(&policy.Request{
		Call: &as, Action: "events:PutEvents", Resource: in.bus, Owner: in.bus.Account,
		Keys: map[string][]string{"events:source": {in.event.Source}, "events:detail-type": {in.event.DetailType}},
	}, &policy.Set{Resource: doc})
	if !d.Allowed {
		return refusal
	}
	return nil
}
