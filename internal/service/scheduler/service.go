package scheduler

import (
	"log/slog"

	_ "time/tzdata" // time zones are known wherever Aloft runs

	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what Scheduler needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Router   *event.Router
	Sessions *dispatch.Sessions
	Log      *slog.Logger
}

// Service is EventBridge Scheduler.
type Service struct {
	Config
	due task.Bell // rung when a schedule may be due sooner
}

// New returns EventBridge Scheduler.
func New(cfg Config) *Service { return &Service{Config: cfg, due: task.NewBell()} }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.CreateSchedule, s.CreateSchedule, mayCreate).But("Keys of KMS are refused, and so are targets of services that no application has; targets that are records fail, and their dead letters say why."),
			service.OpEach(api.UpdateSchedule, s.UpdateSchedule, mayUpdate),
			service.Op(api.GetSchedule, s.GetSchedule, scheduleNamed),
			service.Op(api.DeleteSchedule, s.DeleteSchedule, scheduleNamed),
			service.Op(api.ListSchedules, s.ListSchedules, service.Any),

			service.Op(api.CreateScheduleGroup, s.CreateScheduleGroup, groupNamed),
			service.Op(api.GetScheduleGroup, s.GetScheduleGroup, groupNamed),
			service.Op(api.DeleteScheduleGroup, s.DeleteScheduleGroup, groupNamed),
			service.Op(api.ListScheduleGroups, s.ListScheduleGroups, service.Any),
			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		},
		Tasks: []task.Task{{Name: "scheduler/due", Run: s.runDue, Bell: s.due}},
		Dead:  dead,
	}
}

func scheduleNamed[In interface {
	GetGroupName() string
	GetName() string
}](call *aws.Call, in In) aws.ARN {
	return scheduleARN(call, in.GetGroupName(), in.GetName())
}

func groupNamed[In interface{ GetName() string }](call *aws.Call, in In) aws.ARN {
	return groupARN(call, in.GetName())
}

func mayCreate(call *aws.Call, in *api.CreateScheduleInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "scheduler:CreateSchedule", Resource: scheduleNamed(call, in)}); err != nil {
		return err
	}
	return check(auth.PassRole(in.Target.RoleArn, "scheduler"))
}

func mayUpdate(call *aws.Call, in *api.UpdateScheduleInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "scheduler:UpdateSchedule", Resource: scheduleNamed(call, in)}); err != nil {
		return err
	}
	return check(auth.PassRole(in.Target.RoleArn, "scheduler"))
}

// invalid refuses an input.
func invalid(format string, args ...any) error {
	return api.ValidationException.Errorf(format, args...)
}

// optional is nil for nothing.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
