package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func eventConnection() *Type {
	return &Type{
		Name:       "AWS::Events::Connection",
		Properties: Props("AuthParameters! AuthorizationType! Description InvocationConnectivityParameters KmsKeyIdentifier Name@"),
		Attributes: []string{"Arn", "ArnForPolicy", "SecretArn"},
		Naming:     Naming{Property: "Name", Max: 64},
		Shape:      func() any { return new(events.CreateConnectionInput) },
		Create: func(op *Op) (*Made, error) {
			in := &events.CreateConnectionInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			if _, err := Do(op, events.CreateConnection, in); err != nil {
				return nil, err
			}
			return settledConnection(op, in.Name)
		},
		Update: func(op *Op) (*Made, error) {
			in := &events.UpdateConnectionInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.PhysicalID
			if _, err := Do(op, events.UpdateConnection, in); err != nil {
				return nil, err
			}
			return settledConnection(op, in.Name)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, events.DeleteConnection, &events.DeleteConnectionInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := settledConnection(op, op.Named("Name"))
			if IsGone(err) {
				return nil, nil
			}
			return made, err
		},
	}
}

// settledConnection waits until a connection has signed in, or could not.
func settledConnection(op *Op, name string) (*Made, error) {
	var made *Made
	err := settle(op, func() (bool, error) {
		out, err := Do(op, events.DescribeConnection, &events.DescribeConnectionInput{Name: name})
		if err != nil {
			return false, err
		}
		made = &Made{PhysicalID: name, Attributes: map[string]any{
			"Arn": aws.Value(out.ConnectionArn), "ArnForPolicy": op.ARN("events", "connection/"+name), "SecretArn": aws.Value(out.SecretArn),
		}}
		return aws.Value(out.ConnectionState) != events.ConnectionStateAuthorizing, nil
	})
	return made, err
}

func apiDestination() *Type {
	find := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, events.DescribeApiDestination, &events.DescribeApiDestinationInput{Name: name})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": aws.Value(out.ApiDestinationArn), "ArnForPolicy": op.ARN("events", "api-destination/"+name)}}, nil
	}
	return &Type{
		Name:       "AWS::Events::ApiDestination",
		Properties: Props("ConnectionArn! Description HttpMethod! InvocationEndpoint! InvocationRateLimitPerSecond Name@"),
		Attributes: []string{"Arn", "ArnForPolicy"},
		Naming:     Naming{Property: "Name", Max: 64},
		Shape:      func() any { return new(events.CreateApiDestinationInput) },
		Create: func(op *Op) (*Made, error) {
			in := &events.CreateApiDestinationInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			if _, err := Do(op, events.CreateApiDestination, in); err != nil {
				return nil, err
			}
			return find(op, in.Name)
		},
		Update: func(op *Op) (*Made, error) {
			in := &events.UpdateApiDestinationInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.PhysicalID
			if _, err := Do(op, events.UpdateApiDestination, in); err != nil {
				return nil, err
			}
			return find(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, events.DeleteApiDestination, &events.DeleteApiDestinationInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := find(op, op.Named("Name"))
			return made, ignoreGone(err)
		},
	}
}
