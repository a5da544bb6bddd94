package dynamodb

import (
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	metrics "github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
)

const namespace = "AWS/DynamoDB"

// measure counts an operation for the metrics of its table.
func measure(m *metrics.Meter, did *service.Done) {
	in, ok := did.In.(interface{ GetTableName() string })
	if !ok {
		return
	}
	arn, err := tableARN(did.Call, in.GetTableName())
	if err != nil {
		return
	}
	of := metrics.OfARN(arn, namespace, "TableName", tableName(arn))
	if did.Err != nil {
		countFailure(m, of, did)
		return
	}
	readings := [2]metrics.Reading{metrics.Milliseconds("SuccessfulRequestLatency", did.Took)}
	n := 1
	switch out := did.Out.(type) {
	case *api.QueryOutput:
		readings[1], n = metrics.Count("ReturnedItemCount", float64(aws.Value(out.Count))), 2
	case *api.ScanOutput:
		readings[1], n = metrics.Count("ReturnedItemCount", float64(aws.Value(out.Count))), 2
	}
	m.Add(of.And("Operation", did.Op.Name), did.Began, readings[:n]...)
}

func countFailure(m *metrics.Meter, of metrics.Subject, did *service.Done) {
	switch {
	case errors.Is(did.Err, api.ProvisionedThroughputExceededException), errors.Is(did.Err, api.ThrottlingException):
		throttles := "ReadThrottleEvents"
		switch did.Op.Name {
		case "PutItem", "UpdateItem", "DeleteItem":
			throttles = "WriteThrottleEvents"
		}
		m.Add(of, did.Began, metrics.Count(throttles, 1))
		m.Add(of.And("Operation", did.Op.Name), did.Began, metrics.Count("ThrottledRequests", 1))
	case errors.Is(did.Err, api.ConditionalCheckFailedException):
		m.Add(of, did.Began, metrics.Count("ConditionalCheckFailedRequests", 1))
	case aws.Refusal(did.Err).Status < 500:
		of.Name1, of.Value1 = "", ""
		m.Add(of, did.Began, metrics.Count("UserErrors", 1))
	default:
		m.Add(of.And("Operation", did.Op.Name), did.Began, metrics.Count("SystemErrors", 1))
	}
}

// consumed counts what an operation has cost.
func (s *Service) consumed(t *table, c *cost, factor float64) {
	m := s.config.Meter
	if m == nil {
		return
	}
	metric := "ConsumedWriteCapacityUnits"
	if c.read {
		metric = "ConsumedReadCapacityUnits"
	}
	units := c.table
	for _, u := range c.locals {
		units += u
	}
	now := time.Now()
	of := metrics.OfARN(t.arn, namespace, "TableName", tableName(t.arn))
	m.Add(of, now, metrics.Count(metric, units*factor))
	for name, u := range c.globals {
		m.Add(of.And("GlobalSecondaryIndexName", name), now, metrics.Count(metric, u*factor))
	}
}

// wrote counts what w has cost in a table without limits, where what was there
// before is known only if it was needed.
func (s *Service) wrote(w *write, factor float64) {
	c := cost{table: units(w.new.Size(), writeUnit)}
	if w.old != nil {
		c = w.cost()
	}
	s.consumed(w.t, &c, factor)
}
