package apigateway

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateDeployment copies an API, to be served by stages; with the name of a
// stage, by that one from now on, which is made if it is not there.
func (s *Service) CreateDeployment(ctx context.Context, call *aws.Call, in *api.CreateDeploymentInput) (*api.Deployment, error) {
	d := deployment{Deployment: api.Deployment{Id: new(newID(6)), Description: in.Description, CreatedDate: now()}}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		if err := checkDeployable(tx, arn); err != nil {
			return err
		}
		if isPrivate(&row) && aws.Value(row.Policy) == "" {
			return errBad("Private REST API doesn't have a resource policy attached to it")
		}
		d.API = row
		if err := copyAll(tx, arn, *d.Id); err != nil {
			return err
		}
		if err := deployments.Put(tx, partKey{arn, *d.Id}, d); err != nil {
			return err
		}
		if in.CanarySettings != nil {
			return s.deployCanary(tx, arn, in, *d.Id)
		}
		if aws.Value(in.StageName) == "" {
			return nil
		}
		return s.deployTo(tx, arn, in, *d.Id)
	})
	if err != nil {
		return nil, err
	}
	return &d.Deployment, nil
}

// checkDeployable refuses to deploy what could not be served.
func checkDeployable(tx *store.Tx, arn aws.ARN) error {
	any := false
	for _, m := range methodsOf(tx, arn) {
		any = true
		if m.MethodIntegration == nil {
			return errors.Join(tx.Err(), errBad("No integration defined for method"))
		}
	}
	if !any {
		return errors.Join(tx.Err(), errBad("The REST API doesn't contain any methods"))
	}
	return tx.Err()
}

// copyAll copies what a deployment needs of the parts of an API.
func copyAll(tx *store.Tx, arn aws.ARN, id string) error {
	return errors.Join(
		copyTo(tx, resources, deployedResources, arn, id), copyTo(tx, models, deployedModels, arn, id), copyTo(tx, validators, deployedValidators, arn, id),
		copyTo(tx, authorizers, deployedAuthorizers, arn, id), copyTo(tx, responses, deployedResponses, arn, id),
	)
}

func copyTo[V any](tx *store.Tx, from store.Table[partKey, V], to store.Table[copyKey, V], arn aws.ARN, id string) error {
	for key, v := range from.Scan(tx, partKey{API: arn}) {
		if err := to.Put(tx, copyKey{arn, id, key.ID}, v); err != nil {
			return err
		}
	}
	return tx.Err()
}

// deleteCopies removes what deployments under key copied.
func deleteCopies(tx *store.Tx, key copyKey) error {
	return errors.Join(
		deployedResources.DeletePrefix(tx, key), deployedModels.DeletePrefix(tx, key), deployedValidators.DeletePrefix(tx, key),
		deployedAuthorizers.DeletePrefix(tx, key), deployedResponses.DeletePrefix(tx, key),
	)
}

// deployTo has a stage serve a new deployment.
func (s *Service) deployTo(tx *store.Tx, arn aws.ARN, in *api.CreateDeploymentInput, id string) error {
	key := partKey{arn, *in.StageName}
	row, err := stages.Get(tx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		row = *newStage(*in.StageName, id)
	case err != nil:
		return err
	}
	row.DeploymentId, row.LastUpdatedDate = &id, now()
	if in.StageDescription != nil {
		row.Description = in.StageDescription
	}
	if in.Variables != nil {
		row.Variables = in.Variables
	}
	if in.TracingEnabled != nil {
		row.TracingEnabled = in.TracingEnabled
	}
	setCluster(&row, in.CacheClusterEnabled, in.CacheClusterSize)
	return s.putStage(tx, key, &row)
}

