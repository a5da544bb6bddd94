package states

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/states/integration"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what Step Functions needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Router   *event.Router
	Sessions *dispatch.Sessions
	Edge     http.Handler                                // where APIs of the platform are asked
	Inside   func(ctx context.Context, host string) bool // whether a host is one of those
	Local    bool                                        // tasks may call hosts of private networks
	Meter    *meter.Meter                                // counts executions; nil: nobody does
	Log      *slog.Logger
}

// Service is AWS Step Functions.
type Service struct {
	Config
	integrations func() *integration.Table
	parsed       parsed
	crew         crew
	due          task.Bell // rung when something may be due sooner
	lines        *accesslog.Log
	web          http.Client // for tasks that call APIs
}

// New returns Step Functions.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, due: task.NewBell(), lines: accesslog.New()}
	s.crew.bell = task.NewBell()
	s.web.Transport = backend.Within(cfg.Edge, cfg.Inside, outbound.NewTransport(cfg.Local))
	s.integrations = sync.OnceValue(func() *integration.Table { // services come to the table after this one
		var apis []*smithy.Service
		for _, def := range cfg.Table.Services() {
			apis = append(apis, def.API)
		}
		return integration.NewTable(apis)
	})
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.CreateStateMachine, s.CreateStateMachine, mayCreate).But("Keys of KMS are refused. Tracing is kept, and nothing is traced."),
			service.OpEach(api.UpdateStateMachine, s.UpdateStateMachine, mayUpdate).But("Keys of KMS are refused. Tracing is kept, and nothing is traced."),
			service.Op(api.DescribeStateMachine, s.DescribeStateMachine, onMachine),
			service.Op(api.DeleteStateMachine, s.DeleteStateMachine, onMachine),
			service.Op(api.ListStateMachines, s.ListStateMachines, service.Any),
			service.Op(api.ValidateStateMachineDefinition, s.ValidateStateMachineDefinition, service.Any),
			service.OpEach(api.TestState, s.TestState, mayTest).But("Requests of HTTP tasks are not shown. A Wait does not wait. Mocked results are not held against the shapes of APIs."),

			service.Op(api.PublishStateMachineVersion, s.PublishStateMachineVersion, onMachine),
			service.Op(api.DeleteStateMachineVersion, s.DeleteStateMachineVersion, onVersion),
			service.Op(api.ListStateMachineVersions, s.ListStateMachineVersions, onMachine),
			service.Op(api.CreateStateMachineAlias, s.CreateStateMachineAlias, newAlias),
			service.Op(api.UpdateStateMachineAlias, s.UpdateStateMachineAlias, onAlias),
			service.Op(api.DescribeStateMachineAlias, s.DescribeStateMachineAlias, onAlias),
			service.Op(api.DeleteStateMachineAlias, s.DeleteStateMachineAlias, onAlias),
			service.Op(api.ListStateMachineAliases, s.ListStateMachineAliases, onMachine),

			service.Op(api.StartExecution, s.StartExecution, onMachine),
			service.Op(api.StartSyncExecution, s.StartSyncExecution, onMachine),
			service.Op(api.DescribeExecution, s.DescribeExecution, onExecution),
			service.Op(api.DescribeStateMachineForExecution, s.DescribeStateMachineForExecution, onExecution),
			service.Op(api.ListExecutions, s.ListExecutions, listedOf),
			service.Op(api.StopExecution, s.StopExecution, onExecution),
			service.Op(api.GetExecutionHistory, s.GetExecutionHistory, onExecution),
			service.Op(api.RedriveExecution, s.RedriveExecution, onExecution).But("A distributed map begins anew."),

			service.Op(api.DescribeMapRun, s.DescribeMapRun, onMapRun),
			service.Op(api.ListMapRuns, s.ListMapRuns, onExecution),
			service.Op(api.UpdateMapRun, s.UpdateMapRun, onMapRun),

			service.Op(api.CreateActivity, s.CreateActivity, newActivity),
			service.Op(api.DescribeActivity, s.DescribeActivity, onActivity),
			service.Op(api.DeleteActivity, s.DeleteActivity, onActivity),
			service.Op(api.ListActivities, s.ListActivities, service.Any),
			service.Op(api.GetActivityTask, s.GetActivityTask, onActivity),
			service.Op(api.SendTaskSuccess, s.SendTaskSuccess, holder),
			service.Op(api.SendTaskFailure, s.SendTaskFailure, holder),
			service.Op(api.SendTaskHeartbeat, s.SendTaskHeartbeat, holder),

			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		},
		Receive: receive,
		Tasks: []task.Task{
			{Name: "states/work", Run: s.runWorks},
			{Name: "states/due", Run: s.runDue, Bell: s.due},
			s.lines.Task("states/log", s.writeLog),
		},
	}
}

