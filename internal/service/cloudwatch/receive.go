package cloudwatch

import (
	"context"
	"encoding/json"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// receiveMetrics is what a delivery to metrics becomes: data that a service
// found, such as those embedded in logs. AWS has no such operation.
var receiveMetrics = smithy.Operation[receiveInput, receiveOutput]{Service: "cloudwatch", Name: "ReceiveMetrics"}

type receiveInput struct {
	of   aws.ARN // metricsOf
	data api.PutMetricDataInput
}

type receiveOutput struct{}

// receive answers deliveries to metrics.
func receive(d *event.Delivery) (operation string, in any, err error) {
	r := &receiveInput{of: d.Target}
	if d.Target.Resource != "metric" || json.Unmarshal(d.Body, &r.data) != nil {
		return "", nil, badValue("The delivery is no data of metrics.")
	}
	return receiveMetrics.Name, r, nil
}

// mayReceive lets AWS's services add to metrics of their own account.
func mayReceive(call *aws.Call, in *receiveInput, check func(service.Access) error) error {
	if call.Principal.Kind == aws.Service && call.Account == in.of.Account {
		return nil
	}
	return check(service.Access{Action: "cloudwatch:PutMetricData", Resource: aws.AnyResource})
}

// receiveMetrics adds data to metrics. Those that no metric takes are left out.
func (s *Service) receiveMetrics(ctx context.Context, call *aws.Call, in *receiveInput) (*receiveOutput, error) {
	now := time.Now()
	var samples []sample
	for i := range in.data.MetricData {
		if sm, err := newSample(in.data.Namespace, i+1, &in.data.MetricData[i], now); err == nil {
			samples = append(samples, sm)
		}
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.put(tx, in.of, samples, now) })
	if err != nil {
		return nil, err
	}
	return &receiveOutput{}, nil
}
