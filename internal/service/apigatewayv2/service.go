package apigatewayv2

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	manage "github.com/aloft-cloud/aloft/internal/api/apigatewaymanagementapi"
	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/cache"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what HTTP APIs stand on.
type Config struct {
	DB        *store.DB
	Table     *dispatch.Table    // where functions are invoked
	Edge      http.Handler       // where the platform is asked by its public API; it checks keys
	Domains   *domain.Domains    // by which APIs are asked; the service adds its own to what they lead to
	Auth      Authority          // knows who signed, for routes that want that
	Sessions  *dispatch.Sessions // of the roles that integrations act as
	Keys      Keys               // of callers of WebSocket APIs
	Balancers Balancers          // to which private integrations lead; nil: there are none
	Endpoint  string             // base of URLs in answers to callers that came without a host
	Meter     *meter.Meter       // counts requests for metrics; nil: nobody does
	Log       *slog.Logger       // nil is slog.Default

	// Local lets issuers of tokens be on this host and on private networks.
	Local bool
	// Fetch gets what issuers of tokens publish; nil does so over HTTP.
	Fetch func(ctx context.Context, url string) ([]byte, error)
}

// An Authority says who sent a request, and whether they may do what it asks.
type Authority interface {
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
	Authorize(ctx context.Context, call *aws.Call, access service.Access) error
}

// Keys are API keys and the usage plans that they are of.
type Keys interface {
	// UseKey counts a request with a key to a route of an API's stage, and returns
	// the key's id. What is refused is a refusal of status 403 or 429.
	UseKey(ctx context.Context, api aws.ARN, stage, route, value string) (id string, err error)
}

// Balancers know where load balancers are.
type Balancers interface {
	// Address returns the host and port of a listener, by ARN, and its scheme, which
	// is "" if it takes any. Host is "" if there is no such listener.
	Address(ctx context.Context, arn, port string) (scheme, host string, err error)
}

// Service is API Gateway's HTTP APIs.
type Service struct {
	cfg     Config
	db      *store.DB
	cache   cache.Cache[*served]
	issuers *jwt.Issuers

	client    *http.Client // for integrations with addresses
	accessLog *accesslog.Log

	sockets    sockets
	management *protocol.API
}

// New returns HTTP APIs.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Fetch == nil {
		cfg.Fetch = backend.FetchWithin(cfg.Edge, outbound.NewFetcher(cfg.Local).Fetch)
	}
	s := &Service{
		cfg: cfg, db: cfg.DB, issuers: jwt.NewIssuers(cfg.Fetch), management: protocol.New(manage.API),
		accessLog: accesslog.New(),
	}
	s.client = newClient(outbound.NewTransport(cfg.Local))
	if cfg.Edge != nil {
		s.client.Transport = backend.Within(cfg.Edge, cfg.Domains.Inside, s.client.Transport)
	}
	cfg.Domains.Add(gateway{s})
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Hosts:      []service.Host{{Suffix: "execute-api", Serve: s.Serve}},
		Tasks:      []task.Task{{Name: "apigatewayv2/sockets", Run: s.keepSockets}, s.accessLog.Task("apigatewayv2/accesslog", s.writeLog)},
		Operations: slices.Concat(s.apiOperations(), s.partOperations(), s.domainOperations(), s.socketOperations()),
	}
}

func (s *Service) apiOperations() []service.Operation {
	const document = "Base paths are ignored, and what is refused of integrations is refused here."
	return []service.Operation{
		row(api.CreateApi, s.CreateApi, post, func(in *api.CreateApiInput) string { return "/apis" }),
		row(api.GetApi, s.GetApi, get, func(in *api.GetApiInput) string { return "/apis/" + in.ApiId }),
		row(api.GetApis, s.GetApis, get, func(in *api.GetApisInput) string { return "/apis" }),
		row(api.UpdateApi, s.UpdateApi, patch, func(in *api.UpdateApiInput) string { return "/apis/" + in.ApiId }),
		row(api.DeleteApi, s.DeleteApi, remove, func(in *api.DeleteApiInput) string { return "/apis/" + in.ApiId }),
		row(api.DeleteCorsConfiguration, s.DeleteCorsConfiguration, remove, func(in *api.DeleteCorsConfigurationInput) string { return "/apis/" + in.ApiId + "/cors" }),
		row(api.ExportApi, s.ExportApi, get, func(in *api.ExportApiInput) string { return "/apis/" + in.ApiId + "/exports/" + in.Specification }),
		row(api.ImportApi, s.ImportApi, put, func(in *api.ImportApiInput) string { return "/apis" }).But(document),
		row(api.ReimportApi, s.ReimportApi, put, func(in *api.ReimportApiInput) string { return "/apis/" + in.ApiId }).But(document),

		row(api.CreateVpcLink, s.CreateVpcLink, post, func(in *api.CreateVpcLinkInput) string { return "/vpclinks" }).But("There is no network: subnets and security groups are kept as they are named."),
		row(api.GetVpcLink, s.GetVpcLink, get, func(in *api.GetVpcLinkInput) string { return "/vpclinks/" + in.VpcLinkId }),
		row(api.GetVpcLinks, s.GetVpcLinks, get, func(in *api.GetVpcLinksInput) string { return "/vpclinks" }),
		row(api.UpdateVpcLink, s.UpdateVpcLink, patch, func(in *api.UpdateVpcLinkInput) string { return "/vpclinks/" + in.VpcLinkId }),
		row(api.DeleteVpcLink, s.DeleteVpcLink, remove, func(in *api.DeleteVpcLinkInput) string { return "/vpclinks/" + in.VpcLinkId }),

		row(api.TagResource, s.TagResource, post, func(in *api.TagResourceInput) string { return "/tags/" + in.ResourceArn }),
		row(api.UntagResource, s.UntagResource, remove, func(in *api.UntagResourceInput) string { return "/tags/" + in.ResourceArn }),
		row(api.GetTags, s.GetTags, get, func(in *api.GetTagsInput) string { return "/tags/" + in.ResourceArn }),
	}
}

