package apigateway

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/cache"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	metrics "github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what REST APIs stand on.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table    // where functions are invoked
	Auth     Authority          // knows who signed, for methods that want that
	Domains  *domain.Domains    // by which APIs are asked; the service adds its own to what they lead to
	Edge     http.Handler       // where other services are asked by their public API; it checks keys
	Sessions *dispatch.Sessions // of the roles of integrations
	Firewall Firewall           // guards stages; nil: nothing does
	Meter    *metrics.Meter     // counts requests for metrics; nil: nobody does
	Log      *slog.Logger       // nil is slog.Default

	Balancers Balancers // to which links lead; nil: there are none

	Local   bool // everybody on this host is within the network of private APIs
	Private bool // integrations and issuers of tokens may be on this host and its networks
}

// Balancers know where load balancers are.
type Balancers interface {
	// Address returns the host and port at which a load balancer is asked that has a
	// listener at a port, by ARN, and the scheme, which is "" if it takes any. Host is
	// "" if there is no such load balancer.
	Address(ctx context.Context, arn, port string) (scheme, host string, err error)
}

// An Authority says who sent a request, and whether they may do what it asks.
type Authority interface {
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
	Authorize(ctx context.Context, call *aws.Call, access service.Access) error
}

// A Firewall says what becomes of a request to a stage; nil: nothing guards it.
type Firewall interface {
	Guard(ctx context.Context, stage aws.ARN, q *firewall.Request) (*firewall.Decision, error)
}

// Service is API Gateway's REST APIs.
type Service struct {
	cfg        Config
	db         *store.DB
	cache      cache.Cache[*served]
	keys       cache.Cache[*caller] // by account, region and value
	buckets    buckets
	memories   memories
	accessLog  *accesslog.Log
	meter      *meter
	issuers    *jwt.Issuers
	transports transports
	client     http.RoundTripper // for integrations over HTTP
}

// New returns REST APIs.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Service{cfg: cfg, db: cfg.DB, meter: newMeter(), accessLog: accesslog.New()}
	s.client = s.within(outbound.NewTransport(cfg.Private))
	s.issuers = jwt.NewIssuers(backend.FetchWithin(cfg.Edge, outbound.NewFetcher(cfg.Local).Fetch))
	cfg.Domains.Add(gateway{s})
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Hosts: []service.Host{
			{Suffix: "execute-api", Owns: s.owns, Serve: s.Serve},
			{Owns: s.cfg.Domains.Is, Serve: s.cfg.Domains.Serve},
		},
		Operations: append(append(s.apiOperations(), s.partOperations()...), s.accountOperations()...),
		Tasks: []task.Task{
			{Name: "apigateway/usage", Run: s.keepUsage, Bell: s.meter.bell},
			s.accessLog.Task("apigateway/logs", s.writeLog),
		},
	}
}

func (s *Service) apiOperations() []service.Operation {
	const private = "Private APIs are answered in development alone, to callers that name an endpoint of a network."
	const target = "Private integrations reach what the platform's host reaches; Firehose and the caller's own credentials are refused."
	return []service.Operation{
		row(api.CreateRestApi, s.CreateRestApi).But(private),
		row(api.GetRestApi, s.GetRestApi),
		row(api.GetRestApis, s.GetRestApis),
		row(api.UpdateRestApi, s.UpdateRestApi),
		row(api.DeleteRestApi, s.DeleteRestApi),
		row(api.ImportRestApi, s.ImportRestApi),
		row(api.PutRestApi, s.PutRestApi),
		row(api.GetExport, s.GetExport),

		row(api.CreateResource, s.CreateResource),
		row(api.GetResource, s.GetResource),
		row(api.GetResources, s.GetResources),
		row(api.UpdateResource, s.UpdateResource),
		row(api.DeleteResource, s.DeleteResource),

		row(api.PutMethod, s.PutMethod),
		row(api.GetMethod, s.GetMethod),
		row(api.UpdateMethod, s.UpdateMethod),
		row(api.DeleteMethod, s.DeleteMethod),
		row(api.PutMethodResponse, s.PutMethodResponse),
		row(api.GetMethodResponse, s.GetMethodResponse),
		row(api.UpdateMethodResponse, s.UpdateMethodResponse),
		row(api.DeleteMethodResponse, s.DeleteMethodResponse),

		row(api.PutIntegration, s.PutIntegration).But(target),
		row(api.GetIntegration, s.GetIntegration),
		row(api.UpdateIntegration, s.UpdateIntegration),
		row(api.DeleteIntegration, s.DeleteIntegration),
		row(api.PutIntegrationResponse, s.PutIntegrationResponse),
		row(api.GetIntegrationResponse, s.GetIntegrationResponse),
		row(api.UpdateIntegrationResponse, s.UpdateIntegrationResponse),
		row(api.DeleteIntegrationResponse, s.DeleteIntegrationResponse),
		row(api.TestInvokeMethod, s.TestInvokeMethod),
	}
}

