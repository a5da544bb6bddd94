package apigateway

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	metrics "github.com/aloft-cloud/aloft/internal/meter"
)

// measure counts a request for the metrics of its API and stage.
func (x *exchange) measure() {
	if x.cfg.Meter == nil || x.v == nil || x.stage == nil {
		return
	}
	in := func(from, to int) float64 {
		if from <= x.reply.Status && x.reply.Status < to {
			return 1
		}
		return 0
	}
	now := time.Now()
	readings := []metrics.Reading{
		metrics.Count("Count", 1), metrics.Count("4XXError", in(400, 500)), metrics.Count("5XXError", in(500, 600)),
		metrics.Milliseconds("Latency", now.Sub(x.began)),
	}
	if x.state.latency > 0 {
		readings = append(readings, metrics.Milliseconds("IntegrationLatency", x.state.latency))
	}
	of := metrics.OfARN(x.api.arn, "AWS/ApiGateway", "ApiName", aws.Value(x.v.api.Name))
	x.cfg.Meter.Add(of, now, readings...)
	x.cfg.Meter.Add(of.And("Stage", x.stage.name), now, readings...)
}