func (s *Service) partOperations() []service.Operation {
	const lambda = "A VPC link leads to load balancers alone, and not to services of Cloud Map. AppConfig and the credentials of the caller are refused."
	const logs = "Access logs go to log groups alone. Detailed metrics and execution logs are kept as settings, and nothing is counted or written."
	return []service.Operation{
		row(api.CreateRoute, s.CreateRoute, post, func(in *api.CreateRouteInput) string { return part(in.ApiId, "routes") }),
		row(api.GetRoute, s.GetRoute, get, func(in *api.GetRouteInput) string { return part(in.ApiId, "routes", in.RouteId) }),
		row(api.GetRoutes, s.GetRoutes, get, func(in *api.GetRoutesInput) string { return part(in.ApiId, "routes") }),
		row(api.UpdateRoute, s.UpdateRoute, patch, func(in *api.UpdateRouteInput) string { return part(in.ApiId, "routes", in.RouteId) }),
		row(api.DeleteRoute, s.DeleteRoute, remove, func(in *api.DeleteRouteInput) string { return part(in.ApiId, "routes", in.RouteId) }),

		row(api.DeleteRouteRequestParameter, s.DeleteRouteRequestParameter, remove, func(in *api.DeleteRouteRequestParameterInput) string {
			return part(in.ApiId, "routes", in.RouteId, "requestparameters", in.RequestParameterKey)
		}),

		row(api.CreateIntegration, s.CreateIntegration, post, func(in *api.CreateIntegrationInput) string { return part(in.ApiId, "integrations") }).But(lambda),
		row(api.GetIntegration, s.GetIntegration, get, func(in *api.GetIntegrationInput) string { return part(in.ApiId, "integrations", in.IntegrationId) }),
		row(api.GetIntegrations, s.GetIntegrations, get, func(in *api.GetIntegrationsInput) string { return part(in.ApiId, "integrations") }),
		row(api.UpdateIntegration, s.UpdateIntegration, patch, func(in *api.UpdateIntegrationInput) string { return part(in.ApiId, "integrations", in.IntegrationId) }).But(lambda),
		row(api.DeleteIntegration, s.DeleteIntegration, remove, func(in *api.DeleteIntegrationInput) string {
			return part(in.ApiId, "integrations", in.IntegrationId)
		}),

		row(api.CreateAuthorizer, s.CreateAuthorizer, post, func(in *api.CreateAuthorizerInput) string { return part(in.ApiId, "authorizers") }).But("The context as an identity source is refused for HTTP APIs."),
		row(api.GetAuthorizer, s.GetAuthorizer, get, func(in *api.GetAuthorizerInput) string { return part(in.ApiId, "authorizers", in.AuthorizerId) }),
		row(api.GetAuthorizers, s.GetAuthorizers, get, func(in *api.GetAuthorizersInput) string { return part(in.ApiId, "authorizers") }),
		row(api.UpdateAuthorizer, s.UpdateAuthorizer, patch, func(in *api.UpdateAuthorizerInput) string { return part(in.ApiId, "authorizers", in.AuthorizerId) }),
		row(api.DeleteAuthorizer, s.DeleteAuthorizer, remove, func(in *api.DeleteAuthorizerInput) string { return part(in.ApiId, "authorizers", in.AuthorizerId) }),

		row(api.CreateStage, s.CreateStage, post, func(in *api.CreateStageInput) string { return part(in.ApiId, "stages") }).But(logs),
		row(api.GetStage, s.GetStage, get, func(in *api.GetStageInput) string { return part(in.ApiId, "stages", in.StageName) }),
		row(api.GetStages, s.GetStages, get, func(in *api.GetStagesInput) string { return part(in.ApiId, "stages") }),
		row(api.UpdateStage, s.UpdateStage, patch, func(in *api.UpdateStageInput) string { return part(in.ApiId, "stages", in.StageName) }).But(logs),
		row(api.DeleteStage, s.DeleteStage, remove, func(in *api.DeleteStageInput) string { return part(in.ApiId, "stages", in.StageName) }),
		row(api.DeleteRouteSettings, s.DeleteRouteSettings, remove, func(in *api.DeleteRouteSettingsInput) string {
			return part(in.ApiId, "stages", in.StageName, "routesettings", in.RouteKey)
		}),

		row(api.ResetAuthorizersCache, s.ResetAuthorizersCache, remove, func(in *api.ResetAuthorizersCacheInput) string {
			return part(in.ApiId, "stages", in.StageName, "cache", "authorizers")
		}),
		row(api.DeleteAccessLogSettings, s.DeleteAccessLogSettings, remove, func(in *api.DeleteAccessLogSettingsInput) string {
			return part(in.ApiId, "stages", in.StageName, "accesslogsettings")
		}),

		row(api.CreateDeployment, s.CreateDeployment, post, func(in *api.CreateDeploymentInput) string { return part(in.ApiId, "deployments") }),
		row(api.GetDeployment, s.GetDeployment, get, func(in *api.GetDeploymentInput) string { return part(in.ApiId, "deployments", in.DeploymentId) }),
		row(api.GetDeployments, s.GetDeployments, get, func(in *api.GetDeploymentsInput) string { return part(in.ApiId, "deployments") }),
		row(api.UpdateDeployment, s.UpdateDeployment, patch, func(in *api.UpdateDeploymentInput) string {
			return part(in.ApiId, "deployments", in.DeploymentId)
		}),
		row(api.DeleteDeployment, s.DeleteDeployment, remove, func(in *api.DeleteDeploymentInput) string {
			return part(in.ApiId, "deployments", in.DeploymentId)
		}),
	}
}

