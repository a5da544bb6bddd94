package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// findEventsEndpoint returns a global endpoint that is there.
func findEventsEndpoint(op *Op, name string) (*Made, error) {
	out, err := Do(op, events.DescribeEndpoint, &events.DescribeEndpointInput{Name: name})
	if err != nil {
		return nil, err
	}
	return &Made{PhysicalID: name, Attributes: map[string]any{
		"Arn": aws.Value(out.Arn), "EndpointId": aws.Value(out.EndpointId), "EndpointUrl": aws.Value(out.EndpointUrl),
		"State": aws.Value(out.State), "StateReason": aws.Value(out.StateReason),
	}}, nil
}

func eventsEndpoint() *Type {
	return &Type{
		Name:       "AWS::Events::Endpoint",
		Properties: Props("Description EventBuses! Name@ ReplicationConfig RoleArn RoutingConfig!"),
		Attributes: []string{"Arn", "EndpointId", "EndpointUrl", "State", "StateReason"},
		Naming:     Naming{Property: "Name", Max: 64},
		Note:       "Events go to the primary Region: health checks check nothing.",
		Shape:      func() any { return new(events.CreateEndpointInput) },
		Create: func(op *Op) (*Made, error) {
			in := &events.CreateEndpointInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			if _, err := Do(op, events.CreateEndpoint, in); err != nil {
				return nil, err
			}
			return findEventsEndpoint(op, in.Name)
		},
		Update: func(op *Op) (*Made, error) {
			in := &events.UpdateEndpointInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.PhysicalID
			if _, err := Do(op, events.UpdateEndpoint, in); err != nil {
				return nil, err
			}
			return findEventsEndpoint(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, events.DeleteEndpoint, &events.DeleteEndpointInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := findEventsEndpoint(op, op.Named("Name"))
			return made, ignoreGone(err)
		},
	}
}
