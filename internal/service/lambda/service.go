package lambda

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	metrics "github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what an operator may choose.
type Config struct {
	Dir      string         // for unpacked code, a cache
	Endpoint string         // base of URLs in answers to callers that came without a host
	Images   Images         // has container images
	Files    Files          // has file systems
	Auth     Authority      // knows who signed, for URLs that want that; nil: nobody did
	Meter    *metrics.Meter // counts runs for metrics; nil: nobody does
	Log      *slog.Logger   // nil is slog.Default
}

// An Authority says who sent a request.
type Authority interface {
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
}

// Files has the file systems that functions mount.
type Files interface {
	// Share returns what an access point leads to, but for the path. The error
	// is sandbox.ErrShare if there is no such access point.
	Share(ctx context.Context, accessPoint aws.ARN) (*sandbox.Share, error)
}

// A Runner runs functions; package sandbox has them.
type Runner interface {
	Invoke(ctx context.Context, f *sandbox.Function, e sandbox.Event) (sandbox.Result, error)
	Prepare(runtime string) error
	Layer(ctx context.Context, name, runtime string) ([]byte, error) // of those that sdk.HasLayer knows
	Keep(f *sandbox.Function, n int) (ready int, broken bool)
	Forget(function aws.ARN)
}

// Service is Lambda.
type Service struct {
	log      *slog.Logger
	endpoint string
	auth     Authority
	images   Images
	files    Files
	db       *store.DB
	table    *dispatch.Table
	events   *event.Router
	sessions *dispatch.Sessions
	runner   Runner
	poller   *poll.Engine

	unpacked unpacked
	targets  targets
	links    links
	epoch    atomic.Uint64 // of policies
	created  task.Bell     // rung when a function is to be made active
	queue    queue
	durables durableQueue
	keeping  keeping
	meter    meter
	streams  task.Group // runs whose answers are taken as they come
}

// New returns Lambda over db. It calls other services through table, or has
// events tell them, as the roles of its functions: sessions has theirs. It has
// runner run its functions.
func New(cfg Config, db *store.DB, table *dispatch.Table, events *event.Router, sessions *dispatch.Sessions, runner Runner) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Service{
		log:      cfg.Log,
		endpoint: cfg.Endpoint,
		auth:     cfg.Auth,
		images:   cfg.Images,
		files:    cfg.Files,
		db:       db,
		table:    table,
		events:   events,
		sessions: sessions,
		runner:   runner,
		unpacked: unpacked{root: cfg.Dir},
		links:    newLinks(),
		created:  task.NewBell(),
		queue:    newQueue(),
		durables: newDurableQueue(),
		keeping:  keeping{bell: task.NewBell()},
		meter:    newMeter(cfg.Meter),
	}
	s.poller = poll.New(poll.Config{DB: db, Table: table, Log: cfg.Log, Owners: s.mapped, Job: s.pollMapping})
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Operations: append(s.functionOperations(), s.otherOperations()...),
		Tasks:      s.tasks(),
		Hosts:      []service.Host{{Suffix: codeSuffix, Serve: s.serveCode}, {Suffix: urlSuffix, Serve: s.serveURL}},
		Receive:    receive,
		Policy:     s.policy,
		Epoch:      s.epoch.Load,
	}
}

func (s *Service) functionOperations() []service.Operation {
	return []service.Operation{
		service.OpEach(api.CreateFunction, s.CreateFunction, s.mayCreate).But("Access points of EFS are mounted, where functions are fenced in; those of S3 Files are refused. VPCs and keys of KMS are remembered, and no more. Of layers of other accounts there are those that were published here, and public ones that are made of the newest packages of their major version: Powertools, the Web Adapter; Lambda Insights reports nothing. Aloft answers in place of the extensions for AppConfig (without manifests, proxies and variants of flags) and for parameters and secrets."),
		service.Op(api.GetFunction, s.GetFunction, qualifiedOf),
		service.Op(api.GetFunctionConfiguration, s.GetFunctionConfiguration, qualifiedOf),
		service.Op(api.ListFunctions, s.ListFunctions, service.Any),
		service.Op(api.DeleteFunction, s.DeleteFunction, qualifiedOf),
		service.Op(api.UpdateFunctionCode, s.UpdateFunctionCode, functionOf),
		service.OpEach(api.UpdateFunctionConfiguration, s.UpdateFunctionConfiguration, s.mayUpdate),
		service.Op(api.PublishVersion, s.PublishVersion, functionOf),
		service.Op(api.ListVersionsByFunction, s.ListVersionsByFunction, functionOf),
		service.OpEach(api.Invoke, s.Invoke, mayInvoke),
		service.OpEach(api.InvokeAsync, s.InvokeAsync, mayInvokeAsync),
		service.OpEach(api.InvokeWithResponseStream, s.InvokeWithResponseStream, mayInvoke).But("Durable functions are not streamed."),

		service.OpEach(api.CheckpointDurableExecution, s.CheckpointDurableExecution, mayCheckpoint),
		service.Op(api.GetDurableExecutionState, s.GetDurableExecutionState, durableNamed),
		service.Op(api.GetDurableExecution, s.GetDurableExecution, durableNamed),
		service.Op(api.ListDurableExecutionsByFunction, s.ListDurableExecutionsByFunction, functionOf),
		service.Op(api.StopDurableExecution, s.StopDurableExecution, durableNamed),
		service.Op(api.SendDurableExecutionCallbackSuccess, s.SendDurableExecutionCallbackSuccess, callbackAccess),
		service.Op(api.SendDurableExecutionCallbackFailure, s.SendDurableExecutionCallbackFailure, callbackAccess),
		service.Op(api.SendDurableExecutionCallbackHeartbeat, s.SendDurableExecutionCallbackHeartbeat, callbackAccess),

		service.Op(api.CreateAlias, s.CreateAlias, functionOf),
		service.Op(api.GetAlias, s.GetAlias, functionOf),
		service.Op(api.ListAliases, s.ListAliases, functionOf),
		service.Op(api.UpdateAlias, s.UpdateAlias, functionOf),
		service.Op(api.DeleteAlias, s.DeleteAlias, functionOf),

		service.Op(api.AddPermission, s.AddPermission, qualifiedOf),
		service.Op(api.RemovePermission, s.RemovePermission, qualifiedOf),
		service.Op(api.GetPolicy, s.GetPolicy, qualifiedOf),
	}
}

