package elasticloadbalancing

import (
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/meter"
)

// measure counts the request for the metrics of its load balancer.
func (x *exchange) measure() {
	if x.cfg.Meter == nil || x.b.row.network() {
		return
	}
	now := time.Now()
	readings := []meter.Reading{meter.Count("RequestCount", 1)}
	switch class := x.status / 100; {
	case x.targeted:
		readings = append(readings, meter.Count(fmt.Sprintf("HTTPCode_Target_%dXX_Count", class), 1),
			meter.Reading{Metric: "TargetResponseTime", Unit: "Seconds", Value: now.Sub(x.began).Seconds()})
	case class > 2:
		readings = append(readings, meter.Count(fmt.Sprintf("HTTPCode_ELB_%dXX_Count", class), 1))
	}
	name := strings.TrimPrefix(x.b.arn.Resource, balancers.prefix)
	x.cfg.Meter.Add(meter.OfARN(x.b.arn, "AWS/ApplicationELB", "LoadBalancer", name), now, readings...)
}
