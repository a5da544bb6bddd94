package events

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/cache"
	"github.com/aloft-cloud/aloft/internal/gateway/limit"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what EventBridge needs of the platform.
type Config struct {
	DB     *store.DB
	Table  *dispatch.Table
	Router *event.Router
	Local  bool                                        // API destinations may be on this host and its networks, and without TLS
	Edge   http.Handler                                // where APIs of the platform are asked
	Inside func(ctx context.Context, host string) bool // whether a host is one of those
	Meter  *meter.Meter                                // counts what rules match; nil: nobody does
	Log    *slog.Logger
}

// Service is EventBridge.
type Service struct {
	db       *store.DB
	table    *dispatch.Table
	router   *event.Router
	log      *slog.Logger
	local    bool
	meter    *meter.Meter
	client   *http.Client
	epoch    atomic.Uint64 // of policies
	matchers cache.Cache[*matcher]

	due, replaying, authorizing task.Bell // rung when there is something to do

	mu     sync.Mutex
	limits map[aws.ARN]*limit.Bucket // of API destinations that were invoked
	tokens map[aws.ARN]token         // of connections of OAuth
}

// New returns EventBridge.
func New(cfg Config) *Service {
	return &Service{
		db: cfg.DB, table: cfg.Table, router: cfg.Router, log: cfg.Log, local: cfg.Local, meter: cfg.Meter,
		client: &http.Client{
			Transport:     backend.Within(cfg.Edge, cfg.Inside, outbound.NewTransport(cfg.Local)),
			Timeout:       invokeLasts,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		due: task.NewBell(), replaying: task.NewBell(), authorizing: task.NewBell(),
		limits: make(map[aws.ARN]*limit.Bucket), tokens: make(map[aws.ARN]token),
	}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Operations: append(s.busOperations(), s.otherOperations()...),
		Tasks: []task.Task{
			{Name: "events/schedule", Run: s.runSchedules, Bell: s.due},
			{Name: "events/replay", Run: s.runReplays, Bell: s.replaying},
			{Name: "events/authorize", Run: s.runAuthorizations, Bell: s.authorizing},
			{Name: "events/retain", Run: s.trimArchives},
		},
		Receive:   receive,
		Delivered: delivered,
		Dead:      dead,
		Policy:    s.policy,
		Epoch:     s.epoch.Load,
	}
}

func (s *Service) busOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreateEventBus, s.CreateEventBus, busNamed).But("Keys of KMS, logs and buses of partners are refused."),
		service.Op(api.UpdateEventBus, s.UpdateEventBus, busNamed),
		service.Op(api.DeleteEventBus, s.DeleteEventBus, busNamed),
		service.Op(api.DescribeEventBus, s.DescribeEventBus, busNamed),
		service.Op(api.ListEventBuses, s.ListEventBuses, service.Any),
		service.Op(api.PutPermission, s.PutPermission, busOf),
		service.Op(api.RemovePermission, s.RemovePermission, busOf),

		service.OpEach(api.PutRule, s.PutRule, mayPutRule),
		service.Op(api.DeleteRule, s.DeleteRule, ruleNamed),
		service.Op(api.EnableRule, s.EnableRule, ruleNamed),
		service.Op(api.DisableRule, s.DisableRule, ruleNamed),
		service.Op(api.DescribeRule, s.DescribeRule, ruleNamed),
		service.Op(api.ListRules, s.ListRules, busOf),
		service.Op(api.ListRuleNamesByTarget, s.ListRuleNamesByTarget, busOf),
		service.Op(api.TestEventPattern, s.TestEventPattern, service.Any),

		service.OpEach(api.PutTargets, s.PutTargets, mayPutTargets).But("Targets of AWS Batch, CodeBuild, CodePipeline, ECS, Glue, Redshift, SageMaker and Systems Manager, and built-in ones, are records: each invocation fails, and its dead letter says why. Others that Aloft has not are refused by name."),
		service.Op(api.RemoveTargets, s.RemoveTargets, ruleOf),
		service.Op(api.ListTargetsByRule, s.ListTargetsByRule, ruleOf),

		service.OpEach(api.PutEvents, s.PutEvents, s.mayPutEvents),
	}
}

