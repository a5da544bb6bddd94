package apigatewayv2

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// changed says that tx changes what stages of the API serve: those that deploy
// by themselves have a new deployment.
func (s *Service) changed(tx *store.Tx, arn aws.ARN) error {
	s.dropAfter(tx, arn)
	for key, row := range stages.Scan(tx, partKey{API: arn}) {
		if aws.Value(row.AutoDeploy) {
			if err := deployLive(tx, key, &row); err != nil {
				return err
			}
		}
	}
	return tx.Err()
}

// dropAfter has the API compiled anew once tx is kept.
func (s *Service) dropAfter(tx *store.Tx, arn aws.ARN) {
	id := strings.TrimPrefix(arn.Resource, "/apis/")
	tx.AfterCommit(func() { s.cache.Drop(id) })
}

// deployLive gives a stage that deploys by itself a deployment of now. It has
// no copy of the routes, since the stage serves them as they are.
func deployLive(tx *store.Tx, key partKey, row *stageRow) error {
	if err := dropLive(tx, key.API, row.DeploymentId); err != nil {
		return err
	}
	d := newDeployment("Automatic deployment triggered by changes to the Api configuration")
	d.AutoDeployed, d.Live = new(true), true
	row.DeploymentId = d.DeploymentId
	row.LastDeploymentStatusMessage = new("Successfully deployed stage with deployment ID '" + *d.DeploymentId + "'")
	row.LastUpdatedDate = now()
	if err := deployments.Put(tx, partKey{key.API, *d.DeploymentId}, d); err != nil {
		return err
	}
	return stages.Put(tx, key, *row)
}

// dropLive removes a deployment that was never more than a name.
func dropLive(tx *store.Tx, arn aws.ARN, id *string) error {
	if id == nil {
		return nil
	}
	key := partKey{arn, *id}
	d, err := deployments.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && !d.Live {
		return nil
	}
	if err != nil {
		return err
	}
	return deployments.Delete(tx, key)
}

// stopLive sets whether a stage deploys by itself. When it ceases to, it goes
// on with a copy of the routes as they are.
func stopLive(tx *store.Tx, key partKey, row *stageRow, auto *bool) error {
	was := *row.AutoDeploy
	row.AutoDeploy = new(aws.Or(auto, was))
	if !was || *row.AutoDeploy {
		return nil
	}
	d, err := deployments.Get(tx, partKey{key.API, *row.DeploymentId})
	if err != nil {
		return err
	}
	d.Live = false
	return copyRoutes(tx, key.API, &d)
}

func newDeployment(description string) deployment {
	return deployment{Deployment: api.Deployment{
		AutoDeployed: new(false), CreatedDate: now(), DeploymentId: new(newID(6)), DeploymentStatus: new(api.DeploymentStatusDeployed), Description: &description,
	}}
}

// copyRoutes keeps a deployment of the API as it is.
func copyRoutes(tx *store.Tx, arn aws.ARN, d *deployment) error {
	row, err := apis.Get(tx, arn)
	if err != nil {
		return err
	}
	d.Cors = row.CorsConfiguration
	for key, t := range liveRoutes(tx, arn) {
		if err := deployed.Put(tx, deployedKey{arn, *d.DeploymentId, key}, t); err != nil {
			return err
		}
	}
	if err := tx.Err(); err != nil {
		return err
	}
	return deployments.Put(tx, partKey{arn, *d.DeploymentId}, *d)
}

// liveRoutes returns the routes of an API as they are, by key. Errors are tx's.
func liveRoutes(tx *store.Tx, arn aws.ARN) map[string]target {
	byID := make(map[string]*api.Integration)
	for key, row := range integrations.Scan(tx, partKey{API: arn}) {
		byID["integrations/"+key.ID] = &row
	}
	guards := make(map[string]*authorizerRow)
	for key, row := range authorizers.Scan(tx, partKey{API: arn}) {
		guards[key.ID] = &row
	}
	schemas := schemasOf(tx, arn)
	all := make(map[string]target)
	for key, row := range routes.Scan(tx, partKey{API: arn}) {
		all[*row.RouteKey] = target{
			Integration: byID[aws.Value(row.Target)], Authorization: *row.AuthorizationType,
			Scopes: row.AuthorizationScopes, Authorizer: guards[aws.Value(row.AuthorizerId)], Socket: newSocketTarget(tx, key, &row, schemas),
		}
	}
	return all
}

// CreateDeployment copies the routes of an API, to be served by stages.
func (s *Service) CreateDeployment(ctx context.Context, call *aws.Call, in *api.CreateDeploymentInput) (*api.CreateDeploymentOutput, error) {
	d := newDeployment(aws.Value(in.Description))
	d.Description = in.Description
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if len(liveRoutes(tx, arn)) == 0 {
			return errors.Join(tx.Err(), errBad("At least one route is required before deploying the Api."))
		}
		if err := copyRoutes(tx, arn, &d); err != nil || in.StageName == nil {
			return err
		}
		key, row, err := find(tx, stages, call, in.ApiId, "stage", *in.StageName)
		if err != nil {
			return err
		}
		if *row.AutoDeploy {
			return errBad("Deployment ID cannot be set when autoDeploy is enabled")
		}
		row.DeploymentId, row.LastUpdatedDate = d.DeploymentId, now()
		return s.keepStage(tx, key, &row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateDeploymentOutput(d.Deployment)), nil
}

// GetDeployment returns a deployment.
func (s *Service) GetDeployment(ctx context.Context, call *aws.Call, in *api.GetDeploymentInput) (*api.GetDeploymentOutput, error) {
	var d deployment
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, d, err = find(tx, deployments, call, in.ApiId, "Deployment", in.DeploymentId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(api.GetDeploymentOutput(d.Deployment)), nil
}

// GetDeployments lists the deployments of an API.
func (s *Service) GetDeployments(ctx context.Context, call *aws.Call, in *api.GetDeploymentsInput) (*api.GetDeploymentsOutput, error) {
	out := new(api.GetDeploymentsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		listed := func(d deployment) api.Deployment { return d.Deployment }
		out.Items, out.NextToken, err = list(tx, deployments, call, in.ApiId, in.MaxResults, in.NextToken, listed)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDeployment changes the description of a deployment.
func (s *Service) UpdateDeployment(ctx context.Context, call *aws.Call, in *api.UpdateDeploymentInput) (*api.UpdateDeploymentOutput, error) {
	var d deployment
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, deployments, call, in.ApiId, "Deployment", in.DeploymentId)
		if err != nil {
			return err
		}
		d = found
		setIf(&d.Description, in.Description)
		return deployments.Put(tx, key, d)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateDeploymentOutput(d.Deployment)), nil
}

// DeleteDeployment removes a deployment that no stage serves.
func (s *Service) DeleteDeployment(ctx context.Context, call *aws.Call, in *api.DeleteDeploymentInput) (*api.DeleteDeploymentOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, deployments, call, in.ApiId, "Deployment", in.DeploymentId)
		if err != nil {
			return err
		}
		for _, row := range stages.Scan(tx, partKey{API: key.API}) {
			if aws.Value(row.DeploymentId) == key.ID {
				return errBad("Active stages pointing to this deployment must be moved or deleted")
			}
		}
		if err := deployed.DeletePrefix(tx, deployedKey{API: key.API, Deployment: key.ID}); err != nil {
			return err
		}
		return deployments.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDeploymentOutput{}, nil
}
