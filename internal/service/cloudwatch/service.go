package cloudwatch

import (
	"context"
	"log/slog"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what CloudWatch needs of the platform.
type Config struct {
	DB     *store.DB
	Router *event.Router
	Meter  *meter.Meter // counts what other services do; nil: nothing does
	Log    *slog.Logger

	// Gauge has other services measure what they hold, and says whether any of
	// it is in use; nil: they hold nothing.
	Gauge func(context.Context) (used bool, err error)
}

// Service is CloudWatch.
type Service struct {
	Config
	gauged time.Time // when what services hold is measured next; of the task that does it
	check  task.Bell // rung when an alarm may be due sooner
	sweep  task.Bell // likewise, a metric
}

// New returns CloudWatch.
func New(cfg Config) *Service {
	return &Service{Config: cfg, check: task.NewBell(), sweep: task.NewBell()}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.Op(api.PutMetricData, s.PutMetricData, service.Any).But("Entities are not kept; more than 256 values of a minute are kept rounded."),
			service.Op(api.GetMetricData, s.GetMetricData, service.Any).But("Metrics Insights (SELECT), anomaly detection and metrics of other accounts are refused. What the platform counted of itself in the minute before a crash is lost."),
			service.Op(api.GetMetricStatistics, s.GetMetricStatistics, service.Any),
			service.Op(api.ListMetrics, s.ListMetrics, service.Any),
			service.OpEach(receiveMetrics, s.receiveMetrics, mayReceive),

			service.Op(api.PutMetricAlarm, s.PutMetricAlarm, alarmNamed[*api.PutMetricAlarmInput]).But("Anomaly detection, PromQL, evaluation windows, and actions but of SNS and Lambda are refused."),
			service.Op(api.PutCompositeAlarm, s.PutCompositeAlarm, alarmNamed[*api.PutCompositeAlarmInput]).But("Suppressors are refused."),
			service.OpEach(api.DeleteAlarms, s.DeleteAlarms, alarmsNamed(func(in *api.DeleteAlarmsInput) []string { return in.AlarmNames }, "DeleteAlarms")).But("The history of an alarm goes with it."),
			service.Op(api.DescribeAlarms, s.DescribeAlarms, service.Any),
			service.Op(api.DescribeAlarmsForMetric, s.DescribeAlarmsForMetric, service.Any),
			service.Op(api.DescribeAlarmHistory, s.DescribeAlarmHistory, service.Any),
			service.OpEach(api.EnableAlarmActions, s.EnableAlarmActions, alarmsNamed(func(in *api.EnableAlarmActionsInput) []string { return in.AlarmNames }, "EnableAlarmActions")),
			service.OpEach(api.DisableAlarmActions, s.DisableAlarmActions, alarmsNamed(func(in *api.DisableAlarmActionsInput) []string { return in.AlarmNames }, "DisableAlarmActions")),
			service.Op(api.SetAlarmState, s.SetAlarmState, alarmNamed[*api.SetAlarmStateInput]).Checks("StateValue"),

			service.Op(api.PutDashboard, s.PutDashboard, dashboardNamed[*api.PutDashboardInput]).But("Properties of widgets are checked as far as their types go."),
			service.Op(api.GetDashboard, s.GetDashboard, dashboardNamed[*api.GetDashboardInput]),
			service.Op(api.ListDashboards, s.ListDashboards, service.Any),
			service.OpEach(api.DeleteDashboards, s.DeleteDashboards, mayDeleteDashboards),

			service.Op(api.TagResource, s.TagResource, service.ResourceARN[*api.TagResourceInput]),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceARN[*api.UntagResourceInput]),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceARN[*api.ListTagsForResourceInput]),
		},
		Receive: receive,
		Tasks: []task.Task{
			{Name: "cloudwatch/counted", Run: s.keepCounted, Bell: s.Meter.Bell()},
			{Name: "cloudwatch/alarms", Run: s.runChecks, Bell: s.check},
			{Name: "cloudwatch/retention", Run: s.runSweeps, Bell: s.sweep},
		},
	}
}

func alarmNamed[In interface{ GetAlarmName() string }](call *aws.Call, in In) aws.ARN {
	return alarmARN(call, in.GetAlarmName())
}

func dashboardNamed[In interface{ GetDashboardName() string }](call *aws.Call, in In) aws.ARN {
	return dashboardARN(call, in.GetDashboardName())
}

// alarmsNamed asks for an action on each of several alarms.
func alarmsNamed[In any](names func(*In) []string, action string) func(*aws.Call, *In, func(service.Access) error) error {
	return func(call *aws.Call, in *In, check func(service.Access) error) error {
		for _, name := range names(in) {
			if err := check(service.Access{Action: "cloudwatch:" + action, Resource: alarmARN(call, name)}); err != nil {
				return err
			}
		}
		return nil
	}
}

func mayDeleteDashboards(call *aws.Call, in *api.DeleteDashboardsInput, check func(service.Access) error) error {
	for _, name := range in.DashboardNames {
		if err := check(service.Access{Action: "cloudwatch:DeleteDashboards", Resource: dashboardARN(call, name)}); err != nil {
			return err
		}
	}
	return nil
}