func (s *Service) partOperations() []service.Operation {
	const stage = "Metrics and traces are not kept, and access logs go to CloudWatch Logs alone."
	return []service.Operation{
		row(api.CreateModel, s.CreateModel),
		row(api.GetModel, s.GetModel),
		row(api.GetModels, s.GetModels),
		row(api.UpdateModel, s.UpdateModel),
		row(api.DeleteModel, s.DeleteModel),
		row(api.GetModelTemplate, s.GetModelTemplate),

		row(api.CreateRequestValidator, s.CreateRequestValidator),
		row(api.GetRequestValidator, s.GetRequestValidator),
		row(api.GetRequestValidators, s.GetRequestValidators),
		row(api.UpdateRequestValidator, s.UpdateRequestValidator),
		row(api.DeleteRequestValidator, s.DeleteRequestValidator),

		row(api.CreateAuthorizer, s.CreateAuthorizer),
		row(api.GetAuthorizer, s.GetAuthorizer),
		row(api.GetAuthorizers, s.GetAuthorizers),
		row(api.UpdateAuthorizer, s.UpdateAuthorizer),
		row(api.DeleteAuthorizer, s.DeleteAuthorizer),
		row(api.TestInvokeAuthorizer, s.TestInvokeAuthorizer),

		row(api.PutGatewayResponse, s.PutGatewayResponse),
		row(api.GetGatewayResponse, s.GetGatewayResponse),
		row(api.GetGatewayResponses, s.GetGatewayResponses),
		row(api.UpdateGatewayResponse, s.UpdateGatewayResponse),
		row(api.DeleteGatewayResponse, s.DeleteGatewayResponse),

		row(api.CreateDeployment, s.CreateDeployment),
		row(api.GetDeployment, s.GetDeployment),
		row(api.GetDeployments, s.GetDeployments),
		row(api.UpdateDeployment, s.UpdateDeployment),
		row(api.DeleteDeployment, s.DeleteDeployment),

		row(api.CreateStage, s.CreateStage).But(stage),
		row(api.GetStage, s.GetStage),
		row(api.GetStages, s.GetStages),
		row(api.UpdateStage, s.UpdateStage).But(stage),
		row(api.DeleteStage, s.DeleteStage),
		row(api.FlushStageCache, s.FlushStageCache),
		row(api.FlushStageAuthorizersCache, s.FlushStageAuthorizersCache),

		row(api.CreateDocumentationPart, s.CreateDocumentationPart),
		row(api.GetDocumentationPart, s.GetDocumentationPart),
		row(api.GetDocumentationParts, s.GetDocumentationParts),
		row(api.UpdateDocumentationPart, s.UpdateDocumentationPart),
		row(api.DeleteDocumentationPart, s.DeleteDocumentationPart),
		row(api.ImportDocumentationParts, s.ImportDocumentationParts),
		row(api.CreateDocumentationVersion, s.CreateDocumentationVersion),
		row(api.GetDocumentationVersion, s.GetDocumentationVersion),
		row(api.GetDocumentationVersions, s.GetDocumentationVersions),
		row(api.UpdateDocumentationVersion, s.UpdateDocumentationVersion),
		row(api.DeleteDocumentationVersion, s.DeleteDocumentationVersion),
	}
}