// deployCanary has a part of the requests to a stage go to a new deployment.
func (s *Service) deployCanary(tx *store.Tx, arn aws.ARN, in *api.CreateDeploymentInput, id string) error {
	const need = "Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. Provided value is %s"
	if in.StageName == nil {
		return errBad(need, "null")
	}
	if *in.StageName == "" {
		return errBad(need, "")
	}
	key := partKey{arn, *in.StageName}
	row, err := stages.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return errBad("Invalid deployment content specified.Stage %s must already be created before making a canary release deployment", *in.StageName)
	}
	if err != nil {
		return err
	}
	c := in.CanarySettings
	row.CanarySettings = &api.CanarySettings{
		DeploymentId: &id, PercentTraffic: new(aws.Value(c.PercentTraffic)), StageVariableOverrides: c.StageVariableOverrides, UseStageCache: new(aws.Value(c.UseStageCache)),
	}
	row.LastUpdatedDate = now()
	return s.putStage(tx, key, &row)
}

// GetDeployment returns a deployment.
func (s *Service) GetDeployment(ctx context.Context, call *aws.Call, in *api.GetDeploymentInput) (*api.Deployment, error) {
	var d deployment
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		var key partKey
		if key, d, err = find(tx, deployments, call, in.RestApiId, "Deployment", in.DeploymentId); err != nil {
			return err
		}
		for _, e := range in.Embed {
			if e == "apisummary" {
				d.ApiSummary = summary(tx, key)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return &d.Deployment, nil
}

// summary is what a deployment has, by path and method.
func summary(tx *store.Tx, key partKey) map[string]map[string]api.MethodSnapshot {
	all := make(map[string]map[string]api.MethodSnapshot)
	for _, r := range deployedResources.Scan(tx, copyKey{API: key.API, Deployment: key.ID}) {
		for name, m := range r.ResourceMethods {
			if all[*r.Path] == nil {
				all[*r.Path] = make(map[string]api.MethodSnapshot)
			}
			all[*r.Path][name] = api.MethodSnapshot{AuthorizationType: m.AuthorizationType, ApiKeyRequired: m.ApiKeyRequired}
		}
	}
	return all
}

// GetDeployments lists the deployments of an API.
func (s *Service) GetDeployments(ctx context.Context, call *aws.Call, in *api.GetDeploymentsInput) (*api.GetDeploymentsOutput, error) {
	out := new(api.GetDeploymentsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, position, err := listParts(tx, deployments, call, in.RestApiId, in.Limit, in.Position)
		out.Items, out.Position = []api.Deployment{}, position
		for _, d := range rows {
			out.Items = append(out.Items, d.Deployment)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDeployment changes the description of a deployment.
func (s *Service) UpdateDeployment(ctx context.Context, call *aws.Call, in *api.UpdateDeploymentInput) (*api.Deployment, error) {
	var d deployment
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, deployments, call, in.RestApiId, "Deployment", in.DeploymentId)
		if err != nil {
			return err
		}
		d = found
		err = replace(in.PatchOperations, []string{"/description"}, func(c *change) error {
			d.Description = c.text()
			return nil
		})
		if err != nil {
			return err
		}
		return deployments.Put(tx, key, d)
	})
	if err != nil {
		return nil, err
	}
	return &d.Deployment, nil
}

// DeleteDeployment removes a deployment that no stage serves.
func (s *Service) DeleteDeployment(ctx context.Context, call *aws.Call, in *api.DeleteDeploymentInput) (*api.DeleteDeploymentOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, deployments, call, in.RestApiId, "Deployment", in.DeploymentId)
		if err != nil {
			return err
		}
		for _, row := range stages.Scan(tx, partKey{API: key.API}) {
			if *row.DeploymentId == key.ID || row.CanarySettings != nil && aws.Value(row.CanarySettings.DeploymentId) == key.ID {
				return errBad("Active stages pointing to this deployment must be moved or deleted")
			}
		}
		return errors.Join(tx.Err(), deleteCopies(tx, copyKey{API: key.API, Deployment: key.ID}), deployments.Delete(tx, key))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDeploymentOutput{}, nil
}
