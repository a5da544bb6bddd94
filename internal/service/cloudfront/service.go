package cloudfront

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Functions answer requests to URLs of functions that a service makes.
type Functions interface {
	ServeURL(w http.ResponseWriter, r *http.Request, call *aws.Call, id string)
}

// Domains know the names that users have given their APIs.
type Domains interface {
	Is(ctx context.Context, host string) bool
}

// A Firewall has the web ACLs that guard distributions.
type Firewall interface {
	Has(ctx context.Context, acl string) (bool, error)
	Decide(ctx context.Context, acl string, q *firewall.Request) (*firewall.Decision, error)
}

// Config is what CloudFront works with.
type Config struct {
	DB        *store.DB
	Table     *dispatch.Table
	Edge      http.Handler // answers for origins that are the platform itself
	Functions Functions
	Scripts   function.Runner    // runs CloudFront Functions
	Sessions  *dispatch.Sessions // of the roles that real-time logs are sent as
	Firewall  Firewall
	Domains   Domains
	Local     bool // viewers need no TLS, whatever behaviours say: there is none
	Private   bool // origins may be on this host and its networks
	Log       *slog.Logger
}

// Service is CloudFront.
type Service struct {
	cfg    Config
	db     *store.DB
	client http.RoundTripper
	cache  cache
	logs   *accesslog.Log // of functions and of requests
	due    task.Bell      // rung when an object of a log is due
	index  *store.Derived[index]
}

// New returns CloudFront.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, db: cfg.DB, index: store.Derive(cfg.DB, makeIndex), logs: accesslog.New(), due: task.NewBell()}
	s.client = backend.Within(cfg.Edge, s.ours, outbound.NewTransport(cfg.Private))
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const lacks = "Signers that are accounts, VPC origins, tenants and staging are refused. Nobody's country is known, so everybody is served, as AWS does then. There is one place, this one."
	return service.Definition{
		API:   api.API,
		Tasks: []task.Task{s.logs.Task("cloudfront/log", s.writeLog), {Name: "cloudfront/standardlog", Run: s.runLogs, Bell: s.due}},
		Hosts: []service.Host{{Suffix: "cloudfront", Serve: s.Serve}, {Owns: s.isAlias, Serve: s.Serve}},
		Operations: append(s.kept(),
			service.Op(api.CreateDistribution, s.CreateDistribution, anyOf[api.CreateDistributionInput]("distribution")).But(lacks),
			service.Op(api.CreateDistributionWithTags, s.CreateDistributionWithTags, anyOf[api.CreateDistributionWithTagsInput]("distribution")).But(lacks),
			onID(distributions, api.GetDistribution, s.GetDistribution),
			onID(distributions, api.GetDistributionConfig, s.GetDistributionConfig),
			onID(distributions, api.UpdateDistribution, s.UpdateDistribution).But(lacks),
			onID(distributions, api.DeleteDistribution, s.DeleteDistribution),
			service.Op(api.ListDistributions, s.ListDistributions, service.Any),
			service.Op(api.ListDistributionsByWebACLId, s.ListDistributionsByWebACLId, service.Any),
			service.Op(api.TagResource, s.TagResource, func(_ *aws.Call, in *api.TagResourceInput) aws.ARN { return service.Named(in.Resource) }).But("Distributions, functions and key value stores alone have tags."),
			service.Op(api.UntagResource, s.UntagResource, func(_ *aws.Call, in *api.UntagResourceInput) aws.ARN { return service.Named(in.Resource) }),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, func(_ *aws.Call, in *api.ListTagsForResourceInput) aws.ARN { return service.Named(in.Resource) }),
			service.Op(api.CreateInvalidation, s.CreateInvalidation, func(call *aws.Call, in *api.CreateInvalidationInput) aws.ARN {
				return distributions.arn(call, in.DistributionId)
			}),
			service.Op(api.GetInvalidation, s.GetInvalidation, func(call *aws.Call, in *api.GetInvalidationInput) aws.ARN {
				return distributions.arn(call, in.DistributionId)
			}),
			service.Op(api.ListInvalidations, s.ListInvalidations, func(call *aws.Call, in *api.ListInvalidationsInput) aws.ARN {
				return distributions.arn(call, in.DistributionId)
			}),
		),
	}
}

// kept are the operations that only keep configurations.
func (s *Service) kept() []service.Operation {
	return slices.Concat(s.cachePolicyOperations(), s.originRequestPolicyOperations(), s.responseHeadersPolicyOperations(), s.originAccessControlOperations(), s.originAccessIdentityOperations(),
		s.publicKeyOperations(), s.keyGroupOperations(), s.functionOperations(), s.storeOperations(), s.realtimeLogOperations())
}

// onID is the row of an operation on one of a kind.
func onID[C, In, Out any, P interface {
	*In
	GetId() string
}](k *kind[C], op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN { return k.arn(call, P(in).GetId()) })
}

// anyOf is every resource of a kind, for those who make one.
func anyOf[In any](kind string) func(*aws.Call, *In) aws.ARN {
	return func(call *aws.Call, _ *In) aws.ARN { return global(call, kind+"/*") }
}