// receive answers deliveries to machines: they are run.
func receive(d *event.Delivery) (operation string, in any, err error) {
	body := string(d.Body)
	return api.StartExecution.Name, &api.StartExecutionInput{StateMachineArn: d.Target.String(), Input: &body}, nil
}

func onMachine[In interface{ GetStateMachineArn() string }](_ *aws.Call, in In) aws.ARN {
	return service.Named(in.GetStateMachineArn())
}

func onExecution[In interface{ GetExecutionArn() string }](_ *aws.Call, in In) aws.ARN {
	return service.Named(in.GetExecutionArn())
}

func onActivity[In interface{ GetActivityArn() string }](_ *aws.Call, in In) aws.ARN {
	return service.Named(in.GetActivityArn())
}

func onAlias[In interface{ GetStateMachineAliasArn() string }](_ *aws.Call, in In) aws.ARN {
	return service.Named(in.GetStateMachineAliasArn())
}

func onVersion(_ *aws.Call, in *api.DeleteStateMachineVersionInput) aws.ARN {
	return service.Named(in.StateMachineVersionArn)
}

func onMapRun[In interface{ GetMapRunArn() string }](_ *aws.Call, in In) aws.ARN {
	return service.Named(in.GetMapRunArn())
}

func newAlias(_ *aws.Call, in *api.CreateStateMachineAliasInput) aws.ARN {
	t, err := parseTarget(in.RoutingConfiguration[0].StateMachineVersionArn)
	if err != nil {
		return aws.AnyResource
	}
	return service.Named(t.Machine.String() + ":" + in.Name)
}

func newActivity(call *aws.Call, in *api.CreateActivityInput) aws.ARN {
	return call.ARN("states", activityKind+in.Name)
}

func listedOf(_ *aws.Call, in *api.ListExecutionsInput) aws.ARN {
	if in.MapRunArn != nil {
		return service.Named(*in.MapRunArn)
	}
	return service.Named(in.GetStateMachineArn())
}

func mayCreate(call *aws.Call, in *api.CreateStateMachineInput, check func(service.Access) error) error {
	arn := machineNamed(call, in.Name)
	if err := check(service.Access{Action: "states:CreateStateMachine", Resource: arn}); err != nil {
		return err
	}
	if aws.Value(in.Publish) {
		if err := check(service.Access{Action: "states:PublishStateMachineVersion", Resource: arn}); err != nil {
			return err
		}
	}
	return check(auth.PassRole(in.RoleArn, "states"))
}

func mayUpdate(_ *aws.Call, in *api.UpdateStateMachineInput, check func(service.Access) error) error {
	arn := service.Named(in.StateMachineArn)
	if err := check(service.Access{Action: "states:UpdateStateMachine", Resource: arn}); err != nil {
		return err
	}
	if aws.Value(in.Publish) {
		if err := check(service.Access{Action: "states:PublishStateMachineVersion", Resource: arn}); err != nil {
			return err
		}
	}
	if in.RoleArn == nil {
		return nil
	}
	return check(auth.PassRole(*in.RoleArn, "states"))
}

func mayTest(_ *aws.Call, in *api.TestStateInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "states:TestState", Resource: aws.AnyResource}); err != nil || in.RoleArn == nil {
		return err
	}
	return check(auth.PassRole(*in.RoleArn, "states"))
}

// errAbsent refuses by name what is not there yet.
func errAbsent(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not have %s yet.", what)
}
