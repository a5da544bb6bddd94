package events

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Partners of AWS offer event sources to its customers. None is one here, so
// nobody is offered any: what lists them is empty, and none can be found.

func errNoSource(name string) error {
	return api.ResourceNotFoundException.Errorf("Event source %s does not exist.", name)
}

// ListEventSources lists what partners offer to the caller, which is nothing.
func (s *Service) ListEventSources(ctx context.Context, call *aws.Call, in *api.ListEventSourcesInput) (*api.ListEventSourcesOutput, error) {
	return &api.ListEventSourcesOutput{EventSources: []api.EventSource{}}, nil
}

// DescribeEventSource finds none.
func (s *Service) DescribeEventSource(ctx context.Context, call *aws.Call, in *api.DescribeEventSourceInput) (*api.DescribeEventSourceOutput, error) {
	return nil, errNoSource(in.Name)
}

// ActivateEventSource finds none.
func (s *Service) ActivateEventSource(ctx context.Context, call *aws.Call, in *api.ActivateEventSourceInput) (*api.ActivateEventSourceOutput, error) {
	return nil, errNoSource(in.Name)
}

// DeactivateEventSource finds none.
func (s *Service) DeactivateEventSource(ctx context.Context, call *aws.Call, in *api.DeactivateEventSourceInput) (*api.DeactivateEventSourceOutput, error) {
	return nil, errNoSource(in.Name)
}