func (s *Service) otherOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.PublishLayerVersion, s.PublishLayerVersion, layerOf),
		service.Op(api.GetLayerVersion, s.GetLayerVersion, layerVersionOf),
		service.OpEach(api.GetLayerVersionByArn, s.GetLayerVersionByArn, mayGetLayer),
		service.Op(api.ListLayers, s.ListLayers, service.Any),
		service.Op(api.ListLayerVersions, s.ListLayerVersions, layerOf),
		service.Op(api.DeleteLayerVersion, s.DeleteLayerVersion, layerVersionOf),
		service.Op(api.AddLayerVersionPermission, s.AddLayerVersionPermission, layerVersionOf),
		service.Op(api.RemoveLayerVersionPermission, s.RemoveLayerVersionPermission, layerVersionOf),
		service.Op(api.GetLayerVersionPolicy, s.GetLayerVersionPolicy, layerVersionOf),

		service.Op(api.CreateFunctionUrlConfig, s.CreateFunctionUrlConfig, qualifiedOf),
		service.Op(api.UpdateFunctionUrlConfig, s.UpdateFunctionUrlConfig, qualifiedOf),
		service.Op(api.GetFunctionUrlConfig, s.GetFunctionUrlConfig, qualifiedOf),
		service.Op(api.ListFunctionUrlConfigs, s.ListFunctionUrlConfigs, functionOf),
		service.Op(api.DeleteFunctionUrlConfig, s.DeleteFunctionUrlConfig, qualifiedOf),
		service.OpEach(invokeURL, s.invokeURL, mayInvokeURL),

		service.Op(api.PutFunctionEventInvokeConfig, s.PutFunctionEventInvokeConfig, qualifiedOf),
		service.Op(api.UpdateFunctionEventInvokeConfig, s.UpdateFunctionEventInvokeConfig, qualifiedOf),
		service.Op(api.GetFunctionEventInvokeConfig, s.GetFunctionEventInvokeConfig, qualifiedOf),
		service.Op(api.ListFunctionEventInvokeConfigs, s.ListFunctionEventInvokeConfigs, functionOf),
		service.Op(api.DeleteFunctionEventInvokeConfig, s.DeleteFunctionEventInvokeConfig, qualifiedOf),

		service.OpEach(api.CreateEventSourceMapping, s.CreateEventSourceMapping, mayMap).But("Sources are queues of SQS and streams of DynamoDB and Kinesis; others are refused. There are as many pollers as are needed; provisioned ones, metrics and logs of mappings are remembered, and no more."),
		service.Op(api.GetEventSourceMapping, s.GetEventSourceMapping, mappingOf),
		service.Op(api.ListEventSourceMappings, s.ListEventSourceMappings, service.Any),
		service.Op(api.UpdateEventSourceMapping, s.UpdateEventSourceMapping, mappingOf),
		service.Op(api.DeleteEventSourceMapping, s.DeleteEventSourceMapping, mappingOf),

		service.Op(api.PutFunctionRecursionConfig, s.PutFunctionRecursionConfig, functionOf),
		service.Op(api.GetFunctionRecursionConfig, s.GetFunctionRecursionConfig, functionOf),

		service.Op(api.PutFunctionConcurrency, s.PutFunctionConcurrency, functionOf),
		service.Op(api.GetFunctionConcurrency, s.GetFunctionConcurrency, functionOf),
		service.Op(api.DeleteFunctionConcurrency, s.DeleteFunctionConcurrency, functionOf),
		service.Op(api.PutProvisionedConcurrencyConfig, s.PutProvisionedConcurrencyConfig, qualifiedOf).But("Of the versions of an alias, only the first is kept ready."),
		service.Op(api.GetProvisionedConcurrencyConfig, s.GetProvisionedConcurrencyConfig, qualifiedOf),
		service.Op(api.DeleteProvisionedConcurrencyConfig, s.DeleteProvisionedConcurrencyConfig, qualifiedOf),
		service.Op(api.ListProvisionedConcurrencyConfigs, s.ListProvisionedConcurrencyConfigs, functionOf),
		service.Op(api.GetAccountSettings, s.GetAccountSettings, service.Any),

		service.Op(api.TagResource, s.TagResource, resourceOf),
		service.Op(api.UntagResource, s.UntagResource, resourceOf),
		service.Op(api.ListTags, s.ListTags, resourceOf),

		service.Op(api.CreateCodeSigningConfig, s.CreateCodeSigningConfig, service.Any).But(unsigned),
		service.Op(api.GetCodeSigningConfig, s.GetCodeSigningConfig, codeSigningOf),
		service.Op(api.UpdateCodeSigningConfig, s.UpdateCodeSigningConfig, codeSigningOf).But(unsigned),
		service.Op(api.DeleteCodeSigningConfig, s.DeleteCodeSigningConfig, codeSigningOf),
		service.Op(api.ListCodeSigningConfigs, s.ListCodeSigningConfigs, service.Any),
		service.Op(api.ListFunctionsByCodeSigningConfig, s.ListFunctionsByCodeSigningConfig, codeSigningOf),
		service.Op(api.PutFunctionCodeSigningConfig, s.PutFunctionCodeSigningConfig, functionOf).But(unsigned),
		service.Op(api.GetFunctionCodeSigningConfig, s.GetFunctionCodeSigningConfig, functionOf),
		service.Op(api.DeleteFunctionCodeSigningConfig, s.DeleteFunctionCodeSigningConfig, functionOf),
		service.Op(api.PutRuntimeManagementConfig, s.PutRuntimeManagementConfig, qualifiedOf).But("It is remembered; runtimes are those of the host."),
		service.Op(api.GetRuntimeManagementConfig, s.GetRuntimeManagementConfig, qualifiedOf),
	}
}

