package apigatewayv2

import (
	"context"
	"maps"
	"regexp"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/store"
)

const defaultStage = "$default"

var stageName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// CreateStage adds a place at which users find an API.
func (s *Service) CreateStage(ctx context.Context, call *aws.Call, in *api.CreateStageInput) (*api.CreateStageOutput, error) {
	row := stageRow{
		AccessLogSettings: in.AccessLogSettings, AutoDeploy: new(aws.Value(in.AutoDeploy)), CreatedDate: now(), DefaultRouteSettings: in.DefaultRouteSettings, DeploymentId: in.DeploymentId,
		Description: in.Description, LastUpdatedDate: now(), RouteSettings: in.RouteSettings, StageName: &in.StageName, StageVariables: in.StageVariables, Tags: in.Tags,
	}
	if row.DefaultRouteSettings == nil {
		row.DefaultRouteSettings = &api.RouteSettings{DetailedMetricsEnabled: new(false)}
	}
	if err := checkLogs(in.AccessLogSettings, in.ClientCertificateId, call.Account); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		return s.addStage(tx, arn, &row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateStageOutput(row)), nil
}

// addStage keeps a new stage of the API, and deploys it if it is to be.
func (s *Service) addStage(tx *store.Tx, arn aws.ARN, row *stageRow) error {
	key := partKey{arn, *row.StageName}
	if found, err := stages.Has(tx, key); err != nil || found {
		if err == nil {
			err = api.ConflictException.Errorf("Stage already exists")
		}
		return err
	}
	return s.keepStage(tx, key, row)
}

// keepStage keeps a stage with the deployment it says, or with one of now.
func (s *Service) keepStage(tx *store.Tx, key partKey, row *stageRow) error {
	of, err := apis.Get(tx, key.API)
	if err != nil {
		return err
	}
	if err := checkStage(&of, row); err != nil {
		return err
	}
	s.dropAfter(tx, key.API)
	if *row.AutoDeploy {
		return deployLive(tx, key, row)
	}
	if row.DeploymentId != nil {
		if found, err := deployments.Has(tx, partKey{key.API, *row.DeploymentId}); err != nil || !found {
			if err == nil {
				err = errNo("Deployment")
			}
			return err
		}
	}
	return stages.Put(tx, key, *row)
}

func checkStage(of *apiRow, row *stageRow) error {
	if *row.StageName != defaultStage && !stageName.MatchString(*row.StageName) {
		return errBad("Stage name only allows a-zA-Z0-9_-")
	}
	if err := checkSettings(of, row.DefaultRouteSettings); err != nil {
		return err
	}
	for key, settings := range row.RouteSettings {
		if _, err := router.ParseKey(key); err != nil && !isWebSocket(of) {
			return errBad("Unable to find Route by key %s within the provided RouteSettings", key)
		}
		if err := checkSettings(of, &settings); err != nil {
			return err
		}
	}
	return nil
}

func checkSettings(of *apiRow, s *api.RouteSettings) error {
	switch {
	case s == nil:
		return nil
	case !isWebSocket(of) && s.LoggingLevel != nil && *s.LoggingLevel != api.LoggingLevelOff || !isWebSocket(of) && aws.Value(s.DataTraceEnabled):
		return errBad("Execution logs are not supported on protocolType HTTP")
	case s.ThrottlingBurstLimit != nil && *s.ThrottlingBurstLimit < 0 || s.ThrottlingRateLimit != nil && *s.ThrottlingRateLimit < 0:
		return errBad("Throttling limits must not be negative")
	}
	return nil
}

func checkLogs(settings *api.AccessLogSettings, certificate *string, account string) error {
	if settings != nil && settings.DestinationArn != nil {
		if _, ok := accesslog.GroupOf(*settings.DestinationArn, account); !ok {
			return errBad("Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': '%s'", *settings.DestinationArn)
		}
		if settings.Format == nil {
			return errBad("Access log format must be specified")
		}
		if _, err := accesslog.Parse(*settings.Format); err != nil {
			return errBad("%s", err)
		}
	}
	if aws.Value(certificate) != "" {
		return errNotYet("client certificates")
	}
	return nil
}