func (s *Service) domainOperations() []service.Operation {
	const certificate = "A certificate is kept as a name: the operator says which one clients see."
	return []service.Operation{
		row(api.CreateDomainName, s.CreateDomainName, post, func(in *api.CreateDomainNameInput) string { return "/domainnames" }).But(certificate),
		row(api.GetDomainName, s.GetDomainName, get, func(in *api.GetDomainNameInput) string { return domainPart(in.DomainName) }),
		row(api.GetDomainNames, s.GetDomainNames, get, func(in *api.GetDomainNamesInput) string { return "/domainnames" }),
		row(api.UpdateDomainName, s.UpdateDomainName, patch, func(in *api.UpdateDomainNameInput) string { return domainPart(in.DomainName) }).But(certificate),
		row(api.DeleteDomainName, s.DeleteDomainName, remove, func(in *api.DeleteDomainNameInput) string { return domainPart(in.DomainName) }),

		row(api.CreateApiMapping, s.CreateApiMapping, post, func(in *api.CreateApiMappingInput) string { return domainPart(in.DomainName, "apimappings") }),
		row(api.GetApiMapping, s.GetApiMapping, get, func(in *api.GetApiMappingInput) string {
			return domainPart(in.DomainName, "apimappings", in.ApiMappingId)
		}),
		row(api.GetApiMappings, s.GetApiMappings, get, func(in *api.GetApiMappingsInput) string { return domainPart(in.DomainName, "apimappings") }),
		row(api.UpdateApiMapping, s.UpdateApiMapping, patch, func(in *api.UpdateApiMappingInput) string {
			return domainPart(in.DomainName, "apimappings", in.ApiMappingId)
		}),
		row(api.DeleteApiMapping, s.DeleteApiMapping, remove, func(in *api.DeleteApiMappingInput) string {
			return domainPart(in.DomainName, "apimappings", in.ApiMappingId)
		}),

		row(api.CreateRoutingRule, s.CreateRoutingRule, post, func(in *api.CreateRoutingRuleInput) string { return domainPart(in.DomainName, "routingrules") }),
		row(api.GetRoutingRule, s.GetRoutingRule, get, func(in *api.GetRoutingRuleInput) string {
			return domainPart(in.DomainName, "routingrules", in.RoutingRuleId)
		}),
		row(api.ListRoutingRules, s.ListRoutingRules, get, func(in *api.ListRoutingRulesInput) string { return domainPart(in.DomainName, "routingrules") }),
		row(api.PutRoutingRule, s.PutRoutingRule, put, func(in *api.PutRoutingRuleInput) string {
			return domainPart(in.DomainName, "routingrules", in.RoutingRuleId)
		}),
		row(api.DeleteRoutingRule, s.DeleteRoutingRule, remove, func(in *api.DeleteRoutingRuleInput) string {
			return domainPart(in.DomainName, "routingrules", in.RoutingRuleId)
		}),
	}
}

