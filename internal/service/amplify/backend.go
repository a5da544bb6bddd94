package amplify

import (
	"context"
	"iter"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func findBackend(tx *store.Tx, app aws.ARN, name string) (api.BackendEnvironment, error) {
	if _, err := findApp(tx, app); err != nil {
		return api.BackendEnvironment{}, err
	}
	b, err := backends.Get(tx, partKey{app, name})
	return b, orNotFound(err, "Backend environment %s not found.", name)
}

// CreateBackendEnvironment notes that an app has an environment, which the
// command line of Amplify makes.
func (s *Service) CreateBackendEnvironment(ctx context.Context, call *aws.Call, in *api.CreateBackendEnvironmentInput) (*api.CreateBackendEnvironmentOutput, error) {
	app, now := appARN(call, in.AppId), time.Now().UTC()
	b := api.BackendEnvironment{
		BackendEnvironmentArn: below(app, "backendenvironments", in.EnvironmentName).String(), EnvironmentName: in.EnvironmentName,
		StackName: in.StackName, DeploymentArtifacts: in.DeploymentArtifacts, CreateTime: now, UpdateTime: now,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, app); err != nil {
			return err
		}
		key := partKey{app, in.EnvironmentName}
		exists, err := backends.Has(tx, key)
		if err != nil {
			return err
		}
		if exists {
			return api.BadRequestException.Errorf("Backend environment %s already exists for the app %s.", in.EnvironmentName, in.AppId)
		}
		return backends.Put(tx, key, b)
	})
	return &api.CreateBackendEnvironmentOutput{BackendEnvironment: &b}, err
}

// GetBackendEnvironment returns an environment.
func (s *Service) GetBackendEnvironment(ctx context.Context, call *aws.Call, in *api.GetBackendEnvironmentInput) (*api.GetBackendEnvironmentOutput, error) {
	var b api.BackendEnvironment
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		b, err = findBackend(tx, appARN(call, in.AppId), in.EnvironmentName)
		return err
	})
	return &api.GetBackendEnvironmentOutput{BackendEnvironment: &b}, err
}

// ListBackendEnvironments lists the environments of an app.
func (s *Service) ListBackendEnvironments(ctx context.Context, call *aws.Call, in *api.ListBackendEnvironmentsInput) (*api.ListBackendEnvironmentsOutput, error) {
	app, out := appARN(call, in.AppId), &api.ListBackendEnvironmentsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, app); err != nil {
			return err
		}
		scan := func(after string) iter.Seq2[partKey, api.BackendEnvironment] {
			return func(yield func(partKey, api.BackendEnvironment) bool) {
				for key, b := range backends.ScanAfter(tx, partKey{App: app}, partKey{app, after}) {
					if aws.Or(in.EnvironmentName, b.EnvironmentName) == b.EnvironmentName && !yield(key, b) {
						return
					}
				}
			}
		}
		var err error
		out.BackendEnvironments, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k partKey, b api.BackendEnvironment) (string, api.BackendEnvironment) { return k.Name, b })
		return err
	})
	return out, err
}

// DeleteBackendEnvironment forgets an environment.
func (s *Service) DeleteBackendEnvironment(ctx context.Context, call *aws.Call, in *api.DeleteBackendEnvironmentInput) (*api.DeleteBackendEnvironmentOutput, error) {
	app := appARN(call, in.AppId)
	var b api.BackendEnvironment
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if b, err = findBackend(tx, app, in.EnvironmentName); err != nil {
			return err
		}
		return backends.Delete(tx, partKey{app, in.EnvironmentName})
	})
	return &api.DeleteBackendEnvironmentOutput{BackendEnvironment: &b}, err
}