func (s *Service) accountOperations() []service.Operation {
	const link = "A link leads to the load balancer that it or the integration names, with that as the host; without one here, an integration reaches its address if the platform's host does."
	const domains = "A certificate is kept as a name: the operator says which one clients see. Private domains are answered in development alone."
	return []service.Operation{
		row(api.CreateApiKey, s.CreateApiKey),
		row(api.GetApiKey, s.GetApiKey),
		row(api.GetApiKeys, s.GetApiKeys),
		row(api.UpdateApiKey, s.UpdateApiKey),
		row(api.DeleteApiKey, s.DeleteApiKey),
		row(api.ImportApiKeys, s.ImportApiKeys),

		row(api.CreateUsagePlan, s.CreateUsagePlan),
		row(api.GetUsagePlan, s.GetUsagePlan),
		row(api.GetUsagePlans, s.GetUsagePlans),
		row(api.UpdateUsagePlan, s.UpdateUsagePlan),
		row(api.DeleteUsagePlan, s.DeleteUsagePlan),
		row(api.CreateUsagePlanKey, s.CreateUsagePlanKey),
		row(api.GetUsagePlanKey, s.GetUsagePlanKey),
		row(api.GetUsagePlanKeys, s.GetUsagePlanKeys),
		row(api.DeleteUsagePlanKey, s.DeleteUsagePlanKey),
		row(api.GetUsage, s.GetUsage),
		row(api.UpdateUsage, s.UpdateUsage),

		row(api.GetAccount, s.GetAccount),
		row(api.UpdateAccount, s.UpdateAccount),

		row(api.CreateDomainName, s.CreateDomainName).But(domains),
		row(api.GetDomainName, s.GetDomainName),
		row(api.GetDomainNames, s.GetDomainNames),
		row(api.UpdateDomainName, s.UpdateDomainName).But(domains),
		row(api.DeleteDomainName, s.DeleteDomainName),
		row(api.CreateDomainNameAccessAssociation, s.CreateDomainNameAccessAssociation).But("There is no network: a request to the domain is taken to come by the first endpoint that its policy lets in."),
		row(api.GetDomainNameAccessAssociations, s.GetDomainNameAccessAssociations).But("Those of other accounts are none."),
		row(api.DeleteDomainNameAccessAssociation, s.DeleteDomainNameAccessAssociation),
		row(api.CreateBasePathMapping, s.CreateBasePathMapping),
		row(api.GetBasePathMapping, s.GetBasePathMapping),
		row(api.GetBasePathMappings, s.GetBasePathMappings),
		row(api.UpdateBasePathMapping, s.UpdateBasePathMapping),
		row(api.DeleteBasePathMapping, s.DeleteBasePathMapping),

		row(api.CreateVpcLink, s.CreateVpcLink).But(link),
		row(api.GetVpcLink, s.GetVpcLink),
		row(api.GetVpcLinks, s.GetVpcLinks),
		row(api.UpdateVpcLink, s.UpdateVpcLink),
		row(api.DeleteVpcLink, s.DeleteVpcLink),

		row(api.GenerateClientCertificate, s.GenerateClientCertificate),
		row(api.GetClientCertificate, s.GetClientCertificate),
		row(api.GetClientCertificates, s.GetClientCertificates),
		row(api.UpdateClientCertificate, s.UpdateClientCertificate),
		row(api.DeleteClientCertificate, s.DeleteClientCertificate),

		row(api.TagResource, s.TagResource),
		row(api.UntagResource, s.UntagResource),
		row(api.GetTags, s.GetTags),
	}
}

// row is the row of an operation that needs its HTTP method on its path, as API
// Gateway names actions and resources.
func row[In, Out any](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	access := accessOf(op.Name, reflect.TypeFor[In]())
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return check(access(call, reflect.ValueOf(in).Elem()))
	})
}

// accessOf returns what says, of an input of that type, what its caller must be
// allowed to do.
func accessOf(operation string, in reflect.Type) func(*aws.Call, reflect.Value) service.Access {
	method, uri := "", ""
	for _, info := range api.API.Operations {
		if info.Name == operation {
			method = info.Method
			uri, _, _ = strings.Cut(info.URI, "?")
		}
	}
	path := pathOf(uri, in)
	return func(call *aws.Call, in reflect.Value) service.Access {
		return service.Access{
			Action:   "apigateway:" + method,
			Resource: aws.ARN{Service: "apigateway", Region: call.Region, Resource: path(in)},
		}
	}
}

// pathOf returns what puts members of an input of that type in the labels of a URI.
func pathOf(uri string, in reflect.Type) func(reflect.Value) string {
	labels := make(map[string]int)
	for i := range in.NumField() {
		parts := strings.Split(in.Field(i).Tag.Get("aws"), ",")
		for _, p := range parts[1:] {
			if p == "uri" {
				labels["{"+parts[0]+"}"] = i
			}
		}
	}
	return func(v reflect.Value) string {
		path := uri
		for label, i := range labels {
			path = strings.Replace(path, label, v.Field(i).String(), 1)
		}
		return path
	}
}
