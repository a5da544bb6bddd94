package sqs

import (
	"encoding/json"
	"fmt"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
)

// receiveDelivery implements service.Definition.Receive: a delivery to a queue
// is a message that is sent to it.
func receiveDelivery(d *event.Delivery) (operation string, in any, err error) {
	send := &api.SendMessageInput{QueueUrl: regionalURL(d.Target), MessageBody: string(d.Body)}
	if group := d.Params[event.GroupID]; group != "" {
		send.MessageGroupId = &group
	}
	if id := d.Params[event.DeduplicationID]; id != "" && strings.HasSuffix(d.Target.Resource, ".fifo") {
		send.MessageDeduplicationId = &id
	}
	if text := d.Params[event.MessageAttributes]; text != "" {
		if err := json.Unmarshal([]byte(text), &send.MessageAttributes); err != nil {
			return "", nil, fmt.Errorf("attributes of a message to %s: %w", d.Target, err)
		}
	}
	return api.SendMessage.Name, send, nil
}

// regionalURL is the URL of a queue that says its region.
func regionalURL(arn aws.ARN) string {
	return "https://sqs." + arn.Region + ".amazonaws.com/" + arn.Account + "/" + arn.Resource
}