const unsigned = "Signatures of code are not looked at."

// functionOf is the function an input names, without version.
func functionOf[In interface{ GetFunctionName() string }](call *aws.Call, in In) aws.ARN {
	return guess(call, in.GetFunctionName(), "").function
}

// qualifiedOf is the function an input names, with version or alias if it has one.
func qualifiedOf[In interface {
	GetFunctionName() string
	GetQualifier() string
}](call *aws.Call, in In) aws.ARN {
	return guess(call, in.GetFunctionName(), in.GetQualifier()).arn()
}

// resourceOf is the resource an input names by its ARN.
func resourceOf[In interface{ GetResource() string }](call *aws.Call, in In) aws.ARN {
	return parseOrNone(call, in.GetResource())
}

// mayInvoke asks for the permission to invoke a function, which is not named
// as the operation is.
func mayInvoke[In interface {
	GetFunctionName() string
	GetQualifier() string
}](call *aws.Call, in In, check func(service.Access) error) error {
	return check(service.Access{Action: "lambda:InvokeFunction", Resource: qualifiedOf(call, in)})
}

// mayInvokeAsync is mayInvoke for the operation that was there first.
func mayInvokeAsync(call *aws.Call, in *api.InvokeAsyncInput, check func(service.Access) error) error {
	return check(service.Access{Action: "lambda:InvokeFunction", Resource: functionOf(call, in)})
}

// mayCreate asks for all that creating a function takes.
func (s *Service) mayCreate(call *aws.Call, in *api.CreateFunctionInput, check func(service.Access) error) error {
	fn := functionOf(call, in)
	if err := check(service.Access{Action: "lambda:CreateFunction", Resource: fn}); err != nil {
		return err
	}
	if len(in.Tags) > 0 {
		if err := check(service.Access{Action: "lambda:TagResource", Resource: fn}); err != nil {
			return err
		}
	}
	return s.mayUse(call, &in.Role, in.Layers, check)
}

// mayUpdate asks for all that a new configuration takes.
func (s *Service) mayUpdate(call *aws.Call, in *api.UpdateFunctionConfigurationInput, check func(service.Access) error) error {
	fn := functionOf(call, in)
	if err := check(service.Access{Action: "lambda:UpdateFunctionConfiguration", Resource: fn}); err != nil {
		return err
	}
	return s.mayUse(call, in.Role, in.Layers, check)
}

// mayUse asks for the permissions to give a function its role and layers.
func (s *Service) mayUse(call *aws.Call, role *string, layers []string, check func(service.Access) error) error {
	if role != nil {
		if err := check(auth.PassRole(*role, "lambda")); err != nil {
			return err
		}
	}
	for _, text := range layers {
		arn, err := aws.ParseARN(text)
		if err != nil {
			return err
		}
		if err := s.checkForeign(call, text); err != nil {
			return err
		}
		if arn.Region != call.Region || arn.Account != call.Account && isPublic(text) {
			continue // the first is refused later, the second everybody may use
		}
		if err := check(service.Access{Action: "lambda:GetLayerVersion", Resource: arn}); err != nil {
			return err
		}
	}
	return nil
}
