package amplify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Domains know the names that users have given their APIs.
type Domains interface {
	Is(ctx context.Context, host string) bool
}

// Config is what Amplify works with.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Edge     http.Handler // answers for what rules lead to that is the platform itself
	Domains  Domains
	Endpoint string
	Private  bool // rules and sources may be on this host and its networks
	Log      *slog.Logger
}

// Service is Amplify.
type Service struct {
	cfg    Config
	db     *store.DB
	client http.Client
	index  *store.Derived[index]
	work   task.Bell // rung when there is something for the worker
}

// New returns Amplify.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, db: cfg.DB, index: store.Derive(cfg.DB, makeIndex), work: task.NewBell()}
	s.client.Transport = backend.Within(cfg.Edge, s.ours, outbound.NewTransport(cfg.Private))
	s.client.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		return nil
	}
	return s
}

// ours reports whether a host is the platform's own.
func (s *Service) ours(ctx context.Context, host string) bool {
	return backend.Named(host) || s.cfg.Domains.Is(ctx, host) || s.isDomain(ctx, host)
}

const (
	lacksBuilds  = "Repositories are not built: one builds where one is, and deploys the files with CreateDeployment and StartDeployment."
	lacksCompute = "Files are served, and no compute (WEB_COMPUTE with a deploy-manifest.json)."
)

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:   api.API,
		Hosts: []service.Host{{Suffix: "amplifyapp", Serve: s.Serve}, {Owns: s.isDomain, Serve: s.Serve}},
		Pages: []service.Page{{Prefix: uploadPath, Own: true, Serve: s.put}},
		Tasks: []task.Task{{Name: "amplify/work", Run: s.runWork, Bell: s.work}},
		Operations: append(s.siteOperations(),
			service.Op(api.CreateDeployment, s.CreateDeployment, deploymentsOf),
			service.Op(api.StartDeployment, s.StartDeployment, deploymentsOf).But(lacksCompute),
			service.Op(api.StartJob, s.StartJob, jobsOf).But("The job fails. "+lacksBuilds),
			service.Op(api.GetJob, s.GetJob, jobOf).But("There are no logs of steps."),
			service.Op(api.ListJobs, s.ListJobs, jobsOf),
			service.Op(api.StopJob, s.StopJob, jobOf),
			service.Op(api.DeleteJob, s.DeleteJob, jobOf),
			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		),
	}
}

func (s *Service) siteOperations() []service.Operation {
	const lacksRules = "Custom rules with a condition on the country are refused. " + lacksBuilds
	const lacksNames = "The names are served at once, and nobody is asked whether they are yours; records in Route 53 are left to you. Subdomains are not made of themselves."
	const lacksHooks = "A record: " + lacksBuilds
	return []service.Operation{
		service.Op(api.CreateApp, s.CreateApp, appsOf).Checks("Tags").But(lacksRules),
		service.Op(api.GetApp, s.GetApp, appOf),
		service.Op(api.ListApps, s.ListApps, appsOf),
		service.Op(api.UpdateApp, s.UpdateApp, appOf).But(lacksRules),
		service.Op(api.DeleteApp, s.DeleteApp, appOf),
		service.Op(api.CreateBranch, s.CreateBranch, branchOf).But(lacksBuilds),
		service.Op(api.GetBranch, s.GetBranch, branchOf),
		service.Op(api.ListBranches, s.ListBranches, branchesOf),
		service.Op(api.UpdateBranch, s.UpdateBranch, branchOf),
		service.Op(api.DeleteBranch, s.DeleteBranch, branchOf),
		service.Op(api.CreateDomainAssociation, s.CreateDomainAssociation, domainOf).But(lacksNames),
		service.Op(api.GetDomainAssociation, s.GetDomainAssociation, domainOf),
		service.Op(api.ListDomainAssociations, s.ListDomainAssociations, domainsOf),
		service.Op(api.UpdateDomainAssociation, s.UpdateDomainAssociation, domainOf).But(lacksNames),
		service.Op(api.DeleteDomainAssociation, s.DeleteDomainAssociation, domainOf),
		service.Op(api.CreateWebhook, s.CreateWebhook, branchOf).But(lacksHooks),
		service.Op(api.GetWebhook, s.GetWebhook, webhookOf),
		service.Op(api.ListWebhooks, s.ListWebhooks, appOf),
		service.Op(api.UpdateWebhook, s.UpdateWebhook, webhookOf),
		service.Op(api.DeleteWebhook, s.DeleteWebhook, webhookOf),
		service.Op(api.CreateBackendEnvironment, s.CreateBackendEnvironment, appOf).But("A record, for the command line of Amplify."),
		service.Op(api.GetBackendEnvironment, s.GetBackendEnvironment, appOf),
		service.Op(api.ListBackendEnvironments, s.ListBackendEnvironments, appOf),
		service.Op(api.DeleteBackendEnvironment, s.DeleteBackendEnvironment, appOf),
	}
}

type ofApp interface{ GetAppId() string }

type ofBranch interface {
	ofApp
	GetBranchName() string
}

func appsOf[In any](call *aws.Call, _ In) aws.ARN { return appARN(call, "*") }

func appOf[In ofApp](call *aws.Call, in In) aws.ARN { return appARN(call, in.GetAppId()) }

func branchesOf[In ofApp](call *aws.Call, in In) aws.ARN {
	return appARN(call, in.GetAppId()+"/branches/*")
}

func branchOf[In ofBranch](call *aws.Call, in In) aws.ARN {
	return below(appARN(call, in.GetAppId()), "branches", in.GetBranchName())
}

func deploymentsOf[In ofBranch](call *aws.Call, in In) aws.ARN {
	arn := branchOf(call, in)
	arn.Resource += "/deployments/*"
	return arn
}

func jobsOf[In ofBranch](call *aws.Call, in In) aws.ARN {
	arn := branchOf(call, in)
	arn.Resource += "/jobs/*"
	return arn
}

func jobOf[In interface {
	ofBranch
	GetJobId() string
}](call *aws.Call, in In) aws.ARN {
	return below(branchOf(call, in), "jobs", in.GetJobId())
}

func domainsOf[In ofApp](call *aws.Call, in In) aws.ARN {
	return appARN(call, in.GetAppId()+"/domains/*")
}

func domainOf[In interface {
	ofApp
	GetDomainName() string
}](call *aws.Call, in In) aws.ARN {
	return below(appARN(call, in.GetAppId()), "domains", in.GetDomainName())
}

func webhookOf[In interface{ GetWebhookId() string }](call *aws.Call, in In) aws.ARN {
	return webhookARN(call, in.GetWebhookId())
}
