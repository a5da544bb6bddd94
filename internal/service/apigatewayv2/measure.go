package apigatewayv2

import (
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/meter"
)

// measure counts a request for the metrics of its API and stage.
func (x *exchange) measure(a *served) {
	m := x.cfg.Meter
	if m == nil {
		return
	}
	now, status := time.Now(), x.outcome.status
	in := func(from, to int) float64 {
		if from <= status && status < to {
			return 1
		}
		return 0
	}
	readings := []meter.Reading{
		meter.Count("Count", 1), meter.Count("4xx", in(400, 500)), meter.Count("5xx", in(500, 600)),
		meter.Milliseconds("Latency", now.Sub(x.outcome.began)),
		{Metric: "DataProcessed", Unit: "Bytes", Value: float64(x.outcome.length)},
	}
	if x.outcome.integration > 0 {
		readings = append(readings, meter.Milliseconds("IntegrationLatency", x.outcome.integration))
	}
	of := meter.OfARN(a.api, "AWS/ApiGateway", "ApiId", strings.TrimPrefix(a.api.Resource, "/apis/"))
	m.Add(of, now, readings...)
	m.Add(of.And("Stage", x.stage.name), now, readings...)
}
