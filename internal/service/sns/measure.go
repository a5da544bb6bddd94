package sns

import (
	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"

	"strings"
	"time"
)

func measured(topic aws.ARN) meter.Subject {
	return meter.OfARN(topic, "AWS/SNS", "TopicName", topic.Resource)
}

// measure counts what was published.
func measure(m *meter.Meter, did *service.Done) {
	if did.Err != nil {
		return
	}
	size := func(text string) meter.Reading {
		return meter.Reading{Metric: "PublishSize", Unit: "Bytes", Value: float64(len(text))}
	}
	switch in := did.In.(type) {
	case *api.PublishInput:
		if arn, err := aws.ParseARN(in.GetTopicArn()); err == nil {
			m.Add(measured(arn), did.Began, meter.Count("NumberOfMessagesPublished", 1), size(in.Message))
		}
	case *api.PublishBatchInput:
		arn, err := aws.ParseARN(in.TopicArn)
		if err != nil {
			return
		}
		for _, e := range in.PublishBatchRequestEntries {
			m.Add(measured(arn), did.Began, meter.Count("NumberOfMessagesPublished", 1), size(e.Message))
		}
	}
}

// delivered counts the deliveries of a topic.
func delivered(m *meter.Meter, d *event.Delivery, err error) {
	if strings.Contains(d.Source.Resource, "/") {
		return // no topic
	}
	metric := "NumberOfNotificationsDelivered"
	if err != nil {
		metric = "NumberOfNotificationsFailed"
	}
	m.Add(measured(d.Source), time.Now(), meter.Count(metric, 1))
}
