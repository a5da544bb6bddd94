package events

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An endpoint is a global one: two buses of one name in two regions. Events
// that are put by way of it go to the bus of its own region, since nothing
// says that the region is ill, and if they are replicated to the other too.
type endpoint struct {
	ID          string // "abcde.veo"
	Description string `json:",omitempty"`
	Routing     *api.RoutingConfig
	Replication string                 // api.ReplicationStateEnabled …
	Buses       []api.EndpointEventBus // the first and the second
	Role        string                 `json:",omitempty"`
	Created     time.Time
	Modified    time.Time
}

func endpointNamed[In named](call *aws.Call, in In) aws.ARN {
	return call.ARN("events", endpointKind+in.GetName())
}

func findEndpoint(tx *store.Tx, key aws.ARN) (endpoint, error) {
	e, err := endpoints.Get(tx, key)
	if err == store.ErrNotFound {
		return e, api.ResourceNotFoundException.Errorf("Endpoint %s does not exist.", strings.TrimPrefix(key.Resource, endpointKind))
	}
	return e, err
}

// check refuses buses that are not two of one name, the first of them in the
// endpoint's own region and the second in that of its route.
func (e *endpoint) check(key aws.ARN) error {
	var buses [2]aws.ARN
	for i, b := range e.Buses {
		arn, err := arnOf(b.EventBusArn, "EventBuses")
		if err != nil {
			return err
		}
		if arn.Account != key.Account {
			return invalid("Event buses of an endpoint must be in the account of the endpoint.")
		}
		buses[i] = arn
	}
	if buses[0].Region != key.Region {
		buses[0], buses[1] = buses[1], buses[0]
		e.Buses = []api.EndpointEventBus{e.Buses[1], e.Buses[0]}
	}
	switch {
	case buses[0].Resource != buses[1].Resource:
		return invalid("Event buses of an endpoint must have the same name.")
	case buses[0].Region != key.Region || buses[1].Region == key.Region:
		return invalid("One event bus of an endpoint must be in the primary Region, and the other in the secondary Region.")
	case e.Routing.FailoverConfig.Secondary.Route != buses[1].Region:
		return invalid("The secondary Region must be that of an event bus of the endpoint.")
	case e.Replication == api.ReplicationStateEnabled && e.Role == "":
		return invalid("RoleArn is required when event replication is enabled.")
	}
	return nil
}

// newEndpointID is the id of a global endpoint, as AWS makes them.
func newEndpointID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	id := make([]byte, 10)
	for i := range id {
		id[i] = letters[rand.IntN(len(letters))]
	}
	return string(id) + ".veo"
}

// CreateEndpoint makes a global endpoint.
func (s *Service) CreateEndpoint(ctx context.Context, call *aws.Call, in *api.CreateEndpointInput) (*api.CreateEndpointOutput, error) {
	now, key := time.Now(), endpointNamed(call, in)
	e := endpoint{
		ID: newEndpointID(), Description: aws.Value(in.Description), Routing: in.RoutingConfig, Buses: in.EventBuses, Role: aws.Value(in.RoleArn), Created: now, Modified: now,
		Replication: cmp.Or(aws.Value(aws.Value(in.ReplicationConfig).State), api.ReplicationStateEnabled),
	}
	if err := e.check(key); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := endpoints.Has(tx, key)
		if err != nil {
			return err
		}
		if exists {
			return api.ResourceAlreadyExistsException.Errorf("Endpoint %s already exists.", in.Name)
		}
		for _, b := range e.Buses {
			arn, err := aws.ParseARN(b.EventBusArn)
			if err != nil {
				return err // check parsed it
			}
			if _, err := findBus(tx, arn); err != nil {
				return err
			}
		}
		if err := endpointsByID.Put(tx, e.ID, key); err != nil {
			return err
		}
		return endpoints.Put(tx, key, e)
	})
	if err != nil {
		return nil, err
	}
	d := e.describe(key)
	return &api.CreateEndpointOutput{
		Name: d.Name, Arn: d.Arn, RoutingConfig: d.RoutingConfig, ReplicationConfig: d.ReplicationConfig, EventBuses: d.EventBuses, RoleArn: d.RoleArn,
		State: new(api.EndpointStateCreating),
	}, nil
}

// describe is an endpoint as callers see it.
func (e *endpoint) describe(key aws.ARN) *api.Endpoint {
	d := &api.Endpoint{
		Name: new(strings.TrimPrefix(key.Resource, endpointKind)), Arn: new(key.String()), RoutingConfig: e.Routing,
		ReplicationConfig: &api.ReplicationConfig{State: &e.Replication}, EventBuses: e.Buses, EndpointId: &e.ID,
		EndpointUrl: new("https://" + e.ID + ".endpoint.events.amazonaws.com"), State: new(api.EndpointStateActive),
		CreationTime: &e.Created, LastModifiedTime: &e.Modified,
	}
	if e.Description != "" {
		d.Description = &e.Description
	}
	if e.Role != "" {
		d.RoleArn = &e.Role
	}
	return d
}