func (s *Service) otherOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreateArchive, s.CreateArchive, archiveNamed),
		service.Op(api.UpdateArchive, s.UpdateArchive, archiveNamed),
		service.Op(api.DeleteArchive, s.DeleteArchive, archiveNamed),
		service.Op(api.DescribeArchive, s.DescribeArchive, archiveNamed),
		service.Op(api.ListArchives, s.ListArchives, service.Any),
		service.Op(api.StartReplay, s.StartReplay, replayNamed),
		service.Op(api.CancelReplay, s.CancelReplay, replayNamed),
		service.Op(api.DescribeReplay, s.DescribeReplay, replayNamed),
		service.Op(api.ListReplays, s.ListReplays, service.Any),

		service.Op(api.CreateConnection, s.CreateConnection, connectionNamed).But("Private endpoints and keys of KMS are refused."),
		service.Op(api.UpdateConnection, s.UpdateConnection, connectionNamed),
		service.Op(api.DeauthorizeConnection, s.DeauthorizeConnection, connectionNamed),
		service.Op(api.DeleteConnection, s.DeleteConnection, connectionNamed),
		service.Op(api.DescribeConnection, s.DescribeConnection, connectionNamed),
		service.Op(api.ListConnections, s.ListConnections, service.Any),
		service.Op(api.CreateApiDestination, s.CreateApiDestination, destinationNamed),
		service.Op(api.UpdateApiDestination, s.UpdateApiDestination, destinationNamed),
		service.Op(api.DeleteApiDestination, s.DeleteApiDestination, destinationNamed),
		service.Op(api.DescribeApiDestination, s.DescribeApiDestination, destinationNamed),
		service.Op(api.ListApiDestinations, s.ListApiDestinations, service.Any),

		service.OpEach(api.CreateEndpoint, s.CreateEndpoint, mayCreateEndpoint).But("Events go to the primary Region: health checks check nothing."),
		service.OpEach(api.UpdateEndpoint, s.UpdateEndpoint, mayUpdateEndpoint),
		service.Op(api.DeleteEndpoint, s.DeleteEndpoint, endpointNamed),
		service.Op(api.DescribeEndpoint, s.DescribeEndpoint, endpointNamed),
		service.Op(api.ListEndpoints, s.ListEndpoints, service.Any),
		service.Op(api.ListEventSources, s.ListEventSources, service.Any).But("There are no partners, and so no sources of theirs."),
		service.Op(api.DescribeEventSource, s.DescribeEventSource, service.Any),
		service.Op(api.ActivateEventSource, s.ActivateEventSource, service.Any),
		service.Op(api.DeactivateEventSource, s.DeactivateEventSource, service.Any),

		service.Op(api.TagResource, s.TagResource, service.ResourceARN),
		service.Op(api.UntagResource, s.UntagResource, service.ResourceARN),
		service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceARN),

		service.OpEach(receiveEvent, s.receiveEvent, mayReceive),
		service.Op(invokeAPIDestination, s.invoke, invokedDestination),
		service.Op(sendByConnection, s.sendBy, sentBy),
	}
}

type named interface{ GetName() string }

func busNamed[In named](call *aws.Call, in In) aws.ARN { return busARN(call, in.GetName()) }

func busOf[In interface{ GetEventBusName() string }](call *aws.Call, in In) aws.ARN {
	return busARN(call, in.GetEventBusName())
}

func ruleNamed[In interface {
	named
	GetEventBusName() string
}](call *aws.Call, in In) aws.ARN {
	return ruleKey{busARN(call, in.GetEventBusName()), in.GetName()}.ARN()
}

func ruleOf[In interface {
	GetRule() string
	GetEventBusName() string
}](call *aws.Call, in In) aws.ARN {
	return ruleKey{busARN(call, in.GetEventBusName()), in.GetRule()}.ARN()
}

func archiveNamed[In interface{ GetArchiveName() string }](call *aws.Call, in In) aws.ARN {
	return call.ARN("events", archiveKind+in.GetArchiveName())
}

func replayNamed[In interface{ GetReplayName() string }](call *aws.Call, in In) aws.ARN {
	return call.ARN("events", replayKind+in.GetReplayName())
}

func connectionNamed[In named](call *aws.Call, in In) aws.ARN {
	return call.ARN("events", connectionKind+in.GetName())
}

func destinationNamed[In named](call *aws.Call, in In) aws.ARN {
	return call.ARN("events", destinationKind+in.GetName())
}

// mayPutRule asks for the rule, and for the role that it names.
func mayPutRule(call *aws.Call, in *api.PutRuleInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "events:PutRule", Resource: ruleNamed(call, in)}); err != nil {
		return err
	}
	return mayPass(check, in.RoleArn)
}

// mayPutTargets asks for the rule, and for the roles that targets name.
func mayPutTargets(call *aws.Call, in *api.PutTargetsInput, check func(service.Access) error) error {
	for i := range in.Targets {
		keys := service.Keys{"events:TargetArn": {in.Targets[i].Arn}}
		if err := check(service.Access{Action: "events:PutTargets", Resource: ruleOf(call, in), Keys: keys}); err != nil {
			return err
		}
		if err := mayPass(check, in.Targets[i].RoleArn); err != nil {
			return err
		}
	}
	return nil
}

// mayCreateEndpoint asks for the endpoint, and for the role that replicates.
func mayCreateEndpoint(call *aws.Call, in *api.CreateEndpointInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "events:CreateEndpoint", Resource: endpointNamed(call, in)}); err != nil {
		return err
	}
	return mayPass(check, in.RoleArn)
}

func mayUpdateEndpoint(call *aws.Call, in *api.UpdateEndpointInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "events:UpdateEndpoint", Resource: endpointNamed(call, in)}); err != nil {
		return err
	}
	return mayPass(check, in.RoleArn)
}

func mayPass(check func(service.Access) error, role *string) error {
	if role == nil {
		return nil
	}
	return check(auth.PassRole(*role, "events"))
}

// mayPutEvents asks for each bus that events are for.
func (s *Service) mayPutEvents(call *aws.Call, in *api.PutEventsInput, check func(service.Access) error) error {
	w, err := s.wayFor(context.Background(), call, in)
	if err != nil {
		return err
	}
	for i := range in.Entries {
		e := &in.Entries[i]
		bus, err := w.leads(call, e)
		if err != nil {
			return err
		}
		keys := service.Keys{"events:source": {aws.Value(e.Source)}, "events:detail-type": {aws.Value(e.DetailType)}}
		if err := check(service.Access{Action: "events:PutEvents", Resource: bus, Keys: keys}); err != nil {
			return err
		}
	}
	return nil
}

// arnOf is an ARN that somebody wrote.
func arnOf(text, name string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "events" {
		return arn, invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", name)
	}
	return arn, nil
}

// look is a View that returns what fn finds.
func look[V any](ctx context.Context, db *store.DB, fn func(*store.Tx) (V, error)) (v V, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}
