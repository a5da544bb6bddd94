package appsync

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/cache"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what AppSync needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Sessions *dispatch.Sessions // of the roles of data sources
	Auth     Authority          // knows who signed
	Scripts  mapping.Runner     // runs code
	Edge     http.Handler       // where the platform is asked by its public API; it checks keys
	Domains  *domain.Domains    // by which APIs are asked
	Endpoint string             // base of addresses in answers to callers that came without a host
	Log      *slog.Logger       // nil is slog.Default

	// Local lets issuers of tokens and data sources be on this host and on
	// private networks.
	Local bool
}

// An Authority says who sent a request, and whether they may do what it asks.
type Authority interface {
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
	Authorize(ctx context.Context, call *aws.Call, access service.Access) error
}

// Service is AppSync.
type Service struct {
	cfg     Config
	ready   cache.Cache[*served]
	issuers *jwt.Issuers
	http    *http.Client // for data sources
	sockets sockets
	domains cache.Cache[*domainOf]
}

// New returns AppSync.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Service{cfg: cfg, issuers: jwt.NewIssuers(backend.FetchWithin(cfg.Edge, outbound.NewFetcher(cfg.Local).Fetch))}
	s.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.http.Transport = backend.Within(cfg.Edge, s.inside, outbound.NewTransport(cfg.Local))
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Hosts: []service.Host{{Suffix: "appsync-api", Serve: s.ServeGraphQL}, {Suffix: "appsync-realtime-api", Serve: s.ServeRealtime},
			{Owns: func(ctx context.Context, host string) bool { _, known := s.domainAPI(ctx, host); return known }, Serve: s.ServeDomain}},
		Receive:    receive,
		Tasks:      []task.Task{{Name: "appsync/sockets", Run: s.keepSockets}},
		Operations: slices.Concat(s.apiOperations(), s.partOperations(), s.eventOperations(), s.domainOperations()),
	}
}

func (s *Service) apiOperations() []service.Operation {
	const metrics = "Metrics and traces are kept as settings, and nothing is counted."
	return []service.Operation{
		service.Op(api.CreateGraphqlApi, s.CreateGraphqlApi, service.Any).Checks("Tags").But("Merged and private APIs are refused, and logConfig is kept: nothing is logged. " + metrics),
		ofAPI(api.GetGraphqlApi, s.GetGraphqlApi),
		service.Op(api.ListGraphqlApis, s.ListGraphqlApis, service.Any),
		ofAPI(api.UpdateGraphqlApi, s.UpdateGraphqlApi).But(metrics),
		ofAPI(api.DeleteGraphqlApi, s.DeleteGraphqlApi),
		ofAPI(api.PutGraphqlApiEnvironmentVariables, s.PutGraphqlApiEnvironmentVariables),
		ofAPI(api.GetGraphqlApiEnvironmentVariables, s.GetGraphqlApiEnvironmentVariables),

		ofAPI(api.StartSchemaCreation, s.StartSchemaCreation),
		ofAPI(api.GetSchemaCreationStatus, s.GetSchemaCreationStatus),
		ofAPI(api.GetIntrospectionSchema, s.GetIntrospectionSchema),
		ofAPI(api.CreateType, s.CreateType).But("Types as JSON are refused."),
		ofAPI(api.GetType, s.GetType).But("Types as JSON are refused."),
		ofAPI(api.ListTypes, s.ListTypes).But("Types as JSON are refused."),
		ofAPI(api.UpdateType, s.UpdateType).But("Types as JSON are refused."),
		ofAPI(api.DeleteType, s.DeleteType),

		ofAPI(api.CreateApiKey, s.CreateApiKey),
		ofAPI(api.ListApiKeys, s.ListApiKeys),
		ofAPI(api.UpdateApiKey, s.UpdateApiKey),
		ofAPI(api.DeleteApiKey, s.DeleteApiKey),

		service.Op(api.TagResource, s.TagResource, service.ResourceArn),
		service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
		service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
	}
}