// UpdateEndpoint changes a global endpoint.
func (s *Service) UpdateEndpoint(ctx context.Context, call *aws.Call, in *api.UpdateEndpointInput) (*api.UpdateEndpointOutput, error) {
	key := endpointNamed(call, in)
	var e endpoint
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if e, err = findEndpoint(tx, key); err != nil {
			return err
		}
		e.Description, e.Role = aws.Or(in.Description, e.Description), aws.Or(in.RoleArn, e.Role)
		if in.RoutingConfig != nil {
			e.Routing = in.RoutingConfig
		}
		if in.EventBuses != nil {
			e.Buses = in.EventBuses
		}
		if in.ReplicationConfig != nil {
			e.Replication = aws.Or(in.ReplicationConfig.State, e.Replication)
		}
		if err := e.check(key); err != nil {
			return err
		}
		e.Modified = time.Now()
		return endpoints.Put(tx, key, e)
	})
	if err != nil {
		return nil, err
	}
	d := e.describe(key)
	return &api.UpdateEndpointOutput{
		Name: d.Name, Arn: d.Arn, RoutingConfig: d.RoutingConfig, ReplicationConfig: d.ReplicationConfig, EventBuses: d.EventBuses, RoleArn: d.RoleArn,
		EndpointId: d.EndpointId, EndpointUrl: d.EndpointUrl, State: new(api.EndpointStateUpdating),
	}, nil
}

// DeleteEndpoint removes a global endpoint.
func (s *Service) DeleteEndpoint(ctx context.Context, call *aws.Call, in *api.DeleteEndpointInput) (*api.DeleteEndpointOutput, error) {
	key := endpointNamed(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		e, err := findEndpoint(tx, key)
		if err != nil {
			return err
		}
		if err := endpointsByID.Delete(tx, e.ID); err != nil {
			return err
		}
		return endpoints.Delete(tx, key)
	})
	return &api.DeleteEndpointOutput{}, err
}

// DescribeEndpoint returns a global endpoint.
func (s *Service) DescribeEndpoint(ctx context.Context, call *aws.Call, in *api.DescribeEndpointInput) (*api.DescribeEndpointOutput, error) {
	key := endpointNamed(call, in)
	key.Region = aws.Or(in.HomeRegion, key.Region)
	return look(ctx, s.db, func(tx *store.Tx) (*api.DescribeEndpointOutput, error) {
		e, err := findEndpoint(tx, key)
		if err != nil {
			return nil, err
		}
		d := api.DescribeEndpointOutput(*e.describe(key))
		return &d, nil
	})
}

// ListEndpoints lists the global endpoints of a region.
func (s *Service) ListEndpoints(ctx context.Context, call *aws.Call, in *api.ListEndpointsInput) (*api.ListEndpointsOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	home := aws.ARN{Account: call.Account, Region: aws.Or(in.HomeRegion, call.Region), Service: "events"}
	return look(ctx, s.db, func(tx *store.Tx) (*api.ListEndpointsOutput, error) {
		out := &api.ListEndpointsOutput{Endpoints: []api.Endpoint{}}
		out.NextToken = fill(p, func(yield func(string, *api.Endpoint) bool) {
			for key, e := range endpoints.Scan(tx, home) {
				if !yield(strings.TrimPrefix(key.Resource, endpointKind), e.describe(key)) {
					return
				}
			}
		}, func(_ string, d *api.Endpoint) bool {
			out.Endpoints = append(out.Endpoints, *d)
			return true
		})
		return out, nil
	})
}

// A way is where events go that are put by way of an endpoint. The zero way
// leads wherever each event says.
type way struct {
	bus, replica aws.ARN // replica is zero if they are not replicated
	role         string  // that puts them there
}

// wayOf finds the way of an endpoint of the caller's account.
func wayOf(tx *store.Tx, call *aws.Call, id string) (way, error) {
	var e endpoint
	key, err := endpointsByID.Get(tx, id)
	if err == nil {
		e, err = endpoints.Get(tx, key)
	}
	if err == store.ErrNotFound || err == nil && key.Account != call.Account {
		return way{}, api.ResourceNotFoundException.Errorf("Endpoint %s does not exist.", id)
	}
	if err != nil {
		return way{}, err
	}
	w := way{role: e.Role}
	if w.bus, err = aws.ParseARN(e.Buses[0].EventBusArn); err != nil {
		return w, err
	}
	if e.Replication == api.ReplicationStateEnabled {
		w.replica, err = aws.ParseARN(e.Buses[1].EventBusArn)
	}
	return w, err
}

// leads is the bus for an entry of a call.
func (w *way) leads(call *aws.Call, e *api.PutEventsRequestEntry) (aws.ARN, error) {
	bus := busARN(call, aws.Value(e.EventBusName))
	if w.bus == (aws.ARN{}) {
		return bus, nil
	}
	if bus.Resource != w.bus.Resource || bus.Account != w.bus.Account {
		return bus, invalid("EventBusName %s is not that of the endpoint.", aws.Value(e.EventBusName))
	}
	return w.bus, nil
}

// replicate has an event put on the bus of the other region too, if it is to be.
func (s *Service) replicate(tx *store.Tx, w *way, in *incoming) error {
	if w.replica == (aws.ARN{}) {
		return nil
	}
	text, err := json.Marshal(&in.event)
	if err != nil {
		return err
	}
	return s.router.Send(tx, event.Delivery{Source: in.bus, Target: w.replica, Role: w.role, Body: text, Trace: in.trace})
}
