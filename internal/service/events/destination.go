package events

import (
	"context"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A destination is an HTTP endpoint that events are sent to.
type destination struct {
	ID          string  // its ARN ends in it
	Description string  `json:",omitempty"`
	Connection  aws.ARN // its key
	Endpoint    string
	Method      string
	Rate        int32 // requests per second
	Created     time.Time
	Modified    time.Time
}

const usualRate = 300

func findDestination(tx *store.Tx, key aws.ARN, what string) (destination, error) {
	d, err := destinations.Get(tx, key)
	if err == store.ErrNotFound {
		return d, api.ResourceNotFoundException.Errorf("Failed to %s the api-destination(s). An api-destination '%s' does not exist.", what, strings.TrimPrefix(key.Resource, destinationKind))
	}
	return d, err
}

// checkEndpoint refuses what requests cannot be sent to.
func (s *Service) checkEndpoint(text, name string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(s.local && u.Scheme == "http") {
		return invalid("Parameter %s is not valid. Reason: It must be an HTTPS URL.", name)
	}
	return nil
}

// state is whether a destination can be used now, and the ARN of its connection.
func (d *destination) state(tx *store.Tx) (state, connection string, err error) {
	c, err := connections.Get(tx, d.Connection)
	switch {
	case err == store.ErrNotFound:
		return api.ApiDestinationStateInactive, d.Connection.String(), nil
	case err != nil:
		return "", "", err
	case c.State == api.ConnectionStateAuthorized:
		state = api.ApiDestinationStateActive
	default:
		state = api.ApiDestinationStateInactive
	}
	return state, connectionARN(d.Connection, &c).String(), nil
}

// destinationARN is the ARN of a destination as callers see it.
func destinationARN(key aws.ARN, d *destination) *string {
	key.Resource += "/" + d.ID
	return new(key.String())
}

// CreateApiDestination makes an API destination.
func (s *Service) CreateApiDestination(ctx context.Context, call *aws.Call, in *api.CreateApiDestinationInput) (*api.CreateApiDestinationOutput, error) {
	if err := s.checkEndpoint(in.InvocationEndpoint, "InvocationEndpoint"); err != nil {
		return nil, err
	}
	via, err := arnOf(in.ConnectionArn, "ConnectionArn")
	if err != nil {
		return nil, err
	}
	now, key := time.Now(), destinationNamed(call, in)
	d := destination{
		ID: aws.NewRequestID(), Description: aws.Value(in.Description), Connection: shortARN(via), Endpoint: in.InvocationEndpoint, Method: in.HttpMethod,
		Rate: aws.Or(in.InvocationRateLimitPerSecond, usualRate), Created: now, Modified: now,
	}
	var state string
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := destinations.Has(tx, key)
		if err != nil {
			return err
		}
		if exists {
			return api.ResourceAlreadyExistsException.Errorf("An api-destination '%s' already exists.", in.Name)
		}
		if _, err := findConnection(tx, d.Connection, "describe"); err != nil {
			return err
		}
		if state, _, err = d.state(tx); err != nil {
			return err
		}
		return destinations.Put(tx, key, d)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateApiDestinationOutput{ApiDestinationArn: destinationARN(key, &d), ApiDestinationState: &state, CreationTime: &d.Created, LastModifiedTime: &d.Modified}, nil
}

// UpdateApiDestination changes an API destination.
func (s *Service) UpdateApiDestination(ctx context.Context, call *aws.Call, in *api.UpdateApiDestinationInput) (*api.UpdateApiDestinationOutput, error) {
	if in.InvocationEndpoint != nil {
		if err := s.checkEndpoint(*in.InvocationEndpoint, "InvocationEndpoint"); err != nil {
			return nil, err
		}
	}
	key := destinationNamed(call, in)
	var d destination
	var state string
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if d, err = findDestination(tx, key, "update"); err != nil {
			return err
		}
		if in.ConnectionArn != nil {
			via, err := arnOf(*in.ConnectionArn, "ConnectionArn")
			if err != nil {
				return err
			}
			if _, err := findConnection(tx, shortARN(via), "describe"); err != nil {
				return err
			}
			d.Connection = shortARN(via)
		}
		d.Description, d.Endpoint = aws.Or(in.Description, d.Description), aws.Or(in.InvocationEndpoint, d.Endpoint)
		d.Method, d.Rate, d.Modified = aws.Or(in.HttpMethod, d.Method), aws.Or(in.InvocationRateLimitPerSecond, d.Rate), time.Now()
		if state, _, err = d.state(tx); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.forgetLimit(key) })
		return destinations.Put(tx, key, d)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateApiDestinationOutput{ApiDestinationArn: destinationARN(key, &d), ApiDestinationState: &state, CreationTime: &d.Created, LastModifiedTime: &d.Modified}, nil
}

// DeleteApiDestination deletes an API destination.
func (s *Service) DeleteApiDestination(ctx context.Context, call *aws.Call, in *api.DeleteApiDestinationInput) (*api.DeleteApiDestinationOutput, error) {
	key := destinationNamed(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findDestination(tx, key, "delete"); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.forgetLimit(key) })
		return destinations.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiDestinationOutput{}, nil
}

// DescribeApiDestination describes an API destination.
func (s *Service) DescribeApiDestination(ctx context.Context, call *aws.Call, in *api.DescribeApiDestinationInput) (*api.DescribeApiDestinationOutput, error) {
	key := destinationNamed(call, in)
	return look(ctx, s.db, func(tx *store.Tx) (*api.DescribeApiDestinationOutput, error) {
		d, err := findDestination(tx, key, "describe")
		if err != nil {
			return nil, err
		}
		state, via, err := d.state(tx)
		if err != nil {
			return nil, err
		}
		return &api.DescribeApiDestinationOutput{
			ApiDestinationArn: destinationARN(key, &d), Name: &in.Name, Description: optional(d.Description), ApiDestinationState: &state, ConnectionArn: &via,
			InvocationEndpoint: &d.Endpoint, HttpMethod: &d.Method, InvocationRateLimitPerSecond: &d.Rate, CreationTime: &d.Created, LastModifiedTime: &d.Modified,
		}, nil
	})
}

// ListApiDestinations lists API destinations.
func (s *Service) ListApiDestinations(ctx context.Context, call *aws.Call, in *api.ListApiDestinationsInput) (*api.ListApiDestinationsOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	return look(ctx, s.db, func(tx *store.Tx) (*api.ListApiDestinationsOutput, error) {
		out := &api.ListApiDestinationsOutput{ApiDestinations: []api.ApiDestination{}}
		var failed error
		out.NextToken = fill(p, func(yield func(string, destination) bool) {
			for key, d := range destinations.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "events"}) {
				if !yield(strings.TrimPrefix(key.Resource, destinationKind), d) {
					return
				}
			}
		}, func(name string, d destination) bool {
			state, via, err := d.state(tx)
			if err != nil {
				failed = err
			}
			if in.ConnectionArn != nil && *in.ConnectionArn != via {
				return false
			}
			out.ApiDestinations = append(out.ApiDestinations, api.ApiDestination{
				ApiDestinationArn: destinationARN(call.ARN("events", destinationKind+name), &d), Name: &name, ApiDestinationState: &state, ConnectionArn: &via,
				InvocationEndpoint: &d.Endpoint, HttpMethod: &d.Method, InvocationRateLimitPerSecond: &d.Rate, CreationTime: &d.Created, LastModifiedTime: &d.Modified,
			})
			return true
		})
		return out, failed
	})
}