// socketOperations are those of what WebSocket APIs alone have.
func (s *Service) socketOperations() []service.Operation {
	return []service.Operation{
		row(api.CreateIntegrationResponse, s.CreateIntegrationResponse, post, func(in *api.CreateIntegrationResponseInput) string {
			return part(in.ApiId, "integrations", in.IntegrationId, "integrationresponses")
		}),
		row(api.GetIntegrationResponse, s.GetIntegrationResponse, get, func(in *api.GetIntegrationResponseInput) string {
			return part(in.ApiId, "integrations", in.IntegrationId, "integrationresponses", in.IntegrationResponseId)
		}),
		row(api.GetIntegrationResponses, s.GetIntegrationResponses, get, func(in *api.GetIntegrationResponsesInput) string {
			return part(in.ApiId, "integrations", in.IntegrationId, "integrationresponses")
		}),
		row(api.UpdateIntegrationResponse, s.UpdateIntegrationResponse, patch, func(in *api.UpdateIntegrationResponseInput) string {
			return part(in.ApiId, "integrations", in.IntegrationId, "integrationresponses", in.IntegrationResponseId)
		}),
		row(api.DeleteIntegrationResponse, s.DeleteIntegrationResponse, remove, func(in *api.DeleteIntegrationResponseInput) string {
			return part(in.ApiId, "integrations", in.IntegrationId, "integrationresponses", in.IntegrationResponseId)
		}),
		row(api.CreateRouteResponse, s.CreateRouteResponse, post, func(in *api.CreateRouteResponseInput) string {
			return part(in.ApiId, "routes", in.RouteId, "routeresponses")
		}),
		row(api.GetRouteResponse, s.GetRouteResponse, get, func(in *api.GetRouteResponseInput) string {
			return part(in.ApiId, "routes", in.RouteId, "routeresponses", in.RouteResponseId)
		}),
		row(api.GetRouteResponses, s.GetRouteResponses, get, func(in *api.GetRouteResponsesInput) string {
			return part(in.ApiId, "routes", in.RouteId, "routeresponses")
		}),
		row(api.UpdateRouteResponse, s.UpdateRouteResponse, patch, func(in *api.UpdateRouteResponseInput) string {
			return part(in.ApiId, "routes", in.RouteId, "routeresponses", in.RouteResponseId)
		}),
		row(api.DeleteRouteResponse, s.DeleteRouteResponse, remove, func(in *api.DeleteRouteResponseInput) string {
			return part(in.ApiId, "routes", in.RouteId, "routeresponses", in.RouteResponseId)
		}),

		row(api.CreateModel, s.CreateModel, post, func(in *api.CreateModelInput) string { return part(in.ApiId, "models") }),
		row(api.GetModel, s.GetModel, get, func(in *api.GetModelInput) string { return part(in.ApiId, "models", in.ModelId) }),
		row(api.GetModelTemplate, s.GetModelTemplate, get, func(in *api.GetModelTemplateInput) string { return part(in.ApiId, "models", in.ModelId, "template") }),
		row(api.GetModels, s.GetModels, get, func(in *api.GetModelsInput) string { return part(in.ApiId, "models") }),
		row(api.UpdateModel, s.UpdateModel, patch, func(in *api.UpdateModelInput) string { return part(in.ApiId, "models", in.ModelId) }),
		row(api.DeleteModel, s.DeleteModel, remove, func(in *api.DeleteModelInput) string { return part(in.ApiId, "models", in.ModelId) }),
	}
}

// API Gateway's actions are HTTP methods, and its resources paths.
const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// row is the row of an operation that needs a method on a path.
func row[In, Out any](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), method string, path func(*In) string) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return check(service.Access{
			Action:   "apigateway:" + method,
			Resource: aws.ARN{Service: "apigateway", Region: call.Region, Resource: path(in)},
		})
	})
}

// part is the path of a part of an API.
func part(apiID string, names ...string) string { return "/apis/" + below(apiID, names) }

// domainPart is the path of a domain, or of a part of it.
func domainPart(name string, names ...string) string { return "/domainnames/" + below(name, names) }

func below(id string, names []string) string {
	return strings.Join(append([]string{id}, names...), "/")
}