func (s *Service) partOperations() []service.Operation {
	const sources = "Relational databases, OpenSearch and Bedrock are refused, as is conflict detection."
	const mappings = "Conflict detection is refused."
	return []service.Operation{
		service.OpEach(api.CreateDataSource, s.CreateDataSource, mayPutSource[*api.CreateDataSourceInput]("CreateDataSource")).But(sources),
		ofAPI(api.GetDataSource, s.GetDataSource),
		ofAPI(api.ListDataSources, s.ListDataSources),
		service.OpEach(api.UpdateDataSource, s.UpdateDataSource, mayPutSource[*api.UpdateDataSourceInput]("UpdateDataSource")).But(sources),
		ofAPI(api.DeleteDataSource, s.DeleteDataSource),

		ofAPI(api.CreateResolver, s.CreateResolver).But(mappings),
		ofAPI(api.GetResolver, s.GetResolver),
		ofAPI(api.ListResolvers, s.ListResolvers),
		ofAPI(api.ListResolversByFunction, s.ListResolversByFunction),
		ofAPI(api.UpdateResolver, s.UpdateResolver).But(mappings),
		ofAPI(api.DeleteResolver, s.DeleteResolver),

		ofAPI(api.CreateFunction, s.CreateFunction).But(mappings),
		ofAPI(api.GetFunction, s.GetFunction),
		ofAPI(api.ListFunctions, s.ListFunctions),
		ofAPI(api.UpdateFunction, s.UpdateFunction).But(mappings),
		ofAPI(api.DeleteFunction, s.DeleteFunction),

		service.Op(api.EvaluateCode, s.EvaluateCode, service.Any),
		service.Op(api.EvaluateMappingTemplate, s.EvaluateMappingTemplate, service.Any),
	}
}

// domainOperations are those of domains and caches.
func (s *Service) domainOperations() []service.Operation {
	const behind = "A certificate is kept as a name: the operator says which one clients see."
	const kept = "Answers are kept in memory, and not by operation."
	return []service.Operation{
		service.Op(api.CreateDomainName, s.CreateDomainName, service.Any).But(behind),
		ofDomain(api.GetDomainName, s.GetDomainName),
		service.Op(api.ListDomainNames, s.ListDomainNames, service.Any),
		ofDomain(api.UpdateDomainName, s.UpdateDomainName),
		ofDomain(api.DeleteDomainName, s.DeleteDomainName),
		ofDomain(api.AssociateApi, s.AssociateApi),
		ofDomain(api.DisassociateApi, s.DisassociateApi),
		ofDomain(api.GetApiAssociation, s.GetApiAssociation),

		ofAPI(api.CreateApiCache, s.CreateApiCache).But(kept),
		ofAPI(api.GetApiCache, s.GetApiCache),
		ofAPI(api.UpdateApiCache, s.UpdateApiCache).But(kept),
		ofAPI(api.DeleteApiCache, s.DeleteApiCache),
		ofAPI(api.FlushApiCache, s.FlushApiCache),

		service.OpEach(graphQL, s.runGraphQL, mayRun),
	}
}

// ofDomain is the row of an operation on a domain.
func ofDomain[In, Out any, P interface {
	*In
	GetDomainName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN { return domainARN(call, P(in).GetDomainName()) })
}

// eventOperations are those of Event APIs.
func (s *Service) eventOperations() []service.Operation {
	const channels = "Handlers ask functions and data sources without templates."
	return []service.Operation{
		service.Op(api.CreateApi, s.CreateApi, service.Any).Checks("Tags"),
		ofAPI(api.GetApi, s.GetApi),
		service.Op(api.ListApis, s.ListApis, service.Any),
		ofAPI(api.UpdateApi, s.UpdateApi),
		ofAPI(api.DeleteApi, s.DeleteApi),
		ofAPI(api.CreateChannelNamespace, s.CreateChannelNamespace).But(channels),
		ofAPI(api.GetChannelNamespace, s.GetChannelNamespace),
		ofAPI(api.ListChannelNamespaces, s.ListChannelNamespaces),
		ofAPI(api.UpdateChannelNamespace, s.UpdateChannelNamespace).But(channels),
		ofAPI(api.DeleteChannelNamespace, s.DeleteChannelNamespace),
	}
}

// ofAPI is the row of an operation on an API or a part of it.
func ofAPI[In, Out any, P interface {
	*In
	GetApiId() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN { return apiARN(call, P(in).GetApiId()) })
}

// mayPutSource wants that the caller may give the role which a data source has.
func mayPutSource[In interface {
	GetApiId() string
	GetServiceRoleArn() string
}](operation string) func(*aws.Call, In, func(service.Access) error) error {
	return func(call *aws.Call, in In, check func(service.Access) error) error {
		if err := check(service.Access{Action: "appsync:" + operation, Resource: apiARN(call, in.GetApiId())}); err != nil {
			return err
		}
		if role := in.GetServiceRoleArn(); role != "" {
			return check(auth.PassRole(role, "appsync"))
		}
		return nil
	}
}
