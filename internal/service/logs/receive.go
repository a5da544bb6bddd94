package logs

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	deliveries "github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// receiveEvent is what a delivery to a log group becomes: what is delivered is
// an event of a stream that is named for its sender. AWS has no such operation.
var receiveEvent = smithy.Operation[receiveEventInput, receiveEventOutput]{Service: "logs", Name: "ReceiveEvent"}

type receiveEventInput struct {
	group   aws.ARN
	stream  string
	message string
}

type receiveEventOutput struct{}

// receive answers deliveries to log groups.
func receive(d *deliveries.Delivery) (operation string, in any, err error) {
	group := d.Target
	group.Resource = strings.TrimSuffix(group.Resource, ":*")
	if !strings.HasPrefix(group.Resource, groupKind) {
		return "", nil, api.InvalidParameterException.Errorf("%s is no log group.", d.Target)
	}
	stream := strings.NewReplacer(":", "/", "*", "/").Replace(d.Source.Resource)
	return receiveEvent.Name, &receiveEventInput{group, stream, string(d.Body)}, nil
}

// mayReceive lets AWS's services write in groups of their own account.
func mayReceive(call *aws.Call, in *receiveEventInput, check func(service.Access) error) error {
	if call.Principal.Kind == aws.Service && call.Account == in.group.Account {
		return nil
	}
	return check(service.Access{Action: "logs:PutLogEvents", Resource: stream(in.group, in.stream)})
}

// receiveEvent adds an event to a stream, which is made if need be.
func (s *Service) receiveEvent(ctx context.Context, call *aws.Call, in *receiveEventInput) (*receiveEventOutput, error) {
	as := *call
	as.Account, as.Region = in.group.Account, in.group.Region
	name := groupName(in.group)
	_, err := s.CreateLogStream(ctx, &as, &api.CreateLogStreamInput{LogGroupName: name, LogStreamName: in.stream})
	if err != nil && !errors.Is(err, api.ResourceAlreadyExistsException) {
		return nil, err
	}
	_, err = s.PutLogEvents(ctx, &as, &api.PutLogEventsInput{
		LogGroupName: name, LogStreamName: in.stream, LogEvents: []api.InputLogEvent{{Timestamp: time.Now().UnixMilli(), Message: in.message}},
	})
	if err != nil {
		return nil, err
	}
	return &receiveEventOutput{}, nil
}
