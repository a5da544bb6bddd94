package appconfig

import (
	"context"
	"crypto/cipher"
	"log/slog"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	data "github.com/aloft-cloud/aloft/internal/api/appconfigdata"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what AppConfig needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Sessions *dispatch.Sessions
	Key      string // file of the key that seals tokens
	Log      *slog.Logger
}

// Service is AppConfig.
type Service struct {
	Config
	master func() (cipher.AEAD, error)
	bell   task.Bell // rung when a deployment may be due sooner
}

// New returns AppConfig.
func New(cfg Config) *Service {
	return &Service{Config: cfg, bell: task.NewBell(), master: master.Later(cfg.Key)}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.Op(api.CreateApplication, s.CreateApplication, service.Any),
			service.Op(api.GetApplication, s.GetApplication, ofApplication[*api.GetApplicationInput]),
			service.Op(api.ListApplications, s.ListApplications, service.Any),
			service.Op(api.UpdateApplication, s.UpdateApplication, ofApplication[*api.UpdateApplicationInput]),
			service.Op(api.DeleteApplication, s.DeleteApplication, ofApplication[*api.DeleteApplicationInput]),

			service.Op(api.CreateEnvironment, s.CreateEnvironment, ofApplication[*api.CreateEnvironmentInput]).But("Monitors are kept; alarms do not roll deployments back yet."),
			service.Op(api.GetEnvironment, s.GetEnvironment, ofEnvironment[*api.GetEnvironmentInput]),
			service.Op(api.ListEnvironments, s.ListEnvironments, ofApplication[*api.ListEnvironmentsInput]),
			service.Op(api.UpdateEnvironment, s.UpdateEnvironment, ofEnvironment[*api.UpdateEnvironmentInput]),
			service.Op(api.DeleteEnvironment, s.DeleteEnvironment, ofEnvironment[*api.DeleteEnvironmentInput]).But("There is no protection from deletion."),

			service.Op(api.CreateConfigurationProfile, s.CreateConfigurationProfile, ofApplication[*api.CreateConfigurationProfileInput]).But("Keys of KMS are refused, and so are documents of Systems Manager and pipelines as sources."),
			service.Op(api.GetConfigurationProfile, s.GetConfigurationProfile, ofProfile[*api.GetConfigurationProfileInput]),
			service.Op(api.ListConfigurationProfiles, s.ListConfigurationProfiles, ofApplication[*api.ListConfigurationProfilesInput]),
			service.Op(api.UpdateConfigurationProfile, s.UpdateConfigurationProfile, ofProfile[*api.UpdateConfigurationProfileInput]),
			service.Op(api.DeleteConfigurationProfile, s.DeleteConfigurationProfile, ofProfile[*api.DeleteConfigurationProfileInput]).But("There is no protection from deletion."),
			service.Op(api.ValidateConfiguration, s.ValidateConfiguration, ofProfile[*api.ValidateConfigurationInput]),

			service.Op(api.CreateHostedConfigurationVersion, s.CreateHostedConfigurationVersion, ofProfile[*api.CreateHostedConfigurationVersionInput]).But("Configurations of more than 1 MiB and flags with variants are refused."),
			service.Op(api.GetHostedConfigurationVersion, s.GetHostedConfigurationVersion, ofProfile[*api.GetHostedConfigurationVersionInput]),
			service.Op(api.ListHostedConfigurationVersions, s.ListHostedConfigurationVersions, ofProfile[*api.ListHostedConfigurationVersionsInput]),
			service.Op(api.DeleteHostedConfigurationVersion, s.DeleteHostedConfigurationVersion, ofProfile[*api.DeleteHostedConfigurationVersionInput]),

			service.Op(api.CreateDeploymentStrategy, s.CreateDeploymentStrategy, service.Any).But("Strategies are not copied to Systems Manager."),
			service.Op(api.GetDeploymentStrategy, s.GetDeploymentStrategy, ofStrategy[*api.GetDeploymentStrategyInput]),
			service.Op(api.ListDeploymentStrategies, s.ListDeploymentStrategies, service.Any),
			service.Op(api.UpdateDeploymentStrategy, s.UpdateDeploymentStrategy, ofStrategy[*api.UpdateDeploymentStrategyInput]),
			service.Op(api.DeleteDeploymentStrategy, s.DeleteDeploymentStrategy, ofStrategy[*api.DeleteDeploymentStrategyInput]),

			service.Op(api.StartDeployment, s.StartDeployment, ofEnvironment[*api.StartDeploymentInput]).But("There are no extensions, and keys of KMS are refused."),
			service.Op(api.GetDeployment, s.GetDeployment, ofEnvironment[*api.GetDeploymentInput]),
			service.Op(api.ListDeployments, s.ListDeployments, ofEnvironment[*api.ListDeploymentsInput]),
			service.Op(api.StopDeployment, s.StopDeployment, ofEnvironment[*api.StopDeploymentInput]).But("Deployments that are complete are not reverted."),

			service.Op(api.TagResource, s.TagResource, service.ResourceArn[*api.TagResourceInput]),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn[*api.UntagResourceInput]),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn[*api.ListTagsForResourceInput]),
		},
		Tasks: []task.Task{{Name: "appconfig/deploy", Run: s.runDue, Bell: s.bell}},
	}
}