// GetStage returns a stage.
func (s *Service) GetStage(ctx context.Context, call *aws.Call, in *api.GetStageInput) (*api.GetStageOutput, error) {
	var row stageRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, stages, call, in.ApiId, "stage", in.StageName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetStages lists the stages of an API.
func (s *Service) GetStages(ctx context.Context, call *aws.Call, in *api.GetStagesInput) (*api.GetStagesOutput, error) {
	out := new(api.GetStagesOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.NextToken, err = list(tx, stages, call, in.ApiId, in.MaxResults, in.NextToken, listedStage)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func listedStage(r stageRow) api.Stage {
	return api.Stage{
		AccessLogSettings: r.AccessLogSettings, ApiGatewayManaged: r.ApiGatewayManaged, AutoDeploy: r.AutoDeploy, CreatedDate: r.CreatedDate, DefaultRouteSettings: r.DefaultRouteSettings,
		DeploymentId: r.DeploymentId, Description: r.Description, LastDeploymentStatusMessage: r.LastDeploymentStatusMessage, LastUpdatedDate: r.LastUpdatedDate,
		RouteSettings: r.RouteSettings, StageName: aws.Value(r.StageName), StageVariables: r.StageVariables, Tags: r.Tags,
	}
}

// UpdateStage changes a stage. Variables and settings that it does not name
// stay; an empty variable is removed.
func (s *Service) UpdateStage(ctx context.Context, call *aws.Call, in *api.UpdateStageInput) (*api.UpdateStageOutput, error) {
	if err := checkLogs(in.AccessLogSettings, in.ClientCertificateId, call.Account); err != nil {
		return nil, err
	}
	row, err := s.changeStage(ctx, call, in.ApiId, in.StageName, func(tx *store.Tx, key partKey, row *stageRow) error {
		if err := stopLive(tx, key, row, in.AutoDeploy); err != nil {
			return err
		}
		if in.DeploymentId != nil && *row.AutoDeploy {
			return errBad("Deployment ID cannot be set when autoDeploy is enabled")
		}
		setIf(&row.DeploymentId, in.DeploymentId)
		setIf(&row.Description, in.Description)
		setIf(&row.DefaultRouteSettings, in.DefaultRouteSettings)
		row.StageVariables = merged(row.StageVariables, in.StageVariables)
		row.RouteSettings = merged(row.RouteSettings, in.RouteSettings)
		maps.DeleteFunc(row.StageVariables, func(_, v string) bool { return v == "" })
		setIf(&row.AccessLogSettings, in.AccessLogSettings)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateStageOutput(row)), nil
}

// merged returns m with what is new in changes. It changes neither.
func merged[V any](m, changes map[string]V) map[string]V {
	if changes == nil {
		return m
	}
	all := make(map[string]V)
	maps.Copy(all, m)
	maps.Copy(all, changes)
	return all
}

// changeStage changes the row of a stage.
func (s *Service) changeStage(ctx context.Context, call *aws.Call, apiID, name string, change func(*store.Tx, partKey, *stageRow) error) (stageRow, error) {
	var row stageRow
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, stages, call, apiID, "stage", name)
		if err != nil {
			return err
		}
		row = found
		if err := change(tx, key, &row); err != nil {
			return err
		}
		row.LastUpdatedDate = now()
		return s.keepStage(tx, key, &row)
	})
	return row, err
}

// ResetAuthorizersCache has a stage forget what authorizers said. It is made
// ready anew for that, with those of the same API.
func (s *Service) ResetAuthorizersCache(ctx context.Context, call *aws.Call, in *api.ResetAuthorizersCacheInput) (*api.ResetAuthorizersCacheOutput, error) {
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, _, err := find(tx, stages, call, in.ApiId, "stage", in.StageName)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.cache.Drop(in.ApiId)
	return &api.ResetAuthorizersCacheOutput{}, nil
}

// DeleteAccessLogSettings has a stage log no more.
func (s *Service) DeleteAccessLogSettings(ctx context.Context, call *aws.Call, in *api.DeleteAccessLogSettingsInput) (*api.DeleteAccessLogSettingsOutput, error) {
	_, err := s.changeStage(ctx, call, in.ApiId, in.StageName, func(_ *store.Tx, _ partKey, row *stageRow) error {
		row.AccessLogSettings = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAccessLogSettingsOutput{}, nil
}

// DeleteRouteSettings removes what a stage says of one route.
func (s *Service) DeleteRouteSettings(ctx context.Context, call *aws.Call, in *api.DeleteRouteSettingsInput) (*api.DeleteRouteSettingsOutput, error) {
	_, err := s.changeStage(ctx, call, in.ApiId, in.StageName, func(_ *store.Tx, _ partKey, row *stageRow) error {
		if _, ok := row.RouteSettings[in.RouteKey]; !ok {
			return errNo("Route")
		}
		row.RouteSettings = maps.Clone(row.RouteSettings)
		delete(row.RouteSettings, in.RouteKey)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRouteSettingsOutput{}, nil
}

// DeleteStage removes a stage.
func (s *Service) DeleteStage(ctx context.Context, call *aws.Call, in *api.DeleteStageInput) (*api.DeleteStageOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, err := find(tx, stages, call, in.ApiId, "stage", in.StageName)
		if err != nil {
			return err
		}
		if err := dropLive(tx, key.API, row.DeploymentId); err != nil {
			return err
		}
		s.dropAfter(tx, key.API)
		return stages.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteStageOutput{}, nil
}
