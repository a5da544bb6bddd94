package states

import (
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/meter"
)

// ended are the metrics of executions, by what became of them.
var ended = map[string]string{
	api.ExecutionStatusSucceeded: "ExecutionsSucceeded", api.ExecutionStatusFailed: "ExecutionsFailed",
	api.ExecutionStatusTimedOut: "ExecutionsTimedOut", api.ExecutionStatusAborted: "ExecutionsAborted",
}

func measured(machine aws.ARN) meter.Subject {
	return meter.OfARN(machine, "AWS/States", "StateMachineArn", machine.String())
}

// measure counts an execution that was started, redriven or ended.
func (s *Service) measure(e *execution) {
	of := measured(e.Machine)
	switch metric := ended[e.Status]; {
	case metric != "":
		s.Meter.Add(of, e.Stopped, meter.Count(metric, 1), meter.Milliseconds("ExecutionTime", e.Stopped.Sub(e.Started)))
	case e.Redrives > 0:
		s.Meter.Add(of, e.Redriven, meter.Count("ExecutionsRedriven", 1))
	case e.Status == api.ExecutionStatusRunning:
		s.Meter.Add(of, e.Started, meter.Count("ExecutionsStarted", 1))
	}
}

// measureExpress counts an express execution that ended.
func (s *Service) measureExpress(machine aws.ARN, began time.Time, status string) {
	now := time.Now()
	s.Meter.Add(measured(machine), now, meter.Count(ended[status], 1), meter.Milliseconds("ExecutionTime", now.Sub(began)))
}