// Data is the API by which configurations are read.
func (s *Service) Data() service.Definition {
	return service.Definition{
		API: data.API,
		Operations: []service.Operation{
			service.OpEach(data.StartConfigurationSession, s.StartConfigurationSession, s.mayStart),
			service.OpEach(data.GetLatestConfiguration, s.GetLatestConfiguration, s.mayRead),
		},
	}
}

func ofApplication[In interface{ GetApplicationId() string }](call *aws.Call, in In) aws.ARN {
	return applicationARN(call, in.GetApplicationId())
}

func ofEnvironment[In interface {
	GetApplicationId() string
	GetEnvironmentId() string
}](call *aws.Call, in In) aws.ARN {
	return environmentARN(call, in.GetApplicationId(), in.GetEnvironmentId())
}

func ofProfile[In interface {
	GetApplicationId() string
	GetConfigurationProfileId() string
}](call *aws.Call, in In) aws.ARN {
	return profileARN(call, in.GetApplicationId(), in.GetConfigurationProfileId())
}

func ofStrategy[In interface{ GetDeploymentStrategyId() string }](call *aws.Call, in In) aws.ARN {
	return strategyARN(call, in.GetDeploymentStrategyId())
}

// add keeps a new resource.
func add[V any](ctx context.Context, db *store.DB, table store.Table[aws.ARN, row[V]], arn aws.ARN, is V, tags map[string]string, check func(*store.Tx) error) (*V, error) {
	err := db.Update(ctx, func(tx *store.Tx) error {
		if check != nil {
			if err := check(tx); err != nil {
				return err
			}
		}
		return table.Put(tx, arn, row[V]{Is: is, Tags: tags})
	})
	return &is, err
}

// look returns a resource.
func look[V any](ctx context.Context, db *store.DB, table store.Table[aws.ARN, row[V]], arn aws.ARN, what string) (*V, error) {
	var r row[V]
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = find(tx, table, arn, what)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &r.Is, nil
}

// change changes a resource.
func change[V any](ctx context.Context, db *store.DB, table store.Table[aws.ARN, row[V]], arn aws.ARN, what string, change func(*V)) (*V, error) {
	var r row[V]
	err := db.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = find(tx, table, arn, what); err != nil {
			return err
		}
		change(&r.Is)
		return table.Put(tx, arn, r)
	})
	if err != nil {
		return nil, err
	}
	return &r.Is, nil
}

// listed is a page of resources, and the token of the rest: the id of its last.
func listed[V any](ctx context.Context, db *store.DB, table store.Table[aws.ARN, row[V]], under aws.ARN, token *string, most *int32, id func(*V) *string, show func(*V)) (next *string, err error) {
	var page []V
	err = db.View(ctx, func(tx *store.Tx) error {
		page, next = nil, nil
		for arn, r := range table.Scan(tx, aws.ARN{Service: under.Service, Region: under.Region, Account: under.Account}) {
			if len(arn.Resource) < len(under.Resource) || arn.Resource[:len(under.Resource)] != under.Resource || token != nil && *id(&r.Is) <= *token {
				continue
			}
			if len(page) == int(aws.Or(most, 50)) {
				next = id(&page[len(page)-1])
				break
			}
			page = append(page, r.Is)
		}
		return tx.Err()
	})
	for i := range page {
		show(&page[i])
	}
	return next, err
}
